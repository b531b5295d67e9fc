"""Appeals: what an overturned enforcement takes back, on every linked subject, and what stays."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from rules.decisions import Enforcement
from rules.enforce import Enforcer
from rules.packs import Pack, load_pack
from rules.relays import Retraction
from rules.sanctions import AFTERMATH, OF_A_KIND
from rules.subject_state import MAX_RETRACTED, decode_subject
from tests.rules.making import START, Court, at
from tests.rules.trials import (
    ALICE,
    DECIDED,
    HOST,
    LINKED,
    SITE,
    appeal,
    charges,
    enforcements,
    lifts,
    order,
    reviews,
)

ALL = (ALICE, SITE, HOST)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@pytest.fixture
def court(pack: Pack) -> Court:
    return Court(Enforcer(pack))


def only(court: Court, subject: str, *inputs: object) -> Enforcement:
    """What is announced last of a subject when the inputs are heard."""
    return enforcements(court.hear(*inputs), subject)[-1]  # type: ignore[arg-type]


def test_what_is_overturned_is_lifted_on_every_linked_subject(court: Court) -> None:
    banned = only(court, SITE, *charges(severity="egregious"))
    assert [court.actions(subject, DECIDED) for subject in ALL] == [
        {"ban_account", "ban_share_api"},
        {"ban_domain"},
        {"ban_ip"},
    ]
    found = lifts(court.hear(appeal(banned)))
    assert [(each.subject, each.action) for each in found] == [
        (SITE, "ban_domain"),
        (ALICE, "ban_account"),
        (ALICE, "ban_share_api"),
        (HOST, "ban_ip"),
    ]
    assert {(each.because, each.moderator, each.reason, *each.rules) for each in found} == {
        ("appeal1", "mo", "a poem", "sharing")
    }
    assert [court.in_force(subject, DECIDED) for subject in ALL] == [[], [], []]
    assert [court.bans[subject] for subject in ALL] == [None, None, None]


def test_the_trail_of_what_was_overturned_is_kept(court: Court) -> None:
    (one, *_) = charges()
    court.hear(appeal(only(court, ALICE, one), time=at(hours=1)))
    state = decode_subject(court.states[ALICE])
    assert [each.cause.hex() for each in state.retracted] == [one.cause]
    assert [(each.id, each.verdict) for each in state.appeals] == [("appeal1", "overturned")]


def test_what_remains_is_counted_anew(court: Court) -> None:
    court.hear(*charges())
    second = only(court, ALICE, *charges(at(hours=30), clause="accounts.3", subjects=(ALICE,)))
    third = only(court, SITE, *charges(at(days=3), subjects=(SITE,)))
    assert (second.action, third.rung) == ("warn", 2)
    court.hear(*charges(at(days=4)))
    assert [entry.rung for entry in court.in_force(SITE, at(days=4))] == [3]
    first = enforcements(Court(court.enforcer).hear(*charges()), ALICE)[0]
    court.hear(appeal(first, time=at(days=4, hours=1)))
    assert [(entry.action, entry.rung) for entry in court.in_force(SITE, at(days=4, hours=1))] == [("block_access", 2)]
    assert [(entry.action, entry.rung) for entry in court.in_force(ALICE, at(days=4, hours=1))] == [
        ("suspend_share_api", 1)
    ]


def test_rules_are_told_of_their_overturned_violations_once(court: Court) -> None:
    found = enforcements(court.hear(*charges()))
    first = court.enforcer.enforce([appeal(found[0])], court.states.get)
    assert first.overturned == {"sharing": 1}
    court.hear(appeal(found[0]))
    again = court.enforcer.enforce([appeal(found[1], number=2)], court.states.get)
    assert again.refused == []
    assert again.overturned == {}


def test_upheld_leaves_everything_as_it_is(court: Court) -> None:
    found = enforcements(court.hear(*charges()), SITE)[0]
    before = [court.in_force(subject, at(hours=1)) for subject in ALL]
    assert court.hear(appeal(found, "upheld", time=at(hours=1))) == []
    assert [court.in_force(subject, at(hours=1)) for subject in ALL] == before


@pytest.mark.parametrize("first", ["upheld", "overturned"])
@pytest.mark.parametrize("second", ["upheld", "overturned"])
def test_a_verdict_is_final(court: Court, first: str, second: str) -> None:
    found = enforcements(court.hear(*charges()), SITE)[0]
    court.hear(appeal(found, first, time=at(hours=1)))
    states = dict(court.states)
    assert court.hear(appeal(found, second, number=2, time=at(hours=2))) == []
    assert [refused.reason for refused in court.refused] == ["final"]
    assert court.states == states


def test_what_a_verdict_upheld_stays_when_a_later_enforcement_on_it_is_overturned(court: Court) -> None:
    first = only(court, SITE, *charges())
    court.hear(appeal(first, "upheld", time=at(hours=1)))
    second = only(court, SITE, *charges(at(days=1)))
    assert set(first.violations) < set(second.violations)
    court.hear(appeal(second, number=2, time=at(days=1, hours=1)))
    assert court.actions(SITE, at(days=1, hours=1)) == set()
    assert only(court, SITE, *charges(at(days=2))).rung == 2


def test_what_a_verdict_upheld_stays_when_a_linked_subject_is_cleared_of_it(court: Court) -> None:
    found = enforcements(court.hear(*charges(severity="egregious")))
    mine, theirs = (next(each for each in found if each.subject == subject) for subject in (SITE, ALICE))
    court.hear(appeal(mine, "upheld", time=at(hours=1)), appeal(theirs, number=2, time=at(hours=2)))
    assert court.actions(SITE, DECIDED) == {"ban_domain"}
    assert [court.actions(subject, DECIDED) for subject in (ALICE, HOST)] == [set(), set()]


def test_an_appeal_for_an_enforcement_nobody_made_is_refused(court: Court) -> None:
    court.hear(*charges())
    assert court.hear(appeal("f" * 32), appeal("not hex at all", number=2), appeal("x", subject="account:new")) == []
    assert [refused.reason for refused in court.refused] == ["unknown_enforcement"] * 3
    assert "account:new" not in court.states


def test_an_appeal_of_another_subject_is_refused(court: Court) -> None:
    found = enforcements(court.hear(*charges()), SITE)[0]
    assert court.hear(appeal(found.id, subject=ALICE)) == []
    assert [refused.reason for refused in court.refused] == ["unknown_enforcement"]
    assert court.actions(SITE, at(hours=1)) == {"block_access"}


def test_a_retracted_violation_that_comes_late_does_not_count(court: Court) -> None:
    account, site, host = charges()
    court.hear(appeal(only(court, ALICE, account), time=at(hours=1)))
    assert court.hear(site, host) == []
    assert [court.in_force(subject, at(hours=1)) for subject in ALL] == [[], [], []]


def test_a_violation_that_was_not_behind_it_counts_though_it_comes_late(court: Court) -> None:
    first = only(court, ALICE, charges()[0])
    court.hear(appeal(first, time=at(days=2)))
    late = only(court, ALICE, *charges(at(hours=20), subjects=(ALICE,)))
    assert (late.rung, late.starts) == (1, at(hours=20))


@pytest.mark.parametrize("rounds", [1, 3])
def test_replaying_everything_changes_nothing(court: Court, rounds: int) -> None:
    heard = [*charges(), *charges(at(hours=3)), *charges(at(hours=5), clause="links.2")]
    found = enforcements(court.hear(*heard), HOST)[-1]
    verdict = appeal(found, time=at(hours=6))
    court.hear(verdict)
    states, bans = dict(court.states), dict(court.bans)
    for _ in range(rounds):
        assert court.hear(*heard, verdict, *reversed(heard), verdict) == []
    assert (court.states, court.bans) == (states, bans)


def test_relays_may_come_in_any_order_and_again(pack: Pack) -> None:
    ends = []
    heard = [*charges(), *charges(at(hours=3)), *charges(at(hours=5), clause="links.2")]
    for order_of in permutations(range(4)):
        court = Court(Enforcer(pack))
        first = enforcements(court.hear(*heard), SITE)[0]
        told = court.enforcer.enforce([appeal(first, time=at(hours=6))], court.states.get)
        court.states.update({key: state for key, state in told.states.items() if state is not None})
        mail = [*told.relays, *told.relays][: len(order_of)]
        court.hear(*(mail[place] for place in order_of))
        ends.append([court.in_force(subject, at(hours=6)) for subject in ALL])
    assert ends == ends[:1] * len(ends)


def test_an_enforcement_that_is_over_can_still_be_overturned(court: Court) -> None:
    first = only(court, SITE, *charges())
    second = only(court, SITE, *charges(at(days=3)))
    assert second.rung == 2
    court.hear(appeal(first, time=at(days=3, hours=1)))
    assert [entry.rung for entry in court.in_force(SITE, at(days=3, hours=1))] == [1]


def test_an_enforcement_that_another_took_the_place_of_can_be_overturned(court: Court) -> None:
    first = only(court, SITE, *charges())
    second = only(court, SITE, *charges(at(hours=2)))
    assert second.previous == first.id
    (now,) = enforcements(court.hear(appeal(first, time=at(hours=3))), SITE)
    assert (now.previous, now.because) == (second.id, "appeal1")
    assert [(entry.rung, entry.starts) for entry in court.in_force(SITE, at(hours=3))] == [(1, at(hours=2))]


def test_an_enforcement_is_known_although_an_earlier_violation_came_late(court: Court) -> None:
    """No prefix of the record, in order of time, leads to it any more."""
    first = only(court, SITE, *charges(at(hours=5)))
    assert only(court, SITE, *charges()).rung == 2
    found = court.hear(appeal(first, time=at(hours=6)))
    assert court.refused == []
    assert {each.enforcement for each in lifts(found)}.isdisjoint({first.id})
    assert [(entry.rung, entry.starts) for entry in court.in_force(SITE, at(hours=6))] == [(1, START)]


def test_an_enforcement_is_known_after_a_clearing_order(court: Court) -> None:
    first = only(court, SITE, *charges())
    court.hear(order("clear", subject=SITE, time=at(hours=1)))
    assert court.in_force(SITE, at(hours=1)) == []
    court.hear(appeal(first, time=at(hours=2)))
    assert court.refused == []
    assert court.in_force(ALICE, at(hours=2)) == []


def test_an_enforcement_is_known_after_half_of_it_was_retracted(court: Court) -> None:
    court.hear(*charges(at(hours=0)))
    court.hear(*charges(at(hours=3), subjects=(SITE,)))
    third = only(court, SITE, *charges(at(hours=6), subjects=(SITE, "account:bob")))
    assert third.permanent
    first = enforcements(Court(court.enforcer).hear(*charges()), ALICE)[0]
    court.hear(appeal(first, time=at(hours=7)))  # takes the first away, so that the third is on the second rung
    assert [entry.rung for entry in court.in_force(SITE, at(hours=7))] == [2]
    court.hear(appeal(third, number=2, time=at(hours=8)))
    assert court.refused == []
    assert court.in_force(SITE, at(hours=8)) == court.in_force("account:bob", at(hours=8)) == []


def test_what_a_ban_had_taken_the_place_of_is_lifted_with_it(court: Court) -> None:
    second = only(court, SITE, *charges(), *charges(at(hours=2)))
    banned = only(court, SITE, *charges(at(hours=4)))
    assert (second.action, banned.action) == ("block_access", "ban_domain")
    found = [each for each in lifts(court.hear(appeal(banned, time=at(hours=5)))) if each.subject == SITE]
    assert {each.enforcement for each in found} == {banned.id, second.id}


def test_what_a_ban_had_taken_the_place_of_holds_again_if_it_still_follows(court: Court) -> None:
    second = only(court, SITE, *charges(), *charges(at(hours=2)))
    banned = only(court, SITE, *charges(at(hours=2, minutes=30), severity="egregious", subjects=(SITE,)))
    court.hear(
        Retraction(
            subject=SITE,
            causes=[charges(at(hours=2, minutes=30), severity="egregious", subjects=(SITE,))[0].cause],
            appeal="a",
            enforcement=banned.id,
            of=ALICE,
            moderator="mo",
            reason="r",
            time=at(hours=3),
        )
    )
    assert [(entry.action, entry.enforcement) for entry in court.in_force(SITE, at(hours=3))] == [
        ("block_access", second.id)
    ]


def test_a_sanction_by_hand_can_be_overturned_and_what_it_stood_in_for_comes_back(court: Court) -> None:
    automatic = only(court, SITE, *charges())
    (by_hand,) = enforcements(court.hear(order("sanction", "block_access", subject=SITE, time=at(hours=1))))
    assert [entry.ladder for entry in court.in_force(SITE, at(hours=1))] == ["by_hand"]
    (lift,) = lifts(court.hear(appeal(by_hand, time=at(hours=2))))
    assert (lift.enforcement, lift.rules) == (by_hand.id, [])
    assert [entry.enforcement for entry in court.in_force(SITE, at(hours=2))] == [automatic.id]
    court.hear(order("sanction", "block_access", subject=SITE, time=at(hours=1)))
    assert [entry.enforcement for entry in court.in_force(SITE, at(hours=2))] == [automatic.id]


def test_of_two_sanctions_by_hand_the_first_holds_when_the_last_is_overturned(court: Court) -> None:
    first = only(court, ALICE, order("sanction", "ban_account", time=at(days=1)))
    last = only(court, ALICE, order("sanction", "ban_account", number=2, time=at(days=2), until=at(days=50)))
    court.hear(appeal(last, time=at(days=3)))
    assert [entry.enforcement for entry in court.in_force(ALICE, at(days=3))] == [first.id]


def test_the_mark_on_linked_subjects_reaches_those_it_did_not_know_yet(court: Court) -> None:
    found = only(court, ALICE, charges()[0])
    court.hear(appeal(found, time=at(hours=1)))
    assert {SITE, HOST} <= court.states.keys()
    assert court.bans.keys() == {ALICE}
    for subject in (SITE, HOST):
        court.tick(subject, at(days=62))
        assert subject not in court.states


def test_retractions_do_not_fill_a_record(court: Court) -> None:
    for number in range(3 * MAX_RETRACTED):
        court.hear(
            Retraction(
                subject=SITE,
                causes=[f"{number:032x}"],
                appeal=f"a{number}",
                enforcement="e",
                of=ALICE,
                moderator="mo",
                reason="r",
                time=at(minutes=number),
            )
        )
    assert len(court.states[SITE]) < 10_000


# What lies beyond what is remembered errs in the subject's favour.


def test_of_one_kind_more_than_are_remembered_go_with_those_that_are(court: Court) -> None:
    burst = [
        charge
        for n in range(OF_A_KIND + 4)
        for charge in charges(at(seconds=n), event=f"b{n}", subjects=(SITE, f"account:{n}"))
        if charge.subject == SITE
    ]
    found = enforcements(court.hear(*burst))
    court.hear(appeal(found[-1], time=at(hours=1)))
    assert court.in_force(SITE, at(hours=1)) == []
    court.hear(*burst)  # those that were not remembered were behind it as well
    assert court.in_force(SITE, at(hours=1)) == []


def test_up_to_so_many_of_a_kind_the_next_one_decides(court: Court) -> None:
    kind = [charges(at(seconds=n), event=f"b{n}", subjects=(SITE,))[0] for n in range(OF_A_KIND)]
    court.hear(*kind)
    for number, charge in enumerate(kind):
        assert court.actions(SITE, at(minutes=5)) == {"block_access"}
        court.hear(
            Retraction(
                subject=SITE,
                causes=[charge.cause],
                appeal=f"a{number}",
                enforcement="e",
                of=ALICE,
                moderator="mo",
                reason="r",
                time=at(minutes=5),
            )
        )
    assert court.actions(SITE, at(minutes=5)) == set()


@pytest.mark.parametrize("more", [AFTERMATH, AFTERMATH + 5])
def test_after_a_ban_some_of_what_follows_counts_when_it_is_overturned(court: Court, more: int) -> None:
    banned = only(court, SITE, *charges(severity="egregious", subjects=(SITE,)))
    for number in range(more):
        court.hear(*charges(at(days=2 + 31 * number), subjects=(SITE,)))
    fresh = Court(court.enforcer)
    for number in range(AFTERMATH):
        fresh.hear(*charges(at(days=2 + 31 * number), subjects=(SITE,)))
    last = at(days=2 + 31 * (AFTERMATH - 1), hours=1)
    court.hear(appeal(banned, time=last))
    assert court.in_force(SITE, last) == fresh.in_force(SITE, last)


def test_a_pack_that_dropped_a_ladder_leaves_no_exception(pack: Pack, court: Court) -> None:
    first = only(court, SITE, *charges())
    court.hear(*charges(at(hours=1), clause="accounts.2", subjects=(ALICE,)))
    clauses = {name: each for name, each in pack.clauses.items() if name == "links.3"}
    court.enforcer = Enforcer(
        replace(
            pack,
            clauses=clauses,
            ladders={"spreading": pack.ladders["spreading"]},
            ladder_of={"links.3": pack.ladders["spreading"]},
        )
    )
    assert court.hear(appeal(first, time=at(hours=2))) == []
    assert [refused.reason for refused in court.refused] == ["unknown_enforcement"]
    found = court.hear(order("clear", time=at(hours=3)))
    assert [each.status for each in reviews(found)] == ["closed"]
    assert [each.action for each in lifts(found)] == ["suspend_share_api"]
    court.tick(SITE, at(days=200))
    assert SITE not in court.states


def test_what_remains_may_be_over_already(court: Court) -> None:
    """The second rung would still hold, the first does no more: it is lifted, and nothing takes its place."""
    first = only(court, SITE, *charges())
    second = only(court, SITE, *charges(at(hours=2)))
    assert (second.ends, first.ends) == (at(days=2, hours=2), at(hours=12))
    found = court.hear(appeal(first, time=at(hours=20)))
    assert [each.enforcement for each in lifts(found) if each.subject == SITE] == [second.id]
    assert enforcements(found, SITE) == []
    assert court.in_force(SITE, at(hours=20)) == []


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_what_lands_on_nobody_makes_nobody_immune(court: Court, places: tuple[int, ...]) -> None:
    """An application is not touched by the sanctions for forbidden goods, and is by those for induced sharing."""
    heard = [
        charges(clause="links.2", severity="egregious", subjects=("app:wx1",)),
        charges(at(days=1), severity="egregious", subjects=("app:wx1",)),
    ]
    court.hear(*(charge for place in places for charge in heard[place]))
    assert [(entry.action, entry.starts) for entry in court.in_force("app:wx1", at(days=2))] == [
        ("ban_share_api", at(days=1))
    ]


def test_what_only_a_later_violation_brings_goes_with_it(court: Court) -> None:
    first = only(court, ALICE, *charges(clause="links.2", severity="egregious", subjects=(ALICE,)))
    later = only(court, ALICE, *charges(at(days=1), severity="egregious", subjects=(ALICE,)))
    assert (first.action, later.action, later.clauses) == ("ban_account", "ban_share_api", ["links.1", "links.2"])
    court.hear(
        Retraction(
            subject=ALICE,
            causes=[charges(at(days=1), severity="egregious", subjects=(ALICE,))[0].cause],
            appeal="a",
            enforcement="e",
            of=SITE,
            moderator="mo",
            reason="r",
            time=at(days=2),
        )
    )
    assert court.actions(ALICE, at(days=2)) == {"ban_account"}
