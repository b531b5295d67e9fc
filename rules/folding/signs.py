"""Which texts of a batch may be written around words: only those are looked at closely.

One look-up of every two neighbours finds pairs that ordinary text hardly has: common ones the wrong way round, parts
of characters, homophones of listed words. The rest is found where punctuation, digits and letters stand. These scans
are compiled (`rules.scans.signs`); what they find is looked at again here. A sign may be wrong, at the cost of time; a
text without any is one that the closer steps leave alone.
"""

import itertools
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import SEPARATOR, CodePoints, Flags, Positions
from rules.folding.contacts import names_contact
from rules.folding.homophones import stands_for
from rules.folding.language import language, pair_keys
from rules.folding.order import LONGEST_LINE
from rules.folding.parts import possible
from rules.folding.plain import Plain
from rules.folding.sign_tables import (
    BACKWARDS,
    CONTACT,
    INNER,
    PART,
    VARIANT,
    beginnings,
    inner_sieve,
    listed_pairs,
    pair_flags,
    sieve,
)
from rules.folding.spacing import LEAST_BITS, LEAST_INNER, SURPLUS, enough_inner, inner_pairs
from rules.folding.spelling import latin_keys, spells
from rules.scans import signs as scans

_NEAR = 7
"""Characters before a pair the wrong way round that are looked at again."""
_LEAST_BACK = 6
_SINGLE, _BESIDE = 1, 2
"""Signs of gaps, as in `rules.scans.signs`."""
_ROOM = 256


class Signs(NamedTuple):
    """bool[texts] each. order: which texts may have to be spaced or ordered anew, and then read. reading: which others
    have characters, numbers or words that read otherwise."""

    order: Flags
    reading: Flags


def signs(plain: Plain) -> Signs:
    """The signs of a plainly folded batch, of two codes or more."""
    codes, kinds, bounds, marks = plain.work.codes, plain.kinds, plain.work.bounds, plain.marks
    room = _ROOM + codes.size // 32
    places, found = _in_pairs(codes, bounds, room)
    order = [
        _runs_back(codes, places[found == BACKWARDS]),
        *_in_gaps(plain, room),
        _found(lambda out: scans.lines(codes.data, marks.data, bounds.data, plain.work.first.data, plain.gone.data,
                                       LONGEST_LINE, out), room),
    ]  # fmt: skip
    keys = _letter_keys()
    letters = _found(lambda out: scans.letters(codes.data, kinds.data, marks.data, *keys, out), room)
    reading = [
        possible(codes, places[(found & PART) != 0]),
        stands_for(codes, places[(found & VARIANT) != 0], bounds),
        names_contact(codes, places[(found & CONTACT) != 0]),
        _found(lambda out: scans.dictated(kinds.data, marks.data, bounds.data, out), room),
        spells(codes, letters),
    ]
    ordered = _texts(bounds, order)
    return Signs(ordered, _texts(bounds, reading) & ~ordered)


def _found(scan: Callable[[memoryview], int], room: int) -> Positions:
    """What a scan writes, given as much room as it takes."""
    while True:
        places = np.empty(room, np.int64)
        count = scan(places.data)
        if count <= room:
            return places[:count]
        room = count


def _texts(bounds: Positions, found: list[Positions]) -> Flags:
    """bool[texts]: those with one of the places found."""
    marked = np.zeros(bounds.size - 1, np.bool_)
    places = np.concatenate(found)
    if places.size:
        marked[np.searchsorted(bounds, places, side="right") - 1] = True
    return marked


def _in_pairs(codes: CodePoints, bounds: Positions, room: int) -> tuple[Positions, NDArray[np.uint8]]:
    """Places of pairs of neighbours that are signs, and which."""
    listed = listed_pairs()
    while True:
        places, found = np.empty(room, np.int64), np.empty(room, np.uint8)
        count = scans.pairs(codes.data, bounds.data, sieve().data, pair_flags().data, listed.keys.data,
                            listed.flags.data, places.data, found.data)  # fmt: skip
        if count <= room:
            return places[:count], found[:count]
        room = count


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


def _in_gaps(plain: Plain, room: int) -> tuple[Positions, Positions]:
    """Single characters in a row, and breaks within pairs."""
    codes, kinds, bounds = plain.work.codes, plain.kinds, plain.work.bounds
    while True:
        places, others, found = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint8)
        between = np.zeros(bounds.size - 1, np.int64)
        count = scans.gaps(codes.data, kinds.data, plain.marks.data, bounds.data, inner_sieve().data,
                           between.data, places.data, others.data, found.data)  # fmt: skip
        if count <= room:
            break
        room = count
    places, others, found = places[:count], others[:count], found[:count]
    beside = np.flatnonzero(found == _BESIDE)
    first, second = codes[places[beside]], codes[others[beside]]
    levels = language().levels
    counted = beside[(levels(first, second) > 0) | (levels(second, first) > 0)] if beside.size else beside
    inner = found == INNER
    pairs = pair_keys(codes[places[inner]], codes[others[inner]])
    singles = np.concatenate((places[found == _SINGLE], places[counted]))
    return singles, _inner(bounds, between, places[inner], pairs)


def _inner(bounds: Positions, between: Positions, places: Positions, pairs: CodePoints) -> Positions:
    """Where the texts begin that have enough breaks within pairs, all different ones.

    between: of each text, the breaks between Chinese characters. places: of those within pairs; pairs: their keys.
    """
    text = np.searchsorted(bounds, places, side="right") - 1
    if text.size < 2 or not (text[1:] == text[:-1]).any():
        return places[:0]
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
        return places[:0]
    texts, count = np.array(list(many)), np.array(list(many.values()))
    return np.asarray(bounds[texts[enough_inner(count, between[texts])]], np.int64)


@cache
def _letter_keys() -> tuple[memoryview, memoryview, memoryview, memoryview, memoryview]:
    """What the scan of letters takes."""
    keys = latin_keys()
    runs, whole, beside = (np.sort(table.view(np.uint64)) for table in (keys.runs, keys.whole, keys.beside))
    return beginnings().data, runs.data, whole.data, beside.data, keys.chains.view(np.uint8).data
