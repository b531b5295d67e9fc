"""How long weighing the reports of one subject takes: `python -m benchmarks.weighing`.

200 reports near 200 violations that wait for them, as many as a subject remembers: by strangers to each other, and by a
brigade that shares its targets. And what a reporter's record costs for each report and outcome. Printed: the best of
seven rounds.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from rules.events import Report
from rules.packs.model import Reports
from rules.report_weights import weigh
from rules.reporters import MAX_COMPANY, Outcome, ReporterState, encode_reporter, learn, reporter_key, take
from rules.reports import StoredReport, inquiry, stored

DAY = 86_400_000
START = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 200


def reports(targets: int) -> list[StoredReport]:
    """200 reports of one subject in 30 days; each reporter's company is six of so many `targets`."""
    chance = random.Random(5)
    hashes = [chance.randbytes(8) for _ in range(targets)]
    return [
        StoredReport(
            time=chance.randrange(30 * DAY),
            id=f"report-{number:012}",
            reporter=f"user-{number:08}",
            category="spam",
            device=chance.randbytes(8),
            network=chance.randbytes(8),
            known=chance.randrange(9),
            upheld=chance.randrange(5),
            rejected=chance.randrange(5),
            new=chance.random() < 0.5,
            company=b"".join(sorted(chance.sample(hashes, MAX_COMPANY))),
        )
        for number in range(MANY)
    ]


def history() -> Iterator[ReporterState]:
    """A reporter's state after each of 200 reports and their outcomes."""
    state = ReporterState()
    for number in range(MANY):
        about = f"account:user-{number:08}"
        when = START + timedelta(hours=number)
        sent = Report(id=f"report-{number}", subject=about, reporter="bob", category="spam", time=when, device="phone")
        take(state, inquiry(about, stored(sent)))
        learn(
            state,
            Outcome(
                id=str(number),
                subject=reporter_key("bob"),
                about=about,
                case=f"case-{number}",
                upheld=number % 3 > 0,
                time=when + timedelta(minutes=30),
            ),
        )
        yield state


def best_of(action: Callable[[], object], rounds: int = 7) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Prints the figures."""
    wanted = Reports(3, 7 * DAY, frozenset())
    times = [number * 30 * DAY // MANY for number in range(MANY)]
    for name, targets in (("strangers", 100_000), ("a brigade", 12)):
        heard = reports(targets)
        all_times = best_of(lambda heard=heard: weigh(times, wanted, heard))  # type: ignore[misc]
        one_time = best_of(lambda heard=heard: weigh(times[:1], wanted, heard))  # type: ignore[misc]
        size = len(msgspec.msgpack.encode(heard))
        sys.stdout.write(
            f"{name}: {MANY} reports near {MANY} violations {1e3 * all_times:.2f} ms, "
            f"near one {1e3 * one_time:.2f} ms; {size:,} bytes\n"
        )
    seconds = best_of(lambda: list(history()))
    *_, state = history()
    size = len(encode_reporter(state))
    sys.stdout.write(f"a reporter: {1e6 * seconds / MANY:.0f} µs for a report and its outcome; {size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
