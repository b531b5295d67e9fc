"""What has a scenario that holds: every clause, every rung, every jump, and all that people and limits can do."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from rules.decisions import ReviewReason, ReviewStatus
from rules.engine import Engine
from rules.packs import Pack
from tests.scenarios.compare import wrong_in
from tests.scenarios.model import ACTS, Scenario
from tests.scenarios.play import emptied, play, play_together
from tests.scenarios.read import by_pack, read_scenarios
from tests.scenarios.shipped import shipped
from tests.scenarios.told import Case, Told

SCENARIOS = [scenario for scenario in read_scenarios() if not scenario.differs]
LINKED = 3
"""Subjects charged with one violation that an appeal takes back from all of them."""
TWO = 2
"""Rungs of a ladder that a second violation climbs to the end: nothing to jump over."""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return shipped().pack


@pytest.fixture(scope="module")
def told() -> dict[int, Told]:
    """What was told in each scenario, by its number."""
    found: dict[int, Told] = {}
    for name, scenarios in by_pack(SCENARIOS).items():
        played = play_together(emptied(shipped(name)), scenarios)
        found |= {number: each.told for number, each in played.items()}
    return found


@pytest.fixture(scope="module")
def cases(told: dict[int, Told]) -> list[Case]:
    """All reviews."""
    return [case for each in told.values() for reviews in each.reviews.values() for case in reviews.values()]


def with_act(kind: str) -> list[Scenario]:
    return [scenario for scenario in SCENARIOS if any(act.kind == kind for act in scenario.acts)]


def test_every_clause_is_broken(pack: Pack) -> None:
    broken = {clause for scenario in SCENARIOS for clause in scenario.breaks}
    assert pack.clauses.keys() - broken == {"accounts.6"}, "an alliance alone is never a violation; the others are"


def test_the_allowed_half_of_every_account_clause_is_spared(pack: Pack) -> None:
    spared = {clause for scenario in SCENARIOS if not scenario.breaks for clause in scenario.clauses}
    missing = pack.clauses.keys() - spared
    assert not {clause for clause in missing if clause.startswith("accounts.")}, "the allowed half binds as well"


def test_every_rung_of_every_ladder_is_reached(pack: Pack, told: dict[int, Told]) -> None:
    rungs = {(ladder.name, number) for ladder in pack.ladders.values() for number in range(1, len(ladder.rungs) + 1)}
    reached = {rung for each in told.values() for rung in each.rungs}
    assert not rungs - reached


def test_every_clause_that_can_be_broken_egregiously_is(pack: Pack, told: dict[int, Told]) -> None:
    can = {rule.clause for rule in pack.rules.values() if rule.egregious_when is not None and rule.mode == "enforce"}
    assert not can - {clause for each in told.values() for clause in each.egregious}


def test_every_evasion_jumps_to_the_last_rung(pack: Pack, told: dict[int, Told]) -> None:
    jumped = {jump for each in told.values() for jump in each.evasions}
    evasions = {
        ladder.name: ladder.evasion
        for ladder in pack.ladders.values()
        if ladder.evasion is not None and len(ladder.rungs) > TWO
    }
    many = {name for name, evasion in evasions.items() if evasion.domains}
    new = {name for name, evasion in evasions.items() if evasion.punished_ip}
    assert not many - {ladder for ladder, kind in jumped if kind != "domain"}, "many domains of one subject"
    assert not new - {ladder for ladder, kind in jumped if kind == "domain"}, "a new domain on a punished address"


@pytest.mark.parametrize("kind", ACTS)
def test_people_do_all_that_they_can_do(kind: str) -> None:
    assert with_act(kind)


def test_appeals_are_overturned_and_upheld() -> None:
    verdicts = {act.overturns for scenario in SCENARIOS for act in scenario.acts if act.kind == "appeal"}
    assert verdicts == {True, False}


def test_all_and_single_rules_are_halted() -> None:
    halted = {bool(act.rule) for scenario in SCENARIOS for act in scenario.acts if act.kind == "halt"}
    assert halted == {True, False}


def test_orders_end_and_last_for_good() -> None:
    for kind in ("impose", "clear"):
        spans = {act.until is None for scenario in with_act(kind) for act in scenario.acts if act.kind == kind}
        assert spans == {True, False}, kind


def test_an_appeal_unwinds_linked_subjects(told: dict[int, Told]) -> None:
    lifted = [each.lifted for each in told.values()]
    assert any(len({subject.partition(":")[0] for subject in subjects}) >= LINKED for subjects in lifted)


@pytest.mark.parametrize("reason", get_args(ReviewReason))
def test_a_person_decides_for_every_reason(reason: str, cases: list[Case]) -> None:
    assert reason in {case.reason for case in cases}


@pytest.mark.parametrize("status", get_args(ReviewStatus))
def test_reviews_end_in_every_way(status: str, cases: list[Case]) -> None:
    assert status in {case.status for case in cases}


@pytest.mark.parametrize("refusal", ["final", "unknown_review", "unknown_enforcement"])
def test_decisions_are_refused_for_every_reason(refusal: str, told: dict[int, Told]) -> None:
    assert refusal in {reason for each in told.values() for reason in each.refused}


def test_decay_is_what_lets_offences_fade() -> None:
    """Without their half-lives, scenarios about them end otherwise."""
    found: list[str] = []
    for name, scenarios in by_pack(SCENARIOS).items():
        engine = shipped(name)
        if any(ladder.half_life is not None for ladder in engine.pack.ladders.values()):
            lasting = without_decay(engine)
            found += [scenario.id for scenario in scenarios if wrong_in(scenario, play(emptied(lasting), scenario))]
    assert found


def without_decay(engine: Engine) -> Engine:
    """An engine of the same pack in which offences count in full until they are forgotten."""
    pack = engine.pack
    ladders = {name: replace(ladder, half_life=None) for name, ladder in pack.ladders.items()}
    ladder_of = {clause: ladders[ladder.name] for clause, ladder in pack.ladder_of.items()}
    return Engine(replace(pack, ladders=ladders, ladder_of=ladder_of))
