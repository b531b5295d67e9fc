"""Quotas of automatic actions: never more than its share is granted in a period, and what is remembered is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.packs.model import Quota
from rules.quotas import KEPT, PERIOD_MS, Quotas, QuotaState, Usage, encode, merge
from tests.rules.making import DAY, HOUR

NOON = 20_000 * DAY + 12 * HOUR
RULES = {"fraud.prize": "links.4.1", "fraud.bank": "links.4.2", "sharing.unlock": "links.1.1"}
BY_RULE = Quota("by_rule", "rule", "hour", 3)
BY_CLAUSE = Quota("by_clause", "clause", "day", 4)
ALL = Quota("all", "all", "hour", 5)

QUOTAS = st.lists(
    st.builds(
        Quota,
        st.just("q"),
        st.sampled_from(["rule", "clause", "all"]),
        st.sampled_from(["hour", "day"]),
        st.integers(0, 6),
        st.sampled_from([(), ("fraud",), ("links.4",), ("links.1.1", "fraud.bank")]),
    ),
    min_size=1,
    max_size=3,
).map(lambda quotas: [Quota(f"q{n}", q.each, q.per, q.at_most, q.only) for n, q in enumerate(quotas)])
ACTIONS = st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.integers(0, (KEPT - 1) * HOUR)), max_size=150)
"""Within as many hours as are kept, few of which have many."""


def take(quotas: Quotas, state: QuotaState, rule: str, time: int) -> str | None:
    """Takes an action if there is room; the name of the quota that has none."""
    full = quotas.exceeded(state, rule, RULES[rule], time)
    if full is None:
        quotas.count(state, rule, RULES[rule], time)
    return full.name if full is not None else None


def taken(quotas: Quotas, times: list[int], rule: str = "fraud.prize") -> int:
    """How many actions at these times are granted."""
    state = QuotaState()
    return [take(quotas, state, rule, time) for time in times].count(None)


def test_what_is_over_quota_is_named_and_the_next_period_has_room_again() -> None:
    quotas, state = Quotas([BY_RULE]), QuotaState()
    assert [take(quotas, state, "fraud.prize", NOON + n) for n in range(5)] == [None, None, None, "by_rule", "by_rule"]
    assert take(quotas, state, "fraud.prize", NOON + HOUR) is None


def test_rules_and_clauses_have_quotas_of_their_own_and_all_have_one_together() -> None:
    quotas, state = Quotas([BY_RULE, BY_CLAUSE, ALL]), QuotaState()
    assert [take(quotas, state, "fraud.prize", NOON) for _ in range(4)] == [None, None, None, "by_rule"]
    assert [take(quotas, state, "fraud.bank", NOON) for _ in range(3)] == [None, None, "all"]
    assert take(quotas, state, "fraud.prize", NOON + HOUR) is None
    assert take(quotas, state, "fraud.prize", NOON + HOUR) == "by_clause"
    assert take(quotas, state, "fraud.prize", NOON + DAY) is None


@pytest.mark.parametrize(
    ("only", "covered"),
    [
        ((), set(RULES)),
        (("fraud",), {"fraud.prize", "fraud.bank"}),
        (("fraud.bank",), {"fraud.bank"}),
        (("links.4",), {"fraud.prize", "fraud.bank"}),
        (("links.1.1", "fraud.prize"), {"sharing.unlock", "fraud.prize"}),
        (("links.4.10", "frau"), set()),
    ],
)
def test_a_quota_is_for_what_its_names_start(only: tuple[str, ...], covered: set[str]) -> None:
    none = Quotas([Quota("none", "all", "day", 0, only)])
    assert {rule for rule in RULES if take(none, QuotaState(), rule, NOON)} == covered


def test_time_is_that_of_the_event_not_the_order_of_arrival() -> None:
    times = [NOON, NOON + HOUR, NOON, NOON + HOUR, NOON, NOON + HOUR, NOON, NOON + HOUR]
    assert taken(Quotas([BY_RULE]), times) == 6


@pytest.mark.parametrize(("at_most", "shares", "share"), [(10, 1, 10), (10, 4, 3), (10, 10, 1), (10, 11, 1), (0, 4, 0)])
def test_partitions_share_a_quota_equally_rounded_up(at_most: int, shares: int, share: int) -> None:
    assert taken(Quotas([Quota("q", "all", "day", at_most)], shares), [NOON] * 20) == share


def test_no_partition_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 partition"):
        Quotas([ALL], 0)


def test_a_flood_of_old_events_is_stopped_though_each_has_an_hour_of_its_own() -> None:
    times = [NOON - n * HOUR for n in range(1000)]
    assert taken(Quotas([Quota("q", "all", "hour", 1)]), times) == KEPT


def test_an_hour_that_was_dropped_does_not_come_back_with_room() -> None:
    quotas = Quotas([Quota("q", "all", "hour", 1)])
    times = [NOON + n * HOUR for n in range(KEPT + 1)]
    assert taken(quotas, times) == KEPT + 1
    assert taken(quotas, [*times, NOON]) == KEPT + 1


def test_an_event_from_the_future_takes_no_room_from_today() -> None:
    times = [NOON + 4000 * DAY, *(NOON + n * HOUR for n in range(200))]
    assert taken(Quotas([Quota("q", "all", "hour", 1)]), times) == len(times)


@given(QUOTAS, ACTIONS, st.integers(1, 3))
def test_no_period_is_ever_granted_more_than_the_share(
    given_quotas: list[Quota], actions: list[tuple[str, int]], shares: int
) -> None:
    quotas, state = Quotas(given_quotas, shares), QuotaState()
    granted: dict[tuple[str, str, int], int] = {}
    for rule, time in actions:
        full = take(quotas, state, rule, NOON + time)
        room = []
        for quota in given_quotas:
            if quota.covers(rule, RULES[rule]):
                of = {"rule": rule, "clause": RULES[rule], "all": ""}[quota.each]
                room.append((quota, (quota.name, of, (NOON + time) // PERIOD_MS[quota.per])))
        if full is None:
            for _, key in room:
                granted[key] = granted.get(key, 0) + 1
        share = {quota.name: -(-quota.at_most // shares) for quota in given_quotas}
        assert all(granted.get(key, 0) <= share[quota.name] for quota, key in room)
        if full is not None:  # what is held had no room
            assert any(quota.name == full and granted.get(key, 0) == share[full] for quota, key in room)


@given(QUOTAS, st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.integers(-(10**14), 10**14)), max_size=150))
def test_what_is_remembered_is_bounded_whatever_the_times(
    given_quotas: list[Quota], actions: list[tuple[str, int]]
) -> None:
    quotas, state = Quotas(given_quotas), QuotaState()
    for rule, time in actions:
        quotas.count(state, rule, RULES[rule], time)
    counters = [periods for counts in state.granted.values() for periods in counts.values()]
    assert len(counters) <= len(given_quotas) * len(RULES)
    assert all(len(periods) <= KEPT for periods in counters)
    assert quotas.decode(encode(state)) == state


def test_what_is_granted_is_the_same_when_the_state_is_stored_in_between() -> None:
    quotas = Quotas([BY_RULE, BY_CLAUSE, ALL])
    data: bytes | None = None
    granted = []
    for n in range(12):
        state = quotas.decode(data)
        granted.append(take(quotas, state, sorted(RULES)[n % 3], NOON + n * HOUR // 4))
        data = encode(state)
    state = QuotaState()
    assert granted == [take(quotas, state, sorted(RULES)[n % 3], NOON + n * HOUR // 4) for n in range(12)]


def test_counters_of_quotas_that_are_gone_or_changed_are_dropped() -> None:
    old, state = Quotas([BY_RULE, ALL]), QuotaState()
    take(old, state, "fraud.prize", NOON)
    new = Quotas([Quota("by_rule", "rule", "hour", 99), Quota("all", "all", "day", 5)])
    kept = new.decode(encode(state))
    assert [(usage.quota.name, usage.used) for usage in new.used(kept, NOON)] == [("by_rule", 1), ("all", 0)]


def test_usage_says_how_much_of_what_is_used() -> None:
    quotas, state = Quotas([BY_RULE, ALL], 2), QuotaState()
    for rule in ("fraud.prize", "fraud.prize", "sharing.unlock"):
        take(quotas, state, rule, NOON)
    assert quotas.used(state, NOON + 5) == [
        Usage(BY_RULE, "fraud.prize", NOON, 2, 2, 1),
        Usage(BY_RULE, "sharing.unlock", NOON, 1, 2, 0),
        Usage(ALL, "", NOON, 3, 3, 1),
    ]
    assert quotas.used(state, NOON + HOUR) == [Usage(ALL, "", NOON + HOUR, 0, 3, 0)]


def test_usage_of_partitions_adds_up_against_the_whole_quota() -> None:
    quotas = Quotas([BY_RULE, ALL], 2)
    first, second = QuotaState(), QuotaState()
    for rule in ("fraud.prize", "fraud.prize"):
        take(quotas, first, rule, NOON)
    for rule in ("fraud.bank", "fraud.prize"):
        take(quotas, second, rule, NOON)
    assert merge([quotas.used(first, NOON), quotas.used(second, NOON)]) == [
        Usage(BY_RULE, "fraud.bank", NOON, 1, 3, 0),
        Usage(BY_RULE, "fraud.prize", NOON, 3, 3, 1),
        Usage(ALL, "", NOON, 4, 5, 0),
    ]
    assert merge([]) == []
