"""What the offline engine makes of the log, read back from the input topics: the truth that workers are compared with.

Records are judged in the order they were produced, each partition in its own; a repeat of an event (same topic, key
and id) is left out, so whoever counts a repeat differs.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from chaos.readback import records
from rules.decisions import Enforcement, Violation
from rules.engine import Engine
from rules.events import Event, InvalidEventError, millis
from rules.packs import load_pack
from streams.codec import decode_record
from streams.merging import SEQUENCE_HEADER
from streams.settings import Settings
from streams.topics import INPUTS, topic_names

Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


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
    violations: dict[str, Violation] = field(default_factory=dict)
    enforcements: dict[str, Enforcement] = field(default_factory=dict)
    poison: dict[Place, bytes | None] = field(default_factory=dict)
    """Records that are no events, with their values."""


async def truth(settings: Settings) -> Truth:
    """Judges the log of the input topics."""
    names = topic_names(settings)
    runs: list[list[Any]] = []
    for kind in INPUTS:
        found = await records(settings, names.input(kind))
        runs += [list(run) for _, run in groupby(found, key=lambda record: record.partition)]
    return await asyncio.to_thread(judged, settings, heapq.merge(*runs, key=_order))


def judged(settings: Settings, log: Iterable[Any]) -> Truth:
    """What the offline engine makes of records of the input topics, in this order."""
    result = Truth(Engine(load_pack(settings.pack)))
    for decision in result.engine.judge(_events(settings, log, result)):
        if isinstance(decision, Violation):
            result.violations[decision.id] = decision
        elif isinstance(decision, Enforcement):
            result.enforcements[decision.id] = decision
    return result


def _events(settings: Settings, log: Iterable[Any], result: Truth) -> Iterator[Event]:
    names = topic_names(settings)
    kinds = {names.input(kind): kind for kind in INPUTS}
    seen: set[tuple[str, bytes, str]] = set()
    for record in log:
        result.records += 1
        try:
            event, _ = decode_record(kinds[record.topic], record.key, record.value, record.headers)
        except InvalidEventError:
            result.poison[record.topic, record.partition, record.offset] = record.value
            continue
        identity = (record.topic, record.key, event.id)
        if identity not in seen:
            seen.add(identity)
            result.events += 1
            result.newest = max(result.newest, millis(event.time))
            yield event


def _order(record: Any) -> tuple[int, bytes]:
    return record.timestamp, dict(record.headers).get(SEQUENCE_HEADER, b"")
