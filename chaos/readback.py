"""What the topics hold: every record of a topic as of now, and how far the group has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.settings import Settings
from streams.topics import enforce_topics, topic_names

_POLL_MS = 500
_GROUP_KEY = b"\x00\x02"
"""Kafka's own records of consumer groups begin so (version 2 of GroupMetadataKey)."""


class Stage(NamedTuple):
    """One step on the way of an event: offsets committed, and there, over all partitions of its topics."""

    name: str
    committed: int
    end: int


async def records(settings: Settings, topic: str) -> list[Any]:
    """Every record of a topic as of now, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        exclude_internal_topics=False,
        max_partition_fetch_bytes=settings.max_record_bytes,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic, number) for number in range(await _partitions(settings, topic))]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        found: list[Any] = []
        while waiting := [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            for batch in (await consumer.getmany(*waiting, timeout_ms=_POLL_MS)).values():
                found.extend(batch)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def _partitions(settings: Settings, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
        return len(described["partitions"])
    finally:
        await admin.close()


async def progress(settings: Settings) -> list[Stage]:
    """The stages, in the order in which events go through.

    A stage's commits are asked for before its ends, and stages before those they send to: where all are equal,
    nothing was left.
    """
    names = topic_names(settings)
    stages: dict[str, Sequence[str]] = {
        "content": names[:3],
        "sightings": (names.sightings,),
        "violations and reports": enforce_topics(names),
    }
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=settings.app_id, enable_auto_commit=False
    )
    await consumer.start()
    try:
        found = []
        for name, topics in stages.items():
            tps = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
            consumer.assign(tps)
            committed = [await consumer.committed(tp) or 0 for tp in tps]
            ends = await consumer.end_offsets(tps)
            found.append(Stage(name, sum(committed), sum(ends.values())))
        return found
    finally:
        await consumer.stop()


async def rebalances(settings: Settings) -> int:
    """How often the group's partitions were handed out, by the coordinator's own record: its generation."""
    newest = 0
    for record in await records(settings, "__consumer_offsets"):
        key, value = record.key or b"", record.value
        if key.startswith(_GROUP_KEY) and key[4:] == settings.app_id.encode() and value is not None:
            newest = max(newest, _generation(value))
    return newest


def _generation(value: bytes) -> int:
    """The generation in a GroupMetadataValue: behind its version and the protocol type, both length-prefixed."""
    version = int.from_bytes(value[:2], "big")
    # Compact strings, since version 4, have one byte of length, plus one.
    at = 3 + value[2] - 1 if version >= 4 else 4 + int.from_bytes(value[2:4], "big")
    return int.from_bytes(value[at : at + 4], "big", signed=True)
