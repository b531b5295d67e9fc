"""The whole engine on real Kafka against the offline engine: the same events, the same decisions."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from rules.engine import Engine
from rules.events import Event, convert_event
from rules.packs import SHIPPED, load_pack
from streams.demo.traffic import traffic
from tests.kafka.broker import Broker
from tests.kafka.system import TINY, System, Worker

START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def demo_events(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Events of the demo's traffic, spread over weeks, so that ladders climb and sanctions end."""
    items = islice(traffic(seed, START, per_second=count / (40 * 86_400), broken=False), count)
    return [{"type": item.kind, **(item.body or {})} for item in items]


def shuffled_times(events: list[dict[str, Any]], seed: int = 5) -> list[dict[str, Any]]:
    """The same events, some of them up to three hours late: a feed is not sorted."""
    dice = random.Random(seed)
    late = [dict(event) for event in events]
    for event in late:
        if dice.random() < 0.3:
            time_ = datetime.fromisoformat(event["time"]) - timedelta(seconds=dice.randrange(3 * 3600))
            event["time"] = time_.isoformat()
    return late


def judged(events: list[dict[str, Any]], pack: Path) -> tuple[Engine, list[Any]]:
    """The offline engine after `events`, and all its decisions."""
    engine = Engine(load_pack(pack))
    return engine, list(engine.judge(_converted(events)))


def _converted(events: list[dict[str, Any]]) -> Iterator[Event]:
    for event in events:
        yield convert_event(event["type"], {name: value for name, value in event.items() if name != "type"})


def ids(decisions: list[Any], kind: str) -> set[str]:
    """Ids of the offline engine's decisions of a kind."""
    return {decision.id for decision in decisions if type(decision).__name__.lower() == kind}


def sanctions(bans: dict[str, Any]) -> dict[str, set[tuple[Any, ...]]]:
    """Subject -> its sanctions, as values that compare."""
    return {
        subject: {
            (entry["action"], entry["ladder"], entry["rung"], entry["permanent"], entry["starts"], entry["ends"])
            for entry in ban["sanctions"]
        }
        for subject, ban in bans.items()
    }


def offline_sanctions(engine: Engine) -> dict[str, set[tuple[Any, ...]]]:
    """The same of the offline engine."""
    return sanctions({subject: orjson.loads(orjson.dumps(_builtin(ban))) for subject, ban in engine.bans.items()})


def _builtin(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def still_in_force(held: dict[str, set[tuple[Any, ...]]], at: datetime) -> dict[str, set[tuple[Any, ...]]]:
    """Without what has ended by `at`: the ban list may still show it, or not any more."""
    current = {
        subject: {entry for entry in entries if entry[5] is None or datetime.fromisoformat(entry[5]) > at}
        for subject, entries in held.items()
    }
    return {subject: entries for subject, entries in current.items() if entries}


def newest(events: list[dict[str, Any]]) -> datetime:
    """The newest time of the events."""
    return max(datetime.fromisoformat(event["time"]) for event in events)


def assert_agreement(system: System, events: list[dict[str, Any]], pack: Path) -> list[Any]:
    """Fails unless the topics hold what the offline engine decides; returns its decisions."""
    engine, decisions = judged(events, pack)
    assert ids(decisions, "violation"), "the comparison would be of nothing"
    assert {found["id"] for found in system.decisions("violations")} == ids(decisions, "violation")
    at = newest(events)
    assert still_in_force(sanctions(system.bans()), at) == still_in_force(offline_sanctions(engine), at)
    return decisions


def test_two_workers_decide_what_judge_decides(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, partitions=4)
    events = demo_events(4000)
    with system.worker() as one, system.worker() as two:
        system.feed(events)
        system.await_done(len(events), one, two)
    assert_agreement(system, events, SHIPPED)


def test_with_one_partition_even_the_enforcement_ids_are_the_same(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, partitions=1)
    events = shuffled_times(demo_events(4000, seed=11))
    system.feed(events)
    with system.worker() as worker:
        system.await_done(len(events), worker)
    decisions = assert_agreement(system, events, SHIPPED)
    assert {found["id"] for found in system.decisions("enforcements")} == ids(decisions, "enforcement")
    assert {found["id"] for found in system.decisions("reviews")} == ids(decisions, "review")


def test_with_one_partition_and_a_live_feed_the_enforcement_ids_are_the_same(
    kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, partitions=1)
    events = demo_events(3000, seed=12)
    with system.worker() as worker:
        system.feed(events)
        system.await_done(len(events), worker)
    decisions = assert_agreement(system, events, SHIPPED)
    assert {found["id"] for found in system.decisions("enforcements")} == ids(decisions, "enforcement")


@pytest.mark.parametrize("store", ["memory://", "rocksdb://"])
def test_workers_killed_and_restarted_still_decide_what_judge_decides(
    kafka: Broker, prefix: str, tmp_path: Path, store: str
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, store=store, max_batch_records=200)
    events = demo_events(6000, seed=7)
    for third in (events[:2000], events[2000:4000]):
        with system.worker(WARDEN_DATA_DIR=str(tmp_path / "state")) as worker:
            system.feed(third)
            await_violations(worker)
            worker.kill()
    system.feed(events[4000:])
    with system.worker(WARDEN_DATA_DIR=str(tmp_path / "state")) as worker:
        system.await_done(len(events), worker)
    assert_agreement(system, events, SHIPPED)


def await_violations(worker: Worker) -> None:
    """Returns once the worker has found something."""
    deadline = time.monotonic() + 30
    while worker.metric("warden_violations_total") == 0:
        assert time.monotonic() < deadline, worker.log.read_text()[-4000:]
        time.sleep(0.02)


def test_a_supervisor_restarts_a_worker_that_is_killed(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    import psutil

    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=TINY)
    events = demo_events(500)
    with system.worker("--processes", "2") as supervisor:
        children = psutil.Process(supervisor.process.pid).children()
        assert len(children) == 2
        children[0].kill()
        system.feed(events)
        system.await_done(len(events), supervisor)
        deadline = time.monotonic() + 30
        while len(psutil.Process(supervisor.process.pid).children()) < 2:
            assert time.monotonic() < deadline, supervisor.log.read_text()
            time.sleep(0.1)
        assert supervisor.stop() == 0
