"""All contenders, one after the other, on one broker with the same events: medians and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from statistics import median

import msgspec

from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS, RATIOS, STREAMWARDEN, Contender
from benchmarks.events import Recorded
from benchmarks.latency import FellBehindError, Latency, measure_latency
from benchmarks.throughput import Throughput, measure_throughput


class Compared(msgspec.Struct, frozen=True):
    """One contender: the medians of its repetitions, and each of them."""

    title: str
    per_second: float
    cpu_us: float
    peak_mb: float
    latency: Latency | None
    runs: list[Throughput]


def compare(bench: Bench, events: Sequence[Recorded], only: Sequence[str] = ()) -> dict[str, Compared]:
    """Every contender by name. Repetitions go round, so that what changes on the machine hits all alike."""
    chosen = [contender for contender in CONTENDERS if not only or contender.name in only]
    runs: dict[str, list[Throughput]] = {contender.name: [] for contender in chosen}
    for repetition in range(bench.plan.repetitions):
        for contender in chosen:
            with bench.steps.step(f"{contender.title}, run {repetition + 1} of {bench.plan.repetitions}") as tell:
                count = max(bench.plan.fewest, int(len(events) * contender.share))
                own = list(islice(cycle(events), count))
                run = measure_throughput(bench, contender, own, _label(contender, str(repetition)), tell)
                runs[contender.name].append(run)
    return {contender.name: _compared(bench, contender, runs[contender.name], events) for contender in chosen}


def _compared(bench: Bench, contender: Contender, runs: list[Throughput], events: Sequence[Recorded]) -> Compared:
    per_second = median(run.per_second for run in runs)
    latency = None
    if contender.judges:
        with bench.steps.step(f"{contender.title}, latency at {per_second / 2:,.0f} events/s"):
            try:
                latency = measure_latency(bench, contender, events, per_second / 2, _label(contender, "l"))
            except FellBehindError as error:
                bench.steps.note(f"no latency of {contender.title}: {error}")
    return Compared(
        title=contender.title,
        per_second=per_second,
        cpu_us=median(run.cpu_us for run in runs),
        peak_mb=median(run.peak_mb for run in runs),
        latency=latency,
        runs=runs,
    )


def _label(contender: Contender, run: str) -> str:
    """Short: Quix Streams names a changelog by all topics of a stage, of 249 characters at most."""
    return f"bench-{contender.name.replace('_', '-')}-{run}"


def ratios(compared: dict[str, Compared]) -> dict[str, float]:
    """Streamwarden's events a second divided by those of each other."""
    ours = compared.get(STREAMWARDEN.name)
    if ours is None:
        return {}
    return {
        name: round(ours.per_second / compared[other].per_second, 3)
        for name, other in RATIOS.items()
        if other in compared
    }
