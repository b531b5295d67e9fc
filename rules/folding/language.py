"""How likely Chinese characters are to follow one another: what tells a clause from the same clause backwards.

Read from `rules/data/characters.tsv`. Levels are base-2 logarithms of counts; costs are in bits, lower for what is
more usual. Only characters up to U+FFFF have any.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints

Levels = NDArray[np.int8]

_BASIC = 0x10000
_SLOT_BITS = 18
"""Two choices out of 2^18 slots for each of 51,000 pairs: hardly any pair finds both taken."""
_TOTAL = 20.5
"""Bits of the number of characters counted, and of clauses below: a rare character costs this much."""
_CLAUSES = 17.5
_END = 4.0
"""Cost of a clause's end after a character that was never seen last."""
_UNSEEN = 2.5
"""Extra cost of a pair that was not counted."""


@dataclass(frozen=True, slots=True)
class Language:
    """Levels of characters and pairs.

    single, first, last: int8[0x10000], of the character anywhere, beginning a clause, ending one; 0 for never.
    pairs: the key of each pair counted, and its level.
    """

    single: Levels
    first: Levels
    last: Levels
    pairs: dict[int, int]
    _keys: CodePoints
    _levels: Levels
    _each: tuple[bytes, bytes, bytes]
    """single, first and last: a look at one byte of these costs a fifth of a look at an array."""

    def levels(self, left: CodePoints, right: CodePoints) -> Levels:
        """int8[n]: the level of each pair, 0 where it was not counted."""
        keys = pair_keys(left, right)
        one, other = _slots(keys)
        at = np.where(self._keys[one] == keys, one, other)
        return np.where(self._keys[at] == keys, self._levels[at], np.int8(0))

    def costs(self, left: CodePoints, right: CodePoints) -> NDArray[np.float32]:
        """float32[n]: `cost` of each pair; 0 for either is the edge of a clause."""
        left, right = np.minimum(left, _BASIC - 1), np.minimum(right, _BASIC - 1)
        begins, ends = left == 0, right == 0
        level = self.levels(left, right)
        level[begins], level[ends] = self.first[right[begins]], self.last[left[ends]]
        single = self.single[left].astype(np.float32)
        single[begins] = _CLAUSES
        rare = _TOTAL - self.single[right].astype(np.float32)
        rare[ends] = _END
        unseen = np.maximum(rare, single - 1.5) + _UNSEEN
        unseen[begins] = _TOTAL
        return np.asarray(np.where(level > 0, np.maximum(single - level, 0), unseen), np.float32)

    def cost(self, left: int, right: int) -> float:
        """Bits of `right` coming after `left`, two code points; 0 for either is the edge of a clause."""
        if left >= _BASIC or right >= _BASIC:
            return _TOTAL
        singles, first, last = self._each
        if not left:
            level = first[right]
            return _CLAUSES - level if level else _TOTAL
        single = singles[left]
        level = self.pairs.get(left << 16 | right, 0) if right else last[left]
        if level:
            return max(0.0, single - level)
        rare = _TOTAL - singles[right] if right else _END
        return max(rare, single - 1.5) + _UNSEEN


def pair_keys(left: CodePoints, right: CodePoints) -> CodePoints:
    """uint32[n]: a number for each pair of characters up to U+FFFF; what lies beyond shares the numbers of others."""
    return (left << np.uint32(16)) | (right & np.uint32(0xFFFF))


class PairSet:
    """A set of pairs of characters, for finding where in a text they stand."""

    def __init__(self, keys: Iterable[int]) -> None:
        """`keys`: of the pairs, as `pair_keys` gives them."""
        self._keys = np.array(sorted(keys), np.uint32)
        self._known = np.zeros(1 << _SLOT_BITS, np.bool_)
        self._known[_slots(self._keys)[0]] = True

    def places(self, codes: CodePoints) -> NDArray[np.int64]:
        """int64[n]: where one of the pairs begins."""
        pairs = pair_keys(codes[:-1], codes[1:])
        places = np.flatnonzero(self._known.take(_slots(pairs)[0]))
        pairs = pairs.take(places)
        at = np.minimum(np.searchsorted(self._keys, pairs), self._keys.size - 1)
        return np.asarray(places[self._keys[at] == pairs], np.int64)


@cache
def language() -> Language:
    """The table, read once."""
    single, first, last = (np.zeros(_BASIC, np.int8) for _ in range(3))
    pairs: dict[int, int] = {}
    table = (files("rules.data") / "characters.tsv").read_text("utf-8")
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        character, *levels, followers = line.split("\t")
        point = ord(character)
        single[point], first[point], last[point] = map(int, levels)
        for group in followers.split():
            level = group.rstrip(group.lstrip("0123456789"))
            for follower in group[len(level) :]:
                pairs[point << 16 | ord(follower)] = int(level)
    each = single.tobytes(), first.tobytes(), last.tobytes()  # levels are never below 0
    return Language(single, first, last, pairs, *_placed(pairs), each)


def _placed(pairs: dict[int, int]) -> tuple[CodePoints, Levels]:
    """The hash table: the commonest pairs first, each in one of its two slots if one is free."""
    order = sorted(pairs, key=lambda key: -pairs[key])
    keys = np.zeros(1 << _SLOT_BITS, np.uint32)
    levels = np.zeros(1 << _SLOT_BITS, np.int8)
    one, other = _slots(np.array(order, np.uint32))
    for key, *slots in zip(order, one.tolist(), other.tolist(), strict=True):
        for slot in slots:
            if not keys[slot]:
                keys[slot], levels[slot] = key, pairs[key]
                break
    return keys, levels


def _slots(keys: CodePoints) -> tuple[CodePoints, CodePoints]:
    """Two slots for each key (multiplicative hashing)."""
    shift = np.uint32(32 - _SLOT_BITS)
    return (keys * np.uint32(2654435761)) >> shift, (keys * np.uint32(2246822519)) >> shift
