"""What was on the topics of a run that went wrong, kept beside its logs: the brokers' own data go with the brokers.

One file a topic, gzipped JSON Lines by partition and offset. Keys, values and headers that are no text are in
hexadecimal behind `hex:`. Offsets that were committed are among them, as Kafka's own topic of them.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from chaos.readback import records
from streams.settings import Settings

_LEVEL = 3
"""Of compression: a run's topics have some hundreds of megabytes."""


async def keep_topics(settings: Settings, folder: Path, topics: Sequence[str] | None = None) -> None:
    """Writes every record of every topic, or of some, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for topic in await _topics(settings) if topics is None else topics:
        await asyncio.to_thread(_write, folder / f"{topic}.jsonl.gz", await records(settings, topic))


async def _topics(settings: Settings) -> list[str]:
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, enable_auto_commit=False, exclude_internal_topics=False
    ) as consumer:
        return sorted(await consumer.topics())


def _write(file: Path, found: list[Any]) -> None:
    with gzip.open(file, "wb", compresslevel=_LEVEL) as out:
        for record in found:
            line = {
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": record.timestamp,
                "key": _shown(record.key),
                "value": _shown(record.value),
                "headers": {name: _shown(value) for name, value in record.headers},
            }
            out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _shown(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "hex:" + data.hex()
