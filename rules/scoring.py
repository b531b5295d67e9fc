"""Every lexicon signal of a pack scored over a whole batch with a few array operations.

A word counts once for an event and a signal, however often it occurs; a signal's value is the sum of
the weights of its distinct words, and 0 below its threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.lexicon import Automaton, Matches, folded_words
from rules.packs.model import FIELDS, LexiconSignal
from rules.text import Folded, fold_batch

_MAX_SPANS = 3
"""Occurrences of words quoted as evidence for one signal."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The texts of a batch of events: parallel lists, in order of event. `field` indexes FIELDS."""

    texts: list[str]
    event: list[int]
    field: list[int]

    def add(self, event: int, field: int, text: str) -> None:
        """Adds one text of one event, unless it is empty."""
        if text:
            self.texts.append(text)
            self.event.append(event)
            self.field.append(field)


@dataclass(frozen=True, slots=True)
class Span:
    """A word found: [start, end) in code points of the original text of segment `segment`."""

    segment: int
    start: int
    end: int


class Scored:
    """The scores of one batch, and where the words stand."""

    def __init__(self, scorer: "Scorer", segments: Segments, folded: Folded, matches: Matches) -> None:
        self.segments = segments
        self.folded = folded
        self._scorer = scorer
        self._matches = matches
        self._events = np.array(segments.event, np.int64)

    def hits(self) -> Iterator[tuple[int, str, float]]:
        """(event, signal, value) of every signal that fires, in order of event."""
        return self._scorer.hits(self._matches, self._events, np.array(self.segments.field, np.int64))

    def spans(self, event: int, signal: str) -> list[Span]:
        """Up to three places where words of `signal` stand in `event`."""
        first, last = np.searchsorted(self._events, [event, event + 1])
        low, high = np.searchsorted(self._matches.text, [first, last])
        spans: list[Span] = []
        for at in range(low, high):
            segment = int(self._matches.text[at])
            if self._scorer.counts(signal, int(self._matches.word[at]), self.segments.field[segment]):
                start, end = int(self._matches.start[at]), int(self._matches.end[at])
                spans.append(Span(segment, *self.folded.original_span(start, end, segment)))
        spans.sort(key=lambda span: (span.segment, span.start, -span.end))
        return _outermost(spans)[:_MAX_SPANS]

    def segments_of(self, event: int) -> range:
        """The segments of one event."""
        first, last = np.searchsorted(self._events, [event, event + 1])
        return range(int(first), int(last))


class Scorer:
    """The lexicon signals of a pack, compiled: one automaton, and for each word the signals it counts for."""

    def __init__(self, signals: Sequence[LexiconSignal], words: Mapping[str, Mapping[str, float]]) -> None:
        """`words`: for each lexicon, its words as written and their weights."""
        self._names = [signal.name for signal in signals]
        self._at_least = np.array([signal.at_least for signal in signals], np.float64)
        folded = {name: folded_words(entries) for name, entries in words.items()}
        entries: dict[str, list[tuple[int, float, int]]] = {}
        for column, signal in enumerate(signals):
            mask = sum(1 << FIELDS.index(field) for field in signal.fields)
            for form, (_, weight) in folded[signal.lexicon].items():
                entries.setdefault(form, []).append((column, weight, mask))
        self._automaton = Automaton(entries)
        flat = [entry for found in entries.values() for entry in found]
        self._pointer = np.cumsum([0, *(len(found) for found in entries.values())])
        self._column = np.array([column for column, _, _ in flat], np.int64)
        self._weight = np.array([weight for _, weight, _ in flat], np.float64)
        self._mask = np.array([mask for _, _, mask in flat], np.int64)
        self.size = len(entries)

    def score(self, segments: Segments) -> Scored:
        """Folds and scans the batch."""
        folded = fold_batch(segments.texts)
        return Scored(self, segments, folded, self._automaton.scan(folded))

    def hits(
        self, matches: Matches, events: NDArray[np.int64], fields: NDArray[np.int64]
    ) -> Iterator[tuple[int, str, float]]:
        """See `Scored.hits`."""
        if not matches.word.size:
            return
        counts = self._pointer[matches.word + 1] - self._pointer[matches.word]
        match = np.repeat(np.arange(matches.word.size), counts)
        step = np.arange(match.size) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = self._pointer[matches.word[match]] + step
        segment = matches.text[match]
        counted = (self._mask[entry] >> fields[segment]) & 1 == 1
        distinct = np.unique(events[segment[counted]] * self._column.size + entry[counted])
        event, entry = np.divmod(distinct, self._column.size)
        cells, inverse = np.unique(event * len(self._names) + self._column[entry], return_inverse=True)
        values = np.bincount(inverse, weights=self._weight[entry])
        event, column = np.divmod(cells, len(self._names))
        fires = (values > 0) & (values >= self._at_least[column])
        names = self._names
        for at, of, value in zip(event[fires].tolist(), column[fires].tolist(), values[fires].tolist(), strict=True):
            yield at, names[of], value

    def counts(self, signal: str, word: int, field: int) -> bool:
        """Whether `word` counts for `signal` in `field`."""
        column = self._names.index(signal)
        return any(
            self._column[entry] == column and (int(self._mask[entry]) >> field) & 1
            for entry in range(int(self._pointer[word]), int(self._pointer[word + 1]))
        )


def _outermost(spans: list[Span]) -> list[Span]:
    """Without spans that lie inside another one; `spans` are sorted by segment, start, and longest first."""
    result: list[Span] = []
    for span in spans:
        if result and result[-1].segment == span.segment and span.end <= result[-1].end:
            continue
        result.append(span)
    return result
