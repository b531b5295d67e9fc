"""The ceiling: aiokafka reads the input topics, commits, and does nothing else. No engine is ahead of it here."""

from __future__ import annotations

import asyncio

from benchmarks.contenders.aiokafka_consumer import Reader
from streams.collector import spare_the_collector
from streams.settings import Settings, load_settings
from streams.topics import topic_names


async def main(settings: Settings) -> None:
    """Runs until it is stopped."""
    reader = Reader(settings, topic_names(settings)[:3])
    await reader.start()
    spare_the_collector()
    while True:
        await reader.read()
        await reader.commit_when_due()


if __name__ == "__main__":
    asyncio.run(main(load_settings()))
