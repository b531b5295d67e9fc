"""Dodging sanctions leads to the last rung at once: many domains of one account, a new domain on a punished IP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import Violation
from rules.enforce import Enforcer
from rules.packs import Pack, load_pack
from rules.packs.model import HostList, Limits, Quota
from rules.relays import Evading
from rules.subject_state import MAX_EVADING, decode_subject
from tests.rules.making import START, Court, at
from tests.rules.trials import ALICE, HOST, LINKED, appeal, charges, enforcements, order, reviews, ruling

APP = "app:wx1"
LATER = at(days=9)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@pytest.fixture
def court(pack: Pack) -> Court:
    return Court(Enforcer(pack))


def spread(name: str, time: datetime = START, *, account: str = ALICE, host: str = HOST) -> list[Violation]:
    return charges(time, subjects=(account, f"domain:{name}.cn", host, APP), clause="links.3", event=f"{name}{time}")


def of(subject: str, *heard: list[Violation]) -> list[Violation]:
    return [each for event in heard for each in event if each.subject == subject]


def test_many_domains_of_one_account_within_the_time_lead_to_the_last_rung(court: Court) -> None:
    court.hear(*of(ALICE, spread("a"), spread("b", at(minutes=10))))
    assert court.actions(ALICE, at(minutes=10)) == {"suspend_account"}
    court.hear(*of(ALICE, spread("c", at(minutes=20))))
    assert court.actions(ALICE, LATER) == {"ban_account"}


def test_the_same_domain_again_is_not_another_one(court: Court) -> None:
    court.hear(*of(ALICE, spread("a"), spread("b", at(minutes=10)), spread("a", at(minutes=20))))
    assert court.actions(ALICE, at(minutes=20)) == {"suspend_account"}


def test_domains_too_far_apart_are_no_evasion(court: Court) -> None:
    court.hear(*of(ALICE, spread("a"), spread("c", at(days=7, minutes=10))))
    court.hear(*of(ALICE, spread("b", at(days=7, minutes=10))))
    assert [entry.rung for entry in court.in_force(ALICE, at(days=7, minutes=10))] == [2]


@pytest.mark.parametrize("subject", [HOST, APP])
def test_what_many_share_is_not_dodging_by_many_domains(court: Court, subject: str) -> None:
    """An address that hosts many sites, or an application that many use, has many domains without any evasion."""
    heard = [spread(f"d{n}", at(minutes=n), account=f"account:{n}") for n in range(6)]
    court.hear(*of(subject, *heard))
    assert [entry.permanent for entry in court.in_force(subject, at(minutes=6))] in ([False], [])


def test_a_retracted_domain_no_longer_counts(court: Court) -> None:
    heard = [*spread("a"), *spread("b", at(minutes=10)), *spread("c", at(minutes=20))]
    found = court.hear(*heard)
    first = enforcements(found, "domain:a.cn")[0]
    assert court.actions(ALICE, at(hours=1)) == {"ban_account"}
    court.hear(appeal(first, time=at(hours=1)))
    assert court.actions(ALICE, at(hours=1)) == {"suspend_account"}


@pytest.mark.parametrize("places", list(permutations(range(3))))
def test_in_whatever_order_the_domains_come(pack: Pack, places: tuple[int, ...]) -> None:
    court = Court(Enforcer(pack))
    heard = [spread("a"), spread("b", at(minutes=10)), spread("c", at(minutes=20))]
    court.hear(*(charge for place in places for charge in heard[place]))
    assert [(entry.action, entry.starts) for entry in court.in_force(ALICE, LATER)] == [("ban_account", at(minutes=20))]
    assert [court.actions(f"domain:{name}.cn", LATER) for name in "abc"] == [set(), {"ban_domain"}, {"ban_domain"}]


def test_a_new_domain_on_a_punished_address_is_banned_at_once(court: Court) -> None:
    court.hear(*spread("a"))
    court.hear(*spread("b", at(hours=11), account="account:bob"))
    assert court.actions("domain:b.cn", LATER) == {"ban_domain"}
    assert court.actions("domain:a.cn", LATER) == set()
    assert court.actions("account:bob", LATER) == set()


def test_once_its_sanction_is_over_the_address_has_no_such_effect(court: Court) -> None:
    court.hear(*spread("a"), *spread("b", at(hours=12), account="account:bob"))
    assert court.actions("domain:b.cn", at(hours=12)) == {"block_access"}


def test_a_domain_that_was_there_before_is_not_new(court: Court) -> None:
    court.hear(*spread("a"), *spread("b", at(days=1)), *spread("a", at(days=1, hours=1)))
    assert not any(entry.permanent for entry in court.in_force("domain:a.cn", at(days=2)))


def test_when_the_address_turns_out_innocent_the_domain_is_no_evasion(court: Court) -> None:
    first = enforcements(court.hear(*spread("a")), ALICE)[0]
    court.hear(*spread("b", at(hours=1), account="account:bob"))
    assert court.actions("domain:b.cn", at(hours=2)) == {"ban_domain"}
    court.hear(appeal(first, time=at(hours=2)))
    assert [(entry.action, entry.rung) for entry in court.in_force("domain:b.cn", at(hours=2))] == [("block_access", 1)]
    assert decode_subject(court.states["domain:b.cn"]).evading == []


def test_a_cleared_address_has_no_such_effect(court: Court) -> None:
    court.hear(*spread("a"), order("clear", subject=HOST, time=at(hours=1)))
    court.hear(*spread("b", at(hours=2), account="account:bob"))
    assert court.actions("domain:b.cn", at(hours=2)) == {"block_access"}


def mark(number: int = 1, *, on: bool = True, subject: str = "domain:b.cn", cause: str = "") -> Evading:
    time = at(minutes=number)
    return Evading(subject=subject, cause=cause or f"{number:032x}", on=on, ip=HOST, time=time)


def test_a_mark_may_come_before_its_violation(pack: Pack) -> None:
    (charge,) = of("domain:b.cn", spread("b", at(hours=1)))
    early, late = Court(Enforcer(pack)), Court(Enforcer(pack))
    early.hear(mark(cause=charge.cause), charge)
    late.hear(charge, mark(cause=charge.cause))
    assert early.actions("domain:b.cn", LATER) == late.actions("domain:b.cn", LATER) == {"ban_domain"}


@pytest.fixture
def protecting(pack: Pack) -> Pack:
    """With a domain that is protected, on a ladder that begins with a warning, which no limit holds back."""
    warned = replace(
        pack.ladders["spreading"], rungs=(pack.ladders["accounts"].rungs[0], *pack.ladders["spreading"].rungs)
    )
    return replace(
        pack,
        ladders={**pack.ladders, "spreading": warned},
        ladder_of={**pack.ladder_of, "links.3": warned},
        lists={**pack.lists, "ours": HostList("ours", frozenset({"b.cn"}), protected=True)},
    )


def test_a_late_mark_bans_nobody_who_is_protected(protecting: Pack) -> None:
    (charge,) = of("domain:b.cn", spread("b", at(hours=1)))
    found: list[tuple[Any, ...]] = []
    for heard in ([mark_of(charge), charge], [charge, mark_of(charge)]):
        court = Court(Enforcer(protecting))
        court.hear(*heard)
        state = decode_subject(court.states["domain:b.cn"])
        found.append(
            (court.actions("domain:b.cn", LATER), state.offences, [case.reason for case in state.cases.values()])
        )
    assert found[0] == found[1]
    assert (found[0][0], found[0][2]) == (set(), ["protected"])


def test_a_late_mark_waits_while_a_quota_is_used_up(pack: Pack) -> None:
    (charge,) = of("domain:b.cn", spread("b", at(hours=1)))
    limited = replace(pack, limits=Limits((Quota("one", "all", "day", 1),), pack.limits.protected))
    court = Court(Enforcer(limited))
    assert [found.action for found in enforcements(court.hear(charge))] == ["block_access"]
    (case,) = reviews(court.hear(mark_of(charge)))
    assert (case.reason, case.proposed) == ("quota", ["ban_domain"])
    assert court.actions("domain:b.cn", at(hours=1)) == set()
    court.hear(ruling(case, "approved", time=at(hours=2)))
    assert court.actions("domain:b.cn", LATER) == {"ban_domain"}


def test_a_mark_that_is_taken_away_leaves_nothing(court: Court) -> None:
    court.hear(mark(), mark(on=False))
    assert court.states == {}


def test_marks_that_repeat_change_nothing(court: Court) -> None:
    (charge,) = of("domain:b.cn", spread("b", at(hours=1)))
    found = mark(cause=charge.cause)
    court.hear(charge, found)
    states = dict(court.states)
    assert court.hear(found, found, charge) == []
    assert court.states == states


def test_marks_do_not_fill_a_record(court: Court) -> None:
    court.hear(*(mark(number) for number in range(3 * MAX_EVADING)))
    assert len(court.states["domain:b.cn"]) < 10_000


def test_a_mark_on_a_retracted_violation_means_nothing(court: Court) -> None:
    (charge,) = of("domain:b.cn", spread("b", at(hours=1)))
    found = enforcements(court.hear(charge))[0]
    court.hear(appeal(found, time=at(hours=2)))
    assert court.hear(mark(cause=charge.cause)) == []
    assert court.in_force("domain:b.cn", at(hours=2)) == []


SWARM = [
    charges(
        at(hours=1, seconds=n),
        subjects=(f"account:{n}", "domain:b.cn", HOST, APP),
        clause="links.3",
        event=f"swarm{n}",
        holds_share_api=False,
    )
    for n in range(9)
]
"""More of a kind than are remembered, of a domain that is new on HOST."""


def mark_of(charge: Violation) -> Evading:
    """What the address tells the domain of a violation of both."""
    return Evading(
        subject=charge.subject,
        cause=charge.cause,
        on=True,
        ip=HOST,
        time=charge.time,
        clause=charge.clause,
        rule=charge.rule,
        linked=charge.linked,
    )


def domain_record(pack: Pack, heard: list[Any]) -> tuple[Any, ...]:
    """What a domain remembers that decides, and what is in force for it."""
    court = Court(Enforcer(pack))
    court.hear(*heard)
    state = decode_subject(court.states["domain:b.cn"])
    return state.offences, court.in_force("domain:b.cn", at(hours=2))


def relays_of(pack: Pack, events: list[list[Violation]]) -> list[Evading]:
    """What the address tells the domain of events in their order."""
    enforcer = Enforcer(pack)
    states: dict[str, bytes] = {}
    found: list[Evading] = []
    for each in of(HOST, spread("a"), *events):
        enforced = enforcer.enforce([each], states.get)
        states |= {key: value for key, value in enforced.states.items() if value is not None}
        found += [relay for relay in enforced.relays if isinstance(relay, Evading)]
    return found


@given(order=st.permutations(range(2 * len(SWARM))), some=st.sets(st.integers(0, len(SWARM) - 1)))
def test_in_whatever_order_violations_and_marks_come_the_same_is_remembered(
    pack: Pack, order: list[int], some: set[int]
) -> None:
    heard = of("domain:b.cn", *SWARM)
    marks = [mark_of(each) for number, each in enumerate(heard) if number in some]
    everything = [*heard, *marks]
    shuffled = [everything[place] for place in order if place < len(everything)]
    at_once = sorted(everything, key=lambda each: (each.time, isinstance(each, Evading)))
    assert domain_record(pack, shuffled) == domain_record(pack, at_once)


def test_an_evasion_among_many_of_a_kind_counts_when_its_violation_was_left_out(pack: Pack) -> None:
    heard = of("domain:b.cn", *SWARM)
    _, held = domain_record(pack, [*heard, mark_of(heard[-1])])
    assert [entry.action for entry in held] == ["ban_domain"]


def test_the_address_tells_what_the_violation_was(pack: Pack) -> None:
    found = relays_of(pack, SWARM[:1])
    assert [(each.clause, each.rule, each.linked) for each in found] == [
        ("links.3", SWARM[0][0].rule, of("domain:b.cn", SWARM[0])[0].linked)
    ]
