"""Learned lexicons scored over a whole batch: how much the n-grams of an event speak for a clause.

A lexicon's value for an event is its bias plus, for each of its parts, the summed weight of the distinct n-grams
found in the part's fields, divided by the square root of their number: the cosine that linear classifiers of text
are trained on, so that saying a thing twice, or at length, changes nothing. Sums are of whole thousandths, so they do
not depend on the batch around an event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rules.ngrams import MAX_NGRAM, Ngrams, Windows
from rules.packs.model import FIELDS, LearnedLexicon, LearnedSignal
from rules.text import Folded, Positions

_UNIT = 1000
"""Weights are whole thousandths."""
_COUNT_BITS = 40
"""Of a sum of 64 bits the lower 40 hold the weights, and those above how many there are: both are added at once."""
_MAX_QUOTED = 24
"""N-grams that evidence is put together from, the weightiest first."""
_DIGITS = 4

Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of one signal. owner: index of the signal; mask: bits of its fields; column: int64[n-grams], for each
    n-gram its weight and, above it, 1; 0 for one that is not in this part."""

    owner: int
    mask: int
    column: Sums


class LearnedSet:
    """The learned signals of a pack, compiled."""

    def __init__(self, signals: Sequence[LearnedSignal], lexicons: Mapping[str, LearnedLexicon]) -> None:
        """Raises NgramError when the n-grams cannot be compiled together."""
        self._signals = list(signals)
        self._bias = np.array([lexicons[signal.lexicon].bias for signal in signals])
        self._at_least = np.array([signal.at_least for signal in signals])
        parts = [
            (owner, sum(1 << FIELDS.index(field) for field in part.fields & signal.fields), part.ngrams)
            for owner, signal in enumerate(signals)
            for part in lexicons[signal.lexicon].parts
        ]
        rows: dict[str, int] = {}
        for _, _, ngrams in parts:
            for ngram in ngrams:
                rows.setdefault(ngram, len(rows))
        self._ngrams = Ngrams(rows)
        self.size = len(rows)
        self._weights: dict[tuple[str, int], NDArray[np.int64]] = {}
        self._parts = [_Part(owner, mask, _column(rows, ngrams)) for owner, mask, ngrams in parts]

    def score(
        self, folded: Folded, events: NDArray[np.int64], fields: NDArray[np.int64], count: int
    ) -> "LearnedScores":
        """Scores a batch. events, fields: int64[texts], the event and the index in FIELDS of each folded text."""
        if not self._parts or not count:
            return LearnedScores(self, None, folded, np.zeros((count, len(self._signals)), np.float64))
        windows = self._ngrams.find(folded)
        # Which text each window is in: a table over the characters beats a search.
        text = np.repeat(np.arange(events.size, dtype=np.int32), np.diff(folded.bounds)).take(windows.start)
        values = np.zeros((count, len(self._signals)))
        spoken = np.zeros_like(values, np.bool_)
        for mask in dict.fromkeys(part.mask for part in self._parts):
            parts = [part for part in self._parts if part.mask == mask]
            sums = self._sums(parts, windows, text, events, (mask >> fields) & 1 == 1, count)
            for part, total in zip(parts, sums, strict=True):
                known, weight = _split(total)
                values[:, part.owner] += weight / (_UNIT * np.sqrt(np.maximum(known, 1)))
                spoken[:, part.owner] |= known > 0
        values = np.where(spoken, values + self._bias, 0.0).round(_DIGITS)
        return LearnedScores(self, windows, folded, np.where(values >= self._at_least, np.maximum(values, 0.0), 0.0))

    def _sums(  # noqa: PLR0917
        self,
        parts: Sequence[_Part],
        windows: Windows,
        text: NDArray[np.int32],
        events: NDArray[np.int64],
        readable: NDArray[np.bool_],
        count: int,
    ) -> list[Sums]:
        """For each part, int64[count]: the sum of its column over the distinct n-grams of each event.

        text: int32[windows], the text each is in; readable: bool[texts], whether these parts read it.
        """
        totals = [np.zeros(count, np.int64) for _ in parts]
        if not readable.any():
            return totals
        edges = np.searchsorted(windows.length, range(1, MAX_NGRAM + 2))
        for low, high in pairwise(edges.tolist()):
            ngram, of = windows.ngram[low:high], text[low:high]
            if not readable.all():
                seen = np.flatnonzero(readable.take(of))
                ngram, of = ngram[seen], of[seen]
            if not ngram.size:
                continue
            event = events.take(of)
            kept = distinct(event * self.size + ngram)
            ngram, event = ngram.take(kept), event.take(kept)
            runs = np.flatnonzero(np.diff(event, prepend=-1))  # windows of one length come in order of event
            of_run = event.take(runs)
            for part, total in zip(parts, totals, strict=True):
                total[of_run] += np.add.reduceat(part.column.take(ngram), runs)
        return totals

    def column(self, signal: str) -> int:
        """The index of a signal."""
        return next(index for index, known in enumerate(self._signals) if known.name == signal)

    def names(self) -> list[str]:
        """The names of the signals, by column."""
        return [signal.name for signal in self._signals]

    def weights_of(self, signal: str, field: int) -> NDArray[np.int64]:
        """int64[n-grams]: the weight, in thousandths, that each n-gram has for a signal in one field."""
        known = self._weights.get((signal, field))
        if known is None:
            owner = self.column(signal)
            total = np.zeros(self.size, np.int64)
            for part in self._parts:
                if part.owner == owner and (part.mask >> field) & 1:
                    total += part.column
            known = self._weights[signal, field] = _split(total)[1]
        return known


def _split(sums: Sums) -> tuple[Sums, Sums]:
    """How many n-grams were added up, and their weights."""
    count = (sums + (1 << (_COUNT_BITS - 1))) >> _COUNT_BITS
    return count, sums - (count << _COUNT_BITS)


def _column(rows: Mapping[str, int], ngrams: Mapping[str, float]) -> Sums:
    column = np.zeros(len(rows), np.int64)
    for ngram, weight in ngrams.items():
        column[rows[ngram]] = round(weight * _UNIT) + (1 << _COUNT_BITS)
    return column


class LearnedScores:
    """The learned values of one batch."""

    def __init__(
        self, learned: LearnedSet, windows: Windows | None, folded: Folded, values: NDArray[np.float64]
    ) -> None:
        """values: float64[events, signals], 0 where a signal says nothing."""
        self._learned = learned
        self._windows = windows
        self._folded = folded
        self.values = values

    def spans(self, signal: str, texts: range, fields: Sequence[int], most: int) -> list[tuple[int, int, int]]:
        """(text, start, end) in folded positions of the batch: up to `most` stretches that speak most for `signal`.

        texts: the texts of one event; fields: the index in FIELDS of every text of the batch.
        """
        found: list[tuple[float, int, int, int]] = []
        for text in texts:
            weights = self._learned.weights_of(signal, fields[text])
            found.extend((weight, text, start, end) for weight, start, end in self._stretches(text, weights))
        return sorted((text, start, end) for _, text, start, end in sorted(found, reverse=True)[:most])

    def _stretches(self, text: int, weights: NDArray[np.int64]) -> list[tuple[float, int, int]]:
        """(weight, start, end): the weightiest n-grams of one text, those that touch put together."""
        if self._windows is None:
            return []
        low, high = int(self._folded.bounds[text]), int(self._folded.bounds[text + 1])
        inside = self._windows.within(low, high)
        weight = weights[self._windows.ngram[inside]]
        best = inside[np.argsort(-weight, kind="stable")[:_MAX_QUOTED]]
        rows = sorted(
            (int(self._windows.start[at]), int(self._windows.length[at]), int(weights[self._windows.ngram[at]]))
            for at in best
        )
        stretches: list[tuple[float, int, int]] = []
        for start, length, worth in rows:
            if worth <= 0:
                continue
            if stretches and start <= stretches[-1][2]:
                total, first, end = stretches[-1]
                stretches[-1] = total + worth, first, max(end, start + length)
            else:
                stretches.append((worth, start, start + length))
        return stretches


def distinct(keys: NDArray[np.int64]) -> Positions:
    """Indices of one occurrence of each different key, in order; linear in their number.

    Each key writes its index to a slot of a table and reads back who is there. Whoever finds himself stays; one who
    finds an equal key is a repeat; the few who meet another key by chance are sorted.
    """
    bits = max(4, int(keys.size).bit_length() + 1)
    mixed = keys.astype(np.uint32) * np.uint32(0x9E37_79B1)  # of the lower bits: all of them, in any but giant batches
    slots = (mixed >> np.uint32(32 - bits)).astype(np.int64)
    table = np.empty(1 << bits, np.int32)
    order = np.arange(keys.size, dtype=np.int32)
    table[slots] = order
    winner = table.take(slots)
    stays = winner == order
    lost = np.flatnonzero(~stays)
    strangers = lost[keys[winner[lost]] != keys[lost]]
    stays[strangers[np.unique(keys[strangers], return_index=True)[1]]] = True
    return np.flatnonzero(stays)
