"""How long a worker takes to come back with many subjects, and what it holds: memory and RocksDB.

Subjects' states are real ones: `Enforcer` made them from violations of the shipped pack. They are written to the
changelog of a worker that has never run; then it starts. Seconds are from the start of the process until `/readyz` says
that its partitions are recovered; what a start takes without any state is measured too.
"""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.bench import Bench
from benchmarks.cluster import changelog, fill, settings_for, topics_of
from benchmarks.contenders import STREAMWARDEN
from benchmarks.process import Running, started
from rules.decisions import EventRef, Evidence, Violation, content_id
from rules.enforce import Enforcer
from rules.packs import SHIPPED, load_pack
from streams.sending import Send
from streams.settings import Settings
from streams.stores import STAMP_HEADER

STORES: tuple[Literal["memory://", "rocksdb://"], ...] = ("memory://", "rocksdb://")
_DISTINCT = 2_000
_READY_S = 600.0
_LOOK_S = 0.1
_SETTLE_S = 3.0


class Recovery(msgspec.Struct, frozen=True):
    """One store. `empty_*`: the same worker without any state. Bytes are for one subject, changelog not counted.

    restart_s: RocksDB only: a second start, on the files of the first.
    disk_bytes: RocksDB only.
    """

    store: str
    subjects: int
    state_bytes: float
    seconds: float
    empty_s: float
    resident_mb: float
    empty_mb: float
    memory_bytes: float
    restart_s: float | None = None
    disk_bytes: float | None = None


def measure_recovery(bench: Bench) -> list[Recovery]:
    """Both stores, on the same changelog records."""
    with bench.steps.step("recovery: making states"):
        states = distinct_states(_DISTINCT)
    found = []
    for store in STORES:
        with bench.steps.step(f"recovery: {bench.plan.subjects:,} subjects, {store}"):
            found.append(asyncio.run(_measure(bench, store, states)))
    return found


async def _measure(bench: Bench, store: str, states: Sequence[bytes]) -> Recovery:
    bootstrap, folder, subjects = bench.bootstrap, bench.folder, bench.plan.subjects
    kind = store.partition(":")[0]
    empty = settings_for(bootstrap, f"bench-empty-{kind}", folder, store=store)
    async with topics_of(empty):
        empty_s, empty_mb = await _ready(empty, folder)
    settings = settings_for(bootstrap, f"bench-recovery-{kind}", folder, store=store)
    async with topics_of(settings):
        await fill(bootstrap, _records(settings, states, subjects))
        seconds, resident_mb = await _ready(settings, folder)
        restart_s = disk = None
        if store == "rocksdb://":
            disk = sum(file.stat().st_size for file in settings.data_dir.rglob("*") if file.is_file()) / subjects
            restart_s, _ = await _ready(settings, folder)
    return Recovery(
        store=store,
        subjects=subjects,
        state_bytes=sum(map(len, states)) / len(states),
        seconds=seconds,
        empty_s=empty_s,
        resident_mb=resident_mb,
        empty_mb=empty_mb,
        memory_bytes=(resident_mb - empty_mb) * 1e6 / subjects,
        restart_s=restart_s,
        disk_bytes=disk,
    )


async def _ready(settings: Settings, folder: Path) -> tuple[float, float]:
    """Seconds from start to ready, and MB resident once it has settled."""
    began = time.monotonic()
    with started(STREAMWARDEN.command, settings, folder) as running:
        url = f"http://127.0.0.1:{settings.web_port}/readyz"
        while not await asyncio.to_thread(_is_ready, url):
            running.check()
            if time.monotonic() - began > _READY_S:
                raise TimeoutError(f"not ready after {_READY_S:.0f} s; see {running.log}")
            await asyncio.sleep(_LOOK_S)
        seconds = time.monotonic() - began
        await asyncio.sleep(_SETTLE_S)
        return seconds, _resident(running)


def _resident(running: Running) -> float:
    running.check()
    return running.resident_mb()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _records(settings: Settings, states: Sequence[bytes], subjects: int) -> Iterator[Send]:
    topic, stamp = changelog(settings, "subjects"), [(STAMP_HEADER, b"1")]
    for number in range(subjects):
        yield Send(topic, b"account:user-%d" % number, states[number % len(states)], stamp)


def distinct_states(count: int) -> list[bytes]:
    """States as a platform has them: most subjects have offended once, some twice, few up to five times; every third
    did it with a link."""
    enforcer = Enforcer(load_pack(SHIPPED))
    rules = [rule for rule in enforcer.pack.rules.values() if rule.mode == "enforce" and "account" in rule.charges]
    now = datetime.now(UTC)
    found = []
    for number in range(count):
        times = 1 if number % 10 < 7 else 2 if number % 10 < 9 else 5
        violations = [
            Violation(
                id=content_id("violation", f"{number}-{at}"),
                cause=content_id("post", f"{number}-{at}", rules[number % len(rules)].name),
                event=EventRef(f"{number}-{at}", "post"),
                subject=f"account:user-{number}",
                clause=rules[number % len(rules)].clause,
                rule=rules[number % len(rules)].name,
                mode="enforce",
                severity="ordinary",
                evidence=[Evidence("words", "text", "示例")],
                time=now - timedelta(days=1 + 7 * at),
                pack=enforcer.pack.label,
                linked=[f"link:https://site-{number}.example/page/{at}", f"domain:site-{number}.example"]
                if number % 3 == 0
                else [],
            )
            for at in reversed(range(times))
        ]
        state = enforcer.enforce(violations, lambda _: None).states[f"account:user-{number}"]
        assert state is not None
        found.append(state)
    return found
