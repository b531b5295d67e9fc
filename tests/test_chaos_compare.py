"""The comparison of a chaos run finds what it is there to find: each kind of damage to what workers leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chaos.compare import Differences, Outputs, compare
from chaos.oracle import Truth, judged
from chaos.readback import _generation
from chaos.traffic import beginning, events
from rules.packs import SHIPPED
from streams.codec import encode
from streams.settings import Settings
from streams.topics import topic_names

SETTINGS = Settings(pack=SHIPPED)


def record(
    topic: str, offset: int, key: str, value: bytes | None, *headers: tuple[str, bytes], partition: int = 0
) -> Any:
    """A record as a consumer gives it."""
    return SimpleNamespace(
        topic=topic, partition=partition, offset=offset, key=key.encode(), value=value, headers=headers
    )


@pytest.fixture(scope="module")
def log() -> list[Any]:
    """The records of an input log: events, one of them twice, and one that is none."""
    names = topic_names(SETTINGS)
    items = islice(events(5, beginning(60), 50), 3000)
    made = [
        record(names.input(item.kind), at, item.key, orjson.dumps(item.body), ("ce_sequence", b"%020d" % at))
        for at, item in enumerate(items)
    ]
    twice = next(each for each in made if each.key.startswith(b"spammer"))
    return [
        *made,
        SimpleNamespace(**{**vars(twice), "offset": 3000}),
        record(names.posts, 3001, "user-1", b"no event"),
    ]


@pytest.fixture(scope="module")
def truth(log: list[Any]) -> Truth:
    return judged(SETTINGS, log)


@pytest.fixture
def right(truth: Truth) -> Outputs:
    """What workers leave that did all of it, once."""
    engine = truth.engine
    place = (("topic", b"posts"), ("partition", b"0"), ("offset", b"3001"), ("detail", b"no JSON"))
    return Outputs(
        violations=[record("violations", 0, each.subject, encode(each)) for each in truth.violations.values()],
        subjects=[record("log", 0, key, state, ("generation", b"4")) for key, state in engine.subjects.items()],
        enforcements=[record("enforcements", 0, each.subject, encode(each)) for each in truth.enforcements.values()],
        bans=[record("bans", 0, subject, encode(ban)) for subject, ban in engine.bans.items()],
        dead_letters=[record("dead_letters", 0, "user-1", b"no event", *place)],
    )


def found(right: Outputs, truth: Truth, sent: int = 3002) -> tuple[int, int, int]:
    result = compare(right, truth, sent)
    return len(result.lost), len(result.duplicated), len(result.diverged)


def test_what_is_right_has_no_differences(right: Outputs, truth: Truth) -> None:
    result = compare(right, truth, 3002)
    assert not result, result.lines()
    assert (result.dead_letters, result.repeats) == (1, 0)
    assert truth.events == 3000
    assert min(result.compared[what] for what in ("violations", "subjects", "bans", "enforcements")) > 20


def test_records_that_stand_twice_are_repeats_and_no_difference(right: Outputs, truth: Truth) -> None:
    for name in ("violations", "subjects", "enforcements", "bans", "dead_letters"):
        log = getattr(right, name)
        log += log[-5:]
    result = compare(right, truth, 3002)
    assert not result, result.lines()
    assert result.repeats > 5


def without_last(name: str) -> Callable[[Outputs], None]:
    return lambda outputs: getattr(outputs, name).pop()


def state_of_a_banned(outputs: Outputs) -> Any:
    banned = outputs.bans[-1].key
    return next(each for each in outputs.subjects if each.key == banned)


def forget_a_subject(outputs: Outputs) -> None:
    state_of_a_banned(outputs).value = None


def unpublish(outputs: Outputs) -> None:
    outputs.enforcements.clear()


def never_ban(outputs: Outputs) -> None:
    outputs.bans.append(record("bans", 1, outputs.bans[-1].key.decode(), None))


@pytest.mark.parametrize("damage", [without_last("violations"), forget_a_subject, unpublish, never_ban])
def test_what_is_missing_is_lost(right: Outputs, truth: Truth, damage: Callable[[Outputs], None]) -> None:
    in_force = {subject: truth.engine.in_force(subject, truth.newest) for subject in truth.engine.bans}
    right.bans.sort(key=lambda each: bool(in_force[each.key.decode()]))
    damage(right)
    assert found(right, truth)[0] > 0


def test_a_dead_letter_that_is_missing_is_lost(right: Outputs, truth: Truth) -> None:
    right.dead_letters.clear()
    assert found(right, truth) == (1, 0, 0)


def test_a_record_that_was_acknowledged_and_is_not_there_is_lost(right: Outputs, truth: Truth) -> None:
    assert found(right, truth, sent=3003) == (1, 0, 0)


def test_a_violation_under_a_second_id_is_counted_as_duplicated(right: Outputs, truth: Truth) -> None:
    again = replace_json(right.violations[0].value, id="f" * 32)
    right.violations.append(record("violations", 0, right.violations[0].key.decode(), again))
    assert found(right, truth) == (0, 1, 0)


def test_a_violation_that_says_something_else_diverged(right: Outputs, truth: Truth) -> None:
    right.violations[0].value = replace_json(right.violations[0].value, clause="links.99")
    assert found(right, truth) == (0, 0, 1)


def test_an_event_on_the_dead_letters_diverged(right: Outputs, truth: Truth) -> None:
    place = (("topic", b"posts"), ("partition", b"0"), ("offset", b"7"), ("detail", b"?"))
    right.dead_letters.append(record("dead_letters", 0, "user-1", b"{}", *place))
    assert found(right, truth) == (0, 0, 1)


def test_a_stale_ban_diverged(right: Outputs, truth: Truth) -> None:
    held = next(each for each in right.bans if truth.engine.in_force(each.key.decode(), truth.newest))
    ban = orjson.loads(held.value)
    ban["sanctions"] = [{**ban["sanctions"][0], "rung": 9, "ends": None}]
    right.bans.append(record("bans", 0, held.key.decode(), orjson.dumps(ban)))
    assert found(right, truth) == (0, 0, 1)


def test_a_stale_write_of_a_worker_that_had_lost_the_partition_does_not_count(right: Outputs, truth: Truth) -> None:
    first = right.subjects[0]
    right.subjects.append(record("log", 0, first.key.decode(), None, ("generation", b"3")))
    assert found(right, truth) == (0, 0, 0)


def test_differences_are_shown_by_kind_and_not_without_end() -> None:
    lines = replace(Differences(), lost=[f"it {number}" for number in range(30)], diverged=["that"]).lines()
    assert lines[0] == "lost: it 0"
    assert lines[-2:] == ["lost: and 10 more", "diverged: that"]


def test_the_generation_is_read_from_the_coordinators_record() -> None:
    plain = b"\x00\x03" + b"\x00\x08consumer" + (17).to_bytes(4, "big") + b"\x00\x05range"
    compact = b"\x00\x04" + b"\x09consumer" + (17).to_bytes(4, "big") + b"\x06range"
    assert (_generation(plain), _generation(compact)) == (17, 17)


def replace_json(value: bytes, **fields: str) -> bytes:
    return orjson.dumps({**orjson.loads(value), **fields})
