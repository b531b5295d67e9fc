"""Every lexicon signal of a pack scored over a whole batch with a few array operations.

A word counts once for an event and a signal, however often it occurs; a signal's value is the sum of
the weights of its distinct words, and 0 below its threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.lexicon import Automaton, Matches, folded_words
from rules.packs.model import FIELDS, LexiconSignal
from rules.text import Folded, fold_batch

_MAX_SPANS = 3
"""Occurrences of words quoted as evidence for one signal."""


class Segments:
    """The texts of a batch of events, in order of event.

    texts: the texts; event, field: for each, its event and its index in FIELDS.
    """

    __slots__ = ("_starts", "event", "field", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.event: list[int] = []
        self.field: list[int] = []
        self._starts: list[int] = []

    def begin(self) -> None:
        """The texts added from now on belong to the next event."""
        self._starts.append(len(self.texts))

    def add(self, field: int, text: str) -> None:
        """Adds one text of the event begun last, unless it is empty."""
        if text:
            self.texts.append(text)
            self.event.append(len(self._starts) - 1)
            self.field.append(field)

    def of(self, event: int) -> range:
        """The texts of one event."""
        last = self._starts[event + 1] if event + 1 < len(self._starts) else len(self.texts)
        return range(self._starts[event], last)


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
        self._rows: tuple[int, list[tuple[int, int, int, int]]] = (-1, [])
        self._texts: dict[int, str] = {}

    def hits(self, events: int, wanted: Sequence[int] = ()) -> dict[int, dict[str, float]]:
        """Event -> signal -> value, for the events in which a trigger fires, and for those `wanted` anyway.

        `events`: how many the batch has.
        """
        fields = np.array(self.segments.field, np.int64)
        return self._scorer.hits(self._matches, np.array(self.segments.event, np.int64), fields, events, wanted)

    def folded_text(self, segment: int) -> str:
        """The folded form of one text; several patterns read the same one."""
        text = self._texts.get(segment)
        if text is None:
            text = self._texts[segment] = self.folded.text(segment)
        return text

    def spans(self, event: int, signal: str) -> list[Span]:
        """Up to three places where words of `signal` stand in `event`, in order, none inside another."""
        if self._rows[0] != event:
            self._rows = event, self._matches_in(event)
        fields = self._scorer.fields_of(signal)
        found = [
            (segment, start, end)
            for segment, start, end, word in self._rows[1]
            if (fields.get(word, 0) >> self.segments.field[segment]) & 1
        ]
        return [
            Span(segment, *self.folded.original_span(start, end, segment))
            for segment, start, end in _outermost(found)[:_MAX_SPANS]
        ]

    def _matches_in(self, event: int) -> list[tuple[int, int, int, int]]:
        """(segment, start, end, word) of the words in one event, in folded positions of the batch."""
        texts, found = self.segments.of(event), self._matches
        low, high = np.searchsorted(found.text, [texts.start, texts.stop])
        columns = (found.text, found.start, found.end, found.word)
        return list(zip(*(column[low:high].tolist() for column in columns), strict=True))


class Scorer:
    """The lexicon signals of a pack, compiled: one automaton, and for each word the signals it counts for."""

    def __init__(
        self,
        signals: Sequence[LexiconSignal],
        words: Mapping[str, Mapping[str, float]],
        triggers: Mapping[str, float] | None = None,
    ) -> None:
        """`words`: for each lexicon, its words as written and their weights. `triggers`: the signals that make an
        event worth looking at, and the value they must have for that; all of them by default."""
        least = dict.fromkeys((signal.name for signal in signals), 0.0) if triggers is None else triggers
        self._triggers = np.array([least.get(signal.name, np.inf) for signal in signals])
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
        self._fields_of: dict[str, dict[int, int]] = {signal.name: {} for signal in signals}
        for word, found in enumerate(entries.values()):
            for column, _, mask in found:
                self._fields_of[self._names[column]][word] = mask
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
        self,
        matches: Matches,
        events: NDArray[np.int64],
        fields: NDArray[np.int64],
        count: int,
        wanted: Sequence[int],
    ) -> dict[int, dict[str, float]]:
        """See `Scored.hits`. `events` and `fields`: of each text."""
        if not matches.word.size:
            return {}
        counts = self._pointer[matches.word + 1] - self._pointer[matches.word]
        match = np.repeat(np.arange(matches.word.size), counts)
        step = np.arange(match.size) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = self._pointer[matches.word[match]] + step
        segment = matches.text[match]
        counted = (self._mask[entry] >> fields[segment]) & 1 == 1
        distinct = np.unique(events[segment[counted]] * self._column.size + entry[counted])
        event, entry = np.divmod(distinct, self._column.size)
        cells, inverse = np.unique(event * len(self._names) + self._column[entry], return_inverse=True)
        values = np.bincount(inverse, weights=self._weight[entry]).round(9)  # ten tenths are 1
        event, column = np.divmod(cells, len(self._names))
        fires = (values > 0) & (values >= self._at_least[column])
        looked_at = np.zeros(count, np.bool_)
        looked_at[list(wanted)] = True
        looked_at[event[fires & (values >= self._triggers[column])]] = True
        fires &= looked_at[event]
        found: dict[int, dict[str, float]] = {}
        for at, of, value in zip(event[fires].tolist(), column[fires].tolist(), values[fires].tolist(), strict=True):
            found.setdefault(at, {})[self._names[of]] = value
        return found

    def fields_of(self, signal: str) -> dict[int, int]:
        """Word -> the bits of the fields in which it counts for `signal`."""
        return self._fields_of[signal]


def _outermost(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(segment, start, end) in order, without spans that lie inside another one."""
    result: list[tuple[int, int, int]] = []
    for span in sorted(spans, key=lambda span: (span[1], -span[2])):
        if result and span[2] <= result[-1][2]:
            continue
        result.append(span)
    return result
