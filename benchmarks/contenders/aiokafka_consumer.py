"""The consumer of the two contenders that are nothing but aiokafka: what one reads and judges, the other only reads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from benchmarks.contenders.stages import READ_SECONDS
from streams.settings import Settings

FETCH_WAIT_MS = 50
"""A broker's long poll, as a worker's. aiokafka has one fetch in flight for a broker, so with its own 500 ms a
partition that was just emptied waits as long as the others are silent."""


class Reader:
    """Reads `topics` a batch at a time, as a worker's settings say, and commits as often as a worker does."""

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._settings = settings
        self._consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=settings.bootstrap,
            group_id=settings.app_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=settings.max_fetch_bytes,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        self._committed = 0.0

    async def start(self) -> None:
        """Joins the group."""
        await self._consumer.start()
        self._committed = time.monotonic()

    async def read(self) -> Mapping[Any, Sequence[Any]]:
        """The next records, by partition; empty where none came in time."""
        fetched: Mapping[Any, Sequence[Any]] = await self._consumer.getmany(
            timeout_ms=int(READ_SECONDS * 1000), max_records=self._settings.max_batch_records
        )
        return fetched

    async def commit_when_due(self) -> None:
        """Commits what was read; does nothing until the interval has passed since the last time."""
        if time.monotonic() - self._committed >= self._settings.commit_interval_s:
            await self._consumer.commit()
            self._committed = time.monotonic()
