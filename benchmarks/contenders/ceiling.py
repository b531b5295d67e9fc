"""The ceiling: aiokafka reads the input topics, commits, and does nothing else. No engine is ahead of it here."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaConsumer

from benchmarks.contenders.stages import FETCH_WAIT_MS, READ_SECONDS, spare_the_collector
from streams.settings import Settings, load_settings
from streams.topics import topic_names


async def main(settings: Settings) -> None:
    """Runs until it is stopped."""
    consumer = AIOKafkaConsumer(
        *topic_names(settings)[:3],
        bootstrap_servers=settings.bootstrap,
        group_id=settings.app_id,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=settings.max_fetch_bytes,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    await consumer.start()
    spare_the_collector()
    committed = time.monotonic()
    while True:
        await consumer.getmany(timeout_ms=int(READ_SECONDS * 1000), max_records=settings.max_batch_records)
        if time.monotonic() - committed >= settings.commit_interval_s:
            await consumer.commit()
            committed = time.monotonic()


if __name__ == "__main__":
    asyncio.run(main(load_settings()))
