"""A plain aiokafka loop: get many, judge them, send, wait for the acknowledgements, commit now and then.

States are in dictionaries and in the same changelog topics as a worker's.

Not guaranteed: nothing reads the changelogs back, so state is gone after a restart or a rebalance; a worker that lost a
partition may still write (no fencing); the order between topics is any.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer

from benchmarks.cluster import STATES, changelog
from benchmarks.contenders.aiokafka_consumer import Reader
from benchmarks.contenders.stages import Stages, keep
from streams.collector import spare_the_collector
from streams.settings import Settings, load_settings


async def main(settings: Settings) -> None:
    """Runs until it is stopped."""
    states: dict[str, dict[bytes, bytes]] = {name: {} for name in STATES}
    changelogs = {table: changelog(settings, table) for table in STATES}
    stages = Stages(settings, states)
    reader = Reader(settings, stages.topics)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, acks="all", compression_type=settings.compression, linger_ms=5
    )
    await asyncio.gather(reader.start(), producer.start())
    spare_the_collector()
    while True:
        fetched = await reader.read()
        sent = []
        for plan in stages.plans(record for records in fetched.values() for record in records):
            for topic, key, value, headers, _, timestamp in plan.sends:
                sent.append(await producer.send(topic, value, key, timestamp_ms=timestamp, headers=list(headers)))
            for table, key, value in plan.writes:
                sent.append(await producer.send(changelogs[table], value, key))
            keep(states, plan.writes)
        await asyncio.gather(*sent)
        await reader.commit_when_due()


if __name__ == "__main__":
    asyncio.run(main(load_settings()))
