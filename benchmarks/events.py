"""The events of a benchmark: the demo mix, encoded once, the same for every contender of a run."""

from __future__ import annotations

from collections.abc import Sequence
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
    start = datetime.now(UTC) - timedelta(seconds=count / PER_SECOND)
    return [
        Recorded(item.kind, item.key.encode(), _body(item)) for item in islice(traffic(1, start, PER_SECOND), count)
    ]


def _body(item: Item) -> bytes:
    return item.raw if item.body is None else orjson.dumps(item.body)


def bytes_each(events: Sequence[Recorded]) -> float:
    """The mean size of a value, in bytes."""
    return sum(len(event.value) for event in events) / len(events)
