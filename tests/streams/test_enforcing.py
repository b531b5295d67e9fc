"""The expiry sweep: what a dropped plan took from the index of due subjects is found again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rules.decisions import EventRef, Violation
from rules.enforce import Enforcer
from rules.events import millis
from rules.packs import load_pack
from streams.controls import Switch
from streams.enforcement import Enforcing
from streams.ledger import Register
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Plan
from streams.streamtime import StreamTime

START = datetime(2026, 1, 1, tzinfo=UTC)
TINY = Path(__file__).parents[1] / "data" / "tiny"
SUBJECT = "domain:quiz.example"


class LosingGroup:
    """A group of one partition that drops the first plan it is given, as after a rebalance."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def partitions(self) -> set[int]:
        return {0}

    async def submit(self, partition: int, make_plan: Callable[[], Plan]) -> bool:
        self.plans.append(make_plan())
        return len(self.plans) > 1


def test_a_sanction_whose_expiry_was_dropped_ends_at_the_next_sweep() -> None:
    # Given a subject whose sanction of 12 hours has ended
    enforcer = Enforcer(load_pack(TINY))
    violation = Violation(
        id="v", cause="0" * 32, event=EventRef("e", "share"), subject=SUBJECT, clause="links.1", rule="sharing.unlock",
        mode="enforce", severity="ordinary", evidence=[], time=START, pack="tiny@1",
    )  # fmt: skip
    state = enforcer.enforce([violation], lambda _: None).states[SUBJECT]
    table: Any = SimpleNamespace(name="subjects", of=lambda _: {SUBJECT.encode(): state}, on_recovered=[], on_lost=[])
    clock = StreamTime()
    clock.observe(millis(START + timedelta(hours=13)))
    metrics = Metrics()
    packs = PacksInForce(load_pack(TINY))
    register = Register("enforce", table, (), packs, lambda _topic, _partition: None, internal=True)
    enforcing = Enforcing(
        packs, register, {}, table, violations="v", relays="l", enforcements="e", bans="bans", reviews="r",
        dead_letters="d", metrics=metrics, clock=clock, switch=Switch(metrics),
    )  # fmt: skip
    group: Any = LosingGroup()
    # When the plan of the first sweep is dropped, and another sweep comes
    asyncio.run(enforcing.sweep(group))
    asyncio.run(enforcing.sweep(group))
    # Then both say that nothing is in force any more
    assert [[(send.topic, send.value) for send in plan.sends] for plan in group.plans] == [[("bans", None)]] * 2


def test_the_fullest_share_of_a_quota_is_told_by_the_quotas_name(tmp_path: Path) -> None:
    # Given a pack with a quota of 8 on two partitions, and one that nothing counts in
    text = (TINY / "pack.yaml").read_text("utf-8")
    limits = "limits: {quotas: {each: {each: rule, per: day, at_most: 8}, none: {each: all, per: day, at_most: 0}}}\n"
    (tmp_path / "pack.yaml").write_text(limits + text, "utf-8")
    states: list[dict[bytes, bytes]] = [{}, {}]
    table: Any = SimpleNamespace(name="subjects", of=states.__getitem__, on_recovered=[], on_lost=[])
    metrics, clock = Metrics(), StreamTime()
    clock.observe(millis(START))
    pack = load_pack(tmp_path)
    packs = PacksInForce(pack, 2)
    register = Register("enforce", table, (), packs, lambda _topic, _partition: None, internal=True)
    enforcing = Enforcing(
        packs, register, {}, table, violations="v", relays="l", enforcements="e", bans="bans",
        reviews="r", dead_letters="d", metrics=metrics, clock=clock, switch=Switch(metrics),
    )  # fmt: skip
    # When one partition has granted one of its 4, and the other none, as a pack without the second quota counts
    counting = Enforcer(replace(pack, limits=replace(pack.limits, quotas=pack.limits.quotas[:1])), 2)
    violation = Violation(
        id="v", cause="0" * 32, event=EventRef("e", "share"), subject=SUBJECT, clause="links.1", rule="sharing.unlock",
        mode="enforce", severity="ordinary", evidence=[], time=START, pack="tiny@1",
    )  # fmt: skip
    granted = counting.enforce([violation], lambda _: None).states
    states[1] = {key.encode(): value for key, value in granted.items() if value is not None}
    for hook in table.on_recovered:
        hook(0)
        hook(1)
    # Then
    used = enforcing.quotas()
    assert used["each"] in {0.25, 0.5, 0.75}
    assert used["none"] == 1.0
