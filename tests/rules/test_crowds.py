"""Events of many accounts together: a function of the set of events, whatever the order, the cut and the repeats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.crowd_states import LATENESS, DueKeys, forget
from rules.crowds import HELD_BYTES, HELD_EACH, MAX_NEIGHBOURS, Crowds, Gathered
from rules.decisions import EventRef, Evidence, Violation, content_id
from rules.gathering import Gathering
from rules.packs import Pack, load_pack
from rules.sightings import Charge, Message, Sighting, hashed, key_of, pair_key
from tests.rules.conftest import WritePack
from tests.rules.making import at

HOUR = 60
"""In minutes, as times are here."""
BASE = """
    pack: {name: p, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}
    lexicons:
      words: {words: [红包]}
    signals:
      packet: {lexicon: words}
    rules:
      domain: {clause: links.1, when: packet, crowd: {same: domain, distinct: account, at_least: 3, within: 2h}}
      copies: {clause: links.1, when: packet, crowd: {same: text, distinct: account, at_least: 3, within: 2h}}
      pairs: {clause: links.1, when: packet, ring: {longest: 2, within: 2h}}
      threes: {clause: links.1, when: packet, ring: {longest: 3, within: 2h}}
      fours: {clause: links.1, when: packet, ring: {within: 2h}}
    """


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    from textwrap import dedent

    folder = tmp_path_factory.mktemp("crowds")
    (folder / "pack.yaml").write_text(dedent(BASE))
    return load_pack(folder)


def charge(event: str, minutes: float, evidence: str = "") -> Charge:
    return Charge(
        source="post",
        event=EventRef(event, "post"),
        severity="ordinary",
        evidence=[Evidence("packet", "text", evidence)],
        time=at(minutes=minutes),
        pack="p@1",
        subjects=[f"account:{event}"],
    )


def sighted(
    pack: Pack, minutes: float, member: str, value: str = "a.example", event: str = "", **more: Any
) -> Sighting:
    event = event or f"{value}-{member}-{minutes}"
    key = key_of("domain", pack.rules["domain"].crowd, value)  # type: ignore[arg-type]
    return Sighting(key=key, rule="domain", members=[member], charge=charge(event, minutes, **more))


def copied(pack: Pack, minutes: float, member: str, bands: Sequence[int]) -> Sighting:
    crowd = pack.rules["copies"].crowd
    assert crowd is not None
    home = key_of("copies", crowd, "home", *map(str, bands))
    groups = [key_of("copies", crowd, "band", str(number), str(band)) for number, band in enumerate(bands)]
    event = f"{member}-{minutes}-{bands}"
    return Sighting(key=home, rule="copies", members=[member], charge=charge(event, minutes), groups=groups)


def promoted(pack: Pack, minutes: float, source: str, target: str, rule: str = "fours") -> Sighting:
    first, second = hashed(source), hashed(target)
    key = pair_key(rule, pack.rules[rule].crowd, first, second)  # type: ignore[arg-type]
    event = f"{source}>{target}-{minutes}"
    return Sighting(key=key, rule=rule, members=[first], charge=charge(event, minutes), ring=(first, second))


def charged(violations: Iterable[Violation]) -> set[str]:
    return {violation.event.id for violation in violations}


def gathered(pack: Pack, sightings: Iterable[Sighting]) -> set[str]:
    """The events charged, one sighting after the other."""
    gathering = Gathering(pack)
    return {event for sighting in sightings for event in charged(gathering.take([sighting]))}


def scattered(pack: Pack, sightings: Iterable[Sighting], dice: Random) -> set[str]:
    """The events charged when every message, from outside or from key to key, comes at any time, cut into batches
    anyhow, and some of them again."""
    crowds, states = Crowds(pack), dict[str, bytes]()
    pool: list[Message] = list(sightings)
    found: set[str] = set()
    while pool:
        dice.shuffle(pool)
        batch = [pool.pop() for _ in range(min(len(pool), dice.randint(1, 4)))]
        again = [message for message in batch if dice.random() < 0.2]
        result = in_parts(crowds, batch, states, dice)
        if dice.random() < 0.3:  # the worker died while its state was written; what it sent had arrived
            written(states, dict(islice(result.states.items(), dice.randint(0, len(result.states)))))
            found |= charged(violation for _, violation in result.violations)
            pool += [message for _, message in result.sends]
            result = in_parts(crowds, batch, states, dice)
        written(states, result.states)
        found |= charged(violation for _, violation in result.violations)
        pool += [message for _, message in result.sends] + again
    return found


def in_parts(crowds: Crowds, batch: Sequence[Message], states: dict[str, bytes], dice: Random) -> Gathered:
    """A batch, cut as one is across which the packs change."""
    cut = dice.randint(0, len(batch))
    result = crowds.gather(batch[:cut], states.get)
    so_far = lambda key: result.states[key] if key in result.states else states.get(key)  # noqa: E731
    result.add(crowds.gather(batch[cut:], so_far), cut)
    return result


def written(states: dict[str, bytes], changes: Mapping[str, bytes | None]) -> None:
    for key, state in changes.items():
        if state is None:
            states.pop(key, None)
        else:
            states[key] = state


# Crowds, against their definition

TIMES = st.integers(0, 6 * HOUR)
POSTS = st.lists(st.tuples(TIMES, st.sampled_from("abcd"), st.sampled_from(["x.example", "y.example"])), max_size=14)
RANDOM = st.randoms(use_true_random=False)
FEWER = settings(max_examples=50)


def expected(rows: Iterable[tuple[int, str, str]], needed: int = 3) -> set[tuple[int, str, str]]:
    """The rows of which one bucket - two hours from a full hour on - has enough members."""
    rows = list(rows)
    start = int(at().timestamp() // 3600)
    hour = {row: start + row[0] // 60 for row in rows}
    return {
        row
        for row in rows
        for bucket in (hour[row] - 1, hour[row])
        if len({other[1] for other in rows if other[2] == row[2] and hour[other] in (bucket, bucket + 1)}) >= needed
    }


@given(POSTS, RANDOM)
@FEWER
def test_a_crowd_is_what_its_buckets_say_in_any_order(
    pack: Pack, rows: list[tuple[int, str, str]], dice: Random
) -> None:
    sightings = [sighted(pack, *row) for row in rows]
    wanted = {f"{value}-{member}-{minutes}" for minutes, member, value in expected(rows)}
    assert gathered(pack, sightings) == wanted
    assert scattered(pack, sightings, dice) == wanted


BANDED = st.lists(st.tuples(TIMES, st.sampled_from("abcd"), st.tuples(*[st.integers(0, 1)] * 4)), max_size=12)


@given(BANDED, RANDOM)
@FEWER
def test_copies_that_share_a_band_meet_in_any_order(
    pack: Pack, rows: list[tuple[int, str, tuple[int, ...]]], dice: Random
) -> None:
    sightings = [copied(pack, *row) for row in rows]
    wanted: set[str] = set()
    for number in range(4):
        several = [(minutes, member, str(bands[number])) for minutes, member, bands in rows]
        hits = expected(several)
        wanted |= {
            f"{member}-{minutes}-{bands}"
            for minutes, member, bands in rows
            if (minutes, member, str(bands[number])) in hits
        }
    assert gathered(pack, sightings) == wanted
    assert scattered(pack, sightings, dice) == wanted


# Rings, against a search of the graph

PROMOTIONS = st.lists(
    st.tuples(TIMES, st.sampled_from("abcde"), st.sampled_from("abcde")).filter(lambda row: row[1] != row[2]),
    max_size=14,
)


def in_rings(rows: list[tuple[int, str, str]], longest: int) -> set[str]:
    """The promotions of which one bucket has a ring that goes along them."""
    start = int(at().timestamp() // 3600)
    found: set[str] = set()
    for bucket in range(start - 1, start + 8):
        inside = [row for row in rows if start + row[0] // 60 in (bucket, bucket + 1)]
        edges = {(source, target) for _, source, target in inside}
        nodes = sorted({name for edge in edges for name in edge})
        along: set[tuple[str, str]] = set()
        for size in range(2, longest + 1):
            for ring in permutations(nodes, size):
                ways = set(zip(ring, (*ring[1:], ring[0]), strict=True))
                if ways <= edges:
                    along |= ways
        found |= {f"{source}>{target}-{minutes}" for minutes, source, target in inside if (source, target) in along}
    return found


@pytest.mark.parametrize(("rule", "longest"), [("pairs", 2), ("threes", 3), ("fours", 4)])
@given(PROMOTIONS, RANDOM)
@FEWER
def test_a_ring_is_what_a_search_finds_in_any_order(
    pack: Pack, rule: str, longest: int, rows: list[tuple[int, str, str]], dice: Random
) -> None:
    sightings = [promoted(pack, *row, rule) for row in rows]
    wanted = in_rings(rows, longest)
    assert gathered(pack, sightings) == wanted
    assert scattered(pack, sightings, dice) == wanted


def test_a_ring_of_four_charges_all_four_and_a_chain_nobody(pack: Pack) -> None:
    chain = [promoted(pack, minute, *pair) for minute, pair in enumerate(["ab", "bc", "cd"])]
    assert gathered(pack, chain) == set()
    ring = [*chain, promoted(pack, 30, "d", "a"), promoted(pack, 31, "a", "x")]
    assert gathered(pack, ring) == {"a>b-0", "b>c-1", "c>d-2", "d>a-30"}


# What is charged


def test_a_charge_becomes_a_violation_for_each_subject(pack: Pack) -> None:
    *others, last = (sighted(pack, minute, member) for minute, member in enumerate("abc"))
    gathering = Gathering(pack)
    assert list(gathering.take(others)) == []
    found = list(gathering.take([last]))
    assert [violation.subject for violation in found] == [f"account:a.example-{n}-{i}" for i, n in enumerate("abc")]
    assert {(v.clause, v.rule, v.mode, v.severity, v.pack) for v in found} == {
        ("links.1", "domain", "enforce", "ordinary", "p@1")
    }
    assert found[0].id == content_id(content_id("post", "a.example-a-0", "domain"), "account:a.example-a-0")
    assert found[0].evidence[-1].quote == "the same domain from 3 or more of account within 2 h"


def test_what_comes_later_is_charged_at_once_and_on_its_own(pack: Pack) -> None:
    gathering = Gathering(pack)
    list(gathering.take([sighted(pack, minute, member) for minute, member in enumerate("abc")]))
    assert charged(gathering.take([sighted(pack, 50, "a")])) == {"a.example-a-50"}
    assert charged(gathering.take([sighted(pack, 5 * HOUR, "a")])) == set()


def test_messages_of_rules_that_the_pack_does_not_have_are_ignored(pack: Pack) -> None:
    known = sighted(pack, 0, "a")
    unknown = Sighting(key=known.key, rule="gone", members=["a"], charge=known.charge)
    result = Crowds(pack).gather([unknown], {}.get)
    assert (result.violations, result.sends, result.states) == ([], [], {})


# Memory


def test_one_member_can_make_a_crowd_hold_only_so_much_and_the_others_are_held_all_the_same(pack: Pack) -> None:
    gathering = Gathering(pack)
    list(gathering.take(sighted(pack, 0, "a", event=f"spam{n}") for n in range(500)))
    list(gathering.take([sighted(pack, 1, "b")]))
    assert sum(":h:" in key for key in gathering.states) == HELD_EACH + 1
    assert "a.example-b-1" in charged(gathering.take([sighted(pack, 2, "c")]))


def test_what_is_not_held_is_counted(pack: Pack) -> None:
    result = Crowds(pack).gather([sighted(pack, 0, "a", event=f"spam{n}") for n in range(HELD_EACH + 5)], {}.get)
    assert result.lost == {"domain": 5}


def test_the_state_of_a_key_is_bounded_in_bytes(pack: Pack) -> None:
    gathering = Gathering(pack)
    huge = [sighted(pack, 0, f"m{n % 2}", event=f"e{n}", evidence="字" * 2000) for n in range(400)]
    list(gathering.take(huge))
    assert HELD_BYTES / 2 < sum(map(len, gathering.states.values())) < HELD_BYTES + 4096


def test_an_account_that_everybody_promotes_makes_a_bounded_number_of_paths(pack: Pack) -> None:
    star = [promoted(pack, 0, f"fan{n}", "hub") for n in range(100)]
    star += [promoted(pack, 0, "hub", f"idol{n}") for n in range(100)]
    crowds, states = Crowds(pack), dict[str, bytes]()
    pending, messages = list[Message](star), 0
    while pending:
        result = crowds.gather(pending, states.get)
        states.update({key: state for key, state in result.states.items() if state is not None})
        pending = [message for _, message in result.sends]
        messages += sum(type(message).__name__ == "Path" for message in pending)
    assert 0 < messages <= 2 * (2 * MAX_NEIGHBOURS) ** 2
    assert max(map(len, states.values())) < 4096


def test_all_is_forgotten_when_it_is_due_and_not_before(pack: Pack) -> None:
    gathering = Gathering(pack)
    list(gathering.take([sighted(pack, 10, "a"), copied(pack, 10, "b", (1, 2, 3, 4)), promoted(pack, 10, "a", "b")]))
    ends = int(at(hours=2).timestamp() * 1000)  # the later of the two buckets
    gathering.forget(ends + LATENESS - 1)
    assert len({key.split(":")[1] for key in gathering.states}) >= 3
    assert charged(gathering.take([sighted(pack, 50, "b"), sighted(pack, 70, "c")])) >= {"a.example-a-10"}
    gathering.forget(ends + LATENESS + 3_600_000)
    assert gathering.states == {}


def test_an_index_built_from_states_finds_what_one_that_was_kept_finds(pack: Pack) -> None:
    gathering = Gathering(pack)
    list(gathering.take([sighted(pack, minute, "a") for minute in range(0, 300, 50)]))
    due = DueKeys(gathering.states.items())
    assert not due.is_due(0)
    taken = due.take(10**15)
    assert {gone for key in taken for gone in forget(key, gathering.states[key])} == set(gathering.states)
    assert due.take(10**15) == []


# The sections of a pack


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("crowd: {same: text, distinct: account, at_least: 1, within: 1h}", "expected a whole number"),
        ("crowd: {same: text, distinct: account, at_least: 2.5, within: 1h}", "expected a whole number"),
        ("crowd: {same: text, distinct: account, at_least: 101, within: 1h}", "expected a whole number"),
        ("crowd: {same: text, distinct: account, at_least: 2, within: 32d}", "'32d' is too long"),
        ("crowd: {same: txt, distinct: account, at_least: 2, within: 1h}", "unknown value 'txt'"),
        ("crowd: {same: domain, distinct: domain, at_least: 2, within: 1h}", "the same domain cannot be several"),
        ("crowd: {same: text, distinct: account, within: 1h}", "'at_least' is missing"),
        ("crowd: {same: text, distinct: account, at_least: 2, within: 1h, x: 1}", "unknown key 'x'"),
        ("ring: {longest: 5, within: 1h}", "expected a whole number"),
        ("ring: {longest: 3}", "'within' is missing"),
        ("ring: {within: 1h}, crowd: {same: text, distinct: ip, at_least: 2, within: 1h}", "not both"),
    ],
)
def test_a_crowd_that_is_wrong_is_refused(write_pack: WritePack, section: str, message: str) -> None:
    from rules.packs import InvalidPackError

    rules = f"rules: {{r: {{clause: links.1, when: packet, {section}}}}}"
    base = BASE[: BASE.index("    rules:")]
    with pytest.raises(InvalidPackError) as caught:
        load_pack(write_pack(base=base, rules=rules))
    assert [message in error.message for error in caught.value.errors] == [True]


def test_a_rule_cannot_refer_to_one_that_several_events_decide(write_pack: WritePack) -> None:
    from rules.packs import InvalidPackError

    rules = "rules: {r: {clause: links.1, when: packet and rules.domain}}"
    with pytest.raises(InvalidPackError, match="several events decide together"):
        load_pack(write_pack(base=BASE, more=rules))
