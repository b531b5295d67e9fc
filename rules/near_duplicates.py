"""Near copies: fingerprints of folded texts that small edits, inserted noise and changed contacts do not move far.

Only letters count. Digits, punctuation, emoji and every run of Latin characters that holds a digit or a dot (numbers,
account names, addresses) are left out, so the copies of one template agree whatever contact each carries. Every two
neighbours of what is left, Chinese characters or Latin words, are a shingle, hashed to 64 bits; how often one occurs
does not matter. (Small edits break half as many again of shingles of three.)

* `simhashes`, for an account's own history: 64 bits a text, and the Hamming distance of two says how alike their
  texts are (Charikar 2002). Eight bytes are remembered, and compared with a few dozen others.
* `minhash_bands`, for meeting copies from anywhere: four keys a text, each made of three MinHash values (Broder 1997).
  Two texts that share the part s of their shingles have each key in common with probability s³, so some key with
  1-(1-s³)⁴: 98 % for s = 0.85, 10 % for s = 0.3. No comparison is needed: what meets under a key is alike.

All texts of a batch are hashed together with array operations; a text's cost is bounded by MAX_CHARACTERS.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.text import CodePoints, decode_points

BANDS = 4
_ROWS = 3
MIN_TOKENS = 8
"""A text with fewer characters or words has no fingerprint: too many people say the same few words."""
MAX_CHARACTERS = 16_384
"""Folded characters of a text that are read; the rest is ignored."""
MAX_DISTANCE = 16
"""Bits in which the simhashes of near copies may differ. Of messages with 5 % of their characters edited 99 % are
within it, with 10 % of them 95 %; unrelated messages differ in 32 ± 4 bits, and 1 pair in 5,000 is within it."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SEEDS = np.arange(1, BANDS * _ROWS + 1, dtype=np.uint64) * _GOLDEN
_BITS = np.arange(16, dtype=np.uint64)[:, None]
_LANES = np.uint64(0x0001_0001_0001_0001)
_TABLE = 0x20000
"""Code points from here on count as letters: in practice they are Chinese extensions."""
_LETTER, _WORD, _FOREIGN = 1, 2, 4
_JOINS_WORDS = "_-:/?&=%#+~"
_GROUP = 1 << 16
"""Characters hashed at once, which bounds the memory of a batch of long texts."""

Hashes = NDArray[np.uint64]


class _Shingles(NamedTuple):
    """Hashed shingles of some texts: `texts` are the indexes of those that have any, `starts` where theirs begin."""

    hashes: Hashes
    starts: NDArray[np.int64]
    texts: NDArray[np.int64]


def simhashes(texts: Sequence[CodePoints]) -> list[int | None]:
    """The simhash of each folded text; None for one with fewer than MIN_TOKENS characters or words."""
    found: list[int | None] = [None] * len(texts)
    for shingles in _shingles(texts):
        sizes = np.diff(shingles.starts, append=shingles.hashes.size)
        owners = np.repeat(np.arange(sizes.size, dtype=np.uint64), sizes)
        # A group has fewer than 65,536 texts with shingles: owner and hash are sorted as one number.
        ordered = np.sort(owners << np.uint64(48) | shingles.hashes >> np.uint64(16))
        first = np.ones(ordered.size, np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        distinct = np.add.reduceat(first.astype(np.int64), shingles.starts)
        starts = np.cumsum(distinct) - distinct
        hashes = _mixed(ordered[first] << np.uint64(16))
        # Four bits are counted at a time, each in 16 bits of its own: a text has fewer than 65,536 shingles.
        sums = np.add.reduceat((hashes >> _BITS) & _LANES, starts, axis=1)
        ones = np.ascontiguousarray(sums.T).view(np.uint16)
        packed = np.packbits(2 * ones.astype(np.int64) > distinct[:, None], axis=1)
        for text, row in zip(shingles.texts.tolist(), packed, strict=True):
            found[text] = int.from_bytes(row.tobytes(), "little")
    return found


def distance(first: int, second: int) -> int:
    """In how many bits two simhashes differ."""
    return (first ^ second).bit_count()


def minhash_bands(texts: Sequence[CodePoints]) -> list[tuple[int, ...]]:
    """BANDS keys of 64 bits for each folded text, none for one with fewer than MIN_TOKENS characters or words."""
    found: list[tuple[int, ...]] = [()] * len(texts)
    for shingles in _shingles(texts):
        least = np.minimum.reduceat(_mixed(shingles.hashes ^ _SEEDS[:, None]), shingles.starts, axis=1)
        rows = least.T.reshape(-1, BANDS, _ROWS)
        keys = np.broadcast_to(_SEEDS[:BANDS], rows.shape[:2])
        for row in range(_ROWS):
            keys = _mixed(keys * _GOLDEN + rows[:, :, row])
        for text, bands in zip(shingles.texts.tolist(), keys.tolist(), strict=True):
            found[text] = tuple(bands)
    return found


def compared(text: CodePoints) -> str:
    """What a fingerprint sees of a folded text, to show it to people: its letters, and a space between words."""
    codes = np.append(text[:MAX_CHARACTERS], np.uint32(0))
    places = np.flatnonzero(_counts(codes))
    letters = codes[places]
    latin = (_kinds()[np.minimum(letters, _TABLE)] & _WORD) != 0
    apart = np.flatnonzero(latin[1:] & latin[:-1] & (np.diff(places) > 1)) + 1
    return decode_points(np.insert(letters, apart, np.uint32(ord(" "))))


def _shingles(texts: Sequence[CodePoints]) -> Iterator[_Shingles]:
    """The shingles of the texts, a group of texts at a time."""
    first = 0
    while first < len(texts):
        last, size = first, 0
        while last < len(texts) and (last == first or size + len(texts[last]) <= _GROUP):
            size += min(len(texts[last]), MAX_CHARACTERS)
            last += 1
        shingles = _hashed(texts[first:last], first)
        if shingles.texts.size:
            yield shingles
        first = last


def _hashed(texts: Sequence[CodePoints], offset: int) -> _Shingles:
    separator = np.zeros(1, np.uint32)
    parts = [part for text in texts for part in (text[:MAX_CHARACTERS], separator)]
    codes = np.concatenate(parts)
    sizes = [len(parts[at]) + 1 for at in range(0, len(parts), 2)]
    keep = np.flatnonzero(_counts(codes))
    tokens, starts = _tokens(codes[keep], keep)
    owners = np.repeat(np.arange(len(texts)), sizes)[keep][starts]
    enough = np.bincount(owners, minlength=len(texts)) >= MIN_TOKENS
    first = np.flatnonzero((owners[:-1] == owners[1:]) & enough[owners[:-1]])
    present, begins = np.unique(owners[first], return_index=True)
    return _Shingles(_mixed(tokens[first] * _GOLDEN + tokens[first + 1]), begins, present + offset)


def _tokens(letters: CodePoints, places: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
    """(hashes, starts) of the words in `letters`: Latin ones that stood side by side are one word, others one each."""
    values = letters.astype(np.uint64)
    latin = (_kinds()[np.minimum(letters, _TABLE)] & _WORD) != 0
    follows = np.zeros(letters.size, np.bool_)
    follows[1:] = latin[1:] & latin[:-1] & (np.diff(places) == 1)
    starts = np.flatnonzero(~follows)
    if starts.size < letters.size:
        inside = np.arange(letters.size) - np.repeat(starts, np.diff(starts, append=letters.size))
        values = np.add.reduceat(_mixed(values | inside.astype(np.uint64) << np.uint64(21)), starts)
    else:
        values = _mixed(values)
    return values, starts


def _counts(codes: CodePoints) -> NDArray[np.bool_]:
    """Which of the characters count: letters that do not stand in a run of Latin characters with a digit or a dot."""
    kinds = _kinds()[np.minimum(codes, _TABLE)]
    letters = (kinds & _LETTER) != 0
    word = (kinds & _WORD) != 0
    edges = np.flatnonzero(np.diff(word, prepend=False))  # the last character is a separator: every run ends
    if not edges.size:
        return np.asarray(letters, np.bool_)
    begins, ends = edges[::2], edges[1::2]
    foreign = np.cumsum((kinds & _FOREIGN) != 0)
    contacts = foreign[ends - 1] > np.where(begins > 0, foreign[begins - 1], 0)
    inside = np.zeros(codes.size, np.int8)
    inside[begins[contacts]] = 1
    inside[ends[contacts]] = -1
    return np.asarray(letters & (np.cumsum(inside) == 0), np.bool_)


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64: every bit of the input moves every bit of the output. Wraps around."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is: a letter that counts, part of a Latin word, what makes such a word a contact."""
    kinds = np.zeros(_TABLE + 1, np.uint8)
    for point in range(1, _TABLE):
        category = unicodedata.category(chr(point))
        if category.startswith("L") and category != "Lm":
            kinds[point] = _LETTER
    for character in "abcdefghijklmnopqrstuvwxyz" + _JOINS_WORDS:
        kinds[ord(character)] |= _WORD
    for character in "0123456789.@":
        kinds[ord(character)] |= _WORD | _FOREIGN
    kinds[_TABLE] = _LETTER
    return kinds
