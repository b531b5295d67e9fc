"""What a worker has written to its output topics, followed while it works: decisions, and the ban list."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from rules.decisions import Ban, Decision, Enforcement, Lift, Review, Violation
from streams.settings import Settings
from streams.topics import topic_names

_DECODER = msgspec.json.Decoder(Violation | Enforcement | Lift | Review | Ban)


class Outputs:
    """The output topics from their beginning on. `told` is called with each decision, `refused` with the reason and the
    body of each dead letter; `bans` is the ban list."""

    def __init__(
        self, settings: Settings, told: Callable[[Decision], None], refused: Callable[[str, bytes], None]
    ) -> None:
        names = topic_names(settings)
        topics = (names.violations, names.enforcements, names.reviews, names.bans, names.dead_letters)
        self._dead_letters = names.dead_letters
        self._refused = refused
        self._partitions = [TopicPartition(topic, p) for topic in topics for p in range(settings.partitions)]
        self._bootstrap = settings.bootstrap
        self._told = told
        self.bans: dict[str, Ban] = {}

    async def start(self) -> None:
        """Connects, and goes to the beginning."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_beginning(*self._partitions)

    async def read(self) -> None:
        """Takes in everything that is there by now."""
        ends = await self._consumer.end_offsets(self._partitions)
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    if record.topic == self._dead_letters:
                        self._refused(dict(record.headers)["reason"].decode(), record.value or b"")
                    else:
                        self._take(record.key.decode(), record.value)

    async def stop(self) -> None:
        """Disconnects."""
        await self._consumer.stop()

    def _take(self, subject: str, value: bytes | None) -> None:
        decoded = _DECODER.decode(value) if value is not None else None
        match decoded:
            case None:  # only the ban list has tombstones
                self.bans.pop(subject, None)
            case Ban():
                self.bans[subject] = decoded
            case _:
                self._told(decoded)
