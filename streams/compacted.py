"""Reading topics to their ends as of now, and then every change as it happens, in no group: what commands do."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.access.clients import started_consumer
from streams.codec import Record
from streams.rights import kafka_error, unreadable
from streams.settings import Settings
from streams.topics import TopicsError

_STALLED_S = 30.0
_POLL_MS = 200


@asynccontextmanager
async def opened(
    settings: Settings, *topics: str, hint: str = "create it: warden topics create"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of `topics`, at their start, in no group.

    Raises TopicsError when one is missing, with a `hint` what to do, and for what goes wrong between here and the
    brokers in the block; RightsError for all topics that this login may not read.
    """
    try:
        async with started_consumer(settings, group_id=None) as consumer:
            await _check(consumer, topics, hint)
            consumer.subscribe(topics)
            async with asyncio.timeout(_STALLED_S):
                while not consumer.assignment():
                    await asyncio.sleep(0.01)
            try:
                yield consumer
            except TopicAuthorizationFailedError as error:
                raise await unreadable(settings, consumer, error) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error) from error


async def partitions_of(settings: Settings, *topics: str) -> list[TopicPartition]:
    """All partitions of `topics`; nothing of them is read. Raises TopicsError when one is missing."""
    try:
        async with started_consumer(settings, group_id=None) as consumer:
            await _check(consumer, topics, "create it: warden topics create")
            async with asyncio.timeout(_STALLED_S):
                while any(consumer.partitions_for_topic(name) is None for name in topics):
                    await consumer._client.force_metadata_update()  # it is learnt in the background otherwise
            return [TopicPartition(name, n) for name in topics for n in consumer.partitions_for_topic(name)]
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error) from error


async def _check(consumer: AIOKafkaConsumer, topics: Sequence[str], hint: str) -> None:
    """Raises TopicsError when one is missing: subscribing to it, or asking for it, could create it."""
    known = await consumer.topics()
    for topic in topics:
        if topic not in known:
            raise TopicsError(f"{topic}: does not exist, or this login may not Describe it\n    {hint}")


async def until_now(reader: AIOKafkaConsumer) -> AsyncIterator[Record]:
    """Every record up to the ends that the partitions have when this starts."""
    partitions = reader.assignment()
    ends = await reader.end_offsets(partitions)
    waiting = set(partitions)
    moved = time.monotonic()
    while waiting := {tp for tp in waiting if await reader.position(tp) < ends[tp]}:
        fetched = await reader.getmany(*waiting, timeout_ms=_POLL_MS)
        if fetched:
            moved = time.monotonic()
        elif time.monotonic() - moved > _STALLED_S:
            raise TimeoutError(f"the topic stalls before its end: {len(waiting)} partitions are not read")
        else:
            await asyncio.sleep(0)
        for records in fetched.values():
            for record in records:
                yield record


async def changes(reader: AIOKafkaConsumer) -> AsyncIterator[list[Record]]:
    """What comes after, a fetch at a time, for ever; an empty list where nothing came."""
    while True:
        fetched = await reader.getmany(timeout_ms=_POLL_MS)
        yield [record for records in fetched.values() for record in records]
