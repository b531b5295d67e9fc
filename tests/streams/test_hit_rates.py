"""Hit rates in a worker: what is sent and kept, and what is forgotten with a partition."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rules.controls import ControlRecord, Controls
from rules.events import from_millis, millis
from rules.hit_rates import BLOCK
from rules.packs import load_pack
from rules.screen import Arrival, Screened
from streams.hit_rates import KEY, Tripping
from streams.metrics import Metrics
from streams.plans import Plan
from tests.rules.making import START, TINY, post, violation

RULE = "sharing.unlock"


class Worker:
    """One worker's counts of one partition, and its table."""

    def __init__(self, table: dict[bytes, bytes] | None = None) -> None:
        self.state: dict[bytes, bytes] = {} if table is None else table
        self.table: Any = SimpleNamespace(name="rates", of=lambda _: self.state, on_recovered=[], on_lost=[])
        self.tripping = Tripping(self.table, "controls", Metrics())
        self.tripping.use(frozenset(load_pack(TINY).rules))
        self.controls = Controls()
        self.minutes = 0.0

    def block(self, hits: int, rule: str = RULE, *, at: int | None = None) -> tuple[frozenset[str], Plan]:
        """A thousand events, ten minutes after those before; keeps what is written, as a worker does."""
        self.minutes += 10
        when = millis(START) + int(self.minutes * 60_000) if at is None else at
        arrivals = [
            Arrival(post(id=f"e{n}", account=f"a{n}", time=from_millis(when)), "post", "posts", n) for n in range(BLOCK)
        ]
        screened = Screened([violation(rule=rule) for _ in range(hits)], list(range(hits)), {})
        plan = Plan()
        tripped = self.tripping.count(0, arrivals, screened, self.controls, plan)
        self.state |= {write.key: write.value for write in plan.writes if write.value is not None}
        return tripped, plan


def usual(worker: Worker, blocks: int = 20) -> list[Plan]:
    return [worker.block(3)[1] for _ in range(blocks)]


def test_a_window_that_closes_is_written_and_nothing_else_is() -> None:
    worker = Worker()
    plans = usual(worker)
    assert all(not plan.sends for plan in plans)
    assert [[write[:2] for write in plan.writes] for plan in plans] == [[]] + [[("rates", KEY)]] * 19
    late = worker.block(3, at=millis(START))[1]
    assert late.writes == []


def test_a_trip_is_sent_to_the_controls_and_holds_at_once() -> None:
    worker = Worker()
    usual(worker)
    tripped, plan = worker.block(400)
    assert tripped == {RULE}
    (send,) = plan.sends
    assert (send.topic, send.key, send.partition) == ("controls", f"rule/{RULE}".encode(), 0)
    record = msgspec.json.decode(send.value or b"", type=ControlRecord)
    assert (record.do, record.rule, record.by) == ("halt", RULE, "streamwarden")
    assert "400 hits among 1,000 events of type post (40 %), usually 0.3 %" in record.why


def test_workers_that_find_the_same_trip_write_the_same_id() -> None:
    ids = set()
    for hits in (300, 400):
        worker = Worker()
        usual(worker)
        (send,) = worker.block(hits)[1].sends
        ids.add(msgspec.json.decode(send.value or b"", type=ControlRecord).id)
    assert len(ids) == 1


def test_a_restarted_worker_goes_on_with_the_history_of_its_table() -> None:
    worker = Worker()
    usual(worker)
    again = Worker(worker.state)
    again.minutes = worker.minutes
    assert again.block(400)[0] == {RULE}
    assert Worker().block(400)[0] == set()


def test_a_partition_that_was_away_is_read_from_the_table_again() -> None:
    worker = Worker()
    usual(worker)
    worker.state.clear()
    for hook in worker.table.on_lost:
        hook(0)
    assert worker.block(400)[0] == set()


def test_a_rule_that_a_control_has_in_shadow_is_not_watched_and_begins_anew_after_it() -> None:
    worker = Worker()
    usual(worker)
    worker.controls = Controls(shadowed=frozenset({RULE}))
    assert worker.block(400)[0] == set()
    worker.controls = Controls(resumed={RULE: "r1"})
    assert [worker.block(400)[0] for _ in range(20)] == [frozenset()] * 20


def test_a_rule_of_a_canary_that_goes_live_begins_anew() -> None:
    worker = Worker()
    enforcing = frozenset(load_pack(TINY).rules)
    worker.tripping.use(enforcing, {RULE: "canary 5%"})
    usual(worker)
    worker.tripping.use(enforcing, {})
    assert [worker.block(60)[0] for _ in range(20)] == [frozenset()] * 20
    assert worker.block(400)[0] == {RULE}, "and is watched with the rate that it has for all"


def test_an_event_of_the_future_opens_no_window() -> None:
    worker = Worker()
    usual(worker, 2)
    assert worker.block(3, at=millis(START.replace(year=2999)))[1].writes != []
    window = worker.tripping._rates[0]._window
    assert window is not None
    assert window * 600_000 <= time.time() * 1000


def test_an_empty_batch_counts_nothing() -> None:
    plan = Plan()
    assert Worker().tripping.count(0, [], Screened([], [], {}), Controls(), plan) == set()
    assert (plan.sends, plan.writes) == ([], [])


def test_rates_of_now_and_usually_are_told_for_metrics() -> None:
    worker = Worker()
    usual(worker)
    worker.block(30, at=millis(START) + 200 * 60_000)  # in the window that the last block opened
    found = worker.tripping.rates()[RULE, "post"]
    assert (found.hits, found.events) == (30, BLOCK)
    assert found.past_hits / found.past_events == pytest.approx(0.003)


def test_a_rule_that_tripped_is_in_shadow_and_has_no_rate() -> None:
    worker = Worker()
    usual(worker)
    worker.block(400)
    assert (RULE, "post") not in worker.tripping.rates()
    assert worker.tripping.rates() == {}, "the other rules have never hit"
