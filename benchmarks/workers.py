"""One worker, two and four: events for each second of processor that all of them used together.

They share the measured core, so what counts is not events a second but what each event cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from benchmarks.bench import Bench
from benchmarks.cluster import Positions, fill, sends_of, settings_for, topics_of
from benchmarks.contenders import STREAMWARDEN
from benchmarks.events import Recorded
from benchmarks.process import started
from benchmarks.throughput import Tell, watch
from streams.embedded import free_port

COUNTS = (1, 2, 4)


class Workers(msgspec.Struct, frozen=True):
    """`per_cpu_second`: events for a second of processor."""

    workers: int
    per_cpu_second: float
    per_second: float
    peak_mb: float


def measure_workers(bench: Bench, events: Sequence[Recorded]) -> list[Workers]:
    """Each number of workers, on the same events."""
    found = []
    for count in COUNTS:
        with bench.steps.step(f"{count} worker{'s' if count > 1 else ''}") as tell:
            found.append(asyncio.run(_measure(bench, events, count, tell)))
    return found


async def _measure(bench: Bench, events: Sequence[Recorded], count: int, tell: Tell) -> Workers:
    bootstrap, folder = bench.bootstrap, bench.folder
    settings = settings_for(bootstrap, f"bench-workers-{count}", folder)
    async with topics_of(settings) as names:
        await fill(bootstrap, sends_of(names, events))
        with ExitStack() as stack:
            running = [
                stack.enter_context(
                    started(
                        STREAMWARDEN.command,
                        settings.model_copy(
                            update={"web_port": free_port(), "data_dir": settings.data_dir / str(number)}
                        ),
                        folder,
                    )
                )
                for number in range(count)
            ]
            async with Positions(settings) as positions:
                seen = await watch(running, positions, len(events), tell=tell)
    return Workers(count, 1e6 / seen.cpu_us, seen.per_second, seen.peak_mb)
