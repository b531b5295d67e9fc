"""Subjects and their records: what is announced, what is in force, and that neither order nor replay matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import BanEntry, Enforcement, Review, Violation
from rules.enforce import Enforcer
from rules.events import Report
from rules.packs import Pack
from rules.subject_state import decode_subject
from tests.rules.making import START, Court, at, violation

ALICE, SITE, PAGE, WX1 = "account:alice", "domain:evil.cn", "link:http://evil.cn/", "app:wx1"


@pytest.fixture
def court(tiny: Pack) -> Court:
    return Court(Enforcer(tiny))


def decided(decisions: Sequence[Enforcement | Review]) -> list[tuple[str, int, bool]]:
    """(action, rung, permanent) of each enforcement."""
    return [(found.action, found.rung, found.permanent) for found in decisions if isinstance(found, Enforcement)]


def report(number: int = 1, subject: str = ALICE, time: datetime = START) -> Report:
    return Report(id=f"r{number}", subject=subject, reporter="bob", category="spam", time=time)


def test_a_violation_is_enforced_by_what_lands_on_its_subject(court: Court) -> None:
    (found,) = court.hear(violation(subject=SITE))
    assert isinstance(found, Enforcement)
    assert (found.action, found.rung, found.permanent) == ("block_access", 1, False)
    assert (found.starts, found.ends) == (START, at(hours=12))
    assert (found.clauses, found.rule, found.violations) == (
        ["links.1"],
        "sharing.unlock",
        [violation(subject=SITE).id],
    )
    assert (found.previous, found.pack, found.notice.zh) == (None, "tiny@1", "诱导分享")


def test_offences_climb_the_ladder_to_a_permanent_ban(court: Court) -> None:
    heard = [decided(court.hear(violation(at(hours=hours), subject=SITE))) for hours in (0, 2, 4, 6)]
    assert heard == [
        [("block_access", 1, False)],
        [("block_access", 2, False)],
        [("block_access", 3, False)],
        [("ban_domain", 4, True)],
    ]


def test_an_enforcement_names_the_one_it_follows(court: Court) -> None:
    first, second = court.hear(violation(subject=SITE), violation(at(hours=2), subject=SITE))
    assert isinstance(second, Enforcement)
    assert second.previous == first.id


def test_after_a_permanent_ban_nothing_more_is_announced(court: Court) -> None:
    court.hear(violation(clause="links.4"))
    assert court.hear(*(violation(at(hours=hours), clause="links.4") for hours in range(1, 50))) == []


def test_an_egregious_violation_is_banned_at_once(court: Court) -> None:
    assert decided(court.hear(violation(subject=SITE, severity="egregious"))) == [("ban_domain", 4, True)]


def test_fraud_is_permanent_at_once(court: Court) -> None:
    heard = court.hear(violation(clause="links.4"), violation(subject=SITE, clause="links.4"))
    assert decided(heard) == [("ban_account", 1, True), ("ban_domain", 1, True)]
    assert all(isinstance(found, Enforcement) and found.ends is None for found in heard)


def test_the_share_interface_of_an_application_is_suspended(court: Court) -> None:
    assert decided(court.hear(violation(subject=WX1, holds_share_api=False))) == [("suspend_share_api", 1, False)]


def test_without_an_application_the_accounts_own_is_suspended(court: Court) -> None:
    assert decided(court.hear(violation())) == [("suspend_share_api", 1, False)]


def test_an_account_whose_application_answers_is_warned(court: Court) -> None:
    assert decided(court.hear(violation(holds_share_api=False))) == [("warn", 1, False)]


def test_a_first_offence_on_a_ladder_that_warns_forbids_nothing(court: Court) -> None:
    (found,) = court.hear(violation(clause="accounts.3"))
    assert isinstance(found, Enforcement)
    assert (found.action, found.permanent, found.ends) == ("warn", False, None)
    assert court.in_force(ALICE, START) == []
    assert court.bans == {}


def test_a_second_offence_after_a_warning_suspends(court: Court) -> None:
    heard = court.hear(violation(clause="accounts.3"), violation(at(hours=2), clause="accounts.3"))
    assert decided(heard) == [("warn", 1, False), ("suspend_account", 2, False)]


def test_a_link_without_an_egregious_sanction_of_its_own_stays_stopped_for_good(court: Court) -> None:
    assert decided(court.hear(violation(subject=PAGE, severity="egregious"))) == [("stop_spread", 4, True)]


def test_a_violation_by_report_opens_a_review_and_enforces_nothing(court: Court) -> None:
    (found,) = court.hear(violation(clause="accounts.2", rule="accounts.exchange"))
    assert isinstance(found, Review)
    assert (found.reason, found.subject, found.clauses) == ("by_report", ALICE, ["accounts.2"])
    assert court.in_force(ALICE, START) == []
    assert court.bans == {}


def test_a_review_proposes_what_the_next_offence_would_bring(court: Court) -> None:
    heard = court.hear(*(violation(at(days=days), clause="accounts.2") for days in (0, 1)))
    assert [found.proposed for found in heard if isinstance(found, Review)] == [["warn"], ["suspend_account"]]


def test_violations_by_report_do_not_climb_the_ladder_of_those_enforced(court: Court) -> None:
    court.hear(*(violation(at(hours=2 * n), clause="accounts.2") for n in range(5)))
    assert decided(court.hear(violation(at(days=1), clause="accounts.3"))) == [("warn", 1, False)]


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_what_is_not_to_be_enforced_leaves_no_trace(court: Court, mode: str) -> None:
    assert court.hear(violation(mode=mode, clause="links.4", severity="egregious")) == []
    assert court.states == {}
    assert court.bans == {}


def test_a_clause_that_the_pack_does_not_know_is_ignored(court: Court) -> None:
    assert court.hear(violation(clause="links.99")) == []
    assert court.states == {}


def test_a_record_outlives_a_clause_that_the_pack_drops(tiny: Pack, court: Court) -> None:
    court.hear(violation(subject=SITE))
    fewer = {name: clause for name, clause in tiny.clauses.items() if name != "links.1"}
    later = {**fewer, "links.1.5": replace(tiny.clauses["links.1"], id="links.1.5")}
    ladder_of = {**tiny.ladder_of, "links.1.5": tiny.ladder_of["links.1"]}
    court.enforcer = Enforcer(replace(tiny, clauses=later, ladder_of=ladder_of))
    heard = court.hear(violation(at(hours=2), subject=SITE, clause="links.1.5"))
    assert decided(heard) == [("block_access", 1, False)]


def test_a_rule_that_the_pack_dropped_gives_the_clauses_notice(court: Court) -> None:
    (found,) = court.hear(violation(clause="links.4", rule="gone"))
    assert isinstance(found, Enforcement)
    assert found.notice.en == "fraud"


def test_a_violation_within_grace_renews_and_announces_the_new_end(court: Court) -> None:
    heard = court.hear(violation(subject=SITE), violation(at(minutes=30), subject=SITE))
    assert [found.ends for found in heard if isinstance(found, Enforcement)] == [at(hours=12), at(hours=13, minutes=12)]


def test_a_burst_of_violations_announces_a_handful(court: Court) -> None:
    burst = [violation(at(seconds=second), subject=SITE, event=str(second)) for second in range(3_600)]
    assert len(court.hear_batch(burst)) <= 3


def test_a_burst_behind_an_offence_announces_a_handful(court: Court) -> None:
    court.hear(violation(at(minutes=-10), subject=SITE))
    burst = [violation(at(seconds=20 * n), subject=SITE, event=str(n)) for n in range(180)]
    assert len(court.hear_batch(burst)) <= 5


def test_ladders_hold_a_subject_apart_from_each_other(court: Court) -> None:
    court.hear(violation(), violation(clause="accounts.3"), violation(at(hours=2), clause="accounts.3"))
    assert court.actions(ALICE, at(hours=3)) == {"suspend_share_api", "suspend_account"}


def test_subjects_do_not_know_of_each_other(court: Court) -> None:
    court.hear(violation(subject=SITE), violation(at(hours=2), subject="domain:other.cn"))
    assert [entry.rung for entry in court.in_force("domain:other.cn", at(hours=3))] == [1]


# What is in force, and for how long.


def test_a_sanction_is_on_the_ban_list_with_the_enforcement_that_put_it_there(court: Court) -> None:
    (found,) = court.hear(violation(subject=SITE))
    ban = court.bans[SITE]
    assert ban is not None
    assert [(entry.action, entry.enforcement, entry.ends) for entry in ban.sanctions] == [
        ("block_access", found.id, at(hours=12))
    ]


def test_a_sanction_is_in_force_until_its_end_and_not_at_it(court: Court) -> None:
    court.hear(violation(subject=SITE))
    assert court.actions(SITE, at(hours=12) - timedelta(milliseconds=1)) == {"block_access"}
    assert court.actions(SITE, at(hours=12)) == set()


def test_when_the_last_sanction_ends_the_ban_becomes_a_tombstone(court: Court) -> None:
    court.hear(violation(subject=SITE))
    assert court.tick(SITE, at(hours=12)) == {SITE: None}


def test_before_anything_ends_time_changes_nothing(court: Court) -> None:
    court.hear(violation(subject=SITE))
    before = court.states[SITE]
    assert court.tick(SITE, at(hours=11.9)) == {}
    assert court.states[SITE] == before


def test_when_one_of_two_sanctions_ends_the_other_stays_listed(court: Court) -> None:
    court.hear(violation(), violation(clause="accounts.3"), violation(at(hours=2), clause="accounts.3"))
    ban = court.tick(ALICE, at(hours=12))[ALICE]
    assert ban is not None
    assert [entry.action for entry in ban.sanctions] == ["suspend_account"]


def test_a_sanction_that_has_ended_still_counts_for_the_next(court: Court) -> None:
    court.hear(violation(subject=SITE))
    court.tick(SITE, at(days=1))
    assert decided(court.hear(violation(at(days=2), subject=SITE))) == [("block_access", 2, False)]


def test_a_subject_is_forgotten_two_windows_after_its_last_violation(court: Court) -> None:
    court.hear(violation(subject=SITE))
    court.tick(SITE, at(hours=12))
    court.tick(SITE, at(days=360) - timedelta(seconds=1))
    assert SITE in court.states
    court.tick(SITE, at(days=360))
    assert SITE not in court.states


def test_a_permanent_ban_is_never_forgotten(court: Court) -> None:
    court.hear(violation(clause="links.4"))
    assert court.tick(ALICE, at(days=36_500)) == {}
    assert court.actions(ALICE, at(days=36_500)) == {"ban_account"}


def test_a_violation_after_the_end_replaces_what_nobody_had_lifted(court: Court) -> None:
    court.hear(violation(subject=SITE), violation(at(days=30), subject=SITE))
    ban = court.bans[SITE]
    assert ban is not None
    assert [entry.starts for entry in ban.sanctions] == [at(days=30)]


def test_every_ban_that_was_published_is_what_is_in_force(court: Court) -> None:
    dice = Random(7)
    for number in range(200):
        time = at(hours=number / 3)
        clause = dice.choice(["links.1", "accounts.2", "accounts.3"])
        court.hear(violation(time, clause=clause, event=str(number)))
        if dice.random() < 0.2:
            court.tick(ALICE, time)
        ban = court.bans.get(ALICE)
        assert (ban.sanctions if ban else []) == court.in_force(ALICE, time)


# Reports are stored.


def test_reports_are_stored_once_and_enforce_nothing(court: Court) -> None:
    assert court.hear(report(), report(), report(2)) == []
    assert [stored.id for stored in decode_subject(court.states[ALICE]).reports] == ["r1", "r2"]


def test_a_report_that_arrives_twice_changes_nothing(court: Court) -> None:
    court.hear(report())
    again = court.enforcer.enforce([report()], court.states.get)
    assert (again.states, again.repeated) == ({}, {"report": 1})


def test_reports_are_forgotten_two_windows_after_the_newest(court: Court) -> None:
    court.hear(violation(), report(time=at(hours=1)))
    court.tick(ALICE, at(hours=13))
    court.tick(ALICE, at(days=360))
    assert len(decode_subject(court.states[ALICE]).reports) == 1
    court.tick(ALICE, at(days=360, hours=1))
    assert ALICE not in court.states


def test_foreign_bytes_are_no_state(court: Court) -> None:
    court.states[ALICE] = b"\xc1"
    with pytest.raises(msgspec.DecodeError):
        court.hear(violation())


# Neither order nor repetition nor batches matter; what happens more often is not treated more mildly.

MINUTES = st.integers(0, 6 * 24 * 7).map(lambda tens: 10 * tens) | st.integers(0, 240)
VIOLATIONS = st.lists(
    st.builds(
        lambda minutes, clause, severity, event, owns: violation(
            at(minutes=minutes), clause=clause, severity=severity, event=f"{event}{minutes}", holds_share_api=owns
        ),
        MINUTES,
        st.sampled_from(["links.1", "links.1", "links.4", "accounts.2", "accounts.3", "accounts.3"]),
        st.sampled_from(["ordinary"] * 9 + ["egregious"]),
        st.sampled_from("ab"),
        st.booleans(),
    ),
    max_size=14,
)
LATER = [at(days=7), at(days=8), at(days=14), at(days=60), at(days=400)]
"""Instants after all of VIOLATIONS at which the sanctions in force are compared."""


def outcome(court: Court, subject: str = ALICE) -> list[list[BanEntry]]:
    return [court.in_force(subject, time) for time in LATER]


@given(VIOLATIONS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_what_is_in_force(
    tiny: Pack, violations: list[Violation], dice: Random
) -> None:
    in_order, shuffled = Court(Enforcer(tiny)), Court(Enforcer(tiny))
    in_order.hear(*violations)
    shuffled.hear(*dice.sample(violations, len(violations)))
    assert outcome(shuffled) == outcome(in_order)


@given(VIOLATIONS, st.data())
def test_replaying_any_stretch_changes_nothing(tiny: Pack, violations: list[Violation], data: st.DataObject) -> None:
    court = Court(Enforcer(tiny))
    court.hear(*violations)
    states, bans = dict(court.states), dict(court.bans)
    start = data.draw(st.integers(0, len(violations)))
    stretch = violations[start : data.draw(st.integers(start, len(violations)))]
    assert court.hear(*stretch) == []
    assert (court.states, court.bans) == (states, bans)


@given(VIOLATIONS, st.data())
def test_a_crash_between_two_batches_repeats_the_same_decisions(
    tiny: Pack, violations: list[Violation], data: st.DataObject
) -> None:
    """The second half is heard twice from the state after the first, as after a kill before the changelog."""
    cut = data.draw(st.integers(0, len(violations)))
    court = Court(Enforcer(tiny))
    court.hear(*violations[:cut])
    again = Court(court.enforcer)
    again.states, again.bans = dict(court.states), dict(court.bans)
    assert court.hear(*violations[cut:]) == again.hear(*violations[cut:])


@given(VIOLATIONS)
def test_a_batch_decides_what_its_violations_decide_one_by_one(tiny: Pack, violations: list[Violation]) -> None:
    whole, single = Court(Enforcer(tiny)), Court(Enforcer(tiny))
    assert whole.hear_batch(violations) == single.hear(*violations)
    assert whole.states == single.states
    assert [ban.sanctions for ban in whole.bans.values() if ban] == [
        ban.sanctions for ban in single.bans.values() if ban
    ]


FAMILY = {
    "suspend_account": "account",
    "ban_account": "account",
    "suspend_share_api": "share",
    "ban_share_api": "share",
    "stop_spread": "spread",
    "block_access": "access",
    "ban_domain": "access",
    "ban_ip": "access",
}


def held_until(entries: Sequence[BanEntry]) -> dict[str, float]:
    """For each kind of thing that is forbidden, until when; an account's ban forbids it to share as well."""
    until: dict[str, float] = {}
    for entry in entries:
        ends = float("inf") if entry.ends is None else entry.ends.timestamp()
        for family in {FAMILY[entry.action]} | ({"share"} if entry.action == "ban_account" else set()):
            until[family] = max(until.get(family, 0.0), ends)
    return until


@given(VIOLATIONS, VIOLATIONS.filter(bool), st.sampled_from([ALICE, SITE, PAGE, WX1]))
def test_more_violations_never_end_milder(
    tiny: Pack, violations: list[Violation], extra: list[Violation], subject: str
) -> None:
    moved = [msgspec.structs.replace(found, subject=subject) for found in [*violations, *extra]]
    fewer, more = Court(Enforcer(tiny)), Court(Enforcer(tiny))
    fewer.hear(*moved[: len(violations)])
    more.hear(*moved)
    for before, after in zip(outcome(fewer, subject), outcome(more, subject), strict=True):
        harsh = held_until(after)
        assert all(harsh.get(family, 0.0) >= ends for family, ends in held_until(before).items())


@pytest.mark.parametrize("clause", ["links.1", "links.4", "accounts.2", "accounts.3"])
def test_the_record_of_a_hot_subject_stays_small(court: Court, clause: str) -> None:
    dice = Random(3)
    hot = [
        violation(at(seconds=dice.random() * 3 * 3600), subject=SITE, clause=clause, event=str(number))
        for number in range(20_000)
    ]
    decisions = court.hear_batch(hot)
    assert len(court.states[SITE]) < 10_000
    assert len(decisions) < 100


def test_a_hundred_thousand_violations_of_one_domain_leave_a_few_kilobytes(court: Court) -> None:
    hot: list[Any] = [violation(at(seconds=n), subject=SITE, event=str(n)) for n in range(100_000)]
    decisions = court.hear_batch(hot)
    assert len(court.states[SITE]) < 10_000
    assert decided(decisions)[-1] == ("ban_domain", 4, True)
    assert len(decisions) < 20
