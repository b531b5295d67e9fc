"""Controls as records: what is taken in, what a worker's stages make of it, and what it says about it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rules.controls import ControlRecord, Controls
from rules.events import Order, Report
from rules.packs import load_pack
from streams import controls
from streams.codec import encode
from streams.controls import ControlTopic, Following, Switch, control_send
from streams.enforcement import Enforcing
from streams.ledger import Register
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Lease, RecordBatch
from streams.settings import Settings
from streams.streamtime import StreamTime
from streams.topics import TopicsError
from tests.rules.making import START, TINY, violation

HALT = ControlRecord(id="1", do="halt", rule=None, by="lin", why="too many\ncomplaints", time=START)
RESUME = msgspec.structs.replace(HALT, id="2", do="resume")
RULE = msgspec.structs.replace(HALT, id="3", rule="fraud.prize")
FOREIGN = msgspec.structs.replace(HALT, id="4", rule="of.another_pack")


def record(value: ControlRecord | bytes | None, offset: int = 0) -> Any:
    data = control_send("controls", value).value if isinstance(value, ControlRecord) else value
    return SimpleNamespace(
        topic="controls", partition=0, offset=offset, key=b"all", value=data, headers=(), timestamp=1
    )


def topic_of(*values: ControlRecord | bytes | None) -> ControlTopic:
    topic = ControlTopic()
    for offset, value in enumerate(values):
        topic.apply(record(value, offset))
    return topic


def exported(metrics: Metrics) -> dict[str, float]:
    """The samples about controls."""
    wanted = ("warden_halted", "warden_rule_halted", "warden_controls", "warden_violations_held_back_total")
    lines = (line for line in metrics.exposition().decode().splitlines() if line.startswith(wanted))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_a_record_says_its_target_in_its_key() -> None:
    assert [control_send("t", each).key for each in (HALT, RULE)] == [b"all", b"rule/fraud.prize"]
    assert topic_of(HALT, RESUME, RULE).log.records == [HALT, RESUME, RULE]


@pytest.mark.parametrize(
    "value", [None, b"", b"\xff", b"null", b"{}", b"[" * 100_000, b'{"kind":"control","do":"stop"}']
)
def test_what_is_no_control_changes_nothing_and_is_named(value: bytes | None) -> None:
    topic = topic_of(HALT, value)
    assert topic.log.controls.halted
    assert topic.position == 2
    (problem,) = topic.problems
    assert problem.startswith("controls, offset 1 is no control: ")
    assert len(problem) < 400


def test_a_repeat_is_taken_in_once() -> None:
    topic = topic_of(HALT, RESUME, HALT)
    assert not topic.log.controls
    assert topic.position == 3


def test_a_switch_turns_violations_and_leaves_reports_and_appeals_alone() -> None:
    metrics = Metrics()
    switch = Switch(metrics, Controls(halted=True))
    report = Report(id="r", subject="account:alice", reporter="bob", category="spam", time=START)
    items = [violation(), report, violation(mode="shadow")]
    turned = switch.applied("enforce", items)
    assert turned[1] is report
    assert [each.mode for each in turned if not isinstance(each, Report)] == ["shadow", "shadow"]
    assert exported(metrics)['warden_violations_held_back_total{stage="enforce"}'] == 1
    # and rules that tripped a moment ago, before the topic says so
    switch.controls = Controls()
    found = [violation(rule="a"), violation(rule="b")]
    assert switch.applied("screen", found) == found
    assert [each.mode for each in switch.applied("screen", found, frozenset({"b"}))] == ["enforce", "shadow"]


def test_violations_in_flight_lead_to_nothing_and_orders_are_kept_while_all_is_halted() -> None:
    # Given a halt, and a batch of a violation that enforces and an order
    metrics = Metrics()
    switch = Switch(metrics, Controls(halted=True))
    table: Any = SimpleNamespace(name="subjects", of=lambda _: {}, on_recovered=[], on_lost=[])
    packs = PacksInForce(load_pack(TINY))
    register = Register(
        "enforce", table, ("orders", "violations"), packs, lambda _topic, _partition: None, internal=True
    )
    enforcing = Enforcing(
        packs, register, {"orders": "order"}, table, violations="violations", relays="l", enforcements="e",
        bans="b", reviews="r", dead_letters="d", metrics=metrics, clock=StreamTime(), switch=switch,
    )  # fmt: skip
    order = Order(id="o", subject="account:bob", do="clear", reason="mistake", moderator="m", time=START)
    batch = [
        as_record("violations", "account:alice", encode(violation())),
        as_record("orders", "account:bob", msgspec.json.encode(order)),
    ]
    # When ENFORCE takes them
    group: Any = None
    plan = enforcing(RecordBatch(Lease(group, 0, 1, 1), batch, {}))
    # Then nothing is sent, and only the order is remembered
    assert plan.sends == []
    assert [write.key for write in plan.writes] == [b"account:bob"]
    # and after the resumption the same violation leads to enforcements
    switch.controls = Controls()
    plan = enforcing(RecordBatch(Lease(group, 0, 1, 1), batch[:1], {}))
    assert {send.topic for send in plan.sends} == {"e", "b"}


def as_record(topic: str, key: str, value: bytes) -> Any:
    return SimpleNamespace(topic=topic, partition=0, offset=0, key=key.encode(), value=value, headers=(), timestamp=1)


def follow(
    monkeypatch: pytest.MonkeyPatch, topic: ControlTopic, fetches: Sequence[Sequence[Any]], metrics: Metrics
) -> list[Controls]:
    """The controls in force after each fetch; first those at the start."""
    switch = Switch(metrics)
    seen: list[Controls] = []

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[Any]:
        yield SimpleNamespace(assignment=list)

    async def changes(_: object) -> AsyncIterator[Sequence[Any]]:
        for fetch in fetches:
            seen.append(switch.controls)
            yield fetch
        seen.append(switch.controls)

    monkeypatch.setattr(controls, "opened", opened)
    monkeypatch.setattr(controls, "changes", changes)
    asyncio.run(Following(Settings(), topic, switch, load_pack(TINY).rules, metrics).run())
    return seen


def test_what_comes_is_in_force_after_the_fetch_it_came_with(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    fetches = [[], [record(HALT, 1)], [record(RULE, 2), record(RESUME, 3)], [record(FOREIGN, 4)]]
    seen = follow(monkeypatch, topic_of(b"garbage"), fetches, metrics)
    assert [(each.halted, sorted(each.shadowed)) for each in seen] == [
        (False, []),
        (False, []),
        (True, []),
        (False, ["fraud.prize"]),
        (False, ["fraud.prize", "of.another_pack"]),
    ]
    # Metrics name rules of the pack and no others
    assert exported(metrics) == {
        "warden_halted": 0,
        'warden_rule_halted{rule="fraud.prize"}': 1,
        "warden_controls_offset": 5,
    }


def test_what_stops_enforcement_is_critical_in_the_log_also_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        follow(monkeypatch, topic_of(RULE, b"x"), [[record(HALT, 2)], [record(RESUME, 3), record(HALT, 4)]], Metrics())
    said = [(each.levelname, each.message) for each in caplog.records if each.name == "streams.controls"]
    assert [level for level, _ in said] == ["CRITICAL", "WARNING", "CRITICAL", "WARNING"]
    assert "Rule fraud.prize is in shadow since 2026-01-01" in said[0][1]
    assert "offset 1 is no control" in said[1][1]
    assert said[2][1].endswith("by lin: too many complaints")
    assert "All automatic enforcement is resumed" in said[3][1]


def test_a_follower_that_loses_its_brokers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[Any]:
        raise TopicsError("no answer")
        yield

    monkeypatch.setattr(controls, "opened", opened)
    failed, errors = threading.Event(), []

    def fail(error: TopicsError) -> None:
        errors.append(str(error))
        failed.set()

    metrics = Metrics()
    Following(Settings(), ControlTopic(), Switch(metrics), {}, metrics).start(fail)
    assert failed.wait(10)
    assert errors == ["no answer"]
