"""What a gateway pays for the ban list: `python -m benchmarks.banlist [--subjects N]`.

No broker: records as the topic holds them are decoded and put into a `BanList`, and looked up. Printed: nanoseconds for
a lookup of a subject whose name the caller has just built, as a gateway does, without the building (the median of seven
rounds of 200,000): for subjects at random it is the time of memory, for those asked about often that of Python. Then
seconds for a load, without fetching, and the bytes that stay for a subject, by the process's resident memory. Times are
those that the thread had a processor: none of this waits.
"""

import argparse
import gc
import random
import resource
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from rules.decisions import Action, Ban, BanEntry
from streams.bans.client import BanList, _Filling
from streams.bans.records import change_in
from streams.codec import encode
from streams.settings import Settings

NOW = datetime.now(UTC)
ROUNDS, LOOKUPS, CHUNK = 7, 200_000, 4096
KINDS: tuple[tuple[str, Action], ...] = (
    ("account:user-{:08d}", "ban_account"),
    ("account:user-{:08d}", "suspend_account"),
    ("domain:host-{:08d}.example", "block_access"),
    ("link:https://host-{:08d}.example/a/page.html?from=timeline", "stop_spread"),
)


def subject_of(number: int) -> tuple[str, Action]:
    """Subject and action of one number; built anew at every call."""
    name, action = KINDS[number % len(KINDS)]
    return name.format(number), action


def record(number: int) -> SimpleNamespace:
    """A record of the topic: one in four sanctions is for good."""
    subject, action = subject_of(number)
    ends = None if number % 16 < 4 else NOW + timedelta(days=1, seconds=number % 100_000)
    entry = BanEntry(
        action=action,
        ladder="links",
        rung=2,
        permanent=ends is None,
        starts=NOW,
        ends=ends,
        clauses=["links.4.1"],
        enforcement=f"{number:032x}",
    )
    value = encode(Ban(subject=subject, sanctions=[entry], time=NOW))
    return SimpleNamespace(topic="bans", partition=0, offset=number, key=subject.encode(), value=value)


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def nanoseconds(bans: BanList, numbers: Sequence[int]) -> float:
    """For one lookup, without the loop and the building of its subject."""

    def build() -> int:
        began = time.thread_time_ns()
        for number in numbers:
            _, _ = subject_of(number)
        return time.thread_time_ns() - began

    def look_up() -> int:
        is_blocked = bans.is_blocked
        began = time.thread_time_ns()
        for number in numbers:
            subject, action = subject_of(number)
            is_blocked(subject, action)
        return time.thread_time_ns() - began

    return (look_up() - build()) / len(numbers)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    count = parser.parse_args().subjects
    bans = BanList(Settings())
    filling = _Filling(bans)
    gc.collect()
    before, seconds = resident_bytes(), 0.0
    filling.begin()
    for start in range(0, count, CHUNK):
        records = [record(number) for number in range(start, min(start + CHUNK, count))]
        began = time.thread_time()
        filling.take([change_in(each) for each in records])
        seconds += time.thread_time() - began
    filling.loaded()
    gc.collect()
    assert len(bans) == count
    print(f"load    {seconds:.2f} s, {1e6 * seconds / count:.2f} µs a subject, without fetching")
    print(f"memory  {(resident_bytes() - before) / count:.0f} bytes a subject, {count:,} subjects")
    dice = random.Random(1)
    for name, held, numbers in (
        ("blocked, any subject of the list", True, [dice.randrange(count) for _ in range(LOOKUPS)]),
        ("blocked, one of 1,000 that are asked about again and again", True, [n % 1000 for n in range(LOOKUPS)]),
        ("free, never the same", False, [count + dice.randrange(count) for _ in range(LOOKUPS)]),
        ("free, one of 1,000", False, [count + n % 1000 for n in range(LOOKUPS)]),
    ):
        assert {bans.is_blocked(*subject_of(number)) for number in numbers[:5000]} == {held}
        rounds = [nanoseconds(bans, numbers) for _ in range(ROUNDS)]
        print(f"lookup  {statistics.median(rounds):4.0f} ns ({min(rounds):.0f} to {max(rounds):.0f}), {name}")


if __name__ == "__main__":
    main()
