"""How long a decision takes at half of a contender's own capacity: p50 and p99, in ms.

Events arrive evenly, stamped as they are produced. Every contender gives a violation the time stamp of its event's
record, so the time from that stamp to the violation's arrival at a consumer is the whole way: in, judged, acknowledged,
out. The same for enforcements, by the violation of the same subject and time:
in, judged, out, in, enforced, out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from benchmarks.bench import Bench
from benchmarks.cluster import Positions, now_ms, sender_of, sends_of, settings_for, topics_of
from benchmarks.contenders import Contender
from benchmarks.events import Recorded, recorded
from benchmarks.process import Running, started
from streams.settings import Settings
from streams.topics import TopicNames

TICK_S = 0.02
"""Events of this long are produced at once."""
WARM_S = 5.0
"""What is not counted: consumers settle, caches fill."""
_FIRST = 100
"""Events that show that a contender is there."""
_FEWEST = 20
_READY_S = 90.0
_BEHIND_S = 60.0
"""How long it may take after the last event until all are done."""
_OUT_S = 2.0


class FellBehindError(RuntimeError):
    """A contender did not keep up with half of what it did when its topics were full: it has no latency."""


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds, and of how many decisions."""

    p50: float
    p99: float
    count: int


class Latency(msgspec.Struct, frozen=True):
    """At `rate` events a second; from an event's record to its violation, and to its enforcement; None for too few."""

    rate: float
    violation: Quantiles | None
    enforcement: Quantiles | None


class _Decision(msgspec.Struct):
    """What a violation and the enforcement that it led to have in common: whose, and the time of the event."""

    subject: str
    time: str


_DECISION = msgspec.json.Decoder(_Decision)


def measure_latency(bench: Bench, contender: Contender, events: Sequence[Recorded], rate: float, label: str) -> Latency:
    """Runs a contender at `rate` events a second for the plan's seconds. Raises ContenderError, FellBehindError."""
    settings = settings_for(bench.bootstrap, label, bench.folder / label)
    needed = int(rate * (WARM_S + bench.plan.latency_s)) + _FIRST
    if needed > len(events):  # an event that comes again is no second offence, and its decision is as old as the first
        events = recorded(needed)
    return asyncio.run(_measure(contender, settings, events, _Load(rate, bench.plan.latency_s)))


class _Load(NamedTuple):
    rate: float
    seconds: float


async def _measure(contender: Contender, settings: Settings, events: Sequence[Recorded], load: _Load) -> Latency:
    async with topics_of(settings) as names:
        with started(contender.command, settings, settings.data_dir.parent) as running:
            async with Positions(settings) as positions, _Observer(settings.bootstrap, names) as observer:
                # A first handful shows when it is there; what is counted comes after.
                source = iter(events)
                sent = await _produce(settings.bootstrap, names, source, _Load(_FIRST, 1.0))
                await _await_done(positions, running, 1, _READY_S)
                begin = now_ms() + int(WARM_S * 1000)
                sent += await _produce(settings.bootstrap, names, source, _Load(load.rate, WARM_S + load.seconds))
                # Whoever falls behind at half load shows it in the quantiles, not by leaving its worst out.
                await _await_done(positions, running, sent, _BEHIND_S)
                await asyncio.sleep(_OUT_S)
                return observer.result(load.rate, begin)


async def _await_done(positions: Positions, running: Running, records: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (done := await positions.done()) < records:
        running.check()
        if time.monotonic() > deadline:
            raise FellBehindError(f"{done:,} of {records:,} events done {seconds:.0f} s after the last one came")
        await asyncio.sleep(0.2)


async def _produce(bootstrap: str, names: TopicNames, source: Iterator[Recorded], load: _Load) -> int:
    """Produces evenly, without waiting for acknowledgements between ticks; how many events it were."""
    async with sender_of(bootstrap) as sender:
        begin, sent = time.monotonic(), 0
        waiting: set[asyncio.Task[object]] = set()
        while (elapsed := time.monotonic() - begin) < load.seconds:
            due = int(elapsed * load.rate) - sent
            if due > 0:
                chunk = list(sends_of(names, islice(source, due), now_ms()))
                sent += due
                task: asyncio.Task[object] = asyncio.create_task(sender.send_all(chunk))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
            await asyncio.sleep(TICK_S)
        await asyncio.gather(*waiting)
        return sent


class _Observer:
    """A consumer of the decisions that notes how old each is when it arrives."""

    def __init__(self, bootstrap: str, names: TopicNames) -> None:
        self._names = names
        self._consumer = AIOKafkaConsumer(
            names.violations,
            names.enforcements,
            bootstrap_servers=bootstrap,
            fetch_max_wait_ms=20,
            auto_offset_reset="earliest",
        )
        self._stamps: dict[tuple[str, str], int] = {}
        self._early: dict[tuple[str, str], list[float]] = {}
        self._violations: list[tuple[int, float]] = []
        self._enforcements: list[tuple[int, float]] = []

    async def __aenter__(self) -> _Observer:
        await self._consumer.start()
        self._task = asyncio.create_task(self._observe())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await self._consumer.stop()

    async def _observe(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=100)
            now = time.time() * 1000
            for tp, records in sorted(fetched.items(), key=lambda item: item[0].topic != self._names.violations):
                for record in records:
                    if tp.topic == self._names.violations:
                        self._violation(record, now)
                    else:
                        self._enforcement(record, now)

    def _violation(self, record: ConsumerRecord[bytes, bytes], now: float) -> None:
        stamp, cause = record.timestamp, _cause(record)
        if self._stamps.setdefault(cause, stamp) == stamp:
            self._violations.append((stamp, now - stamp))
        for seen in self._early.pop(cause, ()):
            self._enforcements.append((stamp, seen - stamp))

    def _enforcement(self, record: ConsumerRecord[bytes, bytes], now: float) -> None:
        """The violations that it names are those that count for its rung, not what renewed it."""
        cause = _cause(record)
        stamp = self._stamps.get(cause)
        if stamp is None:
            self._early.setdefault(cause, []).append(now)
        else:
            self._enforcements.append((stamp, now - stamp))

    def result(self, rate: float, begin: int) -> Latency:
        """The quantiles of decisions on events from `begin` (ms) on."""
        if self._task.done():
            self._task.result()
        return Latency(rate, _quantiles(self._violations, begin), _quantiles(self._enforcements, begin))


def _cause(record: ConsumerRecord[bytes, bytes]) -> tuple[str, str]:
    found = _DECISION.decode(record.value or b"")
    return found.subject, found.time


def _quantiles(seen: Sequence[tuple[int, float]], begin: int) -> Quantiles | None:
    counted = [age for stamp, age in seen if stamp >= begin]
    if len(counted) < _FEWEST:
        return None
    p50, p99 = np.percentile(counted, (50, 99)).tolist()
    return Quantiles(p50, p99, len(counted))
