"""The guarantee of `streams/batches.py`, on a real broker, with workers as processes that are killed and stopped.

Run as a module, this file is the worker: `python -m tests.kafka.test_batches SETTINGS_AS_JSON`. It handles three
topics; for every record it sends an output whose id is the record's own, into the partition it came from, and it
writes the id under the record's key into its state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.group import HeartbeatRequest

from streams.batch_app import DEFAULT_PATIENCE, Options, create_app, run
from streams.merging import Patience
from streams.plans import Plan, RecordBatch
from streams.sending import Send
from streams.stores import Write
from tests.kafka.broker import Broker

ROOT = Path(__file__).parents[2]
PARTITIONS = 2
START = int(time.time() * 1000) - 3_600_000  # milliseconds; recent, or the broker's retention deletes them


@dataclass
class Setup:
    """What a worker of these tests is told."""

    bootstrap: str
    prefix: str
    store: str = "memory://"
    datadir: str = ""
    fail_on: str = ""  # the id of a record whose batch fails
    stall_on: str = ""  # the id of a record in whose batch the process stops itself (SIGSTOP)
    blind: bool = False  # the coordinator answers heartbeats as one does that has not loaded its groups yet
    oversize_on: str = ""  # the id of a record whose output no broker takes
    dump: str = ""  # a file for the state after recovery
    standstill: float = 180.0  # seconds without progress that end the worker
    pause: float = 0.0  # seconds that a batch takes longer
    patience: float = DEFAULT_PATIENCE.behind  # seconds a lane waits for a topic that has records
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


def answered_blindly(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`AIOKafkaClient.send`, by which every heartbeat finds the membership as it was."""

    async def blind(self: Any, node_id: int, request: Any, **options: Any) -> Any:
        response = await send(self, node_id, request, **options)
        if isinstance(request, HeartbeatRequest):
            response.error_code = 0
        return response

    return blind


def worker(setup: Setup) -> None:
    if setup.blind:
        AIOKafkaClient.send = answered_blindly(AIOKafkaClient.send)
    options = Options(
        app_id=setup.group,
        bootstrap=setup.bootstrap,
        partitions=PARTITIONS,
        store=setup.store,
        datadir=setup.datadir,
        session_timeout=3.0,  # a killed worker's partitions wait so long
        drain_timeout=2.5,
        commit_interval=30.0 if setup.blind else 0.3,  # a commit would find out before a heartbeat does
        max_batch_records=setup.max_batch,
        patience=Patience(stale=DEFAULT_PATIENCE.stale, behind=setup.patience),
        max_fetch_bytes=64 << 10,
        request_timeout=6.0,
        standstill=setup.standstill,
        max_request_bytes=8 << 20,
    )
    app = create_app(options)
    table = app.state_table("last")

    @app.batch_agent(*setup.inputs, name="screen")
    def screen(batch: RecordBatch) -> Plan:
        time.sleep(setup.pause)
        plan = Plan()
        for record in batch.records:
            name = record.value
            if name.decode() == setup.fail_on:
                raise ValueError("told to fail")
            if name.decode() == setup.stall_on:
                os.kill(os.getpid(), signal.SIGSTOP)
            value = os.urandom(3 << 20) if name.decode() == setup.oversize_on else name
            plan.sends.append(Send(setup.output, name, value, partition=batch.partition))
            plan.writes.append(Write("last", record.key, name))
        return plan

    def dump(partition: int) -> None:
        if setup.dump:
            state = {key.decode(): value.decode() for key, value in table.of(partition).items()}
            Path(f"{setup.dump}-{partition}").write_text(json.dumps(state))

    table.on_recovered.append(dump)
    logging.basicConfig(level=os.environ.get("WORKER_LOG", "WARNING"))
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
        await asyncio.sleep(0.2)


async def until_committed(setup: Setup, wanted: set[str], *, seconds: float = 40.0) -> list[Any]:
    """The outputs, once all wanted ids are among them and the inputs are committed to their ends. A member that was
    killed leaves the group when its session ends: a rebalance then drops a batch whose outputs are there already, and
    it is read again."""
    outputs = await until(setup, wanted, seconds=seconds)
    deadline = time.monotonic() + seconds
    while True:
        committed, ends = await offsets_of(setup)
        if committed == ends:
            return outputs
        assert time.monotonic() < deadline, f"committed are {committed}, of {ends}"
        await asyncio.sleep(0.2)


async def count_of(setup: Setup) -> int:
    """How many outputs there are."""
    consumer = AIOKafkaConsumer(bootstrap_servers=setup.bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(setup.output, p) for p in range(PARTITIONS)])
        return sum(ends.values())
    finally:
        await consumer.stop()


async def flowing(setup: Setup, least: int = 1, *, seconds: float = 30.0) -> None:
    """Wait until there are some outputs."""
    deadline = time.monotonic() + seconds
    while await count_of(setup) < least:
        assert time.monotonic() < deadline, "no outputs"
        await asyncio.sleep(0.1)


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


def handled_in_order(records: list[Given], outputs: list[Any]) -> bool:
    """Whether each partition's outputs are its records in their order, once each."""
    return all(
        [r.key.decode() for r in outputs if r.partition == partition]
        == [r.name for r in records if r.partition == partition]
        for partition in range(PARTITIONS)
    )


def last_names(records: list[Given], partition: int) -> dict[str, str]:
    """The state that the worker's handle makes of a partition's records."""
    return {record.key: record.name for record in records if record.partition == partition}


# --- the tests


def test_a_backlog_is_handled_in_global_timestamp_order_and_committed_to_its_end(setup: Setup) -> None:
    records = some_records(setup, 50_000)
    setup.max_batch = 4096
    setup.patience = 20.0  # the order must not hang on how busy the machine is
    asyncio.run(produced(setup, records))
    with started(setup) as process:
        outputs = asyncio.run(until(setup, names(records)))
        assert stop(process) == 0
    assert handled_in_order(records, outputs)
    committed, ends = asyncio.run(offsets_of(setup))
    assert committed == ends


def test_a_killed_worker_leaves_nothing_out(setup: Setup) -> None:
    records = some_records(setup, 20_000)
    setup.pause = 0.02
    asyncio.run(produced(setup, records))
    for least in (1, 8_000):
        with started(setup) as process:
            asyncio.run(flowing(setup, least))
            process.kill()
    with started(setup) as process:
        outputs = asyncio.run(until_committed(setup, names(records)))
        assert stop(process) == 0
    assert {r.key.decode() for r in outputs} == names(records)


def test_a_worker_that_joins_and_leaves_costs_nothing(setup: Setup, tmp_path: Path) -> None:
    records = some_records(setup, 24_000)
    setup.pause = 0.02
    steps = [records[i : i + 2000] for i in range(0, len(records), 2000)]

    async def feed() -> None:
        for step in steps:
            await produced(setup, step)
            await asyncio.sleep(0.5)

    async def join_and_leave() -> None:
        await flowing(setup)
        with started(replace(setup, dump=str(tmp_path / "second"))) as second:
            while not list(tmp_path.glob("second-*")):  # it has taken a partition
                await asyncio.sleep(0.1)
            await asyncio.sleep(1.0)
            assert await asyncio.to_thread(stop, second) == 0

    async def when() -> list[Any]:
        await asyncio.gather(feed(), join_and_leave())
        return await until(setup, names(records))

    with started(setup) as first:
        outputs = asyncio.run(when())
        assert stop(first) == 0
    # Both left by a clean rebalance: what was done was committed before, so nothing was read twice either.
    assert len(outputs) == len(records)
    committed, ends = asyncio.run(offsets_of(setup))
    assert committed == ends


@pytest.mark.parametrize("fault", ["fail_on", "oversize_on"])
def test_a_batch_that_fails_ends_the_process_and_is_not_committed(setup: Setup, fault: str) -> None:
    records = some_records(setup, 6_000)
    setattr(setup, fault, records[4_000].name)
    asyncio.run(produced(setup, records))
    with started(setup) as process:
        assert process.wait(timeout=30) == 70
    committed, _ = asyncio.run(offsets_of(setup))
    bad = records[4_000]
    tp = TopicPartition(bad.topic, bad.partition)
    before = [r for r in records[:4_000] if (r.topic, r.partition) == (bad.topic, bad.partition)]
    assert committed[tp] <= len(before)
    setattr(setup, fault, "")
    with started(setup) as process:
        asyncio.run(until(setup, names(records)))
        assert stop(process) == 0


@pytest.mark.parametrize("blind", [False, True])
def test_a_worker_that_stood_still_writes_nothing_once_its_partitions_are_anothers(setup: Setup, blind: bool) -> None:
    records = some_records(setup, 6_000)
    asyncio.run(produced(setup, records))
    with started(replace(setup, stall_on=records[3_000].name, blind=blind)) as zombie:
        asyncio.run(flowing(setup))
        stopped_itself(zombie)
        with started(setup) as owner:
            before = len(asyncio.run(until(setup, names(records))))
            zombie.send_signal(signal.SIGCONT)
            code = zombie.wait(timeout=20)
            after = len(asyncio.run(everything(setup.bootstrap, setup.output)))
            assert stop(owner) == 0
    assert (after - before, code) == (0, 70)


def stopped_itself(process: subprocess.Popen[bytes]) -> None:
    """Returns once a process is stopped by a signal."""
    deadline = time.monotonic() + 30
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)


def test_a_worker_that_stands_still_ends_and_one_that_has_nothing_to_do_does_not(setup: Setup) -> None:
    records = some_records(setup, 2_000)
    setup.standstill = 6.0
    asyncio.run(produced(setup, records[:1_000]))
    with started(setup) as process:
        asyncio.run(until(setup, names(records[:1_000])))
        time.sleep(9)  # the watchdog has looked six times, the last two when patience with one at work had ended
        assert process.poll() is None
        asyncio.run(produced(setup, records[1_000:]))
        asyncio.run(until(setup, names(records)))
        assert stop(process) == 0
    asyncio.run(produced(setup, some_records(setup, 10, begin=2_000)))
    with started(replace(setup, pause=60.0, standstill=4.0)) as process:
        assert process.wait(timeout=45) == 70


def test_a_graceful_stop_commits_what_is_handled_and_nothing_else(setup: Setup) -> None:
    records = some_records(setup, 20_000)
    setup.pause = 0.05
    asyncio.run(produced(setup, records))
    with started(setup) as process:
        asyncio.run(flowing(setup, 3_000))
        assert stop(process) == 0
    outputs = asyncio.run(everything(setup.bootstrap, setup.output))
    committed, _ = asyncio.run(offsets_of(setup))
    assert sum(committed.values()) == len(outputs) < len(records)


@pytest.mark.parametrize("store", ["memory://", "rocksdb://"])
def test_state_survives_a_restart(setup: Setup, store: str, tmp_path: Path) -> None:
    records = some_records(setup, 8_000)
    setup.store = store
    setup.patience = 20.0  # what a key has last must not hang on how busy the machine is
    asyncio.run(produced(setup, records[:4_000]))
    with started(setup) as process:
        asyncio.run(until(setup, names(records[:4_000])))
        process.kill()
    asyncio.run(produced(setup, records[4_000:]))
    with started(setup) as process:
        asyncio.run(until_committed(setup, names(records)))
        assert stop(process) == 0
    setup.dump = str(tmp_path / "state")
    with started(setup) as process:
        deadline = time.monotonic() + 20
        dumps = [Path(f"{setup.dump}-{partition}") for partition in range(PARTITIONS)]
        while not all(dump.exists() for dump in dumps) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert stop(process) == 0
    for partition, dump in enumerate(dumps):
        assert json.loads(dump.read_text()) == last_names(records, partition)


if __name__ == "__main__":
    worker(Setup(**json.loads(sys.argv[1])))
