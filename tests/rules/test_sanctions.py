"""A ladder over a set of offences: which rung, from when, until when, and what is worth remembering."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.climbing import highest_rung
from rules.decisions import Action, Notice, SubjectKind
from rules.offences import Offence
from rules.packs.model import Clause, Ladder, Rung
from rules.sanctions import added, lasts_for_good, matters, remembered, rung_of
from rules.standing import Standing, standing
from tests.rules.making import DAY, HOUR, ladder

CLIMB = ladder(Rung("first", HOUR * 12), Rung("first", DAY), Rung("first", 7 * DAY), Rung("egregious", None))
WARNS = ladder(Rung("warn", None), Rung("first", 7 * DAY), Rung("egregious", None))
FRAUD = ladder(Rung("first", None))
FADES = ladder(*CLIMB.rungs, half_life=10 * DAY)
TIMED = ladder(Rung("first", HOUR * 12), Rung("first", DAY), window=30 * DAY)


def clause(name: str, first: tuple[Action, ...], egregious: tuple[Action, ...]) -> Clause:
    return Clause(name, Notice("", ""), "", first, egregious, by_report=False)


CLAUSES: Mapping[str, Clause] = {
    "links.1": clause("links.1", ("stop_spread", "block_access", "suspend_share_api"), ("ban_account", "ban_domain")),
    "links.2": clause("links.2", ("stop_spread", "block_access"), ("ban_account", "ban_domain", "ban_ip")),
    "links.8": clause("links.8", ("stop_spread", "suspend_account"), ("ban_account",)),
}


def offence(hours: float, *, clause: str = "links.1", egregious: bool = False, event: str = "") -> Offence:
    time = round(hours * HOUR)
    return Offence(time, (event or f"v{time}").encode(), clause, "r", "egregious" if egregious else "ordinary", True)


def held(ladder: Ladder, *offences: Offence, kind: SubjectKind = "domain") -> Standing:
    found = standing(kind, remembered(offences, ladder), ladder, CLAUSES)
    assert found is not None
    return found


def sanction(ladder: Ladder, *hours: float) -> tuple[int, float, float | None]:
    """(rung, start, end) in hours after violations at `hours`."""
    found = held(ladder, *(offence(hour) for hour in hours))
    return found.rung, found.starts / HOUR, None if found.ends is None else found.ends / HOUR


def test_without_offences_nothing_stands() -> None:
    assert standing("account", [], CLIMB, CLAUSES) is None
    assert remembered([], CLIMB) == []


def test_the_first_violation_takes_the_first_rung_for_its_duration() -> None:
    assert sanction(CLIMB, 0) == (1, 0, 12)


def test_each_further_offence_climbs_a_rung() -> None:
    assert sanction(CLIMB, 0, 24) == (2, 24, 48)
    assert sanction(CLIMB, 0, 24, 72) == (3, 72, 72 + 7 * 24)
    assert sanction(CLIMB, 0, 24, 72, 400) == (4, 400, None)


def test_a_violation_within_grace_is_the_same_offence() -> None:
    assert sanction(CLIMB, 0, 0.5)[0] == 1


def test_a_violation_exactly_grace_later_is_the_next_offence() -> None:
    assert sanction(CLIMB, 0, 1) == (2, 1, 25)


def test_a_chain_of_violations_each_within_grace_of_the_last_still_climbs() -> None:
    assert sanction(CLIMB, 0, 0.5, 1)[0] == 2


def test_an_offence_older_than_the_window_does_not_count() -> None:
    assert sanction(CLIMB, 0, 180 * 24 - 1)[0] == 2
    assert sanction(CLIMB, 0, 180 * 24)[0] == 1


@pytest.mark.parametrize(
    ("days", "rung"),
    [((0,), 1), ((0, 10), 2), ((0, 10.1), 1), ((0, 1, 2), 3), ((0, 5, 10), 2), ((0, 20, 40, 60), 1), ((0, 1, 2, 3), 4)],
)  # fmt: skip
def test_an_offence_counts_half_as_much_for_each_half_life(days: tuple[float, ...], rung: int) -> None:
    assert sanction(FADES, *(24 * day for day in days))[0] == rung


def test_what_a_half_life_leaves_of_the_highest_rung() -> None:
    assert highest_rung(180 * DAY, HOUR, 10 * DAY, 4) == 4
    assert highest_rung(180 * DAY, HOUR, HOUR, 4) == 2
    assert highest_rung(180 * DAY, HOUR, None, 4) == 4


def test_a_higher_rung_is_held_to_its_end_though_the_offences_behind_it_are_past_the_window() -> None:
    first, last = 0.0, 179 * 24.0
    found = held(CLIMB, *(offence(hour) for hour in (first, 10, last, last + 6 * 24)))
    assert found.rung == 3
    assert found.ends is not None
    assert found.ends >= (last + 7 * 24) * HOUR


def test_an_egregious_violation_goes_straight_to_the_last_rung() -> None:
    found = held(CLIMB, offence(5, egregious=True))
    assert (found.rung, found.starts, found.ends, found.actions) == (4, 5 * HOUR, None, ("ban_domain",))


def test_fraud_is_permanent_at_once() -> None:
    found = held(FRAUD, offence(5))
    assert (found.rung, found.starts, found.ends) == (1, 5 * HOUR, None)
    assert found.permanent("block_access")


def test_a_warning_is_never_permanent_and_forbids_nothing() -> None:
    found = held(WARNS, offence(5), kind="account")
    assert (found.actions, found.ends, found.permanent("warn")) == (("warn",), None, False)


def test_a_rung_that_warns_does_not_last_for_good() -> None:
    assert [lasts_for_good(WARNS, rung) for rung in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("again", "ends"), [(0.1, 13.2), (0.5, 13.2), (0.9, 13.2)]
)  # fmt: skip
def test_a_violation_within_grace_renews_the_sanction_to_the_next_tenth(again: float, ends: float) -> None:
    assert sanction(CLIMB, 0, again) == (1, 0, pytest.approx(ends))


def test_a_renewal_ends_no_earlier_than_a_sanction_of_its_own_would() -> None:
    for tenth in range(10):
        ends = sanction(CLIMB, 0, tenth / 10)[2]
        assert ends is not None
        assert 12 + tenth / 10 <= ends <= 12 + tenth / 10 + 1.2


def test_at_the_top_of_a_ladder_that_ends_a_violation_renews_or_starts_again() -> None:
    assert sanction(TIMED, 0, 2, 10) == (2, 2, pytest.approx(12 + 24))  # at the next tenth of a day
    assert sanction(TIMED, 0, 2, 30) == (2, 30, 54)


@pytest.mark.parametrize(
    ("kind", "rung", "actions"),
    [
        ("link", 1, ("stop_spread",)),
        ("domain", 1, ("block_access",)),
        ("ip", 1, ("block_access",)),
        ("app", 1, ("suspend_share_api",)),
        ("account", 1, ("suspend_share_api",)),  # its event named no application
        ("account", 4, ("ban_account",)),
        ("domain", 4, ("ban_domain",)),
        ("link", 4, ("stop_spread",)),  # no egregious sanction is for links: the first one stays
        ("app", 4, ("suspend_share_api",)),
        ("ip", 4, ("block_access",)),
    ],
)
def test_each_subject_gets_what_lands_on_it(kind: SubjectKind, rung: int, actions: tuple[Action, ...]) -> None:
    offences = [offence(2 * hour) for hour in range(rung)]
    assert held(CLIMB, *offences, kind=kind).actions == actions


def test_an_account_that_no_sanction_lands_on_is_warned() -> None:
    assert held(CLIMB, offence(0, clause="links.2"), kind="account").actions == ("warn",)


def test_of_an_offence_of_two_clauses_the_sanctions_of_both_land() -> None:
    found = held(CLIMB, offence(0), offence(0.2, clause="links.8"), kind="account")
    assert set(found.actions) == {"suspend_share_api", "suspend_account"}


def test_a_later_offence_against_a_milder_clause_lifts_nothing_that_is_in_force() -> None:
    found = held(CLIMB, offence(0, clause="links.8"), offence(2, clause="links.2"), kind="account")
    assert (found.rung, found.actions) == (2, ("suspend_account",))


def test_what_has_ended_does_not_come_back_with_a_milder_offence() -> None:
    found = held(CLIMB, offence(0, clause="links.8"), offence(20, clause="links.2"), kind="account")
    assert (found.rung, found.actions) == (2, ("warn",))


def test_the_last_of_a_burst_of_many_clauses_does_not_push_out_another() -> None:
    burst = [offence(n / 100, clause=name) for n, name in enumerate(["links.2"] * 5 + ["links.8"] + ["links.2"] * 5)]
    assert held(CLIMB, *burst, kind="account").actions == ("suspend_account",)


def test_what_led_to_a_rung_are_the_offences_counted_for_it() -> None:
    found = held(CLIMB, *(offence(hour) for hour in (0, 0.5, 24, 48)))
    assert len(found.led) == found.rung == 3
    assert found.led[-1] == offence(48)


def test_the_rung_is_that_of_the_newest_offence() -> None:
    assert rung_of([offence(0, egregious=True), offence(2)], CLIMB) == 2


def test_the_rest_of_a_burst_does_not_move_the_start_of_a_ban() -> None:
    """The violation at 111 minutes is the first that lies grace behind the one at 50, and permanent for it."""
    ban = ladder(Rung("warn", None), Rung("first", None))
    burst = [offence(minutes / 60) for minutes in (50, 61, 62, 63, 111, 115, 119)]
    starts = {held(ban, *burst[:count]).starts for count in (5, 6, 7)}
    assert starts == {burst[4].time}


HOURS = st.integers(0, 60 * 24 * 4).map(lambda minutes: minutes / 4)
OFFENCES = st.lists(
    st.builds(
        offence,
        HOURS,
        clause=st.sampled_from(sorted(CLAUSES)),
        egregious=st.sampled_from([False] * 9 + [True]),
        event=st.sampled_from("abcde"),
    ),
    max_size=24,
)
BURSTS = st.lists(st.builds(offence, st.integers(0, 60 * 5).map(lambda n: n / 60), event=st.sampled_from("ab")))
CROWDED = st.lists(
    st.builds(
        offence,
        st.integers(0, 60).map(lambda minute: minute / 60),
        clause=st.sampled_from(sorted(CLAUSES)),
        egregious=st.sampled_from([False] * 9 + [True]),
        event=st.sampled_from("abcdef"),
    ),
    min_size=10,
    max_size=40,
)
"""Several in each slot, and more than are remembered after a rung for good."""
LADDERS = st.sampled_from([CLIMB, WARNS, FRAUD, TIMED, FADES])


@settings(max_examples=400)
@given(OFFENCES | BURSTS | CROWDED, LADDERS, st.randoms(use_true_random=False))
def test_what_is_remembered_does_not_depend_on_the_order_of_arrival(
    offences: list[Offence], ladder: Ladder, dice: Random
) -> None:
    dice.shuffle(offences)
    memory: list[Offence] = []
    for found in offences:
        memory = remembered([*memory, found], ladder)
    assert memory == remembered(offences, ladder)


SHORT = ladder(Rung("first", HOUR * 12), Rung("first", DAY), Rung("egregious", None), window=10 * DAY)
LATE = st.lists(st.tuples(st.integers(0, 30).map(lambda day: 24 * day), st.integers(0, 10 * 24 - 1)), max_size=12)


@given(LATE)
def test_an_offence_up_to_a_window_late_leads_to_what_it_would_have_led_to_in_time(late: list[tuple[int, int]]) -> None:
    memory: list[Offence] = []
    for hour, _ in sorted(late, key=sum):
        memory = remembered([*memory, offence(hour)], SHORT)
    in_time = standing("domain", remembered([offence(hour) for hour, _ in late], SHORT), SHORT, CLAUSES)
    assert said(standing("domain", memory, SHORT, CLAUSES)) == said(in_time)


def said(found: Standing | None) -> object:
    """What a standing puts in force."""
    return found and (found.rung, found.starts, found.ends, found.actions)


def test_an_earlier_offence_that_comes_late_counts_those_before_it_too() -> None:
    """Days 1, 8 and 10 are three offences within a window; day 10 comes when 8, 14 and 16 have led to the same."""
    days = (1, 8, 14, 16, 10)
    memory: list[Offence] = []
    for day in days:
        memory = remembered([*memory, offence(24 * day)], SHORT)
    assert said(standing("domain", memory, SHORT, CLAUSES)) == said(held(SHORT, *(offence(24 * day) for day in days)))


@given(OFFENCES.filter(bool), OFFENCES, LADDERS)
def test_more_offences_before_it_never_make_the_rung_of_one_lower(
    offences: list[Offence], others: list[Offence], ladder: Ladder
) -> None:
    newest = max(offences)
    fewer = sorted(set(offences))
    more = sorted({*offences, *(other for other in others if other < newest)})
    assert rung_of(more, ladder) >= rung_of(fewer, ladder)


@settings(max_examples=400)
@given(OFFENCES | BURSTS | CROWDED, LADDERS)
def test_what_is_said_not_to_matter_does_not(offences: list[Offence], ladder: Ladder) -> None:
    memory: list[Offence] = []
    for found in offences:
        after = remembered([*memory, found], ladder)
        assert matters(memory, found, ladder) or after == memory
        changed = added(memory, found, ladder)
        assert (memory if changed is None else changed[0]) == after
        if changed is not None and not changed[1]:
            assert standing("account", after, ladder, CLAUSES) == standing("account", memory, ladder, CLAUSES)
        memory = after


@given(OFFENCES | BURSTS, LADDERS, st.sampled_from(["account", "domain", "link", "app"]))
def test_what_is_remembered_stands_for_all_of_it_twice_over(
    offences: list[Offence], ladder: Ladder, kind: SubjectKind
) -> None:
    once = remembered(offences, ladder)
    assert remembered(once, ladder) == once
    assert standing(kind, remembered([*offences, *once], ladder), ladder, CLAUSES) == standing(
        kind, once, ladder, CLAUSES
    )


@given(OFFENCES.filter(bool), LADDERS)
def test_a_sanction_covers_every_violation_from_its_own_time(offences: list[Offence], ladder: Ladder) -> None:
    """The last violation remembered is under a sanction at least as long as its own rung says."""
    memory = remembered(offences, ladder)
    found = held(ladder, *offences)
    lasts = ladder.rungs[rung_of(memory, ladder) - 1].duration
    assert found.starts <= memory[-1].time
    assert found.ends is None or lasts is None or found.ends >= memory[-1].time + lasts


def test_a_burst_is_remembered_in_a_few_offences() -> None:
    burst = [offence(second / 3600, event=f"{second:06}") for second in range(4 * 3600)]
    assert len(remembered(burst, CLIMB)) <= 120
    assert len(remembered(burst[:3600], TIMED)) <= 33


MINUTES = st.lists(st.integers(0, 900) | st.integers(0, 14_400).map(lambda n: n // 6 * 6), min_size=1, max_size=8)


@given(MINUTES, MINUTES)
def test_more_violations_never_end_earlier_by_a_millisecond(minutes: list[int], more: list[int]) -> None:
    for steps in (CLIMB, TIMED):
        short = held(steps, *(offence(minute / 60) for minute in minutes))
        long = held(steps, *(offence(minute / 60) for minute in [*minutes, *more]))
        if max(more) <= max(minutes):
            assert long.ends is None or (short.ends is not None and long.ends >= short.ends)
            assert long.rung >= short.rung


def test_within_a_slot_the_second_renews_what_the_first_led_to() -> None:
    assert sanction(CLIMB, 5 / 60) == (1, pytest.approx(5 / 60), pytest.approx(12 + 5 / 60))
    assert sanction(CLIMB, 1 / 60, 5 / 60) == (1, pytest.approx(1 / 60), pytest.approx(13.2))
    assert sanction(CLIMB, 1 / 60, 2 / 60, 5 / 60) == sanction(CLIMB, 1 / 60, 5 / 60)
