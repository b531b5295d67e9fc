"""One soak: a broker, one worker, its capacity measured, then half of that for as long as told."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from rules.packs import SHIPPED
from soak.load import Load
from soak.verdict import Sample, Verdict, verdict
from streams.embedded import end, free_port
from streams.settings import Settings
from streams.topics import create_topics
from streams.worker_process import start_worker
from tests.kafka.broker import broker

PARTITIONS = 3
CAPACITY_EVENTS = 150_000
"""A backlog of so many is judged to measure the capacity."""
_STALLED_S = 120.0
_SAMPLES = 200


class SoakError(RuntimeError):
    """The worker ended, or does not judge what it is given; the message says where its log is."""


@dataclass(frozen=True)
class Soaked:
    """The capacity, in events a second, and what half of it did to the worker."""

    capacity: float
    verdict: Verdict


def soak(seconds: float, folder: Path, tell: Callable[[str], None]) -> Soaked:
    """Soaks a worker for so long; logs go to `folder`. Raises NoKafkaError, BrokerError and SoakError."""
    server = broker(folder / "kafka", own=True, lasting=True)
    tell("starting the broker")
    server.start()
    try:
        _pin_children()
        settings = Settings(
            bootstrap=server.bootstrap,
            app_id="soak",
            pack=SHIPPED,
            partitions=PARTITIONS,
            data_dir=folder / "state",
            web_port=free_port(),
            log_level="warning",
        )
        asyncio.run(create_topics(settings))
        load = Load(settings)
        tell(f"writing {CAPACITY_EVENTS:,} events, to measure the capacity with")
        asyncio.run(load.burst(CAPACITY_EVENTS))
        with _worker(settings, folder / "worker.log") as worker:
            return asyncio.run(_soak(seconds, worker, load, tell))
    finally:
        server.close()


class _Worker:
    """The worker's process, and its own figures."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self._process, self._url, self._log = process, url, log
        self.seen = psutil.Process(process.pid)

    def metric(self, start: str) -> float | None:
        """The sum of the samples whose line starts so; None while it does not serve them. Raises SoakError."""
        if self._process.poll() is not None:
            raise SoakError(f"The worker ended with code {self._process.returncode}: {self._log}")
        try:
            with urllib.request.urlopen(f"{self._url}/metrics", timeout=5) as page:  # noqa: S310 - loopback
                lines = page.read().decode().splitlines()
        except OSError:
            return None
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    def judged(self) -> float:
        """Events of the content topics that it has judged."""
        topics = ("posts", "shares", "mass_sends")
        return sum(self.metric(f'warden_events_total{{topic="{topic}"}}') or 0 for topic in topics)

    def sample(self, seconds: float) -> Sample:
        """A look at it now. Raises SoakError."""
        lag = self.metric("warden_consumer_lag")
        if lag is None:
            raise SoakError(f"The worker does not answer: {self._log}")
        return Sample(seconds, self.seen.memory_info().rss, lag, self.seen.num_fds())


async def _soak(seconds: float, worker: _Worker, load: Load, tell: Callable[[str], None]) -> Soaked:
    tell("measuring the capacity")
    capacity = await _capacity(worker)
    rate = capacity / 2
    tell(f"capacity {capacity:,.0f} events/s; {rate:,.0f} events/s for {seconds:,.0f} s")
    enough = asyncio.Event()
    feeding = asyncio.create_task(load.steady(rate, enough))
    samples: list[Sample] = []
    began = told = time.monotonic()
    try:
        while (now := time.monotonic()) - began < seconds:
            samples.append(await asyncio.to_thread(worker.sample, now - began))
            if feeding.done():
                feeding.result()
            if now - told > 30:
                told, newest = now, samples[-1]
                tell(
                    f"{newest.seconds:6.0f} s: {newest.memory / 1e6:.1f} MB, lag {newest.lag:.0f}, {newest.files} files"
                )
            await asyncio.sleep(max(0.5, seconds / _SAMPLES))
        enough.set()
        await feeding
    finally:
        feeding.cancel()
    return Soaked(capacity, verdict(samples, rate))


async def _capacity(worker: _Worker) -> float:
    """Events a second over the middle of the backlog that the worker finds. Raises SoakError."""
    first: tuple[float, float] | None = None
    last = (0.0, 0.0)
    deadline = time.monotonic() + _STALLED_S
    while True:
        now, judged = time.monotonic(), await asyncio.to_thread(worker.judged)
        if judged >= CAPACITY_EVENTS * 0.2 and first is None:
            first = now, judged
        if judged <= CAPACITY_EVENTS * 0.9:
            last = now, judged
        if judged >= CAPACITY_EVENTS:
            break
        if now > deadline:
            raise SoakError(f"The worker judged {judged:.0f} of {CAPACITY_EVENTS} events in {_STALLED_S:.0f} s.")
        await asyncio.sleep(0.2)
    if first is None or last[1] <= first[1]:
        raise SoakError("The backlog was judged before it could be measured: this machine needs a larger one.")
    return (last[1] - first[1]) / (last[0] - first[0])


@contextmanager
def _worker(settings: Settings, log: Path) -> Iterator[_Worker]:
    """One worker, on a core of its own."""
    process = start_worker(settings, log)
    try:
        psutil.Process(process.pid).cpu_affinity(_cores()[:1])
        yield _Worker(process, f"http://127.0.0.1:{settings.web_port}", log)
    finally:
        end(process, 30)


def _pin_children() -> None:
    """Leaves the first core to the worker, where there are more."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.cpu_affinity(_cores()[1:] or _cores())


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))
