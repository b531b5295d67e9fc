"""Stock Faust: three agents and three tables, one event at a time, or with `--take` as many as came together.

`faust-streaming` as it is installed, without a line of `streams/batches.py` or `streams/transport.py`. `take` leaves no
current event, so its tables choose the changelog's partition by key (`use_partitioner`), as Faust's pages say.

Not guaranteed: an agent that fails acknowledges all the same; sends are not awaited before offsets are committed, and a
failed one is only logged; changelogs are not tied to offsets, and with `take` a crowd's states may go to another
partition than its sightings; the order between topics is any.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import faust

from benchmarks.cluster import STATES
from benchmarks.contenders.stages import READ_SECONDS, Asked, Record, Stages
from streams.collector import spare_the_collector
from streams.settings import Settings, load_settings
from streams.topics import topic_names


def make_app(settings: Settings, *, take: bool) -> faust.App:
    """The app. `take`: batches of events instead of single ones."""
    app = faust.App(
        settings.app_id,
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
        datadir=str(settings.data_dir),
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=settings.max_fetch_bytes,
        broker_commit_interval=settings.commit_interval_s,
        producer_acks=-1,
        producer_compression_type=settings.compression,
        producer_max_batch_size=256 << 10,
        web_enabled=False,
    )
    tables = {
        name: app.Table(name, key_type=bytes, value_type=bytes, partitions=settings.partitions, use_partitioner=take)
        for name in STATES
    }
    stages = Stages(settings, {name: Asked(table.get) for name, table in tables.items()})
    outputs = {name: app.topic(name, key_type=bytes, value_type=bytes) for name in topic_names(settings)}

    async def carry_out(stage: tuple[str, ...], events: Sequence[Any]) -> None:
        plan = stages.plan(stage, [_record(event.message) for event in events])
        for topic, key, value, headers, _, timestamp in plan.sends:
            seconds = None if timestamp is None else timestamp / 1000
            await outputs[topic].send(key=key, value=value, headers=dict(headers), timestamp=seconds)
        for table, key, value in plan.writes:
            if value is None:
                tables[table].pop(key, None)
            else:
                tables[table][key] = value

    def agent_of(name: str, stage: tuple[str, ...]) -> None:
        async def each(stream: Any) -> None:
            async for event in stream.events():
                await carry_out(stage, (event,))

        async def many(stream: Any) -> None:
            async for events in stream.take_events(settings.max_batch_records, within=READ_SECONDS):
                await carry_out(stage, events)

        app.agent(app.topic(*stage, key_type=bytes, value_type=bytes), name=name)(many if take else each)

    agent_of("screen", stages.contents)
    agent_of("crowds", stages.sightings)
    agent_of("enforce", stages.subjects)
    return app


def _record(message: Any) -> Record:
    headers = message.headers or ()
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        list(headers.items()) if isinstance(headers, dict) else headers,
        int(message.timestamp * 1000),
    )


def main() -> None:
    """Runs until it is stopped."""
    app = make_app(load_settings(), take="--take" in sys.argv)
    spare_the_collector()
    worker = faust.Worker(app, redirect_stdouts=False, quiet=True, loglevel="warning")
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
