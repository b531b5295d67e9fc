"""Feeding the topics at a steady rate over every loss of a broker, with poison and repeats when told to.

The producer is idempotent and asks for all acknowledgements, so what it was told is written is there once, in order.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaProducer

from rules.events import MAX_EVENT_BYTES, EventType
from streams.demo.traffic import Item
from streams.merging import SEQUENCE_HEADER
from streams.settings import Settings
from streams.topics import INPUTS, topic_names

PATIENCE_S = 300.0
"""How long a record may wait for brokers that are down."""
_TICK_S = 0.02
_REMEMBERED = 5_000
_KINDS: tuple[EventType, ...] = tuple(INPUTS)

Record = tuple[EventType, bytes | None, bytes | None]
"""The type of the topic, the key and the value."""


@dataclass
class Feed:
    """One run's feed. `poison` and `repeat` may be called from another thread."""

    settings: Settings
    items: Iterator[Item]
    rate: float
    seed: int
    sent: int = 0
    """Records acknowledged, repeats and poison among them."""
    _asked: deque[tuple[str, int]] = field(default_factory=deque)
    _past: deque[Record] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def poison(self, count: int) -> None:
        """Asks for so many records that are no events."""
        self._asked.append(("poison", count))

    def repeat(self, count: int) -> None:
        """Asks for so many of the last events to be sent again, byte for byte."""
        self._asked.append(("repeat", count))

    async def run(self, until: asyncio.Event) -> None:
        """Feeds until told to stop; returns once all is acknowledged. Raises KafkaError when a record is not."""
        dice = random.Random(f"{self.seed} feed")  # noqa: S311 - traffic, not secrets
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=1 << 18,
            max_request_size=self.settings.max_record_bytes,
            request_timeout_ms=int(PATIENCE_S * 1000),
        )
        await producer.start()
        waiting: deque[Awaitable[object]] = deque()
        try:
            number, began, given = 0, time.monotonic(), 0
            while not until.is_set():
                due = int((time.monotonic() - began) * self.rate) - given
                batch = [self._next() for _ in range(due)]
                given += due
                for record in (*batch, *self._special(dice)):
                    waiting.append(await self._send(producer, record, number))
                    number += 1
                await self._settle(waiting, all_of_them=False)
                await asyncio.sleep(_TICK_S)
            await self._settle(waiting, all_of_them=True)
        finally:
            await producer.stop()

    async def _settle(self, waiting: deque[Awaitable[object]], *, all_of_them: bool) -> None:
        while waiting and (all_of_them or getattr(waiting[0], "done", bool)()):
            await waiting.popleft()
            self.sent += 1

    async def _send(self, producer: AIOKafkaProducer, record: Record, number: int) -> Awaitable[object]:
        kind, key, value = record
        headers = [(SEQUENCE_HEADER, b"%020d" % number)]
        topic = topic_names(self.settings).input(kind)
        sent: Awaitable[object] = await producer.send(topic, value, key, headers=headers)
        return sent

    def _next(self) -> Record:
        item = next(self.items)
        record = (item.kind, item.key.encode(), orjson.dumps(item.body))
        self._past.append(record)
        return record

    def _special(self, dice: random.Random) -> Iterator[Record]:
        while self._asked:
            what, count = self._asked.popleft()
            for _ in range(count):
                if what == "poison":
                    yield _poison(dice)
                elif self._past:
                    yield dice.choice(self._past)


def _poison(dice: random.Random) -> Record:
    """A record that is no event: each way in which one can be wrong."""
    kind = dice.choice(_KINDS)
    key = f"user-{dice.randrange(100)}".encode()
    event = orjson.dumps({"id": "x", "account": "somebody-else", "time": "2026-01-01T00:00:00Z", "text": "你好"})
    wrong: tuple[tuple[bytes | None, bytes | None], ...] = (
        (key, b"\xff\xfe not json"),
        (key, b'{"text": "cut of'),
        (key, b'{"id": 1}'),
        (key, b""),
        (key, None),
        (None, event),
        (key, event.replace(b"2026-01-01", b"yesterday")),
        (key, b"[" * 20_000),
        (key, event),  # whole in itself, under another account's key, where it is a post
    )
    if dice.random() < 0.01:
        return kind, key, b" " * (MAX_EVENT_BYTES + 1)
    return kind, *dice.choice(wrong)
