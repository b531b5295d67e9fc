"""What only history can show: windows by event time, one count an event, and memory that stays bounded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.behaviour import (
    MAX_ENTRIES,
    MAX_PARTNERS,
    MAX_STATE_BYTES,
    AccountState,
    Behaviours,
    decode_state,
    encode_state,
)
from rules.events import MAX_RECIPIENTS, Content
from rules.packs.model import BehaviourSignal
from tests.rules.making import HOUR, at, mass_send, post, share

CHANNELS = frozenset({"nearby", "drift_bottle"})


def watch(test: Any, of: Any = "mass_send", channels: frozenset[str] | None = None, within: int = HOUR) -> Behaviours:
    """Behaviours with one signal, `s`."""
    return Behaviours([BehaviourSignal("s", test, of, channels, within)], ["s"])


def counted(behaviours: Behaviours, events: list[Content], state: AccountState | None = None) -> list[float]:
    """The value of `s` for each event, one after the other; an event's text stands for itself."""
    state = state or AccountState()
    start = max(state.positions.values(), default=-1) + 1
    return [
        behaviours.count(state, event, event.text.encode(), "stream", start + position).get("s", 0.0)  # type: ignore[union-attr]
        for position, event in enumerate(events)
    ]


def sends(*times: float, **fields: Any) -> list[Content]:
    """Mass sends at minutes, each of its own."""
    return [mass_send(id=f"m{number}", time=at(minutes=time), **fields) for number, time in enumerate(times)]


def test_the_count_is_of_the_events_in_the_window_this_one_included() -> None:
    assert counted(watch("count"), sends(0, 10, 59, 61, 200)) == [1, 2, 3, 3, 1]


def test_an_event_exactly_a_window_old_is_out_of_it() -> None:
    assert counted(watch("count"), sends(0, 59.99, 60)) == [1, 2, 2]


def test_only_the_channels_asked_for_are_counted() -> None:
    events = [
        mass_send(id="1", channel="nearby"),
        mass_send(id="2", channel="followers"),
        mass_send(id="3", channel="drift_bottle"),
    ]
    assert counted(watch("count", channels=CHANNELS), events) == [1, 0, 2]


def test_recipients_are_summed() -> None:
    assert counted(watch("recipients"), sends(0, 10, 80, recipients=1000)) == [1000, 2000, 1000]


def test_partners_are_counted_once_each() -> None:
    events = [mass_send(id=str(n), promotes=names) for n, names in enumerate([["bob"], [], ["bob", "carol"], ["bob"]])]
    assert counted(watch("partners"), events) == [1, 1, 2, 2]


def test_repeats_are_the_earlier_events_that_say_the_same() -> None:
    events = [mass_send(text, id=str(n)) for n, text in enumerate(["a", "b", "a", "a"])]
    assert counted(watch("repeats"), events) == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("test", "value"),
    [("count", 1), ("recipients", 7), ("partners", 2), ("repeats", 0), ("similar", 0), ("rate", 1), ("reach", 7)],
)
def test_an_event_sent_twice_counts_once(test: Any, value: float) -> None:
    event = mass_send("a", recipients=7, promotes=["bob", "carol"])
    assert counted(watch(test), [event, event, event]) == [value] * 3


def test_events_of_other_types_are_not_watched() -> None:
    behaviours = watch("count", of="post")
    assert behaviours.watches(post("a"))
    assert behaviours.always_counts(post("a"))
    assert not behaviours.watches(mass_send("a"))
    assert not behaviours.always_counts(mass_send("a"))


def test_without_a_signal_that_triggers_by_itself_an_event_is_not_always_counted() -> None:
    behaviours = Behaviours([BehaviourSignal("s", "count", "post", None, HOUR)], [])
    assert behaviours.watches(post("a"))
    assert not behaviours.always_counts(post("a"))


def test_an_event_of_a_channel_that_no_trigger_is_about_is_not_always_counted() -> None:
    behaviours = Behaviours([BehaviourSignal("s", "count", "mass_send", frozenset(("nearby",)), HOUR)], ["s"])
    assert behaviours.always_counts(mass_send("a", channel="nearby"))
    assert not behaviours.always_counts(mass_send("a", channel="followers"))


def test_types_are_counted_apart() -> None:
    signals = [BehaviourSignal(of, "count", of, None, HOUR) for of in ("post", "mass_send")]  # type: ignore[arg-type]
    behaviours, state = Behaviours(signals, ["post", "mass_send"]), AccountState()
    behaviours.count(state, post("a"), b"", "posts", 0)
    assert behaviours.count(state, mass_send("a"), b"", "sends", 0) == {"mass_send": 1}


def test_an_event_that_arrives_late_sees_the_window_before_its_own_time() -> None:
    assert counted(watch("count"), sends(0, 30, 50, 10)) == [1, 2, 3, 2]


def test_an_event_that_arrives_late_still_counts_for_later_ones() -> None:
    assert counted(watch("count"), sends(50, 10, 55)) == [1, 1, 3]


def test_a_position_that_was_reached_is_known_and_the_next_is_not() -> None:
    behaviours, state = watch("count"), AccountState()
    assert not behaviours.seen(state, "sends-0", 0)
    behaviours.count(state, mass_send(), b"", "sends-0", 7)
    assert behaviours.seen(state, "sends-0", 6)
    assert behaviours.seen(state, "sends-0", 7)
    assert not behaviours.seen(state, "sends-0", 8)
    assert not behaviours.seen(state, "sends-1", 0)


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(0, 20))
def test_the_count_does_not_depend_on_when_the_state_was_stored(minutes: list[int], cut: int) -> None:
    events = sends(*minutes)
    whole = counted(watch("count"), events)
    state = AccountState()
    first = counted(watch("count"), events[:cut], state)
    assert first + counted(watch("count"), events[cut:], decode_state(encode_state(state))) == whole


@given(st.lists(st.integers(0, 120), min_size=1, max_size=30))
def test_in_order_the_count_is_that_of_a_naive_search(minutes: list[int]) -> None:
    minutes.sort()
    expected = [sum(late - 60 < early for early in minutes[: index + 1]) for index, late in enumerate(minutes)]
    assert counted(watch("count"), sends(*minutes)) == expected


def test_memory_of_an_account_is_bounded() -> None:
    behaviours, state = watch("count", within=24 * HOUR), AccountState()
    values = counted(behaviours, sends(*(n / 60 for n in range(500)), promotes=["bob"]), state)
    assert max(values) == MAX_ENTRIES + 1
    assert len(encode_state(state)) < 60 * MAX_ENTRIES


def test_similar_are_the_earlier_events_whose_simhash_is_near() -> None:
    behaviours, state = watch("similar"), AccountState()
    shapes = [0, 0b1111, (1 << 64) - 1, 1 << 63, 0]
    values = [
        behaviours.count(state, mass_send(str(n), id=str(n)), b"%d" % n, "s", n, shape=shape)
        for n, shape in enumerate(shapes)
    ]
    assert [found.get("s", 0) for found in values] == [0, 1, 0, 2, 3]


def test_texts_too_short_for_a_simhash_are_similar_when_they_are_equal() -> None:
    events: list[Content] = [mass_send(text, id=str(n)) for n, text in enumerate(["a", "b", "a"])]
    assert counted(watch("similar"), events) == [0, 0, 1]


def test_only_events_that_a_signal_compares_need_a_simhash() -> None:
    assert watch("similar").compares(mass_send())
    assert not watch("similar").compares(post())
    assert not watch("repeats").compares(mass_send())


@pytest.mark.parametrize(("test", "values"), [("rate", [1, 1.5, 1.125]), ("reach", [100, 150, 112.5])])
def test_decayed_counters_halve_within_a_half_life(test: Any, values: list[float]) -> None:
    assert counted(watch(test), sends(0, 60, 240, recipients=100)) == pytest.approx(values, rel=0.2)


def test_a_rate_is_not_bounded_by_what_is_remembered() -> None:
    values = counted(watch("rate"), sends(*(n / 60 for n in range(500))))
    assert values[-1] == pytest.approx(500, rel=0.05)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_decayed_counters_end_the_same_in_any_order(minutes: list[int], dice: Any) -> None:
    events = sends(*minutes, recipients=3)
    mixed = list(events)
    dice.shuffle(mixed)
    states = [AccountState(), AccountState()]
    for state, order in zip(states, (events, mixed), strict=True):
        counted(watch("reach", within=24 * HOUR), order, state)
    assert states[0].decayed == states[1].decayed


def test_a_counter_of_a_signal_that_is_gone_is_dropped() -> None:
    state = AccountState()
    counted(watch("rate"), sends(0), state)
    counted(watch("rate", within=2 * HOUR), [mass_send(id="next", time=at(hours=1))], state)
    assert len(state.decayed) == 1


def test_no_state_is_larger_than_it_is_said_to_be() -> None:
    signals = [
        BehaviourSignal(f"{test}{n}", test, "mass_send", CHANNELS, 10**9 + n)  # type: ignore[arg-type]
        for test in ("rate", "reach")
        for n in range(10)
    ]
    signals += [
        BehaviourSignal(of, "similar", of, None, 365 * 24 * HOUR)  # type: ignore[arg-type]
        for of in ("post", "share", "mass_send")
    ]
    behaviours, state = Behaviours(signals, []), AccountState()
    hostile = {"recipients": MAX_RECIPIENTS, "channel": "nearby"}
    for number in range(300):
        when = {"id": f"e{number}", "time": at(days=number)}
        promoted = [f"account-{number}-{other}" for other in range(100)]
        for event in (mass_send(**when, **hostile, promotes=promoted), post(**when), share(**when)):
            behaviours.count(state, event, event.id.encode(), "x" * 249 + event.type, number, shape=2**64 - 1 - number)
    assert MAX_STATE_BYTES / 2 < len(encode_state(state)) <= MAX_STATE_BYTES
    assert {len(entry.partners) for entry in state.entries["mass_send"]} == {MAX_PARTNERS}


def test_a_state_of_before_there_were_simhashes_can_be_read() -> None:
    state = AccountState()
    counted(watch("repeats"), sends(0), state)
    old = msgspec.msgpack.decode(encode_state(state))
    entries = {kind: [entry[:6] for entry in found] for kind, found in old[0].items()}
    assert decode_state(msgspec.msgpack.encode([entries, old[1]])) == state


def test_a_state_survives_storage() -> None:
    state = AccountState()
    counted(watch("partners"), sends(0, 1, promotes=["bob"], recipients=10**12), state)
    assert encode_state(decode_state(encode_state(state))) == encode_state(state)


def test_no_state_is_an_empty_one_and_no_two_share_their_memory() -> None:
    first, second = decode_state(None), decode_state(None)
    counted(watch("count"), sends(0), first)
    assert second.entries == {}


def test_foreign_bytes_are_no_state() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_state(b"\xc1 not msgpack")
