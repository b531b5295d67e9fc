"""A load that costs little to make: the demo's events, encoded once, sent round and round with new ids and times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import orjson
from aiokafka import AIOKafkaProducer

from rules.events import EventType
from streams.demo.traffic import traffic
from streams.merging import SEQUENCE_HEADER
from streams.sending import Send, Sender
from streams.settings import Settings
from streams.topics import topic_names

_POOL = 50_000
_TICK_S = 0.05
_MOST = 2_000
"""Records in one go, so that acknowledgements do not come in lumps."""


@dataclass
class Load:
    """Sends to the topics of `settings`; `sent` counts what is acknowledged."""

    settings: Settings
    sent: int = 0
    _pool: list[tuple[EventType, bytes, bytes]] = field(default_factory=list)
    """Type, key, and the body behind its id and time."""

    def __post_init__(self) -> None:
        for item in islice(traffic(1, datetime.now(UTC), broken=False), _POOL):
            rest = {name: value for name, value in (item.body or {}).items() if name not in {"id", "time"}}
            self._pool.append((item.kind, item.key.encode(), orjson.dumps(rest).removeprefix(b"{")))

    async def burst(self, count: int) -> None:
        """Sends so many events as fast as the brokers take them."""
        async with _Sending(self.settings) as sender:
            for start in range(0, count, _MOST):
                await self._send(sender, min(_MOST, count - start))

    async def steady(self, rate: float, until: asyncio.Event) -> None:
        """Sends `rate` events a second until told to stop. Raises KafkaError when they are not taken."""
        async with _Sending(self.settings) as sender:
            began, before = time.monotonic(), self.sent
            while not until.is_set():
                due = int((time.monotonic() - began) * rate) - (self.sent - before)
                if due > 0:
                    await self._send(sender, min(due, _MOST))
                if due < _MOST:
                    await asyncio.sleep(_TICK_S)

    async def _send(self, sender: Sender, count: int) -> None:
        await sender.send_all(self._records(count))
        self.sent += count

    def _records(self, count: int) -> Iterator[Send]:
        names = topic_names(self.settings)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        for number in range(self.sent, self.sent + count):
            kind, key, rest = self._pool[number % _POOL]
            body = b'{"id":"%d","time":"%s",%s' % (number, now, rest)
            yield Send(names.input(kind), key, body, [(SEQUENCE_HEADER, b"%020d" % number)])


class _Sending:
    """A sender for the length of a block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Sender:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap, acks="all", compression_type="lz4", max_batch_size=1 << 18
        )
        await self._producer.start()
        return Sender(lambda: self._producer, max_record_bytes=self._settings.max_record_bytes)

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
