"""`python -m benchmarks`: measures, prints tables, writes `benchmarks/results.json`."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table as Shown

from benchmarks import results as files
from benchmarks.bench import Bench
from benchmarks.cluster import started_broker
from benchmarks.comparison import compare, ratios
from benchmarks.contenders import CONTENDERS
from benchmarks.events import bytes_each, recorded
from benchmarks.growth import measure_growth
from benchmarks.machine import cores, describe, on_cores
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.process import ContenderError
from benchmarks.progress import Steps
from benchmarks.recovery import measure_recovery
from benchmarks.tables import tables
from benchmarks.workers import measure_workers
from streams.embedded import BrokerError, cleaning_up_when_told_to_stop
from tests.kafka.broker import NoKafkaError

PARTS = ("comparison", "growth", "workers", "recovery")
_EXAMPLES = """examples:
  make bench                                             everything: about an hour
  make bench ARGS="--quick"                              shows that everything works: about ten minutes
  make bench ARGS="--only growth"                        one part; the others keep their figures
  make bench ARGS="--only comparison --contender streamwarden --contender ceiling"
  make bench-report                                      docs/performance.md from benchmarks/results.json
"""


def main() -> None:
    """Runs the benchmarks; exit code 1 when a contender failed."""
    arguments = _arguments()
    cleaning_up_when_told_to_stop()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # errors come as exceptions
    plan = _plan(arguments)
    parts = arguments.only or list(PARTS)
    try:
        found = _previous(arguments.output, fresh=set(parts) == set(PARTS))
        _measure(found, parts, plan, arguments)
    except (ContenderError, BrokerError, NoKafkaError, files.ResultsError) as error:
        sys.exit(f"benchmarks: {error}")
    if arguments.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2) + "\n")
    else:
        _show(found, arguments.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Streamwarden and its alternatives on one Kafka broker: the same events, pack and work for all. "
        "The measured process has one core to itself, the broker and all else the others.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part; may be repeated")
    parser.add_argument(
        "--contender", action="append", choices=[each.name for each in CONTENDERS], help="compare only these"
    )
    parser.add_argument("--quick", action="store_true", help="few events, one repetition: no figures to quote")
    parser.add_argument("--events", type=int, help=f"events of a comparison (default {FULL.events:,})")
    parser.add_argument("--repetitions", type=int, help=f"runs of each contender (default {FULL.repetitions})")
    parser.add_argument("--subjects", type=int, help=f"subjects to recover (default {FULL.subjects:,})")
    parser.add_argument("--output", type=Path, default=files.PATH, help="default: benchmarks/results.json")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, not as tables")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = QUICK if arguments.quick else FULL
    names = ("events", "repetitions", "subjects")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return msgspec.structs.replace(plan, **given)


def _previous(path: Path, *, fresh: bool) -> files.Results:
    return files.Results() if fresh or not path.exists() else files.load(path)


def _measure(found: files.Results, parts: Sequence[str], plan: Plan, arguments: argparse.Namespace) -> None:
    steps = Steps()
    with tempfile.TemporaryDirectory(prefix="streamwarden-bench-") as name:
        folder = Path(name)
        if "growth" in parts:
            with on_cores(cores().measured):
                found.growth = measure_growth(plan.growth_events, folder, steps)
            files.save(arguments.output, found)
        if set(parts) <= {"growth"}:
            return
        with started_broker(folder / "kafka") as bootstrap, on_cores(cores().rest):
            bench = Bench(bootstrap, folder, plan, steps)
            if "comparison" in parts:
                _compare(found, bench, arguments)
            if "workers" in parts:
                found.workers = measure_workers(bench, recorded(plan.workers_events))
                files.save(arguments.output, found)
            if "recovery" in parts:
                found.recovery = measure_recovery(bench)
                files.save(arguments.output, found)


def _compare(found: files.Results, bench: Bench, arguments: argparse.Namespace) -> None:
    events = recorded(bench.plan.events)
    found.contenders = compare(bench, events, arguments.contender or ())
    found.ratios = ratios(found.contenders)
    found.run = files.Run(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        quick=arguments.quick,
        events=bench.plan.events,
        event_bytes=bytes_each(events),
        repetitions=bench.plan.repetitions,
        machine=describe(),
    )
    files.save(arguments.output, found)


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _show(found: files.Results, path: Path) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for table in tables(found):
        shown = Shown(title=table.title, title_justify="left", title_style="bold")
        for column, name in enumerate(table.columns):
            shown.add_column(name, justify="right" if column else "left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print(f"Written to {path}; `make bench-report` makes docs/performance.md of it.")


if __name__ == "__main__":
    main()
