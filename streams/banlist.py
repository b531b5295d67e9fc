"""Reading the compacted `bans` topic: what is in force for every subject, now or as it changes.

This is all that a gateway needs: the newest record of a subject says what holds, a tombstone that nothing does,
and every sanction says when it ends.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from rules.decisions import Ban
from rules.events import InvalidEventError
from streams.codec import Record, decode_ban
from streams.settings import Settings
from streams.topics import TopicsError, broker_trouble, topic_names

_STALLED_S = 30.0
_POLL_MS = 200


class Change(NamedTuple):
    """What became true for a subject: `ban` None when nothing is in force any more. `wrong` says why a record is
    no ban list entry, and then the others mean nothing."""

    subject: str
    ban: Ban | None
    wrong: str = ""


async def current_bans(settings: Settings) -> tuple[dict[str, Ban], list[str]]:
    """The ban list as of now, by subject, and what is wrong with records that could not be read.

    Raises TopicsError when the topic is missing, or the brokers do not answer.
    """
    bans: dict[str, Ban] = {}
    wrong: list[str] = []
    async with _reader(settings) as reader:
        async for change in _until_now(reader):
            _apply(bans, change, wrong)
    return bans, wrong


async def follow_bans(settings: Settings) -> AsyncIterator[Change]:
    """The ban list as of now, one change a subject, then every change as it happens. Raises TopicsError."""
    async with _reader(settings) as reader:
        bans: dict[str, Ban] = {}
        wrong: list[str] = []
        async for change in _until_now(reader):
            _apply(bans, change, wrong)
        for message in wrong:
            yield Change("", None, message)
        for subject, ban in bans.items():
            yield Change(subject, ban)
        while True:
            for records in (await reader.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    yield _change(record)


def in_force(ban: Ban, at: datetime) -> Ban | None:
    """`ban` without the sanctions that have ended at `at`; None when none is left."""
    held = [entry for entry in ban.sanctions if entry.ends is None or entry.ends > at]
    return msgspec.structs.replace(ban, sanctions=held) if held else None


def _apply(bans: dict[str, Ban], change: Change, wrong: list[str]) -> None:
    if change.wrong:
        wrong.append(change.wrong)
    elif change.ban is None:
        bans.pop(change.subject, None)
    else:
        bans[change.subject] = change.ban


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of the ban list, at their start, in no group."""
    topic = topic_names(settings).bans
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        if topic not in await consumer.topics():  # subscribing to it could create it
            raise TopicsError(f"{topic}: does not exist\n    create it: warden topics create")
        consumer.subscribe([topic])
        async with asyncio.timeout(_STALLED_S):
            while not consumer.assignment():
                await asyncio.sleep(0.01)
        yield consumer
    except (KafkaError, OSError, TimeoutError) as error:
        raise TopicsError(broker_trouble(settings.bootstrap, error)) from error
    finally:
        await consumer.stop()


async def _until_now(reader: AIOKafkaConsumer) -> AsyncIterator[Change]:
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
            raise TimeoutError(f"the ban list stalls before its end: {len(waiting)} partitions are not read")
        else:
            await asyncio.sleep(0)
        for records in fetched.values():
            for record in records:
                yield _change(record)


def _change(record: Record) -> Change:
    try:
        return Change((record.key or b"").decode(), decode_ban(record.value))
    except (UnicodeDecodeError, InvalidEventError) as error:
        place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
        return Change("", None, f"{place} is no ban: {error}")
