"""`python -m benchmarks.console`: what an open console costs the engine, and whether the feed keeps up.

    cost     a worker under full load on the measured core, in turns with and without the pages open: the seconds of its
             processor for an event, each between two commits, in pairs; the median of what they differ by, and where it
             lies with 95 %
    idle     the same of a worker that has nothing to do: what pages take of its processor, a figure that a busy machine
             disturbs less; and what one read of a subject costs it, times the most that it answers: no number of pages
             takes more of a worker
    feed     enforcements at a steady rate, to all pages: how late they come, and what `warden serve` uses
    journal  how fast a new journal catches up with its topics

A page is what the browser's is: a stream of the live feed, and a request every few seconds, most of them for subjects.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.cluster import Positions, fill, sends_of, settings_for, started_broker, topics_of
from benchmarks.contenders import STREAMWARDEN
from benchmarks.events import recorded, recording
from benchmarks.machine import cores, cpu_seconds, on_cores
from benchmarks.process import Running, started
from rules.decisions import Enforcement, EventRef, Evidence, Notice, Violation, content_id
from streams.access.clients import started_producer
from streams.codec import encode
from streams.embedded import free_port
from streams.held_subjects import PATH, READS_A_SECOND
from streams.http.tokens import entry_of, new_token
from streams.sending import Send
from streams.settings import Settings

PARTS = ("cost", "idle", "feed", "journal")
_SETTLE_S = 2.0
_WARM_S = 5.0
_OPEN_S = 0.7
"""Until pages are open, or closed, and what they first ask for is answered."""
_READ_S = 20.0
_LEAST_PAIRS = 6
"""Fewer say nothing with 95 %."""


def main() -> None:
    """Measures, and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--events", type=int, default=1_000_000, help="for the worker")
    parser.add_argument("--turns", type=int, default=16, help="pairs of turns, with and without")
    parser.add_argument("--turn", type=float, default=1.5, help="seconds of a turn")
    parser.add_argument("--rate", type=float, default=1_000.0, help="enforcements a minute, for the feed")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the feed")
    parser.add_argument("--records", type=int, default=200_000, help="for the journal")
    parser.add_argument("--only", choices=PARTS, action="append")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parts = given.only or PARTS
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, started_broker(Path(folder) / "kafka") as bootstrap:
        bench = _Bench(bootstrap, Path(folder))
        if "cost" in parts:
            found["cost"] = asyncio.run(_cost(bench, given))
        if "idle" in parts:
            found["idle"] = asyncio.run(_idle(bench, given))
        if "feed" in parts:
            found["feed"] = asyncio.run(_feed(bench, given))
        if "journal" in parts:
            found["journal"] = asyncio.run(_journal(bench, given))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


class _Bench:
    """A broker, a folder, and the tokens of all."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.bootstrap, self.folder, self.token = bootstrap, folder, new_token()
        self.tokens, self.own = folder / "tokens.toml", folder / "token"
        self.tokens.write_text(entry_of("page", "read", self.token))
        self.own.write_text(self.token)

    def settings(self, label: str) -> Settings:
        """Settings of one part."""
        return settings_for(
            self.bootstrap, label, self.folder, http_port=free_port(), http_tokens_file=self.tokens,
            http_worker_token_file=self.own,
        )  # fmt: skip


async def _cost(bench: _Bench, given: argparse.Namespace) -> dict[str, Any]:
    settings = bench.settings("console-cost")
    pairs: list[dict[bool, float]] = []
    async with topics_of(settings) as names:
        await fill(settings.bootstrap, sends_of(names, recording(given.events)))
        with ExitStack() as stack:
            stack.enter_context(_serving(settings, bench.folder))
            await _listening(settings, bench.token)
            pages = stack.enter_context(_pages(settings, bench, given.pages))
            worker = stack.enter_context(started(STREAMWARDEN.command, settings, bench.folder))
            async with Positions(settings) as positions:
                while await positions.done() < 1_000:
                    worker.check()
                    await asyncio.sleep(0.2)
                await asyncio.sleep(_WARM_S)
                is_open = True
                while len(pairs) < given.turns:
                    pair: dict[bool, float | None] = {}
                    for on in (False, True) if len(pairs) % 2 else (True, False):  # so that drift counts for neither
                        if on is not is_open:
                            pages.send_signal(signal.SIGUSR1)
                            is_open = on
                        await asyncio.sleep(_OPEN_S)
                        pair[on] = await _cpu_an_event(worker, positions, given.turn, given.events)
                    if (off := pair[False]) is None or (with_pages := pair[True]) is None:
                        break
                    pairs.append({False: off, True: with_pages})
            told = _ended(pages)
    if len(pairs) < _LEAST_PAIRS:
        raise SystemExit(f"benchmarks: the worker was done after {len(pairs)} pairs of turns: give more --events")
    return {
        "pages": given.pages,
        "pairs": len(pairs),
        "processor_us_an_event": {
            name: round(1e6 * statistics.median(pair[on] for pair in pairs), 2)
            for name, on in (("without", False), ("with", True))
        },
        "more": interval([pair[True] / pair[False] - 1 for pair in pairs]),
        **told,
    }


async def _cpu_an_event(worker: Running, positions: Positions, seconds: float, most: int) -> float | None:
    """Seconds of the worker's processor for an event, between two of its commits: what it has in hand at the start and
    at the end is then nothing. None when it comes to the end of its events."""
    began, start = time.monotonic(), await _commit(worker, positions, most)
    while (end := await _commit(worker, positions, most))[0] < most:
        if time.monotonic() - began >= seconds:
            return (end[1] - start[1]) / (end[0] - start[0])
    return None


async def _commit(worker: Running, positions: Positions, most: int) -> tuple[int, float]:
    """Waits for the next commit, unless all `most` events are done: how many are then, and what the worker has used of
    processors."""
    before = await positions.done()
    while (done := await positions.done()) == before < most:
        worker.check()
        await asyncio.sleep(0.01)
    return done, _cpu(worker)


def _cpu(worker: Running) -> float:
    """Seconds of processor so far; Linux: by its CPU clock, which has no ticks."""
    return time.clock_gettime((~worker.process.pid << 3) | 2)


def interval(values: Sequence[float]) -> dict[str, float]:
    """The median, and between which two values that of all such pairs lies with at least 95 %: order statistics, by the
    binomial distribution, which ask nothing of how they are distributed."""
    ordered, count = sorted(values), len(values)
    outside, skip = 0.0, 0
    while skip < count // 2 and (outside := outside + math.comb(count, skip) / 2**count) <= 0.025:
        skip += 1
    low, high = max(skip - 1, 0), min(count - skip, count - 1)
    return {
        "median": round(statistics.median(ordered), 4),
        "from": round(ordered[low], 4),
        "to": round(ordered[high], 4),
    }


async def _idle(bench: _Bench, given: argparse.Namespace) -> dict[str, Any]:
    settings = bench.settings("console-idle")
    shares: dict[bool, list[float]] = {False: [], True: []}
    events = min(given.events, 10_000)
    async with topics_of(settings) as names:
        await fill(settings.bootstrap, sends_of(names, recorded(events)))
        with ExitStack() as stack:
            serve = stack.enter_context(_serving(settings, bench.folder))
            await _listening(settings, bench.token)
            pages = stack.enter_context(_pages(settings, bench, given.pages))
            worker = stack.enter_context(started(STREAMWARDEN.command, settings, bench.folder))
            async with Positions(settings) as positions:
                while await positions.done() < events or await positions.behind():
                    worker.check()
                    await asyncio.sleep(0.2)
            await asyncio.sleep(_WARM_S)
            reads = await _reads(settings)
            for turn in range(2 * given.turns):
                on = turn % 2 == 1
                for process in (serve.process, pages):
                    os.kill(process.pid, signal.SIGCONT if on else signal.SIGSTOP)
                await asyncio.sleep(_SETTLE_S)
                began, cpu = time.monotonic(), _cpu(worker)
                await asyncio.sleep(given.turn)
                shares[on].append((_cpu(worker) - cpu) / (time.monotonic() - began))
            reads = await _reads(settings) - reads
            told = _ended(pages)
            a_read = await _a_read(worker, settings, bench.token, statistics.median(shares[False]))
    extra = [with_it - without for without, with_it in zip(shares[False], shares[True], strict=True)]
    return {
        "pages": given.pages,
        "pairs": len(extra),
        "worker_processor_share": {on: round(statistics.median(each), 4) for on, each in
                                   (("without", shares[False]), ("with", shares[True]))},
        "more": {"median": round(statistics.median(extra), 4), "mean": round(statistics.mean(extra), 4)},
        "reads_of_the_worker_a_second": round(reads / (given.turns * (given.turn + _SETTLE_S)), 2),
        "processor_us_a_read": round(1e6 * a_read),
        "share_at_the_most_reads_it_answers": round(a_read * READS_A_SECOND, 4),
        **told,
    }  # fmt: skip


async def _a_read(worker: Running, settings: Settings, token: str, idle: float) -> float:
    """Seconds of its processor for one read of a subject, asked for one after the other at nearly the rate that it
    answers; `idle`: its share of a processor without."""
    headers, read = {"Authorization": f"Bearer {token}"}, 0
    async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.web_port}", headers=headers) as client:
        began, cpu = time.monotonic(), _cpu(worker)
        while (passed := time.monotonic() - began) < _READ_S:
            async with client.get(PATH, params={"id": "account:user-1"}) as answer:
                await answer.read()
                if answer.status != 200:
                    raise SystemExit(f"benchmarks: the worker answers {answer.status} to a read of a subject")
            read += 1
            await asyncio.sleep(max(0.0, began + read * 1.1 / READS_A_SECOND - time.monotonic()))
        return (_cpu(worker) - cpu - idle * passed) / read


async def _reads(settings: Settings) -> int:
    """How many requests the worker has had for subjects."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{settings.web_port}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith("warden_subject_reads_total"))


async def _feed(bench: _Bench, given: argparse.Namespace) -> dict[str, Any]:
    settings = bench.settings("console-feed")
    async with topics_of(settings) as names:
        with ExitStack() as stack:
            serve = stack.enter_context(_serving(settings, bench.folder))
            await _listening(settings, bench.token)
            pages = stack.enter_context(_pages(settings, bench, given.pages))
            began, count = time.monotonic(), round(given.rate / 60 * given.seconds)
            cpu, pages_cpu = cpu_seconds(serve.process), cpu_seconds(pages)
            async with started_producer(settings) as producer:
                for number in range(count):
                    await asyncio.sleep(max(0.0, began + number * 60 / given.rate - time.monotonic()))
                    made = _enforcement(number)
                    await producer.send(names.enforcements, encode(made), made.subject.encode())
            await asyncio.sleep(_SETTLE_S)
            used, pages_used = cpu_seconds(serve.process) - cpu, cpu_seconds(pages) - pages_cpu
            seconds = time.monotonic() - began
            sent_late = await _sent_late(settings)
            told = _ended(pages)
    return {
        "pages": given.pages,
        "enforcements": count,
        "expected": count * given.pages,
        "serve_processor_share": round(used / seconds, 3),
        "pages_processor_share": round(pages_used / seconds, 3),
        "sent_late_s": sent_late,
        **told,
    }


async def _sent_late(settings: Settings) -> float:
    """How late decisions went out, in seconds, on average: the rest of what pages see is their own."""
    url = f"http://127.0.0.1:{settings.http_port}/metrics"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        lines = (await answer.text()).splitlines()
    told = {
        line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("warden_feed_lateness_seconds_")
    }
    total, number = (told.get(f"warden_feed_lateness_seconds_{part}", 0.0) for part in ("sum", "count"))
    return round(total / max(number, 1), 3)


async def _journal(bench: _Bench, given: argparse.Namespace) -> dict[str, Any]:
    settings = bench.settings("console-journal")
    async with topics_of(settings) as names:
        await fill(settings.bootstrap, (_violation(names.violations, number) for number in range(given.records)))
        with _serving(settings, bench.folder) as serve:
            started_s = await _listening(settings, bench.token, complete=False)
            began, cpu = time.monotonic(), cpu_seconds(serve.process)
            before = started_s
            await _listening(settings, bench.token)
            seconds, used = time.monotonic() - began, cpu_seconds(serve.process) - cpu
        file = settings.data_dir / "journal" / f"{settings.topic_prefix}{settings.app_id}.sqlite3"
        size = file.stat().st_size
    return {
        "records": given.records,
        "before_it_listened": before,
        "seconds": round(seconds, 2),
        "records_per_second": round((given.records - before) / max(seconds, 1e-9)),
        "processor_us_a_record": round(used / max(given.records - before, 1) * 1e6, 1),
        "bytes_a_record": round(size / given.records),
    }


@contextmanager
def _serving(settings: Settings, folder: Path) -> Iterator[Running]:
    """`warden serve`, on the cores that are not measured."""
    with started(("streams.cli", "serve"), settings, folder / "serve", on=cores().rest) as running:
        yield running


async def _listening(settings: Settings, token: str, *, complete: bool = True) -> int:
    """Returns once it answers, or its journal is complete; how many records the journal has then."""
    deadline = time.monotonic() + 300
    async with _client(settings, token) as client:
        while time.monotonic() < deadline:
            try:
                async with client.get("/v1/now") as answer:
                    told = (await answer.json())["journal"]
                    if told["complete"] or not complete:
                        return int(told["records"])
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise SystemExit("benchmarks: warden serve does not come up")


@asynccontextmanager
async def _client(settings: Settings, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token}"}
    base = f"http://127.0.0.1:{settings.http_port}"
    async with aiohttp.ClientSession(base, headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client:
        yield client


@contextmanager
def _pages(settings: Settings, bench: _Bench, count: int) -> Iterator[psutil.Popen]:
    """Open pages, in a process of their own, on the cores that are not measured."""
    with on_cores(cores().rest):
        process = psutil.Popen(
            [sys.executable, "-m", "benchmarks.pages", str(settings.http_port), str(count)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "BENCH_TOKEN": bench.token, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
        )
    try:
        process.stdout.readline()  # it says so when all are open
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _ended(pages: psutil.Popen) -> dict[str, Any]:
    """What the pages saw."""
    pages.terminate()
    out, _ = pages.communicate(timeout=20)
    told: dict[str, Any] = json.loads(out)
    return told


def _enforcement(number: int) -> Enforcement:
    now = datetime.now(UTC)
    return Enforcement(
        id=content_id("bench", str(number), now.isoformat()), subject=f"account:user-{number}",
        action="suspend_account", ladder="sharing", rung=1, permanent=False, starts=now, ends=now, clauses=["links.1"],
        rule="sharing.unlock",
        violations=[content_id("v", str(number))], evidence=[Evidence("unlock", "text", "分享后查看答案", 0, 7)],
        notice=Notice("诱导分享", "induced sharing"), pack="bench@1", time=now, previous=None,
    )  # fmt: skip


def _violation(topic: str, number: int) -> Send:
    subject = f"account:user-{random.randrange(50_000)}"
    made = Violation(
        id=content_id("violation", str(number)), cause=content_id("cause", str(number)),
        event=EventRef(f"post-{number}", "post"), subject=subject, clause="links.1", rule="sharing.unlock",
        mode="enforce", severity="ordinary", evidence=[Evidence("unlock", "text", "分享后查看答案", 0, 7)],
        time=datetime.now(UTC), pack="bench@1", linked=[f"domain:site-{number % 1000}.example"],
    )  # fmt: skip
    return Send(topic, subject.encode(), encode(made))


if __name__ == "__main__":
    main()
