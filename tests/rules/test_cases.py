"""Reviews: what opens one, what approving or rejecting it does, and that it closes itself when the facts change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from rules.decisions import Review, Violation
from rules.enforce import Enforcer
from rules.events import millis
from rules.packs import Pack, load_pack
from rules.packs.model import Limits, Quota
from rules.relays import Retraction
from rules.subject_state import decode_subject
from tests.rules.making import START, Court, at
from tests.rules.trials import ALICE, LINKED, SITE, appeal, charges, enforcements, order, reviews, ruling

OURS = "domain:qq.com"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@pytest.fixture
def court(pack: Pack) -> Court:
    return Court(Enforcer(pack))


@pytest.fixture
def frugal(pack: Pack) -> Court:
    """Two automatic actions a day, and no more."""
    return Court(Enforcer(replace(pack, limits=Limits((Quota("few", "all", "day", 2),), pack.limits.protected))))


def traded(time: datetime = START, **fields: Any) -> Violation:
    """Of a clause that a person decides about."""
    return charges(time, subjects=(ALICE,), clause="accounts.2", **fields)[0]


def ours(time: datetime = START, **fields: Any) -> Violation:
    """On a domain that is protected."""
    return charges(time, subjects=(OURS, ALICE), **fields)[0]


def opened(court: Court, *heard: Violation) -> Review:
    return reviews(court.hear(*heard))[-1]


def test_what_a_person_decides_about_waits(court: Court) -> None:
    found = opened(court, traded())
    assert (found.status, found.reason, found.proposed, found.rung, found.lasts) == (
        "open",
        "by_report",
        ["warn"],
        1,
        None,
    )
    assert court.bans == {}


def test_what_is_protected_waits_and_says_why(court: Court) -> None:
    found = opened(court, ours())
    assert (found.status, found.reason, found.detail) == ("open", "protected", "qq.com is on the list own")
    assert (found.proposed, found.rung, found.lasts) == (["block_access"], 1, 12 * 3600)
    assert court.in_force(OURS, START) == []


def test_what_is_beyond_a_quota_waits_and_the_next_day_does_not(frugal: Court) -> None:
    sites = [f"domain:s{n}.cn" for n in range(4)]
    heard = [charges(at(minutes=n), subjects=(site,))[0] for n, site in enumerate(sites)]
    found = frugal.hear(*heard)
    assert [each.subject for each in enforcements(found)] == sites[:2]
    assert [(each.subject, each.reason) for each in reviews(found)] == [(site, "quota") for site in sites[2:]]
    (later,) = enforcements(frugal.hear(*charges(at(days=1, hours=1), subjects=(sites[3],))))
    assert (later.subject, later.rung) == (sites[3], 1)


def test_what_a_quota_held_back_makes_nobody_immune(frugal: Court) -> None:
    """However much waits, once there is room again what is new is enforced."""
    frugal.hear(*(charges(at(minutes=n), subjects=(f"domain:s{n}.cn",))[0] for n in range(2)))
    frugal.hear(*(charges(at(minutes=6 * n), subjects=(SITE,), severity="egregious")[0] for n in range(20)))
    assert frugal.in_force(SITE, at(hours=3)) == []
    frugal.hear(*charges(at(days=1), subjects=(SITE,)))
    assert frugal.actions(SITE, at(days=1)) == {"block_access"}


@pytest.mark.parametrize("first", [traded, ours])
def test_a_burst_is_one_case_with_one_id(court: Court, first: Any) -> None:
    found = reviews(court.hear(*(first(at(minutes=n), event=f"b{n}") for n in range(300))))
    assert len({each.id for each in found}) == 1
    assert len(found) <= 3
    assert found[-1].rung == 3


def test_approved_a_sanction_starts_at_the_approval(court: Court) -> None:
    case = opened(court, ours())
    found = court.hear(ruling(case, "approved", time=at(days=5)))
    (closed,), (now,) = reviews(found), enforcements(found)
    assert (closed.id, closed.status, closed.because, closed.detail) == (case.id, "approved", "ruling1", "looked at")
    assert (now.action, now.starts, now.ends, now.because) == (
        "block_access",
        at(days=5),
        at(days=5, hours=12),
        "ruling1",
    )
    assert court.actions(OURS, at(days=5, hours=11)) == {"block_access"}
    assert decode_subject(court.states[OURS]).cases == {}


def test_approved_is_what_was_proposed(court: Court) -> None:
    case = opened(court, traded(), traded(at(hours=2)), traded(at(hours=4)))
    found = enforcements(court.hear(ruling(case, "approved")))
    assert [(each.action, each.rung, each.permanent) for each in found] == [("ban_account", case.rung, True)]
    assert case.proposed == ["ban_account"]


def test_what_is_proposed_leaves_out_what_was_forgiven(court: Court) -> None:
    court.hear(*(charges(at(hours=2 * n), subjects=(ALICE,), clause="accounts.3")[0] for n in range(2)))
    court.hear(order("clear", time=at(hours=5)))
    case = opened(court, traded(at(hours=6)))
    assert (case.rung, case.proposed) == (1, ["warn"])
    found = enforcements(court.hear(ruling(case, "approved")))
    assert [(each.action, each.rung) for each in found] == [("warn", 1)]


def test_rejected_it_leads_to_nothing_and_does_not_come_back(court: Court) -> None:
    case = opened(court, traded(), traded(at(hours=2)))
    (closed,) = court.hear(ruling(case, "rejected"))
    assert isinstance(closed, Review)
    assert (closed.id, closed.status) == (case.id, "rejected")
    assert court.hear(traded(), traded(at(hours=2))) == []
    again = opened(court, traded(at(days=11)))
    assert (again.rung, again.id != case.id) == (1, True)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_a_case_is_decided_once(court: Court, verdict: str) -> None:
    case = opened(court, traded())
    court.hear(ruling(case, verdict))
    states = dict(court.states)
    assert court.hear(ruling(case, verdict), ruling(case, "approved", number=2)) == []
    assert [refused.reason for refused in court.refused] == ["unknown_review"] * 2
    assert court.states == states


def test_a_case_nobody_opened_is_refused(court: Court) -> None:
    case = opened(court, traded())
    assert court.hear(ruling(replace_subject(case, SITE), "approved")) == []
    assert [refused.reason for refused in court.refused] == ["unknown_review"]
    assert SITE not in court.states


def replace_subject(case: Review, subject: str) -> Review:
    fields = {name: getattr(case, name) for name in case.__struct_fields__}
    return Review(**{**fields, "subject": subject})


def test_what_came_after_the_decision_waits_on(court: Court) -> None:
    case = opened(court, traded(), traded(at(days=12)))
    found = court.hear(ruling(case, "rejected", time=at(days=10)))
    assert [(each.status, each.id == case.id) for each in reviews(found)] == [("rejected", True), ("open", False)]
    assert [offence.time for offence in decode_subject(court.states[ALICE]).offences["accounts?"]] == [
        millis(at(days=12))
    ]


def test_a_decision_before_all_of_it_is_refused(court: Court) -> None:
    case = opened(court, traded(at(days=12)))
    assert court.hear(ruling(case, "approved", time=at(days=10))) == []
    assert [refused.reason for refused in court.refused] == ["unknown_review"]


def taken_back(charge: Violation) -> Retraction:
    return Retraction(
        subject=charge.subject,
        causes=[charge.cause],
        appeal="a",
        enforcement="e",
        of="account:bob",
        moderator="mo",
        reason="a poem",
        time=at(days=1),
    )


@pytest.mark.parametrize("first", [traded, ours])
def test_a_case_closes_when_all_of_it_is_retracted(court: Court, first: Any) -> None:
    one, two = first(), first(at(hours=2))
    case = opened(court, one, two)
    (changed,) = reviews(court.hear(taken_back(two)))
    assert (changed.id, changed.status, changed.rung) == (case.id, "open", 1)
    (closed,) = reviews(court.hear(taken_back(one)))
    assert (closed.id, closed.status, closed.because, closed.detail) == (case.id, "closed", "a", "a poem")
    assert court.hear(one, two) == []


def test_an_appeal_of_a_linked_subject_closes_the_case(court: Court) -> None:
    protected, account = charges(subjects=(OURS, ALICE))
    case = opened(court, protected)
    (found,) = enforcements(court.hear(account))
    (closed,) = reviews(court.hear(appeal(found)))
    assert (closed.id, closed.subject, closed.status, closed.because) == (case.id, OURS, "closed", "appeal1")


@pytest.mark.parametrize("first", [traded, ours])
def test_a_case_closes_when_the_subject_is_cleared(court: Court, first: Any) -> None:
    case = opened(court, first())
    (closed,) = reviews(court.hear(order("clear", subject=case.subject)))
    assert (closed.id, closed.status, closed.because) == (case.id, "closed", "order1")
    assert reviews(court.hear(first())) == []


@pytest.mark.parametrize("first", [traded, ours])
def test_a_case_closes_when_what_it_is_about_is_long_past(court: Court, first: Any) -> None:
    case = opened(court, first())
    result = court.enforcer.expire(case.subject, court.states[case.subject], millis(at(days=60)))
    (closed,) = reviews(result.decisions)
    assert (closed.id, closed.status) == (case.id, "closed")
    assert result.states == {case.subject: None}


def test_what_was_approved_can_be_appealed(court: Court) -> None:
    case = opened(court, ours())
    (found,) = enforcements(court.hear(ruling(case, "approved", time=at(days=1))))
    court.hear(appeal(found, time=at(days=1, hours=1)))
    assert court.in_force(OURS, at(days=1, hours=1)) == []
    assert court.bans[OURS] is None


def test_a_pack_that_dropped_the_ladder_refuses_and_closes(pack: Pack, court: Court) -> None:
    case = opened(court, traded())
    ladders = {name: each for name, each in pack.ladders.items() if name != "accounts"}
    clauses = {name: each for name, each in pack.clauses.items() if not name.startswith("accounts")}
    ladder_of = {name: each for name, each in pack.ladder_of.items() if name in clauses}
    court.enforcer = Enforcer(replace(pack, ladders=ladders, clauses=clauses, ladder_of=ladder_of))
    assert court.hear(ruling(case, "approved")) == []
    assert [refused.reason for refused in court.refused] == ["unknown_review"]
    (closed,) = reviews(court.hear(order("clear")))
    assert (closed.id, closed.status) == (case.id, "closed")
