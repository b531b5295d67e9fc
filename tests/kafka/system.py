"""A whole Streamwarden on a real broker, for tests: topics, workers as processes, a feed, and what came out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.embedded import free_port
from streams.settings import Settings
from streams.topics import INPUTS as TOPIC_OF
from streams.topics import create_topics, enforce_topics, topic_names, topic_specs
from streams.worker_process import environment_of

TINY = Path(__file__).parents[1] / "data" / "tiny"
INPUTS: dict[str, str] = {**TOPIC_OF}
_DONE_S = 90.0


@dataclass
class Worker:
    """A worker process (or a supervisor with several) and where it serves its metrics."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; (0, "") while nothing listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:  # noqa: S310 - loopback
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, start: str) -> float:
        """The sum of the samples whose line starts with `start`."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    def await_ready(self, seconds: float = 60.0) -> None:
        """Returns once the worker has its partitions."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.get("/readyz")[0] == 200:
                return
            time.sleep(0.1)
        raise AssertionError(f"the worker is not ready:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> int:
        """Stops it as a service manager does; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the worker did not stop:\n{self.log.read_text()[-4000:]}") from None

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@dataclass
class System:
    """Settings of its own on a shared broker; nothing of it is seen by other tests."""

    settings: Settings
    folder: Path
    workers: list[Worker] = field(default_factory=list)

    @classmethod
    def create(cls, bootstrap: str, prefix: str, folder: Path, *, topics: bool = True, **given: Any) -> System:
        """Creates the topics, unless `topics` says that the test does."""
        values: dict[str, Any] = {"partitions": 3, "session_timeout_s": 6.0, "pack": TINY, "commit_interval_s": 0.3}
        settings = Settings(
            bootstrap=bootstrap,
            topic_prefix=prefix,
            app_id=f"{prefix}app",
            data_dir=folder / "data",
            **(values | given),
        )
        if topics:
            asyncio.run(create_topics(settings))
        return cls(settings, folder)

    def environment(self, **given: str) -> dict[str, str]:
        """The environment of its commands."""
        return {**environment_of(self.settings), **given}

    def warden(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Runs a command to its end."""
        command = [sys.executable, "-m", "streams.cli", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, env=self.environment(), timeout=120, check=False
        )

    @contextmanager
    def worker(self, *arguments: str, ready: bool = True, **environment: str) -> Iterator[Worker]:
        """A worker for the length of the block."""
        port = free_port()
        number = len(self.workers)
        log = self.folder / f"worker-{number}.log"
        folder = {"WARDEN_DATA_DIR": str(self.folder / f"data-{number}"), "WARDEN_WEB_PORT": str(port)}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker", *arguments],
                env=self.environment(**(folder | environment)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        worker = Worker(process, f"http://127.0.0.1:{port}", log)
        self.workers.append(worker)
        try:
            if ready:
                worker.await_ready()
            yield worker
        finally:
            if process.poll() is None:
                worker.stop()

    def feed(self, events: Iterable[dict[str, Any]]) -> None:
        """Produces events with `warden feed`, as a user would."""
        done = self.warden("feed", "-", stdin=b"\n".join(orjson.dumps(event) for event in events))
        assert done.returncode == 0, done.stderr.decode()

    def produce(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None]], **options: Any) -> None:
        """Produces raw records to an input topic, in order; `topic` without prefix."""

        async def run() -> None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.settings.bootstrap, acks="all", max_request_size=20_000_000
            )
            await producer.start()
            try:
                name = getattr(topic_names(self.settings), topic)
                for key, value in records:
                    await producer.send(name, value, key, **options)
                await producer.flush()
            finally:
                await producer.stop()

        asyncio.run(run())

    def await_done(self, records: int, *workers: Worker) -> None:
        """Returns when the workers have judged `records` input records and nothing is left between the stages."""
        deadline = time.monotonic() + _DONE_S
        state: list[tuple[int, int]] = []
        while time.monotonic() < deadline:
            for worker in workers:
                assert worker.process.poll() is None, worker.log.read_text()[-4000:]
            state = self.progress()
            if state[0][0] >= records and all(committed == end for committed, end in state):
                return
            time.sleep(0.2)
        raise AssertionError(f"not done: (committed, end) of content, sightings, violations and reports: {state}")

    def progress(self) -> list[tuple[int, int]]:
        """(records committed, records there) of the topics of each stage, in the order in which events go through.

        A stage's commits are asked for before its ends, and stages before those they send to: where all are equal,
        nothing was left.
        """
        names = topic_names(self.settings)
        stages = (names[:3], (names.sightings,), enforce_topics(names))

        async def run() -> list[tuple[int, int]]:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.settings.bootstrap, group_id=self.settings.app_id, enable_auto_commit=False
            )
            await consumer.start()
            try:
                found: list[tuple[int, int]] = []
                for topics in stages:
                    tps = [TopicPartition(topic, p) for topic in topics for p in range(self.settings.partitions)]
                    consumer.assign(tps)
                    committed = [await consumer.committed(tp) or 0 for tp in tps]
                    ends = await consumer.end_offsets(tps)
                    found.append((sum(committed), sum(ends.values())))
                return found
            finally:
                await consumer.stop()

        return asyncio.run(run())

    def records(self, topic: str) -> list[Any]:
        """Every record of a topic as of now, by partition and offset; `topic` without prefix."""
        (spec,) = (spec for role, spec in topic_specs(self.settings).items() if role == topic)

        async def run() -> list[Any]:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.settings.bootstrap,
                enable_auto_commit=False,
                max_partition_fetch_bytes=20_000_000,
            )
            await consumer.start()
            try:
                tps = [TopicPartition(spec.name, p) for p in range(spec.partitions)]
                consumer.assign(tps)
                await consumer.seek_to_beginning(*tps)
                ends = await consumer.end_offsets(tps)
                found: list[Any] = []
                while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                    for batch in (await consumer.getmany(timeout_ms=500)).values():
                        found.extend(batch)
                return sorted(found, key=lambda record: (record.partition, record.offset))
            finally:
                await consumer.stop()

        return asyncio.run(run())

    def decisions(self, topic: str) -> list[dict[str, Any]]:
        """The JSON of every record of an output topic."""
        return [orjson.loads(record.value) for record in self.records(topic) if record.value is not None]

    def bans(self) -> dict[str, Any]:
        """What the compacted ban list says: the newest record of each subject, without tombstones."""
        newest = {record.key.decode(): record.value for record in self.records("bans")}
        return {subject: orjson.loads(value) for subject, value in newest.items() if value is not None}
