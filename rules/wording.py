"""What folding made of an event's texts, and which words of a pack were found in them: for explaining one event.

Everything here is worked out for one event at a time, from what the screen found; the judgement needs none of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np

from rules.facts import EventFacts
from rules.learned import LearnedSet
from rules.packs.model import FIELDS, LearnedSignal, LexiconSignal, Pack
from rules.scoring import Scored
from rules.text import Folded

MAX_WORDS = 200
"""Most words listed."""
_MAX_CHANGES = 100
_MAX_TRACED = 20_000
"""Code points of a text of which the changes are traced."""


@dataclass(frozen=True, slots=True)
class Change:
    """Folding made `folded` of `original`, which stands at [start, end) in code points; '' was left out."""

    start: int
    end: int
    original: str
    folded: str


@dataclass(frozen=True, slots=True)
class FoldedText:
    """One text of the event: as written, as it is matched, and what folding changed."""

    field: str
    text: str
    folded: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class FoundWord:
    """A word that counts for a signal: the `quote` stands at [start, end) of the original `field`; `form` is what was
    matched in the folded text, and `weight` what it adds."""

    signal: str
    field: str
    quote: str
    form: str
    weight: float
    start: int
    end: int


def folded_texts(scored: Scored) -> list[FoldedText]:
    """Every text of a batch of one event."""
    segments, folded = scored.segments, scored.folded
    return [
        FoldedText(FIELDS[field], text, folded.text(index), changes_in(folded, index, text))
        for index, (text, field) in enumerate(zip(segments.texts, segments.field, strict=True))
    ]


def changes_in(folded: Folded, index: int, text: str) -> list[Change]:
    """What folding changed in text `index`, in order; at most 100 changes, in the first 20,000 characters."""
    return list(islice(_changes(folded, index, text), _MAX_CHANGES))


def _changes(folded: Folded, index: int, text: str) -> Iterator[Change]:
    """Aligns both forms: characters that stand for themselves part one change from the next."""
    base = int(folded.bounds[index])
    form = folded.text(index)[:_MAX_TRACED]
    spans = [folded.original_span(base + at, base + at + 1, index) for at in range(len(form))]
    if any(before > after for (before, _), (after, _) in pairwise(spans)):
        end = max(end for _, end in spans)  # turned around: there is no character by character
        yield Change(0, end, text[:end], form)
        return
    changed, done = "", 0
    """What [done, end of the last character) became, which is not yet told."""
    reached = 0
    for character, (start, end) in zip(form, spans, strict=True):
        if start >= reached and text[start:end] == character:
            if changed or start > done:
                yield Change(done, start, text[done:start], changed)
            changed, done = "", end
        else:
            changed += character
        reached = max(reached, end)
    end = len(text) if len(form) < _MAX_TRACED else reached
    if changed or end > done:
        yield Change(done, end, text[done:end], changed)


def found_words(pack: Pack, scored: Scored, sums: Mapping[str, float]) -> list[FoundWord]:
    """The words found in a batch of one event, then the n-grams of learned signals that speak for their clause; of each
    signal the weightiest first; at most 200. `sums`: what `reached` says."""
    segments, folded = scored.segments, scored.folded
    found: list[tuple[str, int, int, int, float]] = [
        (use.signal, use.segment, use.start, use.end, use.weight) for use in scored.found(0)
    ]
    found += _ngrams(pack, scored, sums)
    order = {
        name: (isinstance(signal, LearnedSignal), number) for number, (name, signal) in enumerate(pack.signals.items())
    }
    found.sort(key=lambda use: (order[use[0]], -abs(use[4]), use[1], use[2]))
    words: list[FoundWord] = []
    for signal, segment, low, high, weight in found[:MAX_WORDS]:
        base = int(folded.bounds[segment])
        start, end = folded.original_span(low, high, segment)
        text, form = segments.texts[segment], folded.text(segment)[low - base : high - base]
        words.append(FoundWord(signal, FIELDS[segments.field[segment]], text[start:end], form, weight, start, end))
    return words


def _ngrams(pack: Pack, scored: Scored, sums: Mapping[str, float]) -> Iterator[tuple[str, int, int, int, float]]:
    """(signal, text, start, end, weight) of the n-grams of learned lexicons, each once, where it stands first."""
    segments, folded = scored.segments, scored.folded
    for signal in pack.signals.values():
        if not isinstance(signal, LearnedSignal) or sums.get(signal.name, 0) <= 0:
            continue
        for part in pack.learned[signal.lexicon].parts:
            lengths = sorted({len(ngram) for ngram in part.ngrams})
            seen: set[str] = set()
            for segment, field in enumerate(segments.field):
                if FIELDS[field] not in part.fields & signal.fields:
                    continue
                form, base = folded.text(segment)[:_MAX_TRACED], int(folded.bounds[segment])
                for at in range(len(form)):
                    for length in lengths:
                        ngram = form[at : at + length]
                        if len(ngram) == length and ngram in part.ngrams and ngram not in seen:
                            seen.add(ngram)
                            yield signal.name, segment, base + at, base + at + length, part.ngrams[ngram]


def reached(pack: Pack, facts: EventFacts) -> Mapping[str, float]:
    """Signal over words -> what the words found add up to, whether it fires or not."""
    scored = facts.scored
    heaviest: dict[tuple[str, int], float] = {}
    for use in scored.found(0):
        key = (use.signal, use.word)
        heaviest[key] = max(use.weight, heaviest.get(key, use.weight))
    sums: dict[str, float] = {}
    for (signal, _), weight in heaviest.items():
        sums[signal] = round(sums.get(signal, 0.0) + weight, 9)
    learned = _learned(pack)
    if learned is not None:
        segments = scored.segments
        events, fields = np.array(segments.event, np.int64), np.array(segments.field, np.int64)
        scores = learned.score(scored.folded, events, fields, 1)
        sums |= {name: float(value) for name, value in zip(learned.names(), scores.values[0], strict=True)}
    return {
        name: value for name, value in sums.items() if isinstance(pack.signals[name], LexiconSignal | LearnedSignal)
    }


_newest: tuple[Pack, LearnedSet | None] | None = None
"""The pack that was asked about last: building its set takes half a second, and a playground asks at every key."""


def _learned(pack: Pack) -> LearnedSet | None:
    """The learned signals of a pack, telling all that their n-grams add up to; None without any."""
    global _newest  # noqa: PLW0603 - a cache of one
    known = _newest
    if known is None or known[0] is not pack:
        signals = [replace(each, at_least=0.0) for each in pack.signals.values() if isinstance(each, LearnedSignal)]
        built = LearnedSet(signals, pack.learned) if signals else None
        known = _newest = pack, built
    return known[1]
