"""What the offline engine makes of the log, read back from the input topics: the truth that workers are compared with.

Records are judged in the order they were produced, each partition in its own, and each by the pack that was in force
for it by what is on record (`chaos/versions.py`). A repeat of an event (same topic, key and id) is left out, so whoever
counts a repeat differs; one under another pack is judged by that as well.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from chaos.readback import records
from chaos.versions import Versions
from rules.decisions import Enforcement, Violation, content_id
from rules.engine import Engine
from rules.events import Content, Event, InvalidEventError, millis
from rules.screen import Arrival, Screened
from rules.sightings import Sighting
from streams.codec import decode_record
from streams.merging import SEQUENCE_HEADER
from streams.settings import Settings
from streams.topics import INPUTS, topic_names

Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


_TOGETHER = 512
"""Events that a shadow pack judges at once."""


@dataclass
class Truth:
    """The offline engine after the whole log, and what it decided."""

    engine: Engine
    records: int = 0
    """Records on the input topics."""
    events: int = 0
    """Events among them, each counted once."""
    newest: int = 0
    """The newest event time, ms."""
    violations: dict[tuple[str, str], Violation] = field(default_factory=dict)
    """By id, and the label of the pack that judges."""
    shadow: dict[str, Violation] = field(default_factory=dict)
    """What shadow packs find in single events, by the id under which it is published."""
    beside: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(type, id) of an event that shadow packs judged -> their labels."""
    asking_past: set[str] = field(default_factory=set)
    """The rules of shadow packs that ask for an account's past."""
    together: set[str] = field(default_factory=set)
    """The rules that several events decide together."""
    repeated: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(type, id) of an event that stands on its topic more than once, and fell to several packs -> their labels."""
    enforcing: set[str] = field(default_factory=set)
    """Labels of the packs that may have enforced."""
    enforcements: dict[str, Enforcement] = field(default_factory=dict)
    poison: dict[Place, bytes | None] = field(default_factory=dict)
    """Records that are no events, with their values."""


async def truth(settings: Settings, found: Versions | None = None) -> Truth:
    """Judges the log of the input topics. `found`: as in `judged`."""
    names = topic_names(settings)
    runs: list[list[Any]] = []
    for kind in INPUTS:
        log = await records(settings, names.input(kind))
        runs += [list(run) for _, run in groupby(log, key=lambda record: record.partition)]
    return await asyncio.to_thread(judged, settings, heapq.merge(*runs, key=_order), found)


def judged(settings: Settings, log: Iterable[Any], found: Versions | None = None) -> Truth:
    """What the offline engine makes of records of the input topics, in this order. `found`: what judges them, where
    that is not the pack of the settings alone."""
    judges = _Judges(Versions(settings) if found is None else found)
    result = Truth(Engine(judges.versions.pack(""), screens=judges))
    result.shadow, result.beside, result.asking_past = judges.shadow, judges.beside, judges.asking_past
    for decision in result.engine.judge(_events(settings, log, result, judges)):
        if isinstance(decision, Violation):
            result.violations[decision.id, decision.pack] = decision
        elif isinstance(decision, Enforcement):
            result.enforcements[decision.id] = decision
    judges.finish()
    result.together = judges.versions.together()
    result.enforcing = judges.versions.enforcing_labels()
    return result


class _Judges:
    """Judges each event by the pack that was in force for it: one after the other, in their order."""

    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.shadow: dict[str, Violation] = {}
        self.beside: dict[tuple[str, str], set[str]] = {}
        self.asking_past: set[str] = set()
        self._coming: deque[str] = deque()
        self._waiting: dict[str, list[Arrival]] = {}

    def expect(self, digest: str) -> None:
        """Says what judges the next event of content."""
        self._coming.append(digest)

    def screen(self, arrivals: Sequence[Arrival], state_of: Callable[[str], bytes | None]) -> Screened:
        """As `Screen.screen`."""
        states: dict[str, bytes] = {}

        def so_far(account: str) -> bytes | None:
            return states.get(account) or state_of(account)

        violations: list[Violation] = []
        places: list[int] = []
        sightings: list[tuple[int, Sighting]] = []
        coming = [self._coming.popleft() for _ in arrivals]
        for digest, run in groupby(range(len(arrivals)), key=coming.__getitem__):
            indexes = list(run)
            found = self.versions.screen(digest).screen([arrivals[at] for at in indexes], so_far)
            violations += found.violations
            places += [indexes[at] for at in found.arrivals]
            sightings += [(indexes[at], each) for at, each in found.sightings]
            states |= found.states
        return Screened(violations, places, states, sightings)

    def judge_beside(self, digest: str, event: Content) -> None:
        """Has a shadow pack judge an event by itself."""
        waiting = self._waiting.setdefault(digest, [])
        waiting.append(Arrival(event, event.type, event.type, len(waiting)))
        self.beside.setdefault((event.type, event.id), set()).add(self.versions.pack(digest).label)
        if len(waiting) >= _TOGETHER:
            self._flush(digest)

    def finish(self) -> None:
        """Judges what still waits."""
        for digest in list(self._waiting):
            self._flush(digest)

    def _flush(self, digest: str) -> None:
        screen, rules = self.versions.screen(digest), self.versions.by_the_moment(digest)
        self.asking_past |= screen.pack.rules.keys() - rules
        for violation in screen.screen(self._waiting.pop(digest), lambda _: None).violations:
            if violation.rule in rules:
                self.shadow[content_id("shadow", screen.pack.label, violation.id)] = violation


def _events(settings: Settings, log: Iterable[Any], result: Truth, judges: _Judges) -> Iterator[Event]:
    names = topic_names(settings)
    kinds = {names.input(kind): kind for kind in INPUTS}
    seen: dict[tuple[str, bytes, str], set[str]] = {}
    for record in log:
        result.records += 1
        try:
            event, _ = decode_record(kinds[record.topic], record.key, record.value, record.headers)
        except InvalidEventError:
            result.poison[record.topic, record.partition, record.offset] = record.value
            continue
        by = seen.setdefault((record.topic, record.key, event.id), set())
        result.events += not by
        result.newest = max(result.newest, millis(event.time))
        digest = ""
        if isinstance(event, Content):
            standing = judges.versions.of(record.topic, record.partition, record.offset)
            digest = judges.versions.judges(standing, event.account)
            if standing.shadow:
                judges.judge_beside(standing.shadow, event)
        if digest not in by:
            by.add(digest)
            if isinstance(event, Content):
                judges.expect(digest)
                if len(by) > 1:
                    result.repeated[event.type, event.id] = {judges.versions.pack(each).label for each in by}
            yield event


def _order(record: Any) -> tuple[int, bytes]:
    return record.timestamp, dict(record.headers).get(SEQUENCE_HEADER, b"")
