"""The index of due subjects: what is due comes out, once and in order; a state that changed counts as it is now."""

from __future__ import annotations

import random
import tracemalloc

import msgspec

from rules.subject_state import SubjectState
from streams.enforcement import DueIndex

HOUR = 3_600_000
ENCODER = msgspec.msgpack.Encoder()


def state(due: int, *, banned: bool = False) -> bytes:
    return ENCODER.encode(SubjectState(due=due, banned=banned))


def test_it_gives_what_is_due_when_it_is_due_and_in_order() -> None:
    # Given subjects due at any time of two days, known from the start or changed later
    dice = random.Random(1)
    table = {b"account:%d" % number: state(dice.randrange(48 * HOUR)) for number in range(300)}
    index = DueIndex(table)
    for number in range(200, 500):
        key, value = b"account:%d" % number, state(dice.randrange(48 * HOUR))
        index.changed(key, value)
        table[key] = value
    due = {key: msgspec.msgpack.decode(value)[0] for key, value in table.items()}
    # When time passes in steps that do not fit hours
    now, before = 0, 0
    while now < 50 * HOUR:
        before, now = now, now + dice.randrange(1, HOUR * 5 // 3)
        wanted = sorted(at for at in due.values() if before < at <= now or (before == 0 and at == 0))
        assert index.is_due(now) or not wanted
        taken = [key for key, _ in index.take(now)]
        # Then each step gives those of its time, each once
        assert [due[key] for key in taken] == wanted


def test_a_subject_that_was_put_off_does_not_come_at_its_old_time() -> None:
    table = {b"account:1": state(5 * HOUR + 1)}
    index = DueIndex(table)
    later = state(9 * HOUR)
    index.changed(b"account:1", later)
    table[b"account:1"] = later
    assert list(index.take(6 * HOUR)) == []
    assert list(index.take(9 * HOUR)) == [(b"account:1", later)]


def test_a_subject_put_forward_into_an_hour_that_has_begun_comes_too() -> None:
    table = {b"account:1": state(30 * HOUR), b"account:2": state(2 * HOUR)}
    index = DueIndex(table)
    assert [key for key, _ in index.take(2 * HOUR + 5)] == [b"account:2"]
    sooner = state(2 * HOUR + 10)
    index.changed(b"account:1", sooner)
    table[b"account:1"] = sooner
    assert not index.is_due(2 * HOUR + 9)
    assert [key for key, _ in index.take(2 * HOUR + 10)] == [b"account:1"]


def test_it_counts_subjects_and_bans_by_their_states_of_now() -> None:
    table = {b"account:1": state(HOUR, banned=True), b"domain:a.example": state(HOUR)}
    index = DueIndex(table)
    index.changed(b"domain:a.example", state(HOUR, banned=True))
    index.changed(b"account:1", None)
    assert index.banned == {"account": 0, "domain": 1}
    assert index.kinds == {"account": 0, "domain": 1}


def test_a_subject_that_is_due_in_weeks_takes_little_memory() -> None:
    dice = random.Random(2)
    table = {b"account:%d" % number: state(dice.randrange(180 * 24 * HOUR)) for number in range(20_000)}
    tracemalloc.start()
    index = DueIndex(table)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert index.kinds["account"] == 20_000
    assert taken / 20_000 < 40  # bytes; one tuple and its number alone take a hundred
