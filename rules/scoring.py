"""Every lexicon signal of a pack scored over a whole batch with a few array operations.

A word counts once for an event and a signal, however often it occurs; a signal's value is the sum of
the weights of its distinct words, and 0 below its threshold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.learned import LearnedScores, LearnedSet
from rules.lexicon import Automaton, Matches
from rules.packs.model import LexiconSignal
from rules.text import CodePoints, Folded, fold_batch, joined_points
from rules.uses import Uses
from rules.words import Word, as_words

_MAX_SPANS = 3
"""Occurrences of words quoted as evidence for one signal."""


class Segments:
    """The texts of a batch of events, in order of event.

    texts: the texts; event, field: for each, its event and its index in FIELDS.
    """

    __slots__ = ("_codes", "_starts", "event", "field", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.event: list[int] = []
        self.field: list[int] = []
        self._starts: list[int] = []
        self._codes: tuple[int, CodePoints] | None = None

    def codes(self) -> CodePoints:
        """uint32[n]: the texts as they are, joined by `rules.text.joined_points`."""
        if self._codes is None or self._codes[0] != len(self.texts):
            self._codes = len(self.texts), joined_points(self.texts)
        return self._codes[1]

    def begin(self) -> None:
        """The texts added from now on belong to the next event."""
        self._starts.append(len(self.texts))

    def begin_each(self, field: int, texts: Sequence[str]) -> None:
        """An event for each of `texts`; as `begin` and `add`, which cost more."""
        if not all(texts):
            for text in texts:
                self.begin()
                self.add(field, text)
            return
        self.event += range(len(self._starts), len(self._starts) + len(texts))
        self._starts += range(len(self.texts), len(self.texts) + len(texts))
        self.field += [field] * len(texts)
        self.texts += texts

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


class Found(NamedTuple):
    """A word that counts for `signal` at [start, end) in folded positions of the batch. `word`: a number that all forms
    of one word have in common."""

    signal: str
    segment: int
    start: int
    end: int
    weight: float
    word: int


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
        self._match, self._use = scorer.uses.counted(matches, folded, segments.texts, segments.field)
        self._segment = matches.text[self._match]
        self._learned: LearnedScores | None = None
        self._counted: tuple[NDArray[np.int64], ...] | None = None
        """Of every word found that counts: its column, its text, and where it starts and ends."""
        self._rows: tuple[int, dict[int, list[tuple[int, int, int]]]] = (-1, {})
        self._texts: dict[int, str] = {}
        self._encoded: dict[tuple[int, bool], bytes] = {}

    def hits(self, kinds: Sequence[int], wanted: Sequence[int] = ()) -> dict[int, dict[str, float]]:
        """Event -> signal -> value, for the events in which a trigger fires, and for those `wanted` anyway.

        `kinds`: for each event of the batch, which of the scorer's sets of triggers counts.
        """
        event = np.array(self.segments.event, np.int64)
        fields = np.array(self.segments.field, np.int64)
        self._learned = self._scorer.learned.score(self.folded, event, fields, len(kinds))
        return self._scorer.hits(
            event[self._segment], self._use, self._learned.values, np.array(kinds, np.int64), wanted
        )

    def folded_text(self, segment: int) -> str:
        """The folded form of one text; several patterns read the same one."""
        text = self._texts.get(segment)
        if text is None:
            text = self._texts[segment] = self.folded.text(segment)
        return text

    def encoded(self, segment: int, *, original: bool) -> bytes:
        """One text in UTF-8, folded or as it was written; several patterns read the same one."""
        key = segment, original
        found = self._encoded.get(key)
        if found is None:
            text = self.segments.texts[segment] if original else self.folded_text(segment)
            found = self._encoded[key] = text.encode()
        return found

    def spans(self, event: int, signal: str) -> list[Span]:
        """Up to three places where words of `signal` stand in `event`, in order, none inside another."""
        if self._scorer.is_learned(signal):
            return self._learned_spans(event, signal)
        if self._rows[0] != event:
            self._rows = event, self._uses_in(event)
        found = self._rows[1].get(self._scorer.column(signal), [])
        return [
            Span(segment, *self.folded.original_span(start, end, segment))
            for segment, start, end in _outermost(found)[:_MAX_SPANS]
        ]

    def found(self, event: int) -> list[Found]:
        """Every word that counts in `event`, for each signal and wherever it stands, in order of text."""
        texts, scorer = self.segments.of(event), self._scorer
        low, high = np.searchsorted(self._segment, [texts.start, texts.stop])
        match, use = self._match[low:high], self._use[low:high]
        rows = zip(
            scorer.uses.column[use].tolist(),
            self._segment[low:high].tolist(),
            self._matches.start[match].tolist(),
            self._matches.end[match].tolist(),
            scorer.uses.weight[use].tolist(),
            scorer.uses.words(use).tolist(),
            strict=True,
        )
        return [Found(scorer.name(column), *rest) for column, *rest in rows]

    def _learned_spans(self, event: int, signal: str) -> list[Span]:
        if self._learned is None:
            return []
        found = self._learned.spans(signal, self.segments.of(event), self.segments.field, _MAX_SPANS)
        return [Span(text, *self.folded.original_span(start, end, text)) for text, start, end in found]

    def _uses_in(self, event: int) -> dict[int, list[tuple[int, int, int]]]:
        """Column -> (segment, start, end) of the words that count in one event, in folded positions of the batch."""
        if self._counted is None:
            columns = self._scorer.uses.column[self._use]
            self._counted = columns, self._segment, self._matches.start[self._match], self._matches.end[self._match]
        texts = self.segments.of(event)
        low, high = self._segment.searchsorted((texts.start, texts.stop)).tolist()
        found: dict[int, list[tuple[int, int, int]]] = {}
        for column, *row in zip(*(values[low:high].tolist() for values in self._counted), strict=True):
            found.setdefault(column, []).append(tuple(row))
        return found


class Scorer:
    """The lexicon signals of a pack, compiled: one automaton, and for each form found the words it counts for."""

    def __init__(
        self,
        signals: Sequence[LexiconSignal],
        words: Mapping[str, Mapping[str, float] | Iterable[Word]],
        triggers: Sequence[Mapping[str, float]] | None = None,
        learned: LearnedSet | None = None,
    ) -> None:
        """`words`: for each lexicon, its words as written: their weights, or entries with options. `triggers`: for
        each kind of event, the signals that make it worth looking at, and the value they must have for that; by default
        there is one kind, and all of them do."""
        self.learned = learned or LearnedSet([], {})
        self._names = [signal.name for signal in signals]
        self._columns = {name: column for column, name in enumerate(self._names)}
        self._learned_names = self.learned.names()
        kinds = triggers or [dict.fromkeys([*self._names, *self._learned_names], 0.0)]
        self._triggers, self._learned_triggers = (
            np.array([[least.get(name, np.inf) for name in names] for least in kinds]).reshape(len(kinds), len(names))
            for names in (self._names, self._learned_names)
        )
        self._at_least = np.array([signal.at_least for signal in signals], np.float64)
        self.uses = Uses(signals, {name: as_words(entries) for name, entries in words.items()})
        self._automaton = Automaton(self.uses.forms)
        self.size = len(self.uses.forms)

    def score(self, segments: Segments) -> Scored:
        """Folds and scans the batch."""
        folded = fold_batch(segments.texts, segments.codes())
        return Scored(self, segments, folded, self._automaton.scan(folded))

    def is_learned(self, signal: str) -> bool:
        """Whether a signal is of a learned lexicon."""
        return signal in self._learned_names

    def hits(
        self,
        event: NDArray[np.int64],
        use: NDArray[np.int64],
        learned: NDArray[np.float64],
        kinds: NDArray[np.int64],
        wanted: Sequence[int],
    ) -> dict[int, dict[str, float]]:
        """See `Scored.hits`. `event`, `use`: of each word found that counts; learned: float64[events, learned signals];
        kinds: int64[events]."""
        speaks = learned > 0
        triggered = (speaks & (learned >= self._learned_triggers[kinds])).any(axis=1)
        if not use.size and not triggered.any() and not (wanted and speaks.any()):
            return {}
        event, column, values = self.uses.tally(event, use)
        fires = (values > 0) & (values >= self._at_least[column])
        looked_at = np.zeros(kinds.size, np.bool_)
        looked_at[list(wanted)] = True
        looked_at[triggered] = True
        looked_at[event[fires & (values >= self._triggers[kinds[event], column])]] = True
        fires &= looked_at[event]
        found: dict[int, dict[str, float]] = {}
        for at, of, value in zip(event[fires].tolist(), column[fires].tolist(), values[fires].tolist(), strict=True):
            found.setdefault(at, {})[self._names[of]] = value
        rows, columns = np.nonzero(speaks & looked_at[:, None])
        for at, of, value in zip(rows.tolist(), columns.tolist(), learned[rows, columns].tolist(), strict=True):
            found.setdefault(at, {})[self._learned_names[of]] = value
        return found

    def name(self, column: int) -> str:
        """The signal with this index."""
        return self._names[column]

    def column(self, signal: str) -> int:
        """The index of a signal."""
        return self._columns[signal]


def _outermost(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(segment, start, end) in order, without spans that lie inside another one."""
    if len(spans) < 2:
        return spans
    result: list[tuple[int, int, int]] = []
    for span in sorted(spans, key=lambda span: (span[1], -span[2])):
        if result and span[2] <= result[-1][2]:
            continue
        result.append(span)
    return result
