"""The events of a benchmark: the demo mix, encoded once, the same for every contender of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

import orjson

from rules.events import EventType
from streams.demo.traffic import Item, traffic

PER_SECOND = 10_000.0
"""Events a second of event time. The last one is written as of now, so none lies in the future."""


class Recorded(NamedTuple):
    """One record of an input topic, without the topic's name."""

    kind: EventType
    key: bytes
    value: bytes


def recorded(count: int) -> list[Recorded]:
    """The first `count` events of the demo mix."""
    return list(recording(count))


def recording(count: int) -> Iterator[Recorded]:
    """The same one after the other: millions of them do not fit into memory."""
    start = datetime.now(UTC) - timedelta(seconds=count / PER_SECOND)
    for item in islice(traffic(1, start, PER_SECOND), count):
        yield Recorded(item.kind, item.key.encode(), _body(item))


def _body(item: Item) -> bytes:
    return item.raw if item.body is None else orjson.dumps(item.body)


def bytes_each(events: Sequence[Recorded]) -> float:
    """The mean size of a value, in bytes."""
    return sum(len(event.value) for event in events) / len(events)
