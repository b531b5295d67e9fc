"""The comparison of a chaos run finds what it is there to find: each kind of damage to what workers leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import orjson
import pytest

from chaos.compare import Differences, Outputs, compare
from chaos.oracle import Truth, judged
from chaos.packs import PERCENT, VARIANTS, write_variant
from chaos.readback import _generation
from chaos.traffic import beginning, events
from chaos.versions import HistoryError, InForce, Versions, standings
from rules.activations import is_canary
from rules.packs import SHIPPED, load_pack
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


@pytest.fixture(scope="module")
def by_versions(log: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """The truth when a canary came at offset 1000 of each topic, and at 2000 a shadow pack in its stead."""
    folder = tmp_path_factory.mktemp("packs")
    folders = {f"{number}" * 32: write_variant(folder, number) for number in (1, 2)}
    canary, shadow = folders
    held = {-1: InForce(), 5: InForce("", canary, PERCENT), 7: InForce("", shadow=shadow)}
    topics = topic_names(SETTINGS)[:3]
    switches = [
        {"stage": stage, "partition": 0, "at": at, "starts": dict.fromkeys(topics, start)}
        for stage in ("screen", "enforce")
        for start, at in ((0, -1), (1000, 5), (2000, 7))
    ]
    return judged(SETTINGS, log, Versions(SETTINGS, folders, held, switches))


@pytest.fixture
def judged_by_versions(by_versions: Truth) -> Outputs:
    """What workers leave that judged each event by its pack."""
    engine = by_versions.engine
    place = (("topic", b"posts"), ("partition", b"0"), ("offset", b"3001"), ("detail", b"no JSON"))
    live = [record("violations", 0, each.subject, encode(each)) for each in by_versions.violations.values()]
    shadow = [
        record("violations", 0, each.subject, replace_json(encode(each), id=identity, mode="shadow"))
        for identity, each in by_versions.shadow.items()
    ]
    return Outputs(
        violations=[*shadow, *live],
        subjects=[record("log", 0, key, state, ("generation", b"4")) for key, state in engine.subjects.items()],
        enforcements=[
            record("enforcements", 0, each.subject, encode(each)) for each in by_versions.enforcements.values()
        ],
        bans=[record("bans", 0, subject, encode(ban)) for subject, ban in engine.bans.items()],
        dead_letters=[record("dead_letters", 0, "user-1", b"no event", *place)],
    )


def test_each_event_is_due_by_the_pack_that_was_in_force_for_it(
    log: list[Any], by_versions: Truth, judged_by_versions: Outputs
) -> None:
    result = compare(judged_by_versions, by_versions, 3002)
    assert not result, result.lines()
    offsets = {orjson.loads(each.value)["id"]: each.offset for each in reversed(log) if each.offset < 3000}
    by_canary = {each.event.id for each in by_versions.violations.values() if each.pack.startswith("chaos@1+")}
    assert len(by_canary) > 2
    assert all(1000 <= offsets[event] < 2000 for event in by_canary)
    assert {each.pack.partition("@")[0] for each in by_versions.violations.values()} == {"chaos", "wechat"}
    in_shadow = {each.event.id for each in by_versions.shadow.values()}
    assert len(in_shadow) > 10
    again = orjson.loads(log[-2].value)["id"]  # its repeat lies behind the shadow pack's offset
    assert all(offsets[event] >= 2000 for event in in_shadow - {again})
    assert any(each.rule == "chaos.journey" for each in by_versions.shadow.values())


def test_a_violation_by_a_pack_that_was_not_in_force_diverged(by_versions: Truth, judged_by_versions: Outputs) -> None:
    last = judged_by_versions.violations[-1]
    last.value = replace_json(last.value, pack="chaos@1+wechat@2016.4.2")
    assert found(judged_by_versions, by_versions) == (0, 0, 1)
    # and so did one that both judged
    judged_by_versions.violations.append(record("violations", 0, "x", replace_json(last.value, pack="chaos@9")))
    assert found(judged_by_versions, by_versions) == (0, 1, 1)


def test_what_a_shadow_pack_did_not_find_is_lost_and_what_it_found_elsewhere_is_not_due(
    by_versions: Truth, judged_by_versions: Outputs
) -> None:
    first = judged_by_versions.violations.pop(0)
    assert found(judged_by_versions, by_versions) == (1, 0, 0)
    elsewhere = replace_json(first.value, id="f" * 32, pack="chaos@1+wechat@2016.4.2")
    judged_by_versions.violations.append(record("violations", 0, "x", elsewhere))
    assert found(judged_by_versions, by_versions) == (1, 1, 0)


@pytest.mark.parametrize("by", ["first", "second", "both", "another", "none"])
def test_what_needs_other_events_is_by_any_pack_that_judged_a_repeated_event(
    truth: Truth, right: Outputs, by: str
) -> None:
    """Which of them depends on whether the others came before the repeat."""
    due = next(each for each in truth.violations.values() if each.rule in truth.together)
    repeated = {(due.event.type, due.event.id): {due.pack, "chaos@9"}}
    second = msgspec.structs.replace(due, pack="chaos@9")
    wanted = {**truth.violations, (due.id, "chaos@9"): second}
    there = {"first": [due], "second": [second], "both": [due, second], "none": []}
    published = there.get(by, [msgspec.structs.replace(due, pack="other@1")])
    right.violations = [each for each in right.violations if orjson.loads(each.value)["id"] != due.id]
    right.violations += [record("violations", 0, each.subject, encode(each)) for each in published]
    result = found(right, replace(truth, violations=wanted, repeated=repeated))
    assert result == {"none": (2, 0, 0), "another": (1, 0, 1)}.get(by, (0, 0, 0))


def test_a_repeated_event_that_is_a_violation_by_itself_is_due_by_each_pack(truth: Truth, right: Outputs) -> None:
    due = next(each for each in truth.violations.values() if each.rule not in truth.together)
    repeated = {(due.event.type, due.event.id): {due.pack, "chaos@9"}}
    wanted = {**truth.violations, (due.id, "chaos@9"): msgspec.structs.replace(due, pack="chaos@9")}
    assert found(right, replace(truth, violations=wanted, repeated=repeated)) == (1, 0, 0)


def test_an_enforcement_by_a_pack_that_was_not_live_diverged(by_versions: Truth, judged_by_versions: Outputs) -> None:
    last = judged_by_versions.enforcements[-1]
    last.value = replace_json(last.value, pack="chaos@1+wechat@2016.4.2")
    assert found(judged_by_versions, by_versions) == (0, 0, 1)


def test_a_history_that_contradicts_itself_is_refused() -> None:
    line = {"stage": "screen", "partition": 0, "at": 5, "starts": {}}
    with pytest.raises(HistoryError, match="not on the topic of packs"):
        Versions(SETTINGS, switches=[line])
    held = {-1: InForce(), 5: InForce("a"), 7: InForce("b")}
    with pytest.raises(HistoryError, match="switched back"):
        Versions(SETTINGS, {}, held, [{**line, "at": 7}, line])


def test_what_is_in_force_follows_from_the_activations() -> None:
    acts = [("live", "a"), ("shadow", "b"), ("canary", "b"), ("live", "b"), ("rollback", "a"), ("rollback", "a")]
    log = [{"do": do, "pack": pack, "percent": 5.0, "offset": 10 * n} for n, (do, pack) in enumerate(acts, 1)]
    assert list(standings(log).values()) == [
        InForce(),
        InForce("a"),
        InForce("a", shadow="b"),
        InForce("a", "b", 5.0),
        InForce("b"),
        InForce("a", "b", 5.0),
        InForce("a", shadow="b"),
    ]


def test_the_packs_of_a_run_are_packs_that_judge_otherwise(tmp_path: Path) -> None:
    loaded = [load_pack(write_variant(tmp_path, number)) for number in range(1, VARIANTS + 1)]
    assert len({pack.label for pack in loaded}) == VARIANTS
    assert {pack.rules["induced_sharing.unlock"].mode for pack in loaded} == {"off", "enforce"}
    assert any(is_canary(f"user-{n}", PERCENT) for n in range(20))


def replace_json(value: bytes, **fields: str) -> bytes:
    return orjson.dumps({**orjson.loads(value), **fields})
