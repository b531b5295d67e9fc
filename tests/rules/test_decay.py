"""Decayed counters: halves after a half-life, in any order to the last bit, and never large."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decay import SLOTS, Decayed, add, value_at
from tests.rules.making import HOUR

EVENTS = st.lists(st.tuples(st.integers(-(10**13), 10**13), st.integers(0, 10**12)), max_size=20)
CLOSE = st.lists(st.tuples(st.integers(0, 40 * HOUR), st.integers(0, 10**6)), min_size=1, max_size=20)


def counted(events: list[tuple[int, int]]) -> Decayed:
    counter: Decayed = {}
    for time, amount in events:
        add(counter, time, amount, HOUR)
    return counter


@pytest.mark.parametrize(("hours", "value"), [(0, 100), (1, 50), (2, 25), (10, 100 / 1024)])
def test_what_was_counted_halves_with_every_half_life(hours: int, value: float) -> None:
    assert value_at(counted([(HOUR // 3, 100)]), HOUR // 3 + hours * HOUR, HOUR) == pytest.approx(value, abs=0.001)


def test_what_has_just_been_counted_counts_in_full() -> None:
    assert value_at(counted([(1234567, 1)] * 3), 1234567, HOUR) == 3


def test_what_comes_later_does_not_count_yet() -> None:
    assert value_at(counted([(5 * HOUR, 7)]), HOUR, HOUR) == 0


@given(CLOSE)
def test_the_value_is_the_sum_of_what_decayed(events: list[tuple[int, int]]) -> None:
    now = max(time for time, _ in events)
    expected = sum(amount * 2 ** ((time - now) / HOUR) for time, amount in events if now - time < (SLOTS - 1) * HOUR)
    forgotten = sum(amount for _, amount in events) / 2 ** (SLOTS - 1)
    assert value_at(counted(events), now, HOUR) == pytest.approx(expected, abs=forgotten + 0.01)


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_counter_does_not_depend_on_the_order(events: list[tuple[int, int]], dice: object) -> None:
    mixed = list(events)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert counted(mixed) == counted(events)


@given(EVENTS)
def test_a_counter_is_small_and_can_be_stored(events: list[tuple[int, int]]) -> None:
    counter = counted(events * 50)
    assert len(counter) <= SLOTS
    assert len(msgspec.msgpack.encode(counter)) <= 20 * SLOTS
