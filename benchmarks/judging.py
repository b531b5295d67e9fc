"""Cost of judging alone, on one core, without Kafka: `python -m benchmarks.judging [--events N] [--profile]`.

Prints µs per event on the demo mix with the shipped pack: decoding, screening by batch size, enforcement.
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import orjson

from rules.enforce import Enforcer
from rules.events import Event, MassSend, Post, Share, decode_event
from rules.packs import SHIPPED, load_pack
from rules.screen import Arrival, Screen
from streams.demo.traffic import Item, traffic

START = datetime(2026, 1, 1, tzinfo=UTC)


def _timed(events: int, work: Callable[[], object], repetitions: int = 3) -> float:
    """Best of some repetitions, in µs of CPU per event."""
    best = float("inf")
    for _ in range(repetitions):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / events * 1e6


def _decoded(item: Item) -> Event:
    return decode_event(item.kind, orjson.dumps(item.body))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="profile screening and print the costliest functions")
    arguments = parser.parse_args()
    items = list(islice(traffic(start=START, broken=False), arguments.events))
    bodies = [(item.kind, orjson.dumps(item.body)) for item in items]
    screen, enforcer = Screen(load_pack(SHIPPED)), Enforcer(load_pack(SHIPPED))
    arrivals = [
        Arrival(event, event.type, event.type, position)
        for position, event in enumerate(map(_decoded, items))
        if isinstance(event, Post | Share | MassSend)
    ]

    def screen_all(size: int) -> int:
        return sum(
            len(screen.screen(arrivals[at : at + size], lambda _: None).violations)
            for at in range(0, len(arrivals), size)
        )

    violations = screen.screen(arrivals, lambda _: None).violations
    mean = sum(len(body) for _, body in bodies) / len(bodies)
    print(f"{len(items):,} events of {mean:.0f} bytes; {len(violations):,} violations")
    decode = _timed(len(items), lambda: [decode_event(kind, body) for kind, body in bodies])
    print(f"decode                {decode:7.2f} µs/event")
    for size in (1, 16, 256, 1024, 4096):
        print(f"screen, batch {size:5}   {_timed(len(items), partial(screen_all, size), 2):7.2f} µs/event")
    cost = _timed(len(items), lambda: enforcer.enforce(violations, lambda _: None))
    print(f"enforce               {cost:7.2f} µs/event")
    if arguments.profile:
        with cProfile.Profile() as profile:
            screen_all(1024)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
