"""What a rate of events needs, worked out from `results.json`: `python -m benchmarks.sizing`.

With `--write` the table in docs/operations.md is made again, as `make bench-report` does; a test says when it is stale.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.settings import Settings

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
BEGIN, END = "<!-- sizing: `make bench-report` writes this -->\n", "<!-- end of sizing -->\n"
USE = 0.5
"""The share of a core that is planned with: latency is measured there, and the rest is for peaks and lost workers."""
LEAST_WORKERS = 2
PARTITION_COUNTS = (8, 12, 24, 36, 48, 60, 72, 96, 120, 144, 180, 240, 360, 480, 720, 960)
"""Each divides by many numbers, so that workers have equal shares."""
COPIES = 3
DISK_ROOM = 2.0
"""RocksDB writes a level anew before it deletes the old one."""
STOPPED_S = 3600
"""The stop whose backlog is worked off."""
WORKED_THROUGH = ((1_400, 2_000_000), (100_000, 100_000_000))
"""Events a second, and subjects that have a record."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one worker on one core. Rates: events a second; sizes: bytes; times: seconds."""

    date: str
    rate: float
    cpu_us: float
    event_bytes: float
    peak_mb: float
    empty_s: float
    subjects: int
    """Of the recovery that was measured, from the changelog into RocksDB."""
    recovery_s: float
    memory_bytes: float
    disk_bytes: float


@dataclass(frozen=True)
class Sized:
    """What a load needs."""

    rate: int
    subjects: int
    workers: int
    partitions: int
    use: float
    """Share of a core that each is busy."""
    use_without_one: float
    memory_mb: float
    """Of one worker, and as the next two."""
    disk_gb: float
    restart_s: float
    loss_s: float
    """Until the partitions of a lost worker are judged again, the session timeout included."""
    backlog_s: float
    """Until the backlog of STOPPED_S is worked off."""
    broker_mb_s: float
    broker_tb: float


def measured(path: Path) -> Measured:
    """The figures of a run. Raises OSError, and KeyError or ValueError where there are none."""
    found: dict[str, Any] = json.loads(path.read_bytes())
    ours = found["contenders"]["streamwarden"]
    (recovery,) = (each for each in found["recovery"] if each["store"] == "rocksdb://")
    return Measured(
        date=found["run"]["date"][:10],
        rate=ours["per_second"],
        cpu_us=ours["cpu_us"],
        event_bytes=found["run"]["event_bytes"],
        peak_mb=ours["peak_mb"],
        empty_s=recovery["empty_s"],
        subjects=recovery["subjects"],
        recovery_s=recovery["seconds"],
        memory_bytes=recovery["memory_bytes"],
        disk_bytes=recovery["disk_bytes"],
    )


def size(rate: int, subjects: int, by: Measured, settings: Settings) -> Sized:
    """What `rate` events a second and so many subjects need."""
    workers = max(LEAST_WORKERS, math.ceil(rate / (by.rate * USE)))
    partitions = next((count for count in PARTITION_COUNTS if count >= 2 * workers), 2 * workers)
    each = subjects / workers
    read_s = (by.recovery_s - by.empty_s) / by.subjects
    moved = each / max(1, min(workers - 1, math.ceil(partitions / workers)))
    kept_s = settings.retention_input_hours * 3600
    return Sized(
        rate=rate,
        subjects=subjects,
        workers=workers,
        partitions=partitions,
        use=rate / workers / by.rate,
        use_without_one=rate / (workers - 1) / by.rate,
        memory_mb=by.peak_mb + each * by.memory_bytes / 1e6,
        disk_gb=each * by.disk_bytes * DISK_ROOM / 1e9,
        restart_s=by.empty_s + each * read_s,
        loss_s=settings.session_timeout_s + moved * read_s,
        backlog_s=STOPPED_S * rate / max(1.0, by.rate * workers - rate),
        broker_mb_s=rate * by.event_bytes / 1e6,
        broker_tb=rate * by.event_bytes * kept_s * COPIES / 1e12,
    )


def table(loads: Sequence[tuple[int, int]], by: Measured) -> Iterator[str]:
    """Lines of Markdown: what each row is worked out from, and a column for each load."""
    settings = Settings()
    sized = [size(rate, subjects, by, settings) for rate, subjects in loads]
    yield "| | " + " | ".join(f"{each.rate:,} events/s" for each in sized) + " | from |"
    yield "|---" + "|---:" * len(sized) + "|---|"
    for name, cells, origin in _rows(sized, by, settings):
        yield f"| {name} | " + " | ".join(cells) + f" | {origin} |"


def _rows(sized: Sequence[Sized], by: Measured, settings: Settings) -> Iterator[tuple[str, list[str], str]]:
    yield (
        "subjects with a record",
        [f"{s.subjects:,}" for s in sized],
        "assumed: `warden_subjects` says how many you have",
    )
    yield "processor time", [f"{s.rate * by.cpu_us / 1e6:.1f} cores" for s in sized], f"{by.cpu_us:.0f} µs an event"
    yield (
        "**workers**, one a core",
        [f"**{s.workers}**" for s in sized],
        f"{by.rate:,.0f} events/s a core, planned at {USE:.0%} of it; at least {LEAST_WORKERS}",
    )
    yield (
        "each of them busy; with one lost",
        [f"{s.use:.0%}; {s.use_without_one:.0%}" for s in sized],
        "the same; half of a core is where latency was measured",
    )
    yield (
        "**partitions**",
        [f"**{s.partitions}**" for s in sized],
        "twice the workers or more: their number cannot change later",
    )
    yield (
        "memory of a worker",
        [f"{_mb(s.memory_mb)}" for s in sized],
        f"{by.peak_mb:.0f} MB at work, {by.memory_bytes:.0f} bytes a subject (`rocksdb://`, of {by.subjects:,})",
    )
    yield (
        "volume of a worker",
        [f"{max(1, math.ceil(s.disk_gb))} GB" for s in sized],
        f"{by.disk_bytes:.0f} bytes a subject, twice, since RocksDB writes before it deletes",
    )
    yield (
        "start on an empty volume",
        [f"{s.restart_s:.0f} s" for s in sized],
        f"{by.recovery_s:.1f} s for {by.subjects:,} subjects, of them {by.empty_s:.1f} s for none",
    )
    yield (
        "a lost worker's partitions stand still",
        [f"{s.loss_s:.0f} s" for s in sized],
        f"{settings.session_timeout_s:.0f} s of session timeout, and the same reading, by several workers",
    )
    yield (
        "the backlog of an hour's stop is gone after",
        [_minutes(s.backlog_s) for s in sized],
        "all cores at full use",
    )
    yield (
        "into Kafka, before compression",
        [f"{s.broker_mb_s:.1f} MB/s" for s in sized],
        f"{by.event_bytes:.0f} bytes an event; brokers write it {COPIES} times",
    )
    yield (
        "input topics on the brokers' disks, before compression",
        [f"{s.broker_tb:,.1f} TB" for s in sized],
        f"{settings.retention_input_hours} hours, {COPIES} copies",
    )


def _mb(value: float) -> str:
    return f"{value:,.0f} MB" if value < 10_000 else f"{value / 1000:,.0f} GB"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def section(by: Measured) -> str:
    """What docs/operations.md has between its marks."""
    lines = "\n".join(table(WORKED_THROUGH, by))
    return f"{BEGIN}\nMeasured on {by.date} ([performance.md](performance.md) has the machine).\n\n{lines}\n\n{END}"


def write(results: Path = RESULTS, page: Path = PAGE) -> bool:
    """Makes the page's section again; whether it was stale. Raises ValueError where the page has no marks."""
    text = page.read_text("utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{page} has no line {BEGIN.strip()!r} with {END.strip()!r} behind it")
    wanted = pattern.sub(lambda _: section(measured(results)), text)
    page.write_text(wanted, "utf-8")
    return wanted != text


def main() -> None:
    """Prints the table for one load, or writes that of the document."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sizing",
        description="Works out what a rate of events needs, from what `make bench` measured.",
        epilog="example: python -m benchmarks.sizing --rate 20000 --subjects 50000000",
    )
    parser.add_argument("--rate", type=int, help="events a second")
    parser.add_argument(
        "--subjects", type=int, default=1_000_000, help="subjects that have a record (default: a million)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true", help="write the table of docs/operations.md")
    arguments = parser.parse_args()
    if arguments.write == (arguments.rate is not None) or (arguments.rate or 1) < 1 or arguments.subjects < 0:
        parser.error("give --rate, events a second, or --write")
    try:
        if arguments.write:
            print(f"{PAGE} {'is written' if write(arguments.results) else 'was current'}")
        else:
            print("\n".join(table([(arguments.rate, arguments.subjects)], measured(arguments.results))))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"benchmarks: {arguments.results}: {error}\n    run `make bench`, which measures what this needs")


if __name__ == "__main__":
    main()
