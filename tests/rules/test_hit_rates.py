"""Hit rates: when a rule trips, when it does not, what is kept, and that how records are batched changes nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.events import Content
from rules.hit_rates import BAND as SHIPPED
from rules.hit_rates import BLOCK, HitRates, Trip, Watched, log_tail
from tests.rules.making import START, mass_send, post, share

MINUTE = 60_000
POSTS = [post(id=f"p{n}", account=f"a{n}") for n in range(BLOCK)]
SHARES = [share(id=f"s{n}", account=f"a{n}") for n in range(BLOCK)]
WATCHED = Watched(frozenset({"r"}), {})


class Partition:
    """A partition that is fed blocks of events, each ten minutes' worth unless the test says otherwise."""

    def __init__(self, rates: HitRates | None = None, watched: Watched = WATCHED) -> None:
        self.rates = rates or HitRates()
        self.watched = watched
        self.now = 0

    def block(
        self, hits: Iterable[tuple[int, str]], *, minutes: int = 10, events: Sequence[Content] = POSTS
    ) -> list[Trip]:
        self.now += minutes * MINUTE
        return self.rates.count(self.now, events, hits, self.watched)

    def usual(self, hits: int, blocks: int, *, rule: str = "r", minutes: int = 10) -> list[Trip]:
        """Blocks with so many hits each."""
        return [trip for _ in range(blocks) for trip in self.block([(n, rule) for n in range(hits)], minutes=minutes)]


def drawn(chance: random.Random, rate: float) -> list[tuple[int, str]]:
    return [(n, "r") for n in range(BLOCK) if chance.random() < rate]


def exact_tail(hits: int, trials: int, chance: float) -> float:
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(hits, trials + 1))


@given(st.integers(1, 120), st.data())
def test_the_bound_is_above_the_exact_tail_and_says_something(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    chance = data.draw(st.floats(0.001, 0.999))
    exact, bound = exact_tail(hits, trials, chance), math.exp(log_tail(hits, trials, chance))
    assert exact <= bound * (1 + 1e-9)
    assert bound <= 1
    if hits > trials * chance:  # the exact tail is at least its first term, which Chernoff misses by sqrt(8 trials)
        assert bound <= exact * math.sqrt(8 * trials) * (1 + 1e-9)


@pytest.mark.parametrize("rate", [0.0005, 0.01, 0.1, 0.6])
def test_at_the_usual_rate_nothing_trips(rate: float) -> None:
    chance, partition = random.Random(7), Partition()
    trips = [trip for _ in range(600) for trip in partition.block(drawn(chance, rate), minutes=1)]
    assert trips == []


def test_even_at_the_edge_of_the_band_a_look_errs_less_often_than_claimed() -> None:
    # Given rules whose rate is exactly `factor` times that of their history, and a claim that chance can measure
    band = replace(SHIPPED, factor=2.0, p=0.05, min_events=2_000, min_windows=2, min_hits=1)
    chance, erred, looks = random.Random(11), 0, 0
    for _ in range(1_500):
        partition = Partition(HitRates(band=band))
        for _ in range(3):  # the first two blocks are one window: a window ends with the block that passes its end
            partition.block(drawn(chance, 0.01))
        looks += 1
        erred += bool(partition.block(drawn(chance, 0.02), minutes=0))
    assert 0 < erred <= 0.05 * looks


@pytest.mark.parametrize(("rate", "within"), [(0.001, 30), (0.01, 1), (0.05, 1)])
def test_ten_times_the_usual_rate_trips_within_so_many_blocks(rate: float, within: int) -> None:
    chance, partition = random.Random(5), Partition()
    for _ in range(144):
        assert partition.block(drawn(chance, rate)) == []
    for _ in range(within):
        if trips := partition.block(drawn(chance, 10 * rate), minutes=0):
            break
    (trip,) = trips
    assert (trip.rule, trip.type) == ("r", "post")
    assert trip.usual == pytest.approx(rate, rel=0.5)
    assert trip.hits >= SHIPPED.min_hits
    assert trip.log_p < math.log(SHIPPED.p)
    assert partition.rates.tripped == {"r"}


def test_a_rule_that_never_hit_trips_once_it_has_enough_hits() -> None:
    partition = Partition()
    partition.usual(0, 20)
    assert partition.usual(SHIPPED.min_hits - 1, 1, minutes=0) == []
    (trip,) = partition.usual(30, 1, minutes=0)
    assert (trip.hits, trip.usual) == (SHIPPED.min_hits + 29, 0)


@pytest.mark.parametrize("blocks", [3, 10])
def test_without_enough_history_nothing_trips(blocks: int) -> None:
    """3 blocks are windows enough and events too few; 10 of one window the other way round."""
    partition = Partition()
    partition.usual(1, blocks, minutes=10 if blocks == 3 else 0)
    assert partition.usual(900, 1, minutes=0) == []


def test_a_rule_that_hits_less_than_usual_does_not_trip() -> None:
    partition = Partition()
    partition.usual(300, 30)
    assert partition.usual(0, 30) == []


def test_one_account_cannot_put_a_rule_out_of_force() -> None:
    partition = Partition()
    partition.usual(2, 30)
    flood = [post(id=f"f{n}", account="flooder") for n in range(BLOCK)]
    everything = [(n, "r") for n in range(BLOCK)]
    assert [trip for _ in range(40) for trip in partition.block(everything, minutes=0, events=flood)] == []
    # while as many hits of as many accounts do
    assert partition.block(everything, minutes=0) != []


def test_types_are_counted_apart_so_that_their_mix_may_change() -> None:
    chance, partition = random.Random(3), Partition()
    for number in range(200):  # shares are a tenth of the traffic, and the rule hits them thirty times as often
        if number % 10:
            partition.block(drawn(chance, 0.003))
        else:
            partition.block(drawn(chance, 0.1), events=SHARES)
    trips = [trip for _ in range(30) for trip in partition.block(drawn(chance, 0.1), minutes=0, events=SHARES)]
    assert trips == []
    assert partition.block(drawn(chance, 0.1), minutes=0) != []


def test_a_rule_that_tripped_is_told_once_a_window_and_its_window_is_no_history() -> None:
    partition = Partition()
    partition.usual(5, 30)
    (first,) = partition.usual(500, 1, minutes=0)
    assert partition.usual(500, 20, minutes=0) == []
    partition.usual(5, 1)  # ends the window
    # A trip whose record was lost on the way is found again in the next window, by the same history
    partition.usual(5, 1)
    (again,) = partition.usual(500, 1, minutes=0)
    assert again.usual == pytest.approx(first.usual, rel=0.01)
    assert again.record(START) == replace_why(first, again)


def replace_why(first: Trip, again: Trip) -> object:
    """The record of the first trip with the figures of the second: only those differ."""
    record = first.record(START)
    return type(record)(id=record.id, do="halt", rule="r", by="streamwarden", why=again.why, time=START)


def test_a_rule_in_shadow_is_not_counted_and_begins_anew_when_it_is_resumed() -> None:
    # Given a rule that tripped
    partition = Partition()
    partition.usual(5, 30)
    (trip,) = partition.usual(500, 1, minutes=0)
    # When it is in shadow for a while, and resumed though it hits as often as that
    partition.watched = Watched(frozenset(), {})
    partition.usual(500, 5)
    partition.watched = Watched(frozenset({"r"}), {"r": "resumed-1"})
    # Then it does not trip at once, nor later: the new rate is its usual one
    assert partition.usual(500, 60) == []
    assert partition.rates.tripped == frozenset()
    # And its next trip, in the new history, has another id
    partition.watched = Watched(frozenset({"r"}), {"r": "resumed-2"})
    partition.usual(5, 30)
    (other,) = partition.usual(500, 1, minutes=0)
    assert other.record(START).id != trip.record(START).id


def test_a_rule_resumed_within_the_window_it_tripped_in_is_in_force_again() -> None:
    partition = Partition()
    partition.usual(5, 30)
    assert partition.usual(500, 1, minutes=0)
    partition.watched = Watched(frozenset({"r"}), {"r": "resumed-1"})
    partition.usual(5, 1, minutes=0)
    assert partition.rates.tripped == frozenset()


def test_the_history_outlives_a_restart() -> None:
    partition = Partition()
    partition.usual(5, 30)
    data = partition.rates.closed()
    assert data is not None
    assert partition.rates.closed() is None
    again = Partition(HitRates(data))
    (trip,) = again.usual(500, 1)
    assert trip.usual == pytest.approx(0.005, rel=0.05)
    # but not for a rule that was resumed meanwhile
    later = Partition(HitRates(data), Watched(frozenset({"r"}), {"r": "resumed-1"}))
    assert later.usual(500, 20) == []


def test_an_event_of_long_ago_counts_in_the_open_window_and_opens_none() -> None:
    partition = Partition()
    partition.usual(5, 30)
    partition.rates.closed()
    partition.now -= 10_000 * MINUTE
    partition.usual(5, 100, minutes=0)
    assert partition.rates.closed() is None


def test_a_backlog_read_at_once_does_not_trip() -> None:
    chance, partition = random.Random(9), Partition()
    for _ in range(200):
        partition.block(drawn(chance, 0.02))
    # A day and a half within one call each: 200 windows' worth of events in five batches
    for _ in range(5):
        events = POSTS * 40
        hits = [(n, "r") for n in range(len(events)) if chance.random() < 0.02]
        partition.now += 400 * MINUTE
        assert partition.rates.count(partition.now, events, hits, WATCHED) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=6), st.integers(0, 2**32))
def test_how_records_are_batched_changes_nothing(cuts: list[int], seed: int) -> None:
    chance = random.Random(seed)
    total = sum(cuts)
    events = [
        chance.choice((post, share, mass_send))(id=f"e{n}", account=f"a{chance.randrange(300)}") for n in range(total)
    ]
    hits = [(n, chance.choice("qr")) for n in range(total) if chance.random() < 0.1]
    watched = Watched(frozenset("qr"), {})

    def counted(sizes: Sequence[int]) -> tuple[Mapping[object, int], list[int]]:
        rates, start = HitRates(), 0
        for size in sizes:
            own = [(n - start, rule) for n, rule in hits if start <= n < start + size]
            rates.count(1, events[start : start + size], own, watched)
            start += size
        return rates._hits, rates._events

    assert counted(cuts) == counted([total])
    assert sum(counted(cuts)[1]) == total


def test_what_is_kept_is_bounded_by_the_rules_and_not_by_events() -> None:
    names = [f"some.rule_of_the_pack_{n}" for n in range(300)]
    partition = Partition(watched=Watched(frozenset(names), {}))
    for _ in range(40):
        partition.block([(n, rule) for n in range(0, BLOCK, 10) for rule in names[:50]])
    data = partition.rates.closed()
    assert data is not None
    assert len(data) < 300 * 110
    # A pack with fewer rules leaves fewer histories
    partition.watched = Watched(frozenset(names[:2]), {})
    partition.usual(0, 2)
    data = partition.rates.closed()
    assert data is not None
    assert len(data) < 300
