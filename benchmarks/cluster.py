"""The broker of a run, and the topics, records and positions on it. Knows Kafka and no contender."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import TopicPartition

from benchmarks.events import Recorded
from benchmarks.machine import cores, on_cores
from streams.embedded import free_port
from streams.sending import Send, Sender
from streams.settings import Settings
from streams.topics import TopicNames, create_topics, topic_names
from tests.kafka.broker import broker

COMMIT_SECONDS = 0.5
"""How often every contender commits: progress is read from commits, so all have the same."""
PARTITIONS = 4
STATES = ("accounts", "crowds", "subjects", "rates")
"""The tables of a worker; their changelog topics are named after them."""
_CHUNK = 5_000


@contextmanager
def started_broker(folder: Path) -> Iterator[str]:
    """A broker on the cores that are not measured; its bootstrap address."""
    with on_cores(cores().rest):
        server = broker(folder, lasting=True)
        server.start()
    try:
        yield server.bootstrap
    finally:
        server.close()


def settings_for(bootstrap: str, label: str, folder: Path, **given: Any) -> Settings:
    """Settings of one run: topics, group and folder of its own."""
    values: dict[str, Any] = {
        "bootstrap": bootstrap,
        "topic_prefix": f"{label}-",
        "app_id": label,
        "partitions": PARTITIONS,
        "data_dir": folder / label,
        "commit_interval_s": COMMIT_SECONDS,
        "web_port": free_port(),
        "log_level": "warning",
    }
    return Settings(**(values | given))


def changelog(settings: Settings, table: str) -> str:
    """The changelog topic of a table, as Faust names it."""
    return f"{settings.app_id}-{table}-changelog"


@asynccontextmanager
async def topics_of(settings: Settings) -> AsyncIterator[TopicNames]:
    """Every topic of a run, changelogs included, while the block lasts."""
    await create_topics(settings)
    compacted = {"cleanup.policy": "compact"}
    logs = [changelog(settings, table) for table in STATES]
    async with admin_of(settings.bootstrap) as admin:
        await admin.create_topics([NewTopic(name, settings.partitions, 1, topic_configs=compacted) for name in logs])
        try:
            yield topic_names(settings)
        finally:
            own = (settings.topic_prefix, f"{settings.app_id}-", f"changelog__{settings.app_id}-")
            await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(own)])


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client while the block lasts."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def sender_of(bootstrap: str) -> AsyncIterator[Sender]:
    """A producer with settings for bulk while the block lasts."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=1 << 18, linger_ms=0
    )
    await producer.start()
    try:
        yield Sender(lambda: producer, max_record_bytes=1_000_000)
    finally:
        await producer.stop()


async def fill(bootstrap: str, sends: Iterable[Send]) -> None:
    """Writes records, in order."""
    async with sender_of(bootstrap) as sender:
        chunk: list[Send] = []
        for send in sends:
            chunk.append(send)
            if len(chunk) == _CHUNK:
                await sender.send_all(chunk)
                chunk = []
        if chunk:
            await sender.send_all(chunk)


def sends_of(names: TopicNames, events: Iterable[Recorded], timestamp_ms: int | None = None) -> Iterator[Send]:
    """Events as records of the input topics."""
    topics = {kind: names.input(kind) for kind in ("post", "share", "mass_send")}
    for kind, key, value in events:
        yield Send(topics[kind], key, value, timestamp_ms=timestamp_ms)


class Positions:
    """What a consumer group has committed, against what is there, for the length of an `async with` block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        names = topic_names(settings)
        self.inputs: Sequence[str] = names[:3]
        self.between: Sequence[str] = (names.sightings, names.violations)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)

    async def __aenter__(self) -> Self:
        await asyncio.gather(self._admin.start(), self._consumer.start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(self._admin.close(), self._consumer.stop())

    async def done(self) -> int:
        """Input records whose positions are committed."""
        return sum(max(0, offset) for tp, offset in (await self._committed()).items() if tp.topic in self.inputs)

    async def behind(self) -> int:
        """Records between the stages that are not committed yet."""
        tps = [TopicPartition(topic, p) for topic in self.between for p in range(self._settings.partitions)]
        ends = await self._consumer.end_offsets(tps)
        committed = await self._committed()
        return sum(end - max(0, committed.get(tp, 0)) for tp, end in ends.items())

    async def _committed(self) -> Mapping[TopicPartition, int]:
        try:
            found = await self._admin.list_consumer_group_offsets(self._settings.app_id)
        except GroupCoordinatorNotAvailableError:  # a young broker, before its first group
            return {}
        return {tp: meta.offset for tp, meta in found.items()}


def now_ms() -> int:
    """The wall clock in milliseconds, as records are stamped."""
    return time.time_ns() // 1_000_000
