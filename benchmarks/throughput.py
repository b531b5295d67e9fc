"""Events a second of one contender: it finds its topics filled, and is watched through what it commits.

Counted from the first commit past a tenth of the events to the one that completes the input topics, so start-up is not
in it. Whoever leaves its own violations and sightings lying until then pays: the processor's time until those are done
too counts as well, and waiting for the last commits does not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.bench import Bench
from benchmarks.cluster import Positions, fill, sends_of, settings_for, topics_of
from benchmarks.contenders import Contender
from benchmarks.events import Recorded
from benchmarks.process import ContenderError, Running, started
from streams.settings import Settings

WARM_SHARE = 0.1
_LOOK_S = 0.1
_STUCK_S = 120.0
"""Without a commit for so long, it will not get on."""


class Throughput(msgspec.Struct, frozen=True):
    """One run of a contender; seconds are those that count."""

    events: int
    seconds: float
    per_second: float
    cpu_us: float
    peak_mb: float
    drain_s: float


Tell = Callable[[float], None]


def measure_throughput(
    bench: Bench, contender: Contender, events: Sequence[Recorded], label: str, tell: Tell
) -> Throughput:
    """One repetition. `tell`: is told the share that is done. Raises ContenderError."""
    folder = bench.folder / label
    return asyncio.run(_measure(contender, settings_for(bench.bootstrap, label, folder), events, folder, tell))


async def _measure(
    contender: Contender, settings: Settings, events: Sequence[Recorded], folder: Path, tell: Tell
) -> Throughput:
    async with topics_of(settings) as names:
        await fill(settings.bootstrap, sends_of(names, events))
        with started(contender.command, settings, folder) as running:
            async with Positions(settings) as positions:
                return await watch([running], positions, len(events), judges=contender.judges, tell=tell)


async def watch(
    running: Sequence[Running], positions: Positions, total: int, *, judges: bool = True, tell: Tell = lambda _: None
) -> Throughput:
    """Watches processes through `total` events, to the end."""
    first: tuple[float, float, int] | None = None
    done, moved = 0, time.monotonic()
    while done < total:
        await asyncio.sleep(_LOOK_S)
        _check(running, moved)
        before, done = done, await positions.done()
        now = time.monotonic()
        if done > before:
            moved = now
            tell(done / total)
            if first is None and done >= total * WARM_SHARE:
                first = now, _cpu(running), done
    inputs_done, inputs_cpu = time.monotonic(), _cpu(running)
    while judges and await positions.behind():
        await asyncio.sleep(_LOOK_S)
        _check(running, inputs_done)
    if first is None or first[2] >= total:
        raise ContenderError("too few events to measure: all were done at the first commit; give more")
    drain = time.monotonic() - inputs_done
    began, cpu, skipped = first
    end_cpu = _cpu(running)
    seconds = inputs_done - began + min(drain, end_cpu - inputs_cpu)
    counted = total - skipped
    return Throughput(
        events=counted,
        seconds=seconds,
        per_second=counted / seconds,
        cpu_us=(end_cpu - cpu) / counted * 1e6,
        peak_mb=sum(each.peak_mb() for each in running),
        drain_s=drain,
    )


def _cpu(running: Sequence[Running]) -> float:
    return sum(each.cpu() for each in running)


def _check(running: Sequence[Running], since: float) -> None:
    for each in running:
        each.check()
    if time.monotonic() - since > _STUCK_S:
        raise ContenderError(f"{running[0].what} committed nothing for {_STUCK_S:.0f} s; see {running[0].log}")
