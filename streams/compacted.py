"""Reading topics to their ends as of now, and then every change as it happens, in no group: what commands do."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.access.clients import started_consumer
from streams.access.trouble import broker_trouble
from streams.codec import Record
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
    brokers in the block.
    """
    try:
        async with started_consumer(settings, group_id=None) as consumer:
            known = await consumer.topics()
            for topic in topics:
                if topic not in known:  # subscribing to it could create it
                    raise TopicsError(f"{topic}: does not exist\n    {hint}")
            consumer.subscribe(topics)
            async with asyncio.timeout(_STALLED_S):
                while not consumer.assignment():
                    await asyncio.sleep(0.01)
            yield consumer
    except (KafkaError, OSError, TimeoutError) as error:
        raise TopicsError(await broker_trouble(settings, error)) from error


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
