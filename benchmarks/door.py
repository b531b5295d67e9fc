"""What posting events over HTTP takes: `python -m benchmarks.door [--events N] [--batch N] [--feeds N]`.

A real Kafka, and `warden serve` alone on one core; feeds post the demo's mix of events as lines, each waiting for its
answer before it posts again. Printed: events a second from the first post to the last answer, processor time of the
server for an event, how long posts took, and, counted on the topics afterwards, how many records are there.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import psutil

from benchmarks.cluster import settings_for, started_broker
from benchmarks.events import recorded
from benchmarks.machine import cores as cores_of
from benchmarks.machine import cpu_seconds, on_cores
from rules.events import InvalidEventError
from streams.http.ingest.records import POSTED, Limits, of_line
from streams.plausible import AHEAD_S, LATE_DAYS, span
from streams.topics import create_topics
from tests.kafka.door import Door, door
from tests.kafka.system import System

WARM_UP = 5
"""Posts of each feed before the clock starts."""


class Posted(NamedTuple):
    """What a run was: seconds, processor seconds of the server, and seconds of each post."""

    seconds: float
    cpu: float
    posts: list[float]


def bodies(events: int, batch: int) -> list[bytes]:
    """Posts of so many events, without those of the mix that are wrong on purpose."""
    limits = Limits(span(AHEAD_S, LATE_DAYS), 12_000_000)
    lines: list[bytes] = []
    for each in recorded(events + events // 10):
        try:
            line = orjson.dumps({"type": each.kind, **orjson.loads(each.value)})
            if each.kind in POSTED:
                of_line(line, limits)
                lines.append(line)
        except (orjson.JSONDecodeError, InvalidEventError, TypeError):
            continue
    found = iter(lines[:events])
    return [b"\n".join(chunk) for chunk in iter(lambda: list(islice(found, batch)), [])]


async def post_all(server: Door, posts: list[bytes], feeds: int) -> Posted:
    """Posts all of them, from so many feeds at a time."""
    url, headers = server.url + "/v1/events", server.bearer() | {"Content-Type": "application/x-ndjson"}
    took: list[float] = []

    async def feed(client: aiohttp.ClientSession, waiting: list[bytes]) -> None:
        while waiting:
            body, start = waiting.pop(), time.perf_counter()
            async with client.post(url, data=body, headers=headers) as answer:
                said = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status}: {said.decode()}")
            took.append(time.perf_counter() - start)

    async with aiohttp.ClientSession() as client:
        while (await client.get(server.url + "/readyz")).status != 200:
            await asyncio.sleep(0.05)
        early = feeds * WARM_UP
        await asyncio.gather(*(feed(client, posts[n:early:feeds]) for n in range(feeds)))
        took.clear()
        rest = posts[early:][::-1]
        process = psutil.Process(server.process.pid)
        cpu, start = cpu_seconds(process), time.perf_counter()
        await asyncio.gather(*(feed(client, rest) for _ in range(feeds)))
        return Posted(time.perf_counter() - start, cpu_seconds(process) - cpu, took)


def main() -> int:
    """Runs it, and prints what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.door", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=200_000, help="how many (200,000)")
    parser.add_argument("--batch", type=int, default=500, help="events in a post (500)")
    parser.add_argument("--feeds", type=int, default=4, help="how many post at the same time (4)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    posts = bodies(given.events + given.batch * given.feeds * WARM_UP, given.batch)
    size = statistics.mean(map(len, posts)) / given.batch
    with tempfile.TemporaryDirectory() as name, started_broker(Path(name)) as bootstrap:
        folder = Path(name)
        system = System(settings_for(bootstrap, "door", folder), folder)
        asyncio.run(create_topics(system.settings))
        with on_cores(cores_of().measured), door(system) as server, on_cores(cores_of().rest):
            done = asyncio.run(post_all(server, posts, given.feeds))
        stored = sum(len(system.records(topic)) for topic in ("posts", "shares", "mass_sends", "reports"))
    events = len(done.posts) * given.batch
    posted = sum(body.count(b"\n") + 1 for body in posts)
    slowest = sorted(done.posts)[int(0.99 * len(done.posts))]
    sys.stdout.write(
        f"{events:,} events of {size:.0f} bytes in posts of {given.batch}, {given.feeds} feeds: "
        f"{events / done.seconds:,.0f} events/s, {done.cpu / events * 1e6:.1f} µs of processor an event "
        f"({done.cpu / done.seconds:.0%} of a core); a post takes {statistics.median(done.posts) * 1000:.0f} ms, "
        f"p99 {slowest * 1000:.0f} ms; {stored:,} records on the topics, {posted:,} posted\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
