"""A batch of events in, violations out: who is charged, on what evidence, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import Evidence, Violation
from rules.events import Content
from rules.packs import SHIPPED, Pack, load_pack
from rules.screen import Arrival, Screen, Screened
from tests.rules.conftest import WritePack
from tests.rules.making import START, at, mass_send, post, share

UNLOCK = "分享后查看答案"
SHIPPED_SCREEN = Screen(load_pack(SHIPPED))


@pytest.fixture(scope="module")
def screen(tiny: Pack) -> Screen:
    return Screen(tiny)


def screened(screen: Screen, *events: Content, states: dict[str, bytes] | None = None, start: int = 0) -> Screened:
    arrivals = [Arrival(event, "feed", event.type, start + number) for number, event in enumerate(events)]
    return screen.screen(arrivals, (states or {}).get)


def fired(screen: Screen, *events: Content) -> list[tuple[str, str]]:
    """(event, rule) of the violations, once for each event."""
    found = screened(screen, *events).violations
    return [*dict.fromkeys((violation.event.id, violation.rule) for violation in found)]


def test_an_empty_batch_has_no_violations(screen: Screen) -> None:
    assert screened(screen) == Screened([], [], {})


def test_an_honest_event_is_left_alone(screen: Screen) -> None:
    assert fired(screen, post("今天天气很好"), share("https://news.example/"), mass_send("你好")) == []


def test_a_violation_says_what_rule_was_broken_by_which_event(screen: Screen) -> None:
    (found,) = screened(screen, post(f"快来，{UNLOCK}！")).violations
    assert (found.rule, found.clause, found.subject) == ("sharing.unlock", "links.1", "account:alice")
    assert (found.event.id, found.event.type, found.time) == ("p1", "post", START)
    assert (found.mode, found.severity, found.pack, found.holds_share_api) == ("enforce", "ordinary", "tiny@1", True)
    assert found.evidence == [Evidence("unlock", "text", UNLOCK, 3, 10)]


def test_evidence_quotes_what_the_author_wrote(screen: Screen) -> None:
    (found,) = screened(screen, post("x", title="分·享·後 查看★答案")).violations
    assert found.evidence == [Evidence("unlock", "title", "分·享·後 查看★答案", 0, 11)]


def test_a_pattern_is_quoted_where_it_stands_in_the_original(screen: Screen) -> None:
    (found,) = screened(screen, post("☆恭喜中奖☆ 联系１３８００１３８０００")).violations
    assert Evidence("phone", "text", "１３８００１３８０００", 9, 20) in found.evidence


def test_every_subject_that_the_rule_charges_is_charged(screen: Screen) -> None:
    event = share("http://evil.cn/a", title=UNLOCK, app="wx1", page={"ip": "5.6.7.8"})
    found = screened(screen, event).violations
    assert sorted(violation.subject for violation in found) == [
        "account:alice",
        "app:wx1",
        "domain:evil.cn",
        "ip:5.6.7.8",
        "link:http://evil.cn/a",
    ]
    assert len({violation.id for violation in found}) == len(found)
    assert not any(violation.holds_share_api for violation in found)


@pytest.mark.parametrize(
    ("event", "reach"),
    [
        (post(UNLOCK, followers=7, links=["http://a.cn/"]), (7, 0)),
        (share("http://a.cn/", title=UNLOCK, followers=7), (7, 0)),
        (mass_send(UNLOCK, followers=7, recipients=9, links=["http://a.cn/"]), (7, 9)),
        (mass_send(UNLOCK, recipients=9, links=["http://a.cn/"]), (0, 9)),
    ],
    ids=["post", "share", "mass send", "unknown"],
)
def test_the_reach_of_an_account_is_told_with_what_it_is_charged(
    screen: Screen, event: Content, reach: tuple[int, int]
) -> None:
    found = {each.subject: (each.followers, each.recipients) for each in screened(screen, event).violations}
    assert found == {"account:alice": reach, "link:http://a.cn/": (0, 0), "domain:a.cn": (0, 0)}


def test_a_protected_domain_is_charged_so_that_a_person_hears_of_it(screen: Screen) -> None:
    found = screened(screen, post("恭喜中奖 13800138000", links=["http://mp.weixin.qq.com/"])).violations
    assert {each.subject for each in found} == {"account:alice", "domain:qq.com"}


def test_a_clause_without_sanctions_for_links_charges_none(screen: Screen) -> None:
    found = screened(screen, post("互推换量", links=["http://a.cn/"])).violations
    assert [violation.subject for violation in found] == ["account:alice"]


@pytest.mark.parametrize(
    "event",
    [
        share(title=UNLOCK),
        share(desc=UNLOCK),
        share(page={"title": UNLOCK}),
        share(page={"text": UNLOCK}),
        share(page={"html": f"<title>{UNLOCK}</title>"}),
        share(page={"html": f"<p>分享后<b>查看</b>答案</p><p>{UNLOCK}"}),
        share(page={"html": f"<input type=submit value={UNLOCK}>"}),
        post(UNLOCK),
        post(title=UNLOCK),
        post(html=f"<p>{UNLOCK}"),
        mass_send(UNLOCK),
        mass_send(title=UNLOCK),
    ],
    ids=lambda event: repr(event)[:6],
)
def test_words_are_found_in_every_text_of_an_event(screen: Screen, event: Content) -> None:
    assert [rule for _, rule in fired(screen, event)] == ["sharing.unlock"]


def test_a_word_is_not_put_together_from_two_texts(screen: Screen) -> None:
    assert fired(screen, post("后查看答案", title="分享"), post("分享"), post("后查看答案", id="p2")) == []


def test_what_excuses_a_rule_keeps_it_from_firing(screen: Screen) -> None:
    assert fired(screen, share("https://v.qq.com/x", title=UNLOCK)) == []


def test_a_pattern_alone_does_not_fire_but_with_its_word_it_does(screen: Screen) -> None:
    assert fired(screen, post("联系13800138000")) == []
    assert fired(screen, post("恭喜中奖 联系13800138000")) == [("p1", "fraud.prize")]


def test_a_link_can_break_a_rule_by_itself(screen: Screen) -> None:
    assert fired(screen, share("http://weixin-pay.example.com/")) == [("s1", "fraud.look_alike")]


def test_circumstances_make_a_violation_egregious(screen: Screen) -> None:
    events = [mass_send(UNLOCK, id=str(number), recipients=number) for number in (99_999, 100_000)]
    severities = [(found.event.id, found.severity) for found in screened(screen, *events).violations]
    assert severities == [("99999", "ordinary"), ("100000", "egregious")]


def test_violations_come_in_order_of_arrival_and_know_their_place(screen: Screen) -> None:
    result = screened(screen, post(UNLOCK, id="a"), post("x", id="b"), share(title=UNLOCK, id="c"))
    assert result.arrivals == sorted(result.arrivals)
    assert {(at, found.event.id) for at, found in zip(result.arrivals, result.violations, strict=True)} == {
        (0, "a"),
        (2, "c"),
    }


KINDS_OF_CONTENT = st.sampled_from(["post", "share", "mass_send"])
SAID = st.sampled_from([UNLOCK, "今天天气不错，出去走走", "加微信 wx888666 领红包，先到先得，名额有限", "互推换量"])


@given(st.lists(st.tuples(KINDS_OF_CONTENT, SAID, st.sampled_from("ab")), max_size=30))
def test_a_batch_of_several_types_is_judged_as_its_events_one_by_one(events: list[tuple[str, str, str]]) -> None:
    made: list[Content] = []
    for number, (kind, text, account) in enumerate(events):
        known: dict[str, Any] = {"id": str(number), "account": account, "time": at(minutes=number)}
        if kind == "share":
            made.append(share(title=text, **known))
        else:
            made.append(post(text, **known) if kind == "post" else mass_send(text, channel="nearby", **known))
    whole = screened(SHIPPED_SCREEN, *made)
    states: dict[str, bytes] = {}
    violations, arrivals, sightings = [], [], []
    for number, event in enumerate(made):
        alone = screened(SHIPPED_SCREEN, event, states=states, start=number)
        states |= alone.states
        violations += alone.violations
        arrivals += [number] * len(alone.violations)
        sightings += [(number, sighting) for _, sighting in alone.sightings]
    assert (whole.violations, whole.arrivals) == (violations, arrivals)
    assert (whole.states, whole.sightings) == (states, sightings)


def nearby(number: int, account: str = "alice") -> Content:
    return mass_send("你好", id=f"m{number}", account=account, channel="nearby", time=at(minutes=number))


def test_behaviour_is_counted_within_a_batch(screen: Screen) -> None:
    assert fired(screen, *(nearby(number) for number in range(6))) == [
        ("m4", "accounts.nearby"),
        ("m5", "accounts.nearby"),
    ]


def test_behaviour_is_counted_over_batches_by_the_state(screen: Screen) -> None:
    states: dict[str, bytes] = {}
    for number in range(4):
        states |= screened(screen, nearby(number), states=states, start=number).states
    found = screened(screen, nearby(4), states=states, start=4).violations
    assert [violation.rule for violation in found] == ["accounts.nearby"]


def test_accounts_are_counted_apart(screen: Screen) -> None:
    events = [nearby(number, account) for number in range(4) for account in ("alice", "bob")]
    assert fired(screen, *events) == []


def test_an_event_at_a_position_that_was_counted_is_not_judged_again(screen: Screen) -> None:
    first = screened(screen, *(nearby(number) for number in range(5)))
    again = screened(screen, *(nearby(number) for number in range(5)), states=first.states)
    assert [violation.rule for violation in first.violations] == ["accounts.nearby"]
    assert again == Screened([], [], {})


def test_an_event_delivered_twice_at_two_positions_makes_one_id(screen: Screen) -> None:
    found = screened(screen, post(UNLOCK), post(UNLOCK)).violations
    assert len(found) == 2
    assert found[0] == found[1]


def rules_of(pack: Pack, **changes: object) -> Pack:
    return replace(pack, rules={name: replace(rule, **changes) for name, rule in pack.rules.items()})  # type: ignore[arg-type]


def test_a_rule_in_shadow_is_recorded_as_such(tiny: Pack) -> None:
    found = screened(Screen(rules_of(tiny, mode="shadow")), post(UNLOCK)).violations
    assert [violation.mode for violation in found] == ["shadow"]


def test_a_rule_that_is_off_does_not_fire(tiny: Pack) -> None:
    assert fired(Screen(rules_of(tiny, mode="off")), post(UNLOCK), share("http://weixin-pay.example.com/")) == []


def test_an_operators_words_count_and_its_stand_ins_do_not(write_pack: WritePack) -> None:
    folder = write_pack(
        pack="""
        pack: {name: p, version: "1"}
        clauses: {links.1: {title: {zh: 一, en: one}, first: [ban_account]}}
        ladders: {all: {clauses: [links], window: 1d, grace: 1h, rungs: [{apply: first}]}}
        lexicons: {secret: {operator: true, test_words: [虚构词]}}
        signals: {secret: {lexicon: secret}}
        rules: {r: {clause: links.1, when: secret}}
        """
    )
    pack = load_pack(folder, {"secret": ["真词"]})
    events = [post("虚构词", id="stand-in"), post("真词", id="real")]
    assert fired(Screen(pack), *events) == [("real", "r")]
    assert fired(Screen(pack, test_words=True), *events) == [("stand-in", "r")]
    assert fired(Screen(load_pack(folder)), *events) == []


@pytest.fixture(scope="module")
def composite(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    """Rules upon rules, with every way of referring to one."""
    folder = tmp_path_factory.mktemp("composite")
    (folder / "pack.yaml").write_text(
        """
        pack: {name: p, version: "1"}
        clauses: {links.1: {title: {zh: 一, en: one}, first: [ban_account]}}
        ladders: {all: {clauses: [links], window: 1d, grace: 1h, rungs: [{apply: first}]}}
        lexicons: {a: {words: [甲]}, b: {words: [乙]}, c: {words: [丙]}}
        signals: {a: {lexicon: a}, b: {lexicon: b}, c: {lexicon: c}, many: {event: recipients}}
        rules:
          both: {clause: links.1, when: rules.one and rules.two}
          one: {clause: links.1, when: a and not c}
          two: {clause: links.1, when: b or c}
          only_one: {clause: links.1, when: a and not rules.two}
          off: {clause: links.1, when: a, mode: "off"}
          upon_off: {clause: links.1, when: a and rules.off}
          huge: {clause: links.1, when: many >= 1000 and not a}
        """,
        "utf-8",
    )
    return Screen(load_pack(folder))


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("甲", {"one", "only_one"}),
        ("乙", {"two"}),
        ("丙", {"two"}),
        ("甲乙", {"one", "two", "both"}),
        ("甲丙", {"two"}),
        ("甲乙丙", {"two"}),
        ("丁", set()),
    ],
)
def test_rules_upon_rules_see_what_those_said(composite: Screen, text: str, rules: set[str]) -> None:
    assert {rule for _, rule in fired(composite, post(text))} == rules


@pytest.mark.parametrize(("recipients", "rules"), [(999, []), (1000, ["huge"])])
def test_a_number_of_the_event_can_trigger_a_rule(composite: Screen, recipients: int, rules: list[str]) -> None:
    assert [rule for _, rule in fired(composite, mass_send("丁", recipients=recipients))] == rules


def test_the_largest_number_of_recipients_is_judged(composite: Screen) -> None:
    found: list[Violation] = screened(composite, mass_send("丁", recipients=10**12)).violations
    assert found[0].evidence == [Evidence("many", "event.recipients", "1000000000000")]


def test_explaining_an_event_shows_all_its_signals(screen: Screen) -> None:
    facts = screen.facts(post(f"{UNLOCK} 中奖 13800138000", links=["http://qq.com/"]))
    assert {name: facts[name] for name in ("unlock", "prize", "phone", "own_host", "look_alike", "exchange")} == {
        "unlock": 1,
        "prize": 2,
        "phone": 1,
        "own_host": 1,
        "look_alike": 0,
        "exchange": 0,
    }


def test_events_of_one_stream_are_counted_in_their_order_whatever_makes_a_rule_look_at_them(tiny: Pack) -> None:
    # Given sends that are always counted (nearby) around one that only its words bring before a rule
    sends = [
        mass_send("互推换量", id="0", channel="followers"),
        *(mass_send("你好", id=str(number), channel="nearby") for number in range(1, 6)),
        mass_send("互推换量", id="6", channel="followers"),
    ]
    # When they are judged in one batch
    screened = Screen(tiny).screen([Arrival(event, "s", "s", at) for at, event in enumerate(sends)], lambda _: None)
    # Then none is taken for one that was judged before
    assert {(found.event.id, found.rule) for found in screened.violations} == {
        ("0", "accounts.exchange"),
        ("5", "accounts.nearby"),
        ("6", "accounts.exchange"),
    }
