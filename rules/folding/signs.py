"""Which texts of a batch may be written around words: only those are looked at closely.

One look-up of every two neighbours finds pairs that ordinary text hardly has: common ones the wrong way round, parts
of characters, homophones of listed words. The rest is found where punctuation, digits and letters stand. A sign may
be wrong, at the cost of time; a text without any is one that the closer steps leave alone.
"""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import SEPARATOR, CodePoints, Flags, Positions
from rules.folding.contacts import contact_pairs, names_contact
from rules.folding.homophones import stands_for
from rules.folding.language import language, pair_keys
from rules.folding.order import LONGEST_LINE
from rules.folding.parts import parts, possible
from rules.folding.plain import Plain
from rules.folding.points import BREAK, CHINESE, DIGIT, DROPPED, LETTER, NUMERAL, Kinds
from rules.folding.spacing import LEAST_BITS, LEAST_INNER, SURPLUS, Gaps, enough_inner, inner_pairs, runs_of
from rules.folding.spelling import CHAIN_SHIFT, LEAST_CHAIN, LONGEST_RUN, beside_keys, latin_keys, spells
from rules.folding.variants import variants

_BACKWARDS = 1
"""A common pair the wrong way round."""
_STRONGLY = 2
"""A very common one."""
_PART = 4
"""The first two parts of a character, one of them no word of its own."""
_VARIANT = 8
"""The pair by which a variant of a listed word is found."""
_CONTACT = 16
"""The beginning or the end of what names a contact."""
_INNER = 32
"""A pair that no boundary parts; looked up across gaps only."""
_BESIDE = _BACKWARDS | _STRONGLY | _PART | _VARIANT | _CONTACT

_SLOT_BITS = 20
_DIRECTED, _STRONGLY_DIRECTED = 4, 6
"""Levels by which a pair is more common than its reverse."""
_NEAR = 7
"""Characters within which three pairs the wrong way round are a sign."""
_CLOSE = 3
"""The same, for two pairs of which one is very common."""
_LEAST_BACK = 6
_NEWLINE = 10
_OFFSETS = np.arange(LONGEST_RUN)
_SHIFTS = 5 * (LONGEST_RUN - 1 - _OFFSETS)


class Signs(NamedTuple):
    """bool[texts] each. order: which texts may have to be spaced or ordered anew, and then read. reading: which others
    have characters, numbers or words that read otherwise."""

    order: Flags
    reading: Flags


def signs(plain: Plain) -> Signs:
    """The signs of a plainly folded batch, of two codes or more."""
    codes, kinds, bounds = plain.work.codes, plain.kinds, plain.work.bounds
    back, *reading = _in_pairs(codes, bounds)
    others = np.flatnonzero(kinds != CHINESE)
    marks = kinds[others]
    filling = others[(marks & (BREAK | DROPPED)) != 0]
    gaps = Gaps(codes, filling)
    order = _texts(
        bounds, [back, *_in_gaps(codes, kinds, gaps, bounds), _columns(codes, plain.work.first, plain.gone, filling)]
    )
    reading += (_numerals(kinds, others[(marks & NUMERAL) != 0]), _letters(codes, kinds, others[(marks & LETTER) != 0]))
    return Signs(order, _texts(bounds, reading) & ~order)


def _texts(bounds: Positions, found: list[Positions]) -> Flags:
    """bool[texts]: those with one of the places found."""
    marked = np.zeros(bounds.size - 1, np.bool_)
    places = np.concatenate(found)
    if places.size:
        marked[np.searchsorted(bounds, places, side="right") - 1] = True
    return marked


@cache
def _pair_flags() -> NDArray[np.uint8]:
    """uint8[2^20]: the flags of each pair by its slot; pairs that share one have those of both."""
    flags = np.zeros(1 << _SLOT_BITS, np.uint8)
    tables = language()
    counted = np.array(list(tables.pairs), np.uint32)
    left, right = counted >> np.uint32(16), counted & np.uint32(0xFFFF)
    more = tables.levels(left, right).astype(np.int16) - tables.levels(right, left)
    flags[_slots(right, left)[more >= _DIRECTED]] |= _BACKWARDS  # slots of a flag may repeat
    flags[_slots(right, left)[more >= _STRONGLY_DIRECTED]] |= _STRONGLY
    keys = np.array(list(inner_pairs()), np.uint32)
    flags[_slots(keys >> 16, keys & 0xFFFF)] |= _INNER
    listed = _listed_pairs()
    np.bitwise_or.at(flags, _slots(listed.keys >> 16, listed.keys & 0xFFFF), listed.flags)
    return flags


@cache
def _sieve() -> NDArray[np.uint8]:
    """uint8[2^17]: a bit for each slot, set if the slot has a flag that neighbours may have. Small enough to stay in
    the processor's cache, unlike the flags, which only few places are looked up in."""
    return np.packbits((_pair_flags() & _BESIDE) != 0, bitorder="little")


def _sifted(slots: NDArray[np.uint32]) -> Flags:
    """bool[n]: which slots have a flag."""
    bits = _sieve().take(slots >> np.uint32(3), mode="clip")
    bits >>= (slots & np.uint32(7)).astype(np.uint8)
    bits &= 1
    return bits.view(np.bool_)


class _Listed(NamedTuple):
    """keys: uint32[n], sorted, of pairs that begin something; flags: uint8[n], what."""

    keys: CodePoints
    flags: NDArray[np.uint8]


@cache
def _listed_pairs() -> _Listed:
    """The pairs of parts with one that is no word of its own, of variants and of contacts."""
    found: dict[int, int] = {}
    rare = (way.pieces[0] << 16 | way.pieces[1] for way in parts().split if way.rare)
    listed: tuple[tuple[Iterable[int], int], ...] = (
        (rare, _PART),
        (variants().chinese, _VARIANT),
        (contact_pairs(), _CONTACT),
    )
    for several, flag in listed:
        for key in several:
            found[key] = found.get(key, 0) | flag
    keys = sorted(found)
    return _Listed(np.array(keys, np.uint32), np.array([found[key] for key in keys], np.uint8))


def _slots(left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.uint32]:
    """The slot of each pair (multiplicative hashing)."""
    mixed = left.astype(np.uint32, copy=False) * np.uint32(2654435761)
    mixed += right.astype(np.uint32, copy=False) * np.uint32(2246822519)
    mixed >>= np.uint32(32 - _SLOT_BITS)
    return mixed


def _in_pairs(codes: CodePoints, bounds: Positions) -> Iterator[Positions]:
    slots = _slots(codes[:-1], codes[1:])
    places = np.flatnonzero(_sifted(slots))
    flags = _pair_flags()[slots[places]]
    turned = np.flatnonzero((flags & _BACKWARDS) != 0)
    turned = turned[(codes[places[turned]] != SEPARATOR) & (codes[places[turned] + 1] != SEPARATOR)]
    back, strong = places[turned], (flags[turned] & _STRONGLY) != 0
    text = np.searchsorted(bounds, back, side="right")
    three = back[2:][(back[2:] - back[:-2] <= _NEAR) & (text[2:] == text[:-2])]
    two = back[1:][(back[1:] - back[:-1] <= _CLOSE) & (strong[1:] | strong[:-1]) & (text[1:] == text[:-1])]
    yield _runs_back(codes, np.concatenate((three, two)))
    places = places[(flags & (_PART | _VARIANT | _CONTACT)) != 0]
    table = _listed_pairs()
    pairs = pair_keys(codes[places], codes[places + 1])
    at = np.minimum(np.searchsorted(table.keys, pairs), table.keys.size - 1)
    listed = np.flatnonzero(table.keys[at] == pairs)
    places, flags = places[listed], table.flags[at[listed]]
    yield possible(codes, places[(flags & _PART) != 0])
    yield stands_for(codes, places[(flags & _VARIANT) != 0], bounds)
    yield names_contact(codes, places[(flags & _CONTACT) != 0])


def _runs_back(codes: CodePoints, places: Positions) -> Positions:
    """Those of the `places` before which pairs read much better the other way round."""
    levels = language().pairs.get
    found = []
    for place in places.tolist():
        around = codes[max(place - _NEAR, 0) : place + 2].tolist()
        before = [at for at, code in enumerate(around[:-1]) if code == SEPARATOR]
        around = around[before[-1] :] if before else [SEPARATOR, *around] if place <= _NEAR else around
        pairs = [*itertools.pairwise(around)]
        backwards = sum(levels(right << 16 | left, 0) for left, right in pairs)
        forwards = sum(levels(left << 16 | right, 0) for left, right in pairs)
        if backwards - forwards >= _LEAST_BACK and backwards >= 2 * forwards:
            found.append(place)
    return np.array(found, np.int64)


def _in_gaps(codes: CodePoints, kinds: Kinds, gaps: Gaps, bounds: Positions) -> Iterator[Positions]:
    """Single characters in a row, and breaks within pairs."""
    start, end = gaps.start, gaps.end
    if start.size < 2:
        return
    yield _singles(codes, kinds, gaps)
    before, after = kinds[start - 1], kinds[end]
    chinese = (before & after & CHINESE) != 0
    place = start[chinese]
    left, right = codes[place - 1], codes[end[chinese]]
    inner = np.flatnonzero((_pair_flags()[_slots(left, right)] & _INNER) != 0)
    if inner.size > 1:
        yield _inner(bounds, place, inner, pair_keys(left[inner], right[inner]))


def _singles(codes: CodePoints, kinds: Kinds, gaps: Gaps) -> Positions:
    """Where two single characters in a row begin, three one below the other, or some digits."""
    single = gaps.start[1:] == gaps.end[:-1] + 1
    if not single.any():
        return np.empty(0, np.int64)
    newline = codes[gaps.start] == _NEWLINE
    below = single & newline[1:] & newline[:-1]
    two = np.flatnonzero(single[1:] & single[:-1])
    one, other = gaps.end[two], gaps.end[two + 1]
    digits = (kinds[one] & kinds[other] & DIGIT) != 0
    chinese = (kinds[one] & kinds[other] & CHINESE) != 0
    likely = ~digits & (codes[one] != codes[other])
    first, second = codes[one[chinese]], codes[other[chinese]]
    likely[chinese] &= (language().levels(first, second) > 0) | (language().levels(second, first) > 0)
    # Digits one by one, in a number of six or more.
    long = np.flatnonzero(digits)
    likely[long[3:][two[long[3:]] - two[long[:-3]] == 3]] = True
    return np.concatenate((gaps.start[1:][below], one[likely]))


def _inner(bounds: Positions, place: Positions, inner: Positions, pairs: CodePoints) -> Positions:
    """Which places with breaks within pairs are in texts that have enough of them, all different ones.

    place: of each break between Chinese characters. inner: the numbers of those within pairs; pairs: their keys.
    """
    text = np.searchsorted(bounds, place[inner], side="right")
    if text.size < 2 or not (text[1:] == text[:-1]).any():
        return inner[:0]
    known = inner_pairs()
    different: dict[int, set[int]] = {}
    for number, pair in zip(text.tolist(), pairs.tolist(), strict=True):
        if pair in known:
            different.setdefault(number, set()).add(pair)
    many = {
        number: len(found)
        for number, found in different.items()
        if len(found) >= LEAST_INNER and sum(known[pair] - SURPLUS for pair in found) >= LEAST_BITS
    }
    if not many:
        return inner[:0]
    texts, count = np.array(list(many)), np.array(list(many.values()))
    first, last = (np.searchsorted(place, bounds[texts - offset]) for offset in (1, 0))
    return np.asarray(bounds[texts[enough_inner(count, last - first)] - 1], np.int64)


def _numerals(kinds: Kinds, at: Positions) -> Positions:
    """Those Chinese digits, at the places given, that are among five digits in a row."""
    digit = NUMERAL | DIGIT
    at = at[((kinds[np.maximum(at - 1, 0)] | kinds[at + 1]) & digit) != 0]  # a NUL comes after the last
    if not at.size:
        return at
    around = at[:, None] + np.arange(-4, 5)
    near = ((kinds[np.clip(around, 0, kinds.size - 1)] & digit) != 0) & (around >= 0)
    runs = near[:, :5]
    for shift in range(1, 5):
        runs = runs & near[:, shift : shift + 5]
    return np.asarray(at[runs.any(axis=1)], np.int64)


def _letters(codes: CodePoints, kinds: Kinds, letters: Positions) -> Positions:
    """Runs of letters, at the places given, that stand for a word, or for a part of one."""
    start, end = runs_of(letters)
    begins = np.flatnonzero(_beginnings()[codes[start] & 31, codes[start + 1] & 31])
    start, end = start[begins], end[begins]
    key = _run_keys(codes, start, end - start)
    keys = latin_keys()
    known = _isin(key, keys.runs) & (end - start <= LONGEST_RUN)
    chain = keys.chains[key >> CHAIN_SHIFT] & (end - start >= LEAST_CHAIN)
    promising = np.flatnonzero(known | chain)
    if not promising.size:
        return promising
    start, end, key = start[promising], end[promising], key[promising]
    known, chain = known[promising], chain[promising]
    before, after = np.where(start > 0, start - 1, codes.size - 1), end  # the last is a NUL
    for _ in range(2):  # separators that part a run from the rest of a form
        before = np.maximum(before - ((kinds[before] & DROPPED) != 0), 0)
        after = np.minimum(after + ((kinds[after] & DROPPED) != 0), codes.size - 1)
    form = known & (_isin(key, keys.whole) | (((kinds[after] & LETTER) != 0) & (end - start > 1)))
    for beside in (before, after):
        form |= _isin(beside_keys(key, codes[beside]), keys.beside) & known
    chain &= ((kinds[before] | kinds[after]) & CHINESE) != 0
    return spells(codes, start[form | chain])


@cache
def _beginnings() -> Flags:
    """bool[32, 32]: by two characters, their last five bits each, whether a run that may be a form begins with them.

    A run of one letter may have anything after it.
    """
    known = np.zeros((32, 32), np.bool_)
    for run in (*variants().runs, *variants().syllables, *variants().contact):
        if len(run) == 1:
            known[ord(run) & 31] = True
        else:
            known[ord(run[0]) & 31, ord(run[1]) & 31] = True
    return known


def _run_keys(codes: CodePoints, start: Positions, length: Positions) -> NDArray[np.int64]:
    """int64[n]: the key of each run of letters, as `spelling.run_key` makes it."""
    places = np.minimum(start[:, None] + _OFFSETS, codes.size - 1)
    letters = np.where(length[:, None] > _OFFSETS, codes[places] - np.uint32(96), 0).astype(np.int64)
    letters <<= _SHIFTS
    return np.asarray(letters.sum(axis=1), np.int64)


def _isin(values: NDArray[np.int64], table: NDArray[np.int64]) -> Flags:
    return np.asarray(table[np.minimum(np.searchsorted(table, values), table.size - 1)] == values, np.bool_)


def _columns(codes: CodePoints, origin: Positions, gone: Positions, filling: Positions) -> Positions:
    """The first of three lines of about the same length, of two characters or more, folded or as they were written.

    filling: the places of all that is no word.
    """
    points = codes[filling]
    if np.count_nonzero(points == _NEWLINE) < 2:
        return np.empty(0, np.int64)
    ends = filling[(points == _NEWLINE) | (points == 0)]
    newline = codes[ends] == _NEWLINE
    written = origin[ends]
    folded, written = (np.diff(places, prepend=-1) - 1 for places in (ends, written - np.searchsorted(gone, written)))
    alike = (np.abs(np.diff(folded)) <= 2) | (np.abs(np.diff(written)) <= 2)
    alike &= newline[:-1] & (folded[1:] <= LONGEST_LINE) & (folded[1:] > 1) & (folded[:-1] > 1)
    return np.asarray(ends[:-2][alike[1:] & alike[:-1]], np.int64)
