"""Events a second of one worker process on real Kafka: `python -m benchmarks.throughput [--events N]`.

The demo mix with the shipped pack, written to the topics before the worker starts. The worker is pinned to one core,
the broker to the others. Counted between a tenth and nine tenths of the way, so neither start-up nor the last commit
is in it. Uses the broker of the test suite, so KAFKA_BOOTSTRAP is honoured.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import psutil
from aiokafka import AIOKafkaProducer
from rich.console import Console

from streams.demo.traffic import traffic
from streams.embedded import end, free_port
from streams.sending import Send, Sender
from streams.settings import Settings
from streams.topics import create_topics, topic_names
from tests.kafka.broker import broker

_CHUNK = 5000
_LIMIT_S = 300.0


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--store", default="memory://", choices=("memory://", "rocksdb://"))
    arguments = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        server = broker(Path(folder, "kafka"))
        server.start()
        try:
            pin_children(all_but_first())
            settings = Settings(
                bootstrap=server.bootstrap,
                topic_prefix=f"bench{os.getpid()}-",
                app_id=f"bench{os.getpid()}",
                partitions=arguments.partitions,
                store=arguments.store,
                data_dir=Path(folder, "state"),
                web_port=free_port(),
                log_level="warning",
            )
            asyncio.run(create_topics(settings))
            with console.status(f"writing {arguments.events:,} events"):
                asyncio.run(fill(settings, arguments.events))
            with console.status("judging"), worker(settings) as process:
                report(settings, process, arguments.events)
        finally:
            server.close()


def all_but_first() -> list[int]:
    """The cores for the broker: all but the first, or the only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[1:] or cores


def pin_children(cores: list[int]) -> None:
    """Pins the processes this one started."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.cpu_affinity(cores)


async def fill(settings: Settings, count: int) -> None:
    """Writes `count` events to the input topics, in their order."""
    names = topic_names(settings)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, acks="all", compression_type="lz4", max_batch_size=1 << 18
    )
    await producer.start()
    try:
        sender = Sender(lambda: producer, max_record_bytes=1_000_000)
        items = islice(traffic(start=datetime.now(UTC), per_second=10_000), count)
        while chunk := list(islice(items, _CHUNK)):
            await sender.send_all(
                Send(
                    names.input(item.kind),
                    item.key.encode(),
                    item.raw if item.body is None else orjson.dumps(item.body),
                )
                for item in chunk
            )
    finally:
        await producer.stop()


@contextmanager
def worker(settings: Settings) -> Iterator[psutil.Process]:
    """One worker process, on the first core."""
    given = {f"WARDEN_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    command = [sys.executable, "-m", "streams.cli", "worker"]
    process = subprocess.Popen(command, env={**os.environ, **given})
    try:
        running = psutil.Process(process.pid)
        running.cpu_affinity(sorted(os.sched_getaffinity(0))[:1])
        yield running
    finally:
        end(process, 30)


def report(settings: Settings, process: psutil.Process, events: int) -> None:
    """Watches the worker's own count and prints what it did."""
    names = topic_names(settings)
    starts = tuple(f'warden_events_total{{topic="{name}"}}' for name in names[:3])
    first: tuple[float, float, float] | None = None
    last = (0.0, 0.0, 0.0)
    deadline = time.monotonic() + _LIMIT_S
    while time.monotonic() < deadline:
        time.sleep(0.5)  # each look costs the worker a few milliseconds
        now, cpu, judged = time.monotonic(), sum(process.cpu_times()[:2]), judged_events(settings, starts)
        if judged >= events / 10 and first is None:
            first = (now, cpu, judged)
        if judged <= events * 0.9:
            last = (now, cpu, judged)
        if judged >= events:
            break
    if first is None or last[2] <= first[2]:
        sys.exit("too few events for this machine: give more with --events")
    seconds, cpu, judged = (after - before for after, before in zip(last, first, strict=True))
    memory = process.memory_info().rss / 1e6
    print(f"{judged / seconds:,.0f} events/s   {cpu / judged * 1e6:.1f} µs CPU/event   {memory:.0f} MB resident")


def judged_events(settings: Settings, starts: tuple[str, ...]) -> float:
    """Events judged so far, by the worker's own count; 0 before it listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.web_port}/metrics", timeout=5) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(starts))


if __name__ == "__main__":
    main()
