"""The texts of a batch while they are folded: code points, where each came from, and the few ways to change them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rules.folding.codes import CodePoints, Flags, Positions, encode_points
from rules.folding.points import Kinds, points


class Change(NamedTuple):
    """What stands at [start, end) in the codes of a batch reads `text`; not empty, and within one text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Work:
    """Texts joined by SEPARATOR, each with one after it. Nothing is changed in place.

    codes: uint32[n]. first, last: int64[n], the first and last original position that each code stands for.
    bounds: int64[texts + 1], where each text starts in `codes`, and where the last one ends.
    """

    codes: CodePoints
    first: Positions
    last: Positions
    bounds: Positions

    def kinds(self) -> Kinds:
        """uint8[n], the kind of each code point."""
        return points().kind[self.codes]

    def text_of(self, positions: Positions) -> Positions:
        """int64[n]: which text each position belongs to."""
        return np.searchsorted(self.bounds, positions, side="right") - 1

    def keeping(self, keep: Flags) -> "Work":
        """Without the positions at which `keep` is false."""
        before = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep, dtype=np.int64)))
        return Work(self.codes[keep], self.first[keep], self.last[keep], before[self.bounds])

    def ordered(self, order: Positions) -> "Work":
        """With the codes in another order, `order[i]` saying which comes to place i; within each text."""
        return Work(self.codes[order], self.first[order], self.last[order], self.bounds)

    def changed(self, changes: Sequence[Change]) -> "Work":
        """With `changes` made; in order of start, none overlapping another.

        The original positions of a stretch are dealt out to the characters that it reads as, in order; each of
        them has one at least.
        """
        if not changes:
            return self
        codes: list[CodePoints] = []
        first: list[Positions] = []
        last: list[Positions] = []
        grown = np.zeros(self.codes.size + 1, np.int64)
        at = 0
        for start, end, text in changes:
            low, high = self._dealt(start, end, len(text))
            codes += (self.codes[at:start], encode_points(text))
            first += (self.first[at:start], low)
            last += (self.last[at:start], high)
            grown[end] += len(text) - (end - start)
            at = end
        return Work(
            np.concatenate((*codes, self.codes[at:])),
            np.concatenate((*first, self.first[at:])),
            np.concatenate((*last, self.last[at:])),
            self.bounds + np.cumsum(grown)[self.bounds],
        )

    def _dealt(self, start: int, end: int, count: int) -> tuple[Positions, Positions]:
        """First and last original positions of each of `count` characters that [start, end) reads as."""
        cuts = [start + (end - start) * index // count for index in range(count + 1)]
        spans = [(low, max(high, low + 1)) for low, high in itertools.pairwise(cuts)]
        low = [self.first[low:high].min() for low, high in spans]
        high = [self.last[low:high].max() for low, high in spans]
        return np.array(low, np.int64), np.array(high, np.int64)
