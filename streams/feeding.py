"""Producing lines of events to the input topics, in their order: what `warden feed` does.

Records of one batch are acknowledged before the next batch is sent. Their timestamps never go back, and a header
`ce_sequence` (CloudEvents' sequence extension) counts the lines, so that workers keep the file's order across topics.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from aiokafka.errors import KafkaError

from rules.events import EventType, InvalidEventError
from streams.access.clients import started_producer
from streams.lines import Line, read_lines, record_of
from streams.merging import SEQUENCE_HEADER
from streams.rights import kafka_error
from streams.sending import RECORD_OVERHEAD, Send, Sender
from streams.settings import Settings
from streams.topics import INPUTS, TopicsError, topic_names, verify_topics

_BATCH_RECORDS = 1000
_BATCH_BYTES = 8_000_000
_TICKS = 20
"""Batches a second when a rate is given, at most."""
_SEQUENCE_DIGITS = 20


@dataclass(slots=True)
class Fed:
    """What was sent, by type, and how many lines were not. `end`: bytes read."""

    sent: Counter[EventType] = field(default_factory=Counter)
    refused: int = 0
    lines: int = 0
    end: int = 0
    seconds: float = 0.0


Refuse = Callable[[Line, InvalidEventError], None]
Advance = Callable[[Fed], None]


async def feed(settings: Settings, stream: BinaryIO, rate: float | None, refuse: Refuse, advance: Advance) -> Fed:
    """Sends every line of `stream` that tells its type and key, at most `rate` a second.

    `refuse` is told of each other line, `advance` of progress after each batch. Raises TopicsError when topics are
    missing or wrong, or the brokers do not acknowledge a record; what was sent before stays sent.
    """
    await check_inputs(settings)
    try:
        async with started_producer(settings, **producer_options(settings)) as producer:
            sender = Sender(lambda: producer, max_record_bytes=settings.max_record_bytes)
            lines = read_lines(stream, settings.max_record_bytes)
            return await _send_all(settings, sender, lines, rate, (refuse, advance))
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error, "Write") from error


def producer_options(settings: Settings) -> dict[str, Any]:
    """How a producer of events is to be made."""
    return {
        "max_request_size": settings.max_record_bytes,
        "max_batch_size": 1 << 18,
        "compression_type": None if settings.compression == "none" else settings.compression,
        "request_timeout_ms": int(settings.request_timeout_s * 1000),
    }


def sequence(number: int) -> tuple[str, bytes]:
    """The header that orders events of the same millisecond across topics."""
    return SEQUENCE_HEADER, b"%0*d" % (_SEQUENCE_DIGITS, number)


async def check_inputs(settings: Settings) -> None:
    """Raises TopicsError when an input topic is missing or wrong: a producer would create a missing one, with the wrong
    number of partitions."""
    names = topic_names(settings)
    inputs = {names.input(kind) for kind in INPUTS}
    wrong = [problem for problem in (await verify_topics(settings)).problems if problem.topic in inputs]
    if wrong:
        raise TopicsError("\n".join(map(str, wrong)))


async def _send_all(
    settings: Settings, sender: Sender, lines: Iterator[Line], rate: float | None, tell: tuple[Refuse, Advance]
) -> Fed:
    refuse, advance = tell
    fed = Fed()
    start = time.monotonic()
    stamp = 0
    size = _BATCH_RECORDS if rate is None else max(1, min(_BATCH_RECORDS, int(rate / _TICKS)))
    while batch := await asyncio.to_thread(_take, lines, size):
        stamp = max(stamp, time.time_ns() // 1_000_000)
        await sender.send_all(_sends(settings, batch, stamp, fed, refuse))
        fed.seconds = time.monotonic() - start
        advance(fed)
        if rate is not None:
            await asyncio.sleep(max(0.0, start + fed.lines / rate - time.monotonic()))
    return fed


def _take(lines: Iterator[Line], size: int) -> list[Line]:
    """The next lines, at most `size` and about 8 MB of them."""
    batch: list[Line] = []
    total = 0
    for line in islice(lines, size):
        batch.append(line)
        total += len(line.body)
        if total >= _BATCH_BYTES:
            break
    return batch


def _sends(settings: Settings, batch: list[Line], stamp: int, fed: Fed, refuse: Refuse) -> list[Send]:
    names = topic_names(settings)
    sends: list[Send] = []
    for line in batch:
        fed.lines += 1
        fed.end = line.end
        try:
            kind, key, value = record_of(line)
            check_size(len(key) + len(value), settings.max_record_bytes)
        except InvalidEventError as error:
            fed.refused += 1
            refuse(line, error)
            continue
        fed.sent[kind] += 1
        sends.append(Send(names.input(kind), key, value, [sequence(line.number)], timestamp_ms=stamp))
    return sends


def check_size(size: int, limit: int) -> None:
    """Raises InvalidEventError, `oversize`, for a key and value that the topics do not take. All in bytes."""
    if size + RECORD_OVERHEAD > limit:
        raise InvalidEventError("oversize", f"{size} bytes; the topics take records of at most {limit} bytes")
