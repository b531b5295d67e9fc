"""Tables by which signs of writing around words are found: flags of pairs of neighbours, and of runs of letters."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints
from rules.folding.contacts import contact_pairs
from rules.folding.language import language
from rules.folding.parts import parts
from rules.folding.spacing import inner_pairs
from rules.folding.variants import variants

BACKWARDS = 1
"""A common pair the wrong way round."""
STRONGLY = 2
"""A very common one."""
PART = 4
"""The first two parts of a character, one of them no word of its own."""
VARIANT = 8
"""The pair by which a variant of a listed word is found."""
CONTACT = 16
"""The beginning or the end of what names a contact."""
INNER = 32
"""A pair that no boundary parts; looked up across gaps only."""
_BESIDE = BACKWARDS | STRONGLY | PART | VARIANT | CONTACT

_SLOT_BITS = 20
_DIRECTED, _STRONGLY_DIRECTED = 4, 6
"""Levels by which a pair is more common than its reverse."""

Flags = NDArray[np.uint8]


@cache
def pair_flags() -> Flags:
    """uint8[2^20]: the flags of each pair by its slot; pairs that share one have those of both."""
    flags = np.zeros(1 << _SLOT_BITS, np.uint8)
    tables = language()
    counted = np.array(list(tables.pairs), np.uint32)
    left, right = counted >> np.uint32(16), counted & np.uint32(0xFFFF)
    more = tables.levels(left, right).astype(np.int16) - tables.levels(right, left)
    flags[_slots(right, left)[more >= _DIRECTED]] |= BACKWARDS  # slots of a flag may repeat
    flags[_slots(right, left)[more >= _STRONGLY_DIRECTED]] |= STRONGLY
    keys = np.array(list(inner_pairs()), np.uint32)
    flags[_slots(keys >> 16, keys & 0xFFFF)] |= INNER
    listed = listed_pairs()
    np.bitwise_or.at(flags, _slots(listed.keys >> 16, listed.keys & 0xFFFF), listed.flags)
    return flags


@cache
def sieve() -> Flags:
    """uint8[2^17]: a bit for each slot, set if the slot has a flag that neighbours may have. Small enough to stay in
    the processor's cache, unlike the flags, which only few places are looked up in."""
    return np.packbits((pair_flags() & _BESIDE) != 0, bitorder="little")


@cache
def inner_sieve() -> Flags:
    """uint8[2^17]: the same for the pairs that are INNER."""
    return np.packbits((pair_flags() & INNER) != 0, bitorder="little")


class Listed(NamedTuple):
    """keys: uint32[n], sorted, of pairs that begin something; flags: uint8[n], what."""

    keys: CodePoints
    flags: Flags


@cache
def listed_pairs() -> Listed:
    """The pairs of parts with one that is no word of its own, of variants and of contacts."""
    found: dict[int, int] = {}
    rare = (way.pieces[0] << 16 | way.pieces[1] for way in parts().split if way.rare)
    listed: tuple[tuple[Iterable[int], int], ...] = (
        (rare, PART),
        (variants().chinese, VARIANT),
        (contact_pairs(), CONTACT),
    )
    for several, flag in listed:
        for key in several:
            found[key] = found.get(key, 0) | flag
    keys = sorted(found)
    return Listed(np.array(keys, np.uint32), np.array([found[key] for key in keys], np.uint8))


def _slots(left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.uint32]:
    """The slot of each pair, as `rules.scans.signs.slot_of` gives it."""
    mixed = left.astype(np.uint32, copy=False) * np.uint32(2654435761)
    mixed += right.astype(np.uint32, copy=False) * np.uint32(2246822519)
    mixed >>= np.uint32(32 - _SLOT_BITS)
    return mixed


@cache
def beginnings() -> Flags:
    """uint8[1024]: by two characters, their last five bits each, whether a run that may be a form begins with them.

    A run of one letter may have anything after it.
    """
    known = np.zeros((32, 32), np.uint8)
    for run in (*variants().runs, *variants().syllables, *variants().contact):
        if len(run) == 1:
            known[ord(run) & 31] = 1
        else:
            known[ord(run[0]) & 31, ord(run[1]) & 31] = 1
    return known.reshape(-1)
