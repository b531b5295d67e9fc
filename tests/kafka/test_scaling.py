"""Workers are added and taken away under load: partitions move with their state, and the decisions are those of
`warden judge`, to the last."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chaos.compare import compare, outputs
from chaos.feeding import Feed
from chaos.oracle import truth
from chaos.traffic import beginning, events
from rules.packs import SHIPPED
from tests.kafka.broker import Broker
from tests.kafka.system import System, Worker

PARTITIONS = 4
RATE = 300.0
_SECONDS = 300.0
"""More than the test feeds, so that no event is of the future."""


@contextmanager
def load(system: System) -> Iterator[Feed]:
    """Events of every kind while the block lasts: with crowds, rings and reports among them."""
    feed = Feed(system.settings, events(5, beginning(_SECONDS), RATE), RATE, 5)
    loop, enough = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(feed.run(enough),))
    thread.start()
    try:
        yield feed
    finally:
        loop.call_soon_threadsafe(enough.set)
        thread.join()
        loop.close()


def partitions(worker: Worker) -> set[str]:
    """Those whose posts a worker reads."""
    return set(
        re.findall(r'^warden_consumer_lag\{partition="(\d+)",topic="\S*posts"\}', worker.get("/metrics")[1], re.M)
    )


def subjects(*workers: Worker) -> float:
    """How many have a record in these workers."""
    return sum(worker.metric("warden_subjects{") for worker in workers)


def becomes(true: Callable[[], bool], *workers: Worker) -> None:
    deadline = time.monotonic() + 60
    while not true():
        for worker in workers:
            assert worker.process.poll() is None, worker.log.read_text()[-4000:]
        assert time.monotonic() < deadline, [(partitions(worker), subjects(worker)) for worker in workers]
        time.sleep(0.1)


def share_the_work(*workers: Worker) -> bool:
    """Whether each of all partitions has one worker, all of them have some, and none is on the move."""
    found = [partitions(worker) for worker in workers]
    return (
        all(found)
        and sum(map(len, found)) == len(set().union(*found)) == PARTITIONS
        and all(worker.get("/readyz")[0] == 200 for worker in workers)
    )


@pytest.mark.timeout(600)  # three starts of workers: half a minute, and minutes on a busy machine
def test_workers_come_and_go_under_load_and_nothing_is_lost(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, partitions=PARTITIONS, store="rocksdb://")
    with ExitStack() as stack:
        one = stack.enter_context(system.worker())
        with load(system) as feed:
            becomes(lambda: subjects(one) > 100, one)
            assert share_the_work(one)

            two = stack.enter_context(system.worker(ready=False))
            before = subjects(one)
            becomes(lambda: share_the_work(one, two), one, two)
            becomes(lambda: subjects(two) > before / 5, one, two)  # its partitions come with their state
            becomes(lambda: subjects(one, two) >= before, one, two)
            judged = two.metric("warden_events_total")
            becomes(lambda: two.metric("warden_events_total") > judged + 200, one, two)

            assert one.stop() == 0
            becomes(lambda: share_the_work(two), two)
            becomes(lambda: subjects(two) >= before, two)
        system.await_done(0, two)
        assert two.stop() == 0
    expected = asyncio.run(truth(system.settings))
    found = compare(asyncio.run(outputs(system.settings)), expected, feed.sent)

    assert found.lines() == []
    assert feed.sent == expected.records > 1000
    assert min(found.compared[what] for what in ("violations", "subjects", "bans", "enforcements")) > 0
