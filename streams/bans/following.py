"""Following the `bans` topic for as long as a process lives: loads it, follows it, and begins anew when it must.

A follower reads in no group and commits nothing. Whenever its connection is opened again, it reads the topic from its
start, because what was taken away while it was gone may have left no trace. Until that load is complete, what was
known before still holds. Trouble with the brokers is never an end: it tries again, later and later.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.bans.records import Change, change_in
from streams.codec import Record
from streams.compacted import changes, opened, until_now
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

logger = logging.getLogger(__name__)

RECONNECT_S = 30.0
"""A connection over which no broker has answered for so long is opened again."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 10.0
"""Between attempts to connect; doubled each time, half of it at random."""
_CHUNK = 4096
"""Records taken at once while loading; other tasks of the loop run in between."""


class Sink(Protocol):
    """What a follower tells. The calls come one at a time, from the follower's event loop, and must not raise."""

    def begin(self) -> None:
        """A load begins: the changes up to `loaded` are the whole list, and start from nothing."""

    def take(self, changes: Sequence[Change]) -> None:
        """Changes in the order of the topic; `wrong` ones among them."""

    def loaded(self) -> None:
        """The load is complete: from here on the list is what has been taken since `begin`."""

    def at_end(self, age_s: float) -> None:
        """All that was on the topic `age_s` seconds ago has been taken."""

    def lost(self, why: str) -> None:
        """The connection is gone; another one is tried in a moment."""


class _RewoundError(Exception):
    """The topic starts again from an earlier offset: it was made anew."""


async def follow(settings: Settings, sink: Sink) -> None:
    """Keeps `sink` up to date until cancelled."""
    delay = FIRST_DELAY_S
    while True:
        session = _Session(sink)
        try:
            async with opened(settings, topic_names(settings).bans) as reader:
                await session.run(reader)
        except (TopicsError, KafkaError, OSError, TimeoutError, _RewoundError) as error:
            sink.lost(str(error))
        except Exception as error:  # a fault of the client must not leave a gateway with a list that nobody updates
            logger.exception("following the ban list")
            sink.lost(f"{type(error).__name__}: {error}")
        delay = FIRST_DELAY_S if session.complete else min(2 * delay, LONGEST_DELAY_S)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing


class _Session:
    """One connection: a load, and then changes."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._next: dict[int, int] = {}
        self.complete = False

    async def run(self, reader: AIOKafkaConsumer) -> None:
        """Raises when the connection is lost, or the topic made anew."""
        self._sink.begin()
        chunk: list[Record] = []
        async for record in until_now(reader):
            chunk.append(record)
            if len(chunk) == _CHUNK:
                self._take(chunk)
                chunk = []
                await asyncio.sleep(0)
        self._take(chunk)
        self.complete = True
        self._sink.loaded()
        answered = time.monotonic()
        async for records in changes(reader):
            if records:
                self._take(records)
            age = await self._end_age(reader)
            if age is not None:
                answered = max(answered, time.monotonic() - age)
                self._sink.at_end(age)
            elif records:
                answered = time.monotonic()
            if time.monotonic() - answered > RECONNECT_S:
                raise TimeoutError(f"the brokers have not answered for {RECONNECT_S:g} s")

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.offset < self._next.get(record.partition, 0):
                raise _RewoundError(f"partition {record.partition} goes back to offset {record.offset}")
            self._next[record.partition] = record.offset + 1
        if records:
            self._sink.take([change_in(record) for record in records])

    async def _end_age(self, reader: AIOKafkaConsumer) -> float | None:
        """Seconds since every partition was known to be read to its end; None while one is not."""
        oldest: float | None = None
        for partition in reader.assignment():
            end, polled, position = (
                reader.highwater(partition),
                reader.last_poll_timestamp(partition),
                await reader.position(partition),
            )
            if position < self._next.get(partition.partition, 0):
                raise _RewoundError(f"partition {partition.partition} goes back to offset {position}")
            if end is None or polled is None or position < end:
                return None
            oldest = polled if oldest is None else min(oldest, polled)
        return None if oldest is None else max(time.time() - oldest / 1000, 0.0)
