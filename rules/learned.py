"""Learned lexicons scored over a whole batch: how much the n-grams of an event speak for a clause.

A lexicon's value for an event is its bias plus, for each of its parts, the summed weight of the distinct n-grams
found in the part's fields, divided by the square root of their number: the cosine that linear classifiers of text
are trained on, so that saying a thing twice, or at length, changes nothing. Sums are of whole thousandths, so they do
not depend on the batch around an event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from rules.ngrams import MAX_NGRAM, NgramError, Ngrams, Windows
from rules.packs.model import FIELDS, LearnedLexicon, LearnedSignal
from rules.text import Folded, Positions

_UNIT = 1000
"""Weights are whole thousandths."""
_COUNT_BITS = 40
"""Of a sum of 64 bits the lower 40 hold the weights, and those above how many there are: both are added at once."""
_MAX_PARTS = 32
_MAX_QUOTED = 24
"""N-grams that evidence is put together from, the weightiest first."""
_DIGITS = 4

_FIRST = np.ones(1, np.bool_)

Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of one signal. owner: index of the signal; column: int64[n-grams of its group], for each n-gram its
    weight and, above it, 1; 0 for one that is not in this part."""

    owner: int
    column: Sums


class _Group:
    """The parts that read the same fields, and their n-grams. Texts in no such field cost them nothing."""

    def __init__(self, mask: int, parts: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """mask: bits of the fields; parts: for each, the index of its signal, and its n-grams."""
        if len(parts) > _MAX_PARTS:
            raise NgramError(f"{len(parts)} learned lexicons read the same fields; at most {_MAX_PARTS} can")
        rows = {ngram: row for row, ngram in enumerate(dict.fromkeys(chain.from_iterable(own for _, own in parts)))}
        self.mask = mask
        self.size = len(rows)
        self.parts = [_Part(owner, _column(rows, ngrams)) for owner, ngrams in parts]
        self._ngrams = Ngrams(rows)
        self._members = np.zeros(len(rows), np.uint32)
        """By n-gram, a bit for each part that has it."""
        for index, part in enumerate(self.parts):
            self._members[part.column != 0] |= np.uint32(1 << index)

    def find(self, folded: Folded, fields: NDArray[np.int64]) -> Windows | None:
        """Where its n-grams stand, in the texts it reads; None when it reads none. fields: int64[texts]."""
        readable = (self.mask >> fields) & 1 == 1
        if readable.all():
            return self._ngrams.find(folded.codes)
        if not readable.any():
            return None
        read = np.flatnonzero(np.repeat(readable, np.diff(folded.bounds)))
        windows = self._ngrams.find(folded.codes.take(read))
        return Windows(read.take(windows.start), windows.ngram, windows.length)

    def sums(self, windows: Windows, event_at: NDArray[np.int64], count: int) -> list[Sums]:
        """For each part, int64[count]: the sum of its column over the distinct n-grams of each event.

        event_at: int64[codes], the event that each code of the batch belongs to.
        """
        totals = [np.zeros(count, np.int64) for _ in self.parts]
        edges = np.searchsorted(windows.length, range(1, MAX_NGRAM + 2))
        for low, high in pairwise(edges.tolist()):
            ngram, event = windows.ngram[low:high], event_at.take(windows.start[low:high])
            kept = distinct(event * self.size + ngram)
            ngram, event = ngram.take(kept), event.take(kept)
            members = self._members.take(ngram)
            for index, (part, total) in enumerate(zip(self.parts, totals, strict=True)):
                own = np.flatnonzero((members & np.uint32(1 << index)) != 0)  # flags are searched many times faster
                if not own.size:
                    continue
                of_own = event.take(own)
                # Windows of one length come in order of event.
                runs = np.flatnonzero(np.concatenate((_FIRST, of_own[1:] != of_own[:-1])))
                total[of_own.take(runs)] += np.add.reduceat(part.column.take(ngram.take(own)), runs)
        return totals


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
        self.groups = [_Group(mask, found) for mask, found in parts.items()]
        self.size = sum(group.size for group in self.groups)

    def score(
        self, folded: Folded, events: NDArray[np.int64], fields: NDArray[np.int64], count: int
    ) -> "LearnedScores":
        """Scores a batch. events, fields: int64[texts], the event and the index in FIELDS of each folded text."""
        values = np.zeros((count, len(self._signals)))
        spoken = np.zeros_like(values, np.bool_)
        event_at = np.repeat(events, np.diff(folded.bounds)) if self.groups else events
        windows = [group.find(folded, fields) for group in self.groups]
        for group, found in zip(self.groups, windows, strict=True):
            if found is None:
                continue
            for part, total in zip(group.parts, group.sums(found, event_at, count), strict=True):
                known, weight = _split(total)
                values[:, part.owner] += weight / (_UNIT * np.sqrt(np.maximum(known, 1)))
                spoken[:, part.owner] |= known > 0
        values = np.where(spoken, values + self._bias, 0.0).round(_DIGITS)
        return LearnedScores(self, windows, folded, np.where(values >= self._at_least, np.maximum(values, 0.0), 0.0))

    def names(self) -> list[str]:
        """The names of the signals, by column."""
        return [signal.name for signal in self._signals]


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
        self, learned: LearnedSet, windows: Sequence[Windows | None], folded: Folded, values: NDArray[np.float64]
    ) -> None:
        """windows: what each group found. values: float64[events, signals], 0 where a signal says nothing."""
        self._learned = learned
        self._windows = windows
        self._folded = folded
        self.values = values

    def spans(self, signal: str, texts: range, fields: Sequence[int], most: int) -> list[tuple[int, int, int]]:
        """(text, start, end) in folded positions of the batch: up to `most` stretches that speak most for `signal`.

        texts: the texts of one event; fields: the index in FIELDS of every text of the batch.
        """
        owner = self._learned.names().index(signal)
        found: list[tuple[int, int, int, int]] = []
        for text in texts:
            weighty = sorted(self._weighty(owner, text, fields[text]), reverse=True)[:_MAX_QUOTED]
            found.extend((weight, text, start, end) for weight, start, end in _joined(weighty))
        return sorted((text, start, end) for _, text, start, end in sorted(found, reverse=True)[:most])

    def _weighty(self, owner: int, text: int, field: int) -> Iterator[tuple[int, int, int]]:
        """(weight, start, end) of the n-grams in one text that speak for the signal with the index `owner`."""
        low, high = int(self._folded.bounds[text]), int(self._folded.bounds[text + 1])
        for group, windows in zip(self._learned.groups, self._windows, strict=True):
            if windows is None or not (group.mask >> field) & 1:
                continue
            inside = windows.within(low, high)
            start, ngram = windows.start.take(inside), windows.ngram.take(inside)
            end = start + windows.length.take(inside)
            for part in group.parts:
                if part.owner == owner:
                    weight = _split(part.column.take(ngram))[1]
                    rows = zip(weight.tolist(), start.tolist(), end.tolist(), strict=True)
                    yield from (row for row in rows if row[0] > 0)


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
