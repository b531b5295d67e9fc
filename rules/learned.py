"""Learned lexicons scored over a whole batch: how much the n-grams of an event speak for a clause.

A lexicon's value for an event is its bias plus, for each of its parts, the summed weight of the distinct n-grams
found in the part's fields, divided by the square root of their number: the cosine that linear classifiers of text
are trained on, so that saying a thing twice, or at length, changes nothing. A lexicon may name another power than the
root. Sums are of whole numbers, and powers are looked up, so values do not depend on the batch around an event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rules.ngrams import MAX_WEIGHT, WeightedNgrams
from rules.packs.model import FIELDS, LearnedLexicon, LearnedSignal
from rules.text import Folded

_UNIT = 1000
"""Weights are whole thousandths; of a lexicon with weights too large for that, whole parts as small as fit."""
_MAX_QUOTED = 24
"""N-grams that evidence is put together from, the weightiest first."""
_DIGITS = 4
_ROOT = 0.5


class _Group:
    """The parts that read the same fields, and their n-grams. Texts in no such field cost them nothing.

    mask: bits of the fields; owners: for each part, a column of the n-grams, the index of its signal.
    """

    def __init__(self, mask: int, parts: Sequence[tuple[int, Mapping[str, float]]], lengths: Sequence[float]) -> None:
        """parts: for each, the index of its signal, and its n-grams; lengths: of each signal, the power of their number
        that the sum is divided by."""
        self.mask = mask
        self.owners = [owner for owner, _ in parts]
        units = [min(_UNIT, int(MAX_WEIGHT / max(map(abs, own.values())))) for _, own in parts]
        self.ngrams = WeightedNgrams(
            [
                {ngram: round(weight * unit) for ngram, weight in own.items()}
                for unit, (_, own) in zip(units, parts, strict=True)
            ]
        )
        self._units = np.array(units)
        self._powers = {
            column: np.array([max(count, 1) ** lengths[owner] for count in range(len(own) + 1)])
            for column, (owner, own) in enumerate(parts)
            if lengths[owner] != _ROOT
        }
        """Column -> float64[n-grams + 1]: what a sum of so many n-grams is divided by, where that is not the root."""

    def values(
        self, folded: Folded, events: NDArray[np.int64], fields: NDArray[np.int64], count: int
    ) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.bool_]]]:
        """For each part its signal, float64[count] the values of the events, and bool[count] which say anything."""
        read = (self.mask >> fields) & 1 == 1
        if not read.any():
            return
        sums, known = self.ngrams.sums(folded.codes, folded.bounds, events, read, count)
        divisors = np.sqrt(np.maximum(known, 1))
        for column, powers in self._powers.items():
            divisors[:, column] = powers.take(known[:, column])
        values = sums / (self._units * divisors)
        yield from zip(self.owners, values.T, (known > 0).T, strict=True)


class LearnedSet:
    """The learned signals of a pack, compiled."""

    def __init__(self, signals: Sequence[LearnedSignal], lexicons: Mapping[str, LearnedLexicon]) -> None:
        """Raises NgramError when the n-grams cannot be compiled together."""
        self._signals = list(signals)
        self._bias = np.array([lexicons[signal.lexicon].bias for signal in signals])
        self._at_least = np.array([signal.at_least for signal in signals])
        parts: dict[int, list[tuple[int, Mapping[str, float]]]] = {}
        for owner, signal in enumerate(signals):
            for part in lexicons[signal.lexicon].parts:
                mask = sum(1 << FIELDS.index(field) for field in part.fields & signal.fields)
                parts.setdefault(mask, []).append((owner, part.ngrams))
        lengths = [lexicons[signal.lexicon].length for signal in signals]
        self.groups = [_Group(mask, found, lengths) for mask, found in parts.items()]
        self.size = sum(group.ngrams.count for group in self.groups)

    def score(
        self, folded: Folded, events: NDArray[np.int64], fields: NDArray[np.int64], count: int
    ) -> "LearnedScores":
        """Scores a batch. events, fields: int64[texts], the event and the index in FIELDS of each folded text."""
        values = np.zeros((count, len(self._signals)))
        spoken = np.zeros_like(values, np.bool_)
        for group in self.groups:
            for owner, value, speaks in group.values(folded, events, fields, count):
                values[:, owner] += value
                spoken[:, owner] |= speaks
        values = np.where(spoken, values + self._bias, 0.0).round(_DIGITS)
        return LearnedScores(self, folded, np.where(values >= self._at_least, np.maximum(values, 0.0), 0.0))

    def names(self) -> list[str]:
        """The names of the signals, by column."""
        return [signal.name for signal in self._signals]


class LearnedScores:
    """The learned values of one batch."""

    def __init__(self, learned: LearnedSet, folded: Folded, values: NDArray[np.float64]) -> None:
        """values: float64[events, signals], 0 where a signal says nothing."""
        self._learned = learned
        self._folded = folded
        self._found: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]] = {}
        """The n-grams of a group in a text; several lexicons quote from the same ones."""
        self.values = values

    def spans(self, signal: str, texts: range, fields: Sequence[int], most: int) -> list[tuple[int, int, int]]:
        """(text, start, end) in folded positions of the batch: up to `most` stretches that speak most for `signal`.

        texts: the texts of one event; fields: the index in FIELDS of every text of the batch.
        """
        owner = self._learned.names().index(signal)
        found: list[tuple[int, int, int, int]] = []
        for text in texts:
            weighty = self._weighty(owner, text, fields[text])
            found.extend((weight, text, start, end) for weight, start, end in _joined(weighty))
        return sorted((text, start, end) for _, text, start, end in sorted(found, reverse=True)[:most])

    def _weighty(self, owner: int, text: int, field: int) -> list[tuple[int, int, int]]:
        """(weight, start, end) of the n-grams in one text that speak most for the signal with the index `owner`."""
        low, high = int(self._folded.bounds[text]), int(self._folded.bounds[text + 1])
        rows: list[tuple[int, int, int]] = []
        for group in self._learned.groups:
            if not (group.mask >> field) & 1 or owner not in group.owners:
                continue
            found = self._found.get((group.mask, text))
            if found is None:
                found = self._found[group.mask, text] = group.ngrams.find(self._folded.codes[low:high])
            for column, of in enumerate(group.owners):
                if of == owner:
                    rows += group.ngrams.speaking(found, column)
        rows.sort(reverse=True)
        return [(weight, low + start, low + end) for weight, start, end in rows[:_MAX_QUOTED]]


def _joined(rows: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(weight, start, end): stretches that touch are put together."""
    stretches: list[tuple[int, int, int]] = []
    for weight, start, end in sorted(rows, key=lambda row: row[1:]):
        if stretches and start <= stretches[-1][2]:
            total, first, last = stretches[-1]
            stretches[-1] = total + weight, first, max(last, end)
        else:
            stretches.append((weight, start, end))
    return stretches
