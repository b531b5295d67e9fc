"""The guarantee of `streams/batches.py`, on a real broker, with workers as processes that are killed and stopped.

Run as a module, this file is the worker: `python -m tests.kafka.test_batches SETTINGS_AS_JSON`. It handles three
topics; for every record it sends an output whose id is the record's own, into the partition it came from, and it
writes the id under the record's key into its state.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.batches import Options, Plan, RecordBatch, Send, Write, create_app, run
from streams.stores import STAMP_HEADER
from tests.kafka.broker import Broker

ROOT = Path(__file__).parents[2]
PARTITIONS = 2
START = 1_750_000_000_000  # milliseconds


@dataclass
class Setup:
    """What a worker of these tests is told."""

    bootstrap: str
    prefix: str
    store: str = "memory://"
    datadir: str = ""
    fail_on: str = ""  # the id of a record whose batch fails
    oversize_on: str = ""  # the id of a record whose output no broker takes
    dump: str = ""  # a file for the state after recovery
    pause: float = 0.0  # seconds that a batch takes longer
    max_batch: int = 1000

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in ("posts", "shares", "mass_sends"))

    @property
    def output(self) -> str:
        return self.prefix + "out"

    @property
    def group(self) -> str:
        return self.prefix + "app"


# --- the worker


def worker(setup: Setup) -> None:
    options = Options(
        app_id=setup.group,
        bootstrap=setup.bootstrap,
        partitions=PARTITIONS,
        store=setup.store,
        datadir=setup.datadir,
        session_timeout=6.0,
        commit_interval=0.3,
        max_batch_records=setup.max_batch,
        max_fetch_bytes=64 << 10,
        request_timeout=6.0,
        max_request_bytes=8 << 20,
    )
    app = create_app(options)
    table = app.state_table("last")

    @app.batch_agent(*setup.inputs, name="screen")
    def screen(batch: RecordBatch) -> Plan:
        time.sleep(setup.pause)
        plan = Plan()
        before = table.of(batch.partition)
        for record in batch.records:
            name = record.value
            if name.decode() == setup.fail_on:
                raise ValueError("told to fail")
            value = name + b" " * (2 << 20) if name.decode() == setup.oversize_on else name
            seen = b"again" if before.get(record.key) == name else b"new"
            plan.sends.append(Send(setup.output, name, value, [("seen", seen)], batch.partition))
            plan.writes.append(Write("last", record.key, name))
        return plan

    def dump(partition: int) -> None:
        if setup.dump:
            state = {key.decode(): value.decode() for key, value in table.of(partition).items()}
            Path(f"{setup.dump}-{partition}").write_text(json.dumps(state))

    table.on_recovered.append(dump)
    run(app)


# --- what the tests share


@dataclass(frozen=True)
class Given:
    """A record to produce."""

    topic: str
    partition: int
    key: str
    name: str
    timestamp: int


def some_records(setup: Setup, count: int, *, begin: int = 0, seed: int = 1) -> list[Given]:
    """Records over all inputs and partitions, in bursts: many share a millisecond, and timestamps never fall back."""
    draw = random.Random(seed)
    records, now = [], START + begin
    for i in range(begin, begin + count):
        now += draw.choice((0, 0, 0, 1, 1, 2, 40))
        topic = setup.inputs[draw.choice((0, 0, 0, 1, 1, 2))]
        records.append(Given(topic, draw.randrange(PARTITIONS), f"k{draw.randrange(500)}", f"{i:07d}", now))
    return records


async def produced(setup: Setup, records: list[Given]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=setup.bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        for start in range(0, len(records), 5000):
            await asyncio.gather(
                *[
                    await producer.send(
                        r.topic,
                        r.name.encode(),
                        r.key.encode(),
                        r.partition,
                        r.timestamp,
                        [("ce_sequence", r.name.encode())],
                    )
                    for r in records[start : start + 5000]
                ]
            )
    finally:
        await producer.stop()


async def everything(bootstrap: str, topic: str) -> list[Any]:
    """All records of a topic, partition by partition, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        tps = [TopicPartition(topic, p) for p in range(PARTITIONS)]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        records = []
        while [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            for some in (await consumer.getmany(timeout_ms=200)).values():
                records += some
        return sorted(records, key=lambda r: (r.partition, r.offset))
    finally:
        await consumer.stop()


async def offsets_of(setup: Setup) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Committed and end offsets of the inputs."""
    consumer = AIOKafkaConsumer(bootstrap_servers=setup.bootstrap, group_id=setup.group, enable_auto_commit=False)
    await consumer.start()
    try:
        tps = [TopicPartition(topic, p) for topic in setup.inputs for p in range(PARTITIONS)]
        consumer.assign(tps)
        committed = {tp: await consumer.committed(tp) or 0 for tp in tps}
        return committed, dict(await consumer.end_offsets(tps))
    finally:
        await consumer.stop()


async def until(setup: Setup, wanted: set[str], *, seconds: float = 40.0) -> list[Any]:
    """The outputs, once all wanted ids are among them."""
    deadline = time.monotonic() + seconds
    while True:
        outputs = await everything(setup.bootstrap, setup.output)
        missing = wanted - {record.key.decode() for record in outputs}
        if not missing:
            return outputs
        assert time.monotonic() < deadline, f"{len(missing)} outputs are missing, such as {min(missing)}"
        await asyncio.sleep(0.3)


@contextmanager
def started(setup: Setup) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; ends with the block. Its log is shown when the test fails."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kafka.test_batches", json.dumps(asdict(setup))],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            log.seek(0)
            print(log.read().decode()[-6000:])  # noqa: T201


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=20)


@pytest.fixture
def setup(kafka: Broker, prefix: str, tmp_path: Path) -> Setup:
    made = Setup(kafka.bootstrap, prefix, datadir=str(tmp_path / "data"))

    async def create() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(t, PARTITIONS, 1) for t in (*made.inputs, made.output)])
        finally:
            await admin.close()

    asyncio.run(create())
    return made


def names(records: list[Given]) -> set[str]:
    return {record.name for record in records}


# --- the tests


def test_a_backlog_is_handled_in_global_timestamp_order_and_committed_to_its_end(setup: Setup) -> None:
    records = some_records(setup, 50_000)
    setup.max_batch = 4096

    async def when() -> list[Any]:
        await produced(setup, records)
        return await until(setup, names(records))

    with started(setup) as process:
        outputs = asyncio.run(when())
        assert stop(process) == 0
    for partition in range(PARTITIONS):
        got = [r.key.decode() for r in outputs if r.partition == partition]
        assert got == [r.name for r in records if r.partition == partition]
    committed, ends = asyncio.run(offsets_of(setup))
    assert committed == ends


if __name__ == "__main__":
    worker(Setup(**json.loads(sys.argv[1])))
