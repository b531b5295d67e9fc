"""Both halves together: how a file is cut changes nothing, and ids are functions of content for ever."""

from __future__ import annotations

from random import Random
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import Decision, Enforcement, Violation, content_id
from rules.engine import Engine
from rules.events import Event, Report, millis
from rules.packs import Pack, load_pack
from tests.rules.making import START, at, mass_send, post, share

TEXTS = ["你好", "分享后查看答案", "转发后解锁", "恭喜中奖 联系13800138000", "互推换量", ""]


def report(number: int, minutes: int, account: str) -> Report:
    return Report(
        id=f"r{number}", subject=f"account:{account}", reporter="bob", category="spam", time=at(minutes=minutes)
    )


def event(number: int, kind: str, minutes: int, account: str, text: str) -> Event:
    common: dict[str, Any] = {"id": f"{kind}{number}", "account": account, "time": at(minutes=minutes)}
    match kind:
        case "post":
            return post(text, links=["http://evil.cn/"] if number % 2 else [], **common)
        case "share":
            url = "http://weixin-pay.example/" if number % 3 == 0 else "http://evil.cn/a"
            return share(url, title=text, app="wx1" if number % 2 else None, **common)
        case "mass_send":
            return mass_send(text, channel="nearby", recipients=number % 4 * 50_000, **common)
        case _:
            return report(number, minutes, account)


HISTORIES = st.lists(
    st.tuples(
        st.integers(0, 7),  # equal numbers make the same event again
        st.sampled_from(["post", "share", "mass_send", "mass_send", "report"]),
        st.integers(0, 60).map(lambda n: 7 * n),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(TEXTS),
    ),
    max_size=25,
).map(lambda rows: [event(*row) for row in rows])


def judged(pack: Pack, events: list[Event], batch: int = 512) -> tuple[list[Decision], Engine]:
    engine = Engine(pack)
    return list(engine.judge(events, batch)), engine


@given(HISTORIES, st.integers(1, 8))
def test_how_a_file_is_cut_into_batches_changes_no_decision(tiny: Pack, events: list[Event], batch: int) -> None:
    cut, cut_engine = judged(tiny, events, batch)
    whole, whole_engine = judged(tiny, events)
    assert cut == whole
    assert cut_engine.accounts == whole_engine.accounts
    assert cut_engine.subjects == whole_engine.subjects
    assert cut_engine.bans == whole_engine.bans


@given(HISTORIES)
def test_a_violation_stands_before_what_it_leads_to(tiny: Pack, events: list[Event]) -> None:
    seen: set[str] = set()
    for decision in judged(tiny, events)[0]:
        if isinstance(decision, Violation):
            seen.add(decision.id)
        else:
            assert seen.issuperset(decision.violations)


@given(HISTORIES)
def test_the_ban_list_is_what_is_in_force(tiny: Pack, events: list[Event]) -> None:
    _, engine = judged(tiny, events)
    for subject, ban in engine.bans.items():
        assert ban.sanctions == engine.in_force(subject, millis(ban.time))


@given(HISTORIES, st.randoms(use_true_random=False))
def test_how_types_interleave_changes_nothing_in_force(tiny: Pack, events: list[Event], dice: Random) -> None:
    """Events of one type keep their order, as those of one partition do; types may overtake each other."""
    queues: dict[type, list[Event]] = {}
    for found in events:
        queues.setdefault(type(found), []).append(found)
    mixed: list[Event] = []
    while queues:
        kind = dice.choice(sorted(queues, key=str))
        mixed.append(queues[kind].pop(0))
        if not queues[kind]:
            del queues[kind]
    first, second = judged(tiny, events), judged(tiny, mixed)
    assert {found.id for found in first[0] if isinstance(found, Violation)} == {
        found.id for found in second[0] if isinstance(found, Violation)
    }
    late = millis(at(days=2))
    for subject in {*first[1].subjects, *second[1].subjects}:
        assert first[1].in_force(subject, late) == second[1].in_force(subject, late)


def test_an_event_judged_twice_breaks_the_rule_once(tiny: Pack) -> None:
    once, twice = judged(tiny, [post(TEXTS[1])]), judged(tiny, [post(TEXTS[1]), post(TEXTS[1])])
    assert once[1].subjects == twice[1].subjects
    assert {found.id for found in once[0]} == {found.id for found in twice[0]}
    assert sum(isinstance(found, Enforcement) for found in twice[0]) == 1


def test_two_events_with_one_id_in_a_batch_keep_their_own_violations(tiny: Pack) -> None:
    events: list[Event] = [post(TEXTS[1], id="x"), post("你好", id="x"), post(TEXTS[1], id="x", account="bob")]
    found = [decision.subject for decision in judged(tiny, events)[0] if isinstance(decision, Violation)]
    assert found == ["account:alice", "account:bob"]


def test_reports_are_kept_and_decide_nothing(tiny: Pack) -> None:
    decisions, engine = judged(tiny, [report(1, 0, "alice")])
    assert decisions == []
    assert list(engine.subjects) == ["account:alice"]


def test_nothing_judged_is_nothing_decided(tiny: Pack) -> None:
    assert judged(tiny, [])[0] == []


@pytest.mark.parametrize(
    ("parts", "identity"),
    [
        ((), "cae66941d9efbd404e4d88758ea67670"),
        (("post", "p1", "sharing.unlock", "account:alice"), "a18eb325ac741d2414ac26ba1c6c6952"),
        (("微信", "\ud800"), "91e01b6ad7ba1b99be8fca94b5b69cb3"),
    ],
)
def test_the_hash_behind_ids_never_changes(parts: tuple[str, ...], identity: str) -> None:
    assert content_id(*parts) == identity


def test_ids_of_parts_that_read_alike_together_differ() -> None:
    assert len({content_id("ab", "c"), content_id("a", "bc"), content_id("abc"), content_id("ab", "c", "")}) == 4


def test_the_ids_of_a_known_event_never_change(tiny: Pack) -> None:
    """Consumers drop repeats by these ids: a change of any of them is a change of the interface."""
    known = share("http://evil.cn/a", id="known", title="分享后查看答案", app="wx1", time=START)
    found = {(type(found).__name__, found.subject): found.id for found in judged(tiny, [known])[0]}
    assert found == {
        ("Violation", "account:alice"): "27b5a210a9eef6d7061f977cf2e3a626",
        ("Enforcement", "account:alice"): "1ce99843fa553d0eb357dac95617b308",
        ("Violation", "link:http://evil.cn/a"): "4d15792c798a2fa40107db2a1fac7878",
        ("Enforcement", "link:http://evil.cn/a"): "6357c07c60fa5b1a4852f88c0fbf757c",
        ("Violation", "domain:evil.cn"): "99d45dac699b7c0ea906a2babcc8c7ef",
        ("Enforcement", "domain:evil.cn"): "590a68736d79c3ebbe19c30259d8708f",
        ("Violation", "app:wx1"): "fb956bfc5f9510dd613467397411728b",
        ("Enforcement", "app:wx1"): "81205011ff70d0196723048effa74588",
    }


CROWDED = """
    pack: {name: p, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread], egregious: [ban_account]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first, for: 1d}, {apply: egregious}]}
    lexicons:
      words: {words: [红包]}
    signals:
      packet: {lexicon: words}
    rules:
      copies: {clause: links.1, when: packet, crowd: {same: text, distinct: account, at_least: 3, within: 2h}}
      burst: {clause: links.1, when: packet, crowd: {same: domain, distinct: account, at_least: 3, within: 2h}}
      pages:
        clause: links.1
        when: packet
        egregious_when: packet
        crowd: {same: page, distinct: domain, at_least: 3, within: 2h}
      ring: {clause: links.1, when: packet, charges: [account], ring: {within: 2h}}
    """
COPIED = [
    "红包雨下起来了，群里的朋友都来看看",
    "红包雨下起来了，群里的朋友都来瞧瞧",
    "这个红包和别的都不一样，上面画着一只猫",
]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("crowded")
    (folder / "pack.yaml").write_text(dedent(CROWDED))
    return load_pack(folder)


def crowd_event(number: int, kind: str, minutes: int, account: str, copy: int) -> Event:
    common: dict[str, Any] = {"id": f"{kind}{number}", "account": account, "time": at(minutes=minutes)}
    text = COPIED[copy]
    match kind:
        case "post":
            return post(text, **common)
        case "share":
            page = {"text": text}
            return share(f"http://{'abc'[number % 3]}.example/", title="红包", page=page, **common)
        case _:
            return mass_send("红包", promotes=["dan" if account == "alice" else "alice"], **common)


CROWDS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["post", "post", "share", "share", "mass_send"]),
        st.integers(0, 240),
        st.sampled_from(["alice", "bob", "carol", "dan"]),
        st.integers(0, 2),
    ),
    max_size=25,
    unique_by=lambda row: (row[0], row[1]),
).map(lambda rows: [crowd_event(*row) for row in rows])


@given(CROWDS, st.randoms(use_true_random=False))
def test_the_order_of_events_changes_no_crowd_and_nothing_in_force(
    crowded: Pack, events: list[Event], dice: Random
) -> None:
    mixed = list(events)
    dice.shuffle(mixed)
    first, second = judged(crowded, events, batch=3), judged(crowded, mixed)
    assert {found.id for found in first[0] if isinstance(found, Violation)} == {
        found.id for found in second[0] if isinstance(found, Violation)
    }
    late = millis(at(days=2))
    for subject in {*first[1].subjects, *second[1].subjects}:
        assert first[1].in_force(subject, late) == second[1].in_force(subject, late)


def test_one_page_under_three_domains_is_egregious_for_all_three(crowded: Pack) -> None:
    events = [
        share(f"http://{name}.example/{name}", id=name, account=name, title="红包", page={"text": COPIED[0]})
        for name in ("one", "two", "three")
    ]
    assert judged(crowded, events[:2])[0] == []
    bans = {found.subject for found in judged(crowded, events)[0] if isinstance(found, Enforcement) and found.permanent}
    assert {f"account:{name}" for name in ("one", "two", "three")} <= bans


def test_a_page_of_pictures_is_known_by_its_layout(crowded: Pack) -> None:
    tags = "".join(f'<div class="c{n % 7}"><img src="X"></div>' for n in range(30))

    def shares(html: str) -> list[Event]:
        return [
            share(f"http://{n}.example/", id=n, account=n, title="红包", page={"html": html.replace("X", f"{n}.png")})
            for n in ("one", "two", "three")
        ]

    rules = {found.rule for found in judged(crowded, shares(tags))[0] if isinstance(found, Violation)}
    assert rules == {"pages"}
    assert judged(crowded, shares(tags[:200]))[0] == []  # a few tags are no layout


def test_what_waits_for_a_crowd_is_forgotten_in_time(crowded: Pack) -> None:
    _, engine = judged(crowded, [crowd_event(0, "post", 0, "alice", 0)])
    assert engine.crowds
    list(engine.judge([post("今天", id="later", time=at(days=3))]))
    assert engine.crowds == {}


def test_what_a_crowd_is_charged_with_tells_the_reach_of_its_accounts(crowded: Pack) -> None:
    events: list[Event] = [
        share(f"http://{name}.example/", id=name, account=name, title="红包", page={"text": COPIED[0]}, followers=size)
        for size, name in enumerate(("one", "two", "three"), 1)
    ]
    found = [each for each in judged(crowded, events)[0] if isinstance(each, Violation)]
    reach = {each.subject: each.followers for each in found}
    assert {subject: size for subject, size in reach.items() if subject.startswith("account:")} == {
        "account:one": 1,
        "account:two": 2,
        "account:three": 3,
    }
    assert {size for subject, size in reach.items() if not subject.startswith("account:")} <= {0}


def test_a_protected_host_makes_no_crowd(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("protected")
    (folder / "pack.yaml").write_text(
        dedent(CROWDED.rstrip() + "\n    lists:\n      own: {hosts: [big.example], protected: true}\n")
    )

    def shared(host: str) -> list[Decision]:
        events: list[Event] = [
            share(f"http://{host}/{n}", id=n, account=n, title="红包", desc=n) for n in ("one", "two", "three")
        ]
        return judged(load_pack(folder), events)[0]

    assert shared("www.big.example") == []
    assert shared("www.small.example") != []
