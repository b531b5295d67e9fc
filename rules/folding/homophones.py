"""What sounds or looks like a listed word is read as the word: 薇信 as 微信, 投柱 as 投注.

What only sounds alike is taken when its neighbours speak for it as well (`Language.cost`), and more easily in a text
that has several such words: spammers do not stop at one.
"""

from functools import cache

import numpy as np

from rules.folding.codes import CodePoints, Positions
from rules.folding.language import PairSet, language
from rules.folding.variants import Variant, variants
from rules.folding.work import Change, Work

ALONE = 17.0
"""Bits that a homophone must save to be taken for the word when it is the only one in a text."""
SEVERAL = 9.0
"""The same, in a text with two or more."""
_LONGEST = 12
"""More than the characters of a variant and one beside it."""


def chinese_variants(work: Work) -> Work:
    """Variants of Chinese characters alone."""
    codes = work.codes
    places = _pairs().places(codes)
    found: list[tuple[Change, float]] = []
    end = 0
    for place in places.tolist():
        if taken := _best(codes, place, end):
            end = taken[0].end
            found.append(taken)
    text = work.text_of(np.array([change.start for change, _ in found], np.int64))
    several = np.bincount(text, minlength=1) > 1 if found else np.zeros(1, np.bool_)
    return work.changed(
        [change for (change, gain), of in zip(found, text, strict=True) if gain >= ALONE or several[of]]
    )


@cache
def _pairs() -> PairSet:
    return PairSet(variants().chinese)


def _best(codes: CodePoints, place: int, floor: int) -> tuple[Change, float] | None:
    """The longest variant found by the pair at `place` that begins at `floor` or later, and the bits it saves."""
    base = max(place - _LONGEST, 0)
    around = codes[base : place + _LONGEST].tolist()
    at = place - base
    for variant in variants().chinese.get(around[at] << 16 | around[at + 1], ()):  # as `pair_keys`, but exact
        start = at - variant.offset
        if base + start < floor or start < 0 or around[start : start + len(variant.written)] != variant.written:
            continue
        gain = np.inf if variant.sure else _gain(around, start, variant)
        if gain >= SEVERAL:
            return Change(base + start, base + start + len(variant.written), variant.word), gain
    return None


def _gain(codes: list[int], start: int, variant: Variant) -> float:
    """Bits that reading the word instead of what is written saves, between the characters around it."""
    cost = language().cost
    end = start + len(variant.written)
    before = _edge(codes[start - 1]) if start else 0
    after = _edge(codes[end]) if end < len(codes) else 0
    gain = variant.saved + cost(before, variant.written[0]) - cost(before, ord(variant.word[0]))
    return gain + cost(variant.written[-1], after) - cost(ord(variant.word[-1]), after)


def _edge(point: int) -> int:
    """The character, 0 if it is none of a clause."""
    return point if 0x4E00 <= point < 0xA000 else 0


def stands_for(codes: CodePoints, places: Positions, bounds: Positions) -> Positions:
    """Those of the `places`, of pairs that variants are found by, at which `chinese_variants` takes one."""
    found = [(place, best[1]) for place in places.tolist() if (best := _best(codes, place, 0))]
    if not found:
        return places[:0]
    at, gain = np.array([place for place, _ in found]), np.array([gain for _, gain in found])
    text = np.searchsorted(bounds, at, side="right")
    several = np.zeros(at.size, np.bool_)
    several[1:] = text[1:] == text[:-1]
    return at[(gain >= ALONE) | several]
