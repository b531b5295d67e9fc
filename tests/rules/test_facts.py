"""Signals that are not words: each test of links, pages, patterns and fields, over real events."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from rules.events import Content
from rules.facts import matches_in
from rules.packs import load_pack
from rules.packs.read_signals import re_options
from rules.screen import Arrival, Screen
from tests.rules.making import mass_send, post, share

SIGNALS = {
    "links": "{link: any}",
    "short": "{link: shortener}",
    "ip": "{link: ip_literal}",
    "puny": "{link: punycode}",
    "alike": "{link: look_alike}",
    "foreign": "{link: foreign, list: own}",
    "own": "{link: host_in, list: own}",
    "page": "{page: any}",
    "asks": "{page: asks_for, any_of: [phone, password]}",
    "privacy": "{page: privacy_notice}",
    "article": "{page: wechat_layout}",
    "form": "{page: form}",
    "is_share": "{event: type, is: share}",
    "to_chat": "{event: scene, is: [chat]}",
    "nearby": "{event: channel, is: [nearby, drift_bottle]}",
    "many": "{event: recipients}",
    "promotes": "{event: promotes}",
    "copied": "{event: copied_from}",
    "app": "{event: app}",
    "digits": "{pattern: '[0-9]+'}",
    "title_digits": "{pattern: '[0-9]+', fields: [title]}",
    "wide": "{pattern: '[０-９]+', original: true}",
    "upper": "{pattern: '[A-Z]'}",
    "nothing": "{pattern: 'x*'}",
}


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    folder = tmp_path_factory.mktemp("facts")
    signals = "\n".join(f"  {name}: {body}" for name, body in SIGNALS.items())
    head = 'pack: {name: p, version: "1"}\nlists: {own: {hosts: [qq.com], brands: [weixin]}}\nsignals:\n'
    (folder / "pack.yaml").write_text(head + signals, "utf-8")
    return Screen(load_pack(folder))


def test_every_test_but_words_and_history_is_here(screen: Screen) -> None:
    assert set(screen.pack.signals) == set(SIGNALS)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (post("x"), {"links": 0, "page": 0, "form": 0, "app": 0, "many": 0}),
        (post("x", links=["http://a.cn/", "weixin://x", "b.cn"]), {"links": 2, "foreign": 2, "own": 0}),
        (post("x", links=["http://v.qq.com/", "http://t.cn/x"]), {"own": 1, "foreign": 1, "short": 1}),
        (post("x", links=["http://1.2.3.4/", "http://[::1]/"]), {"ip": 2, "puny": 0}),
        (post("x", links=["http://中国.cn/"]), {"puny": 1}),
        (post("x", links=["http://weixin-pay.evil.cn/", "http://qq.com/"]), {"alike": 1}),
        (share("http://a.cn/", page={"final_url": "http://t.cn/"}), {"links": 2, "short": 1}),
        (share("http://a.cn/"), {"page": 0, "privacy": 0, "form": 0}),
        (share(page={"text": "用户协议"}), {"page": 1, "privacy": 1, "form": 0}),
        (share(page={"html": "<input type=tel><input name=pwd><input name=address>"}), {"asks": 2, "form": 1}),
        (post("x", html="<form><input type=tel></form>"), {"page": 1, "asks": 1, "form": 1}),
        (
            share(page={"html": "<i id=js_name><i id=js_content><i class=rich_media_title>"}),
            {"article": 1, "asks": 0},
        ),
        (share(scene="chat", app="wx1"), {"is_share": 1, "to_chat": 1, "app": 1, "nearby": 0}),
        (share(scene="moments"), {"to_chat": 0, "app": 0}),
        (mass_send("x", channel="drift_bottle", recipients=7), {"nearby": 1, "many": 7, "is_share": 0}),
        (mass_send("x", promotes=["bob", "carol"], copied_from="dave"), {"promotes": 2, "copied": 1}),
        (mass_send("x", recipients=0), {"many": 0, "promotes": 0, "copied": 0, "to_chat": 0}),
        (post("１2 and 3", title="4"), {"digits": 3, "title_digits": 1, "wide": 1}),
        (post("ABC"), {"upper": 0}),  # patterns run on folded text
        (post("1," * 500), {"digits": 100}),  # at most a hundred matches are looked at
    ],
    ids=lambda part: repr(part)[:40],
)
def test_a_signal_has_the_value_that_its_test_says(screen: Screen, event: Content, expected: dict[str, float]) -> None:
    facts = screen.facts(event)
    assert {name: facts[name] for name in expected} == expected


def test_a_signal_that_nobody_defined_is_zero(screen: Screen) -> None:
    assert screen.facts(post("x"))["rules.unknown"] == 0


def test_a_pattern_cannot_be_stalled(screen: Screen) -> None:
    assert screen.facts(post("x" * 200_000))["nothing"] == 2  # the whole, and the empty rest


RULED = """
pack: {name: p, version: "1"}
clauses: {links.1: {title: {zh: 一, en: one}, first: [ban_account]}}
ladders: {all: {clauses: [links], window: 1d, grace: 1h, rungs: [{apply: first}]}}
lexicons: {words: {words: [红包]}}
lists: {own: {hosts: [qq.com]}}
signals:
  words: {lexicon: words}
  foreign: {link: foreign, list: own}
  asks: {page: asks_for, any_of: [phone, password]}
  form: {page: form}
  nearby: {event: channel, is: nearby}
  wide: {pattern: '[０-９]+', original: true}
  digits: {pattern: '[0-9]+'}
  empty: {pattern: 'x*'}
  often: {behaviour: count, of: mass_send, within: 1h}
rules:
  links: {clause: links.1, when: foreign}
  asks: {clause: links.1, when: asks and form}
  nearby: {clause: links.1, when: nearby and often}
  numbers: {clause: links.1, when: words and wide and digits and empty}
  upon: {clause: links.1, when: rules.links and words}
"""


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    folder = tmp_path_factory.mktemp("ruled")
    (folder / "pack.yaml").write_text(RULED, "utf-8")
    return Screen(load_pack(folder))


@pytest.mark.parametrize(
    ("rule", "event", "evidence"),
    [
        ("links", post("x", links=["http://a.cn/", "http://qq.com/", "b.cn"]), ["link: a.cn", "link: b.cn"]),
        ("asks", share(page={"html": "<input type=tel><input name=pwd>"}), ["page: password, phone", "page: form"]),
        ("nearby", mass_send("x", channel="nearby"), ["event.channel: nearby", "behaviour.count: 1"]),
        ("numbers", post("红 包 ５6"), ["text: 红 包", "text: ５6", "text: ５"]),
        ("upon", post("红包", links=["http://a.cn/"]), ["text: 红包", "link: a.cn"]),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_evidence_shows_what_each_signal_found(ruled: Screen, rule: str, event: Content, evidence: list[str]) -> None:
    arrival = Arrival(event, "feed", event.type, 0)
    found = [violation for violation in ruled.screen([arrival], lambda _: None).violations if violation.rule == rule]
    assert [f"{piece.field}: {piece.quote}" for piece in found[0].evidence if piece.quote] == evidence


@given(
    st.text("加微a1😀 ", max_size=12),
    st.sampled_from(["微", "[a-z0-9]+", "加?", "(?:加|微)*", "^a|1$", r"\b", "😀", "."]),
)
def test_matches_are_counted_in_characters(text: str, source: str) -> None:
    pattern = re2.compile(source, re_options())
    assert list(matches_in(pattern, text.encode())) == [match.span() for match in pattern.finditer(text)]
