"""Sanctions by hand and clearing orders: manual beats automatic, for ever, and forgives no more than it says."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enforce import Enforcer
from rules.holdings import forgiven, last_order
from rules.orders import kept_orders
from rules.packs import Pack, load_pack
from rules.sanctions import AFTERMATH
from rules.subject_state import MAX_DECIDED, StoredOrder, decode_subject
from tests.rules.making import START, Court, at
from tests.rules.trials import ALICE, HOST, LINKED, SITE, charges, enforcements, lifts, order


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@pytest.fixture
def court(pack: Pack) -> Court:
    return Court(Enforcer(pack))


def alone(time: object = START, **fields: object) -> object:
    return charges(time, subjects=(ALICE,), **fields)[0]  # type: ignore[arg-type]


def test_a_sanction_by_hand_says_who_and_why(court: Court) -> None:
    (found,) = enforcements(court.hear(order("sanction", "suspend_account", time=START, until=at(days=3))))
    assert (found.ladder, found.rung, found.because) == ("by_hand", 0, "order1")
    assert (found.starts, found.ends, found.permanent) == (START, at(days=3), False)
    assert (found.violations, found.notice.zh) == ([], "seen by hand")
    assert court.actions(ALICE, at(days=2)) == {"suspend_account"}
    assert court.actions(ALICE, at(days=3)) == set()


def test_without_an_end_it_is_for_good_and_never_forgotten(court: Court) -> None:
    court.hear(order("sanction", "ban_account", time=START))
    court.tick(ALICE, at(days=40_000))
    assert court.actions(ALICE, at(days=40_000)) == {"ban_account"}


def test_a_clearing_order_lifts_everything_and_says_who_and_why(court: Court) -> None:
    court.hear(alone(severity="egregious"), order("sanction", "suspend_account", time=at(hours=1)))
    found = lifts(court.hear(order("clear", number=2, time=at(hours=2))))
    assert {each.action for each in found} == {"ban_account", "ban_share_api", "suspend_account"}
    assert {(each.because, each.moderator, each.reason) for each in found} == {("order2", "mo", "seen by hand")}
    assert court.in_force(ALICE, at(hours=2)) == []
    assert court.bans[ALICE] is None


def test_clearing_one_action_leaves_the_others(court: Court) -> None:
    court.hear(alone(severity="egregious"))
    (lift,) = lifts(court.hear(order("clear", "ban_share_api", time=at(hours=1))))
    assert lift.action == "ban_share_api"
    assert court.actions(ALICE, at(hours=1)) == {"ban_account"}


def test_what_is_done_before_a_clearing_order_is_forgiven_though_it_comes_late(court: Court) -> None:
    court.hear(order("clear", time=at(days=1)))
    assert court.hear(alone(at(hours=2))) == []
    assert court.in_force(ALICE, at(days=1)) == []


def test_what_is_done_after_a_clearing_order_starts_on_the_first_rung(court: Court) -> None:
    court.hear(alone(), alone(at(hours=2)), alone(at(hours=4)), order("clear", time=at(days=1)))
    assert [entry.rung for entry in court.in_force(ALICE, at(days=1))] == []
    court.hear(alone(at(days=2)))
    assert [entry.rung for entry in court.in_force(ALICE, at(days=2))] == [1]


def test_until_an_exemption_ends_nothing_holds(court: Court) -> None:
    court.hear(order("clear", time=START, until=at(days=5)))
    assert court.hear(alone(at(days=4), severity="egregious")) == []
    assert court.hear(alone(at(days=5), event="edge", severity="egregious")) == []
    court.hear(alone(at(days=6)))
    assert [entry.rung for entry in court.in_force(ALICE, at(days=6))] == [1]


@pytest.mark.parametrize("until", [None, at(days=90)])
def test_a_cleared_ban_makes_nobody_immune(court: Court, until: object) -> None:
    """What is remembered after a sanction for good is little; after a clearing order it is as much as before."""
    court.hear(alone(severity="egregious"), order("clear", time=at(days=1), until=until))
    first = 2 if until is None else 91
    for number in range(AFTERMATH + 3):  # one offence
        court.hear(alone(at(days=first, minutes=5 * number)))
        court.hear(alone(at(hours=5, minutes=5 * number), event=f"forgiven{number}"))
    heard = [entry for day in (2, 4) for entry in court.hear(alone(at(days=first + day)))]
    assert enforcements(heard)[-1].permanent
    assert court.actions(ALICE, at(days=first + 4)) == {"ban_account", "ban_share_api"}


def test_a_cleared_ban_stays_cleared_as_long_as_it_is_remembered(court: Court) -> None:
    """The order must not be forgotten before what it forgave."""
    court.hear(alone(severity="egregious"), order("clear", time=at(days=10)))
    court.hear(alone(at(days=55)))
    for day in (70, 71, 100, 114, 115, 116, 200):
        if ALICE in court.states:
            assert not any(court.tick(ALICE, at(days=day)).values())
        assert court.in_force(ALICE, at(days=day)) == []
    assert ALICE not in court.states


def test_a_ban_that_a_sanction_by_hand_stood_in_for_does_not_come_back(court: Court) -> None:
    court.hear(alone(severity="egregious", holds_share_api=False))
    court.hear(order("sanction", "ban_account", time=at(days=1), until=at(days=3)))
    for day in (4, 50, 62, 63, 64, 65, 100, 200):
        if ALICE in court.states:
            court.tick(ALICE, at(days=day))
        assert court.in_force(ALICE, at(days=day)) == []


def test_a_sanction_by_hand_takes_the_place_of_the_automatic_one(court: Court) -> None:
    (automatic,) = enforcements(court.hear(alone(clause="links.3")))
    found = court.hear(order("sanction", "suspend_account", time=at(hours=1), until=at(hours=2)))
    assert [each.enforcement for each in lifts(found)] == [automatic.id]
    assert [entry.ladder for entry in court.in_force(ALICE, at(hours=1))] == ["by_hand"]
    assert court.in_force(ALICE, at(hours=2)) == []


def test_after_a_sanction_by_hand_what_is_new_is_punished_as_ever(court: Court) -> None:
    court.hear(alone(clause="links.3"), order("sanction", "suspend_account", time=at(hours=1), until=at(hours=2)))
    court.hear(alone(at(hours=3), clause="links.3"))
    assert [(entry.ladder, entry.rung) for entry in court.in_force(ALICE, at(hours=3))] == [("spreading", 2)]


def test_an_order_that_comes_again_changes_nothing(court: Court) -> None:
    heard = [order("sanction", "suspend_account", time=START), order("clear", number=2, time=at(hours=1))]
    court.hear(*heard)
    states = dict(court.states)
    assert court.hear(*heard, *heard) == []
    assert court.states == states


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (order("sanction", "ban_domain"), "cannot_land"),
        (order("sanction", "ban_account", subject=SITE), "cannot_land"),
        (order("sanction", "stop_spread", subject=HOST), "cannot_land"),
        (order("sanction"), "invalid"),
        (order("sanction", "ban_account", time=START, until=START), "invalid"),
        (order("clear", time=START, until=at(days=-1)), "invalid"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(court: Court, given: object, reason: str) -> None:
    assert court.hear(given) == []  # type: ignore[arg-type]
    assert [refused.reason for refused in court.refused] == [reason]
    assert court.states == {}


def test_an_order_without_anything_to_clear_is_kept_and_forgotten_in_time(court: Court) -> None:
    assert court.hear(order("clear", time=START)) == []
    court.tick(ALICE, at(days=60))
    assert ALICE not in court.states


def test_orders_on_one_subject_do_not_fill_its_record(court: Court) -> None:
    for number in range(300):
        court.hear(order("sanction", "suspend_account", number=number, time=at(minutes=number)))
    assert len(decode_subject(court.states[ALICE]).orders) <= MAX_DECIDED
    assert len(court.states[ALICE]) < 10_000


ORDERS = st.lists(
    st.builds(
        lambda number, do, action, days, until: StoredOrder(
            days, f"o{number}", do, action if do == "clear" else action or "ban_account", until and days + until
        ),
        st.integers(0, 10_000),
        st.sampled_from(["sanction", "clear", "void"]),
        st.sampled_from([None, "ban_account", "suspend_account", "warn"]),
        st.integers(0, 40),
        st.sampled_from([None, 1, 30]),
    ),
    max_size=20,
    unique_by=lambda each: each.id,
)


@given(ORDERS, st.integers(8, 12))
def test_orders_that_are_dropped_changed_nothing(orders: list[StoredOrder], most: int) -> None:
    kept = kept_orders(orders, most)
    assert len(kept) <= max(most, 8)
    assert kept == [each for each in orders if each in kept]
    assert forgiven(kept) == forgiven(orders)
    for action in ("ban_account", "suspend_account", "warn"):
        before, after = last_order(orders, action), last_order(kept, action)
        assert [each for each in (before,) if each and each.do == "sanction"] == [
            each for each in (after,) if each and each.do == "sanction"
        ]


def test_violations_in_any_order_around_orders_end_alike(pack: Pack) -> None:
    dice = Random(5)
    for _ in range(60):
        heard = [alone(at(hours=dice.randrange(0, 300)), event=f"{n}") for n in range(dice.randrange(1, 7))]
        orders = [
            order(
                *dice.choice([("clear", None), ("clear", "ban_account"), ("sanction", "suspend_account")]),
                number=number,
                time=at(hours=100 + number),
                until=dice.choice([None, at(hours=200)]),
            )
            for number in range(dice.randrange(0, 3))
        ]
        courts = []
        for _ in range(2):
            court = Court(Enforcer(pack))
            mixed = [*heard]
            dice.shuffle(mixed)
            for each in orders:
                mixed.insert(dice.randrange(0, len(mixed) + 1), each)
            mixed = [orders[n] if each in orders else each for n, each in _numbered(mixed, orders)]
            court.hear(*mixed)  # type: ignore[arg-type]
            courts.append([court.in_force(ALICE, at(hours=hour) + timedelta(minutes=1)) for hour in (300, 320, 400)])
        assert courts[0] == courts[1]


def _numbered(mixed: list[object], orders: list[object]) -> list[tuple[int, object]]:
    """Orders come in the order of their topic, whatever comes between them."""
    found, number = [], 0
    for each in mixed:
        found.append((number, each))
        number += each in orders
    return found
