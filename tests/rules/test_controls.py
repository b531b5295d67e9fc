"""Controls: what a log of halts and resumptions comes to, and what it does to violations and decisions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.controls import ControlLog, ControlRecord, Controls
from rules.decisions import Decision, Enforcement, Violation
from rules.engine import Engine
from rules.events import millis
from rules.packs import load_pack
from tests.rules.making import START, TINY, at, post, violation

RULES = [None, "sharing.unlock", "fraud.prize"]


def control(do: Any, rule: str | None = None, identity: str = "c", why: str = "because") -> ControlRecord:
    return ControlRecord(id=identity, do=do, rule=rule, by="lin", why=why, time=START)


def log_of(*records: ControlRecord) -> ControlLog:
    log = ControlLog()
    for record in records:
        log.add(record)
    return log


def numbered(*does: tuple[str, str | None]) -> ControlLog:
    return log_of(*(control(do, rule, f"c{n}") for n, (do, rule) in enumerate(does)))


def test_a_halt_of_everything_turns_every_violation_to_shadow_and_changes_nothing_else() -> None:
    found = violation(rule="any")
    turned = Controls(halted=True).of(found)
    assert turned.mode == "shadow"
    assert msgspec.structs.replace(turned, mode="enforce") == found


def test_a_halted_rule_is_in_shadow_and_the_others_are_not() -> None:
    controls = Controls(shadowed=frozenset({"fraud.prize"}))
    assert controls.of(violation(rule="fraud.prize")).mode == "shadow"
    untouched = violation(rule="sharing.unlock")
    assert controls.of(untouched) is untouched


def test_a_violation_in_shadow_stays_what_it_is_under_any_controls() -> None:
    found = violation(mode="shadow")
    assert Controls(halted=True).of(found) is found
    assert Controls().of(found) is found


def test_resuming_everything_leaves_the_rules_that_were_halted_by_name() -> None:
    log = numbered(("halt", "fraud.prize"), ("halt", None), ("resume", None))
    assert log.controls == Controls(shadowed=frozenset({"fraud.prize"}))
    assert [record.rule for record in log.standing()] == ["fraud.prize"]


def test_resuming_a_rule_under_a_halt_of_everything_lets_nothing_through() -> None:
    log = numbered(("halt", "fraud.prize"), ("halt", None), ("resume", "fraud.prize"))
    assert log.controls.of(violation(rule="fraud.prize")).mode == "shadow"
    assert log.controls.resumed == {"fraud.prize": "c2"}


def test_a_record_that_comes_again_changes_nothing() -> None:
    halt, resume = control("halt", identity="a"), control("resume", identity="b")
    log = log_of(halt, resume)
    assert log.add(halt) is False
    assert not log.controls
    assert log.records == [halt, resume]


@given(
    st.lists(st.tuples(st.sampled_from(["halt", "resume"]), st.sampled_from(RULES)), max_size=12),
    st.lists(st.integers(0, 11), max_size=6),
)
def test_for_each_target_the_last_record_counts_whatever_comes_twice(
    does: list[tuple[str, str | None]], again: list[int]
) -> None:
    log = numbered(*does)
    for number in again:
        if number < len(log.records):
            log.add(log.records[number])
    last = {rule: do for do, rule in does}
    assert log.controls.halted == (last.get(None) == "halt")
    assert log.controls.shadowed == {rule for rule, do in last.items() if rule is not None and do == "halt"}
    assert bool(log.controls) == ("halt" in last.values())
    assert len(log.records) == len(does)


@pytest.mark.parametrize(
    "wrong", [{"do": "stop"}, {"why": ""}, {"by": ""}, {"by": "a\nb"}, {"rule": ""}, {"id": ""}, {"why": "x" * 2001}]
)
def test_what_is_no_control_is_refused(wrong: dict[str, str]) -> None:
    right = msgspec.to_builtins(control("halt"))
    assert msgspec.convert(right, ControlRecord) == control("halt")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**right, **wrong}, ControlRecord)


def judged(engine: Engine, number: int) -> tuple[list[str], list[Decision]]:
    """Modes of the violations of one offending post, and the enforcements it leads to."""
    decisions = list(
        engine.judge([post("分享后查看答案", id=f"p{number}", account=f"a{number}", time=at(minutes=number))])
    )
    return (
        [found.mode for found in decisions if isinstance(found, Violation)],
        [found for found in decisions if isinstance(found, Enforcement)],
    )


def test_the_offline_engine_plays_a_halt() -> None:
    engine = Engine(load_pack(TINY))
    modes, enforced = judged(engine, 0)
    assert (set(modes), bool(enforced)) == ({"enforce"}, True)
    # When everything is halted, violations are recorded and nothing is enforced
    engine.controls = Controls(halted=True)
    modes, enforced = judged(engine, 1)
    assert (set(modes), enforced) == ({"shadow"}, [])
    # And what was in force stays in force, what was charged in shadow does not come into force with the resumption
    engine.controls = Controls()
    assert engine.in_force("account:a0", millis(at(minutes=2)))
    assert not engine.in_force("account:a1", millis(at(minutes=2)))
    modes, enforced = judged(engine, 2)
    assert (set(modes), bool(enforced)) == ({"enforce"}, True)
    assert all("a1" not in str(found) for found in enforced)
