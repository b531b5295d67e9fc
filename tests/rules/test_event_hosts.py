"""The hosts of an event: where each was found, which signals it counts for, and how it is quoted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rules.decisions import Evidence
from rules.event_hosts import linked_hosts, urls_of, written_hosts
from rules.events import Content
from rules.packs import InvalidPackError, Pack, load_pack
from rules.scoring import Segments
from rules.screen import Arrival, Screen
from tests.rules.conftest import WritePack
from tests.rules.making import mass_send, post, share

PACK = """
    pack: {name: hosts, version: "1", description: signals over hosts}
    clauses:
      c.1: {title: {zh: 一, en: one}, text: t, first: [stop_spread], egregious: [ban_account]}
    ladders:
      all: {clauses: [c], window: 1d, grace: 1h, rungs: [{apply: first, for: 1h}, {apply: egregious}]}
    lists:
      ours: {hosts: [ours.example], brands: [oursite]}
      bad: {hosts: [bad.cn]}
    signals:
      look_alike: {link: look_alike}
      shortener: {link: shortener}
      foreign: {link: foreign, list: ours}
      foreign_anywhere: {link: foreign, list: ours, of: all}
      listed: {link: host_in, list: bad}
      listed_on_the_way: {link: host_in, list: bad, of: links}
      listed_anywhere: {link: host_in, list: bad, of: all}
    rules:
"""
RULES = "".join(
    f"      {name}: {{clause: c.1, when: {name}, charges: [account], hits: [], passes: []}}\n"
    for name in (
        "look_alike",
        "shortener",
        "foreign",
        "foreign_anywhere",
        "listed",
        "listed_on_the_way",
        "listed_anywhere",
    )
)


LISTED = {"listed", "listed_on_the_way", "listed_anywhere"}


@dataclass
class Case:
    """An event, and the rules that fire for it."""

    event: Content
    fired: set[str]


@pytest.fixture
def screen(write_pack: WritePack) -> Screen:
    return Screen(load_pack(write_pack(pack=PACK + RULES)))


def evidence(screen: Screen, event: Content) -> dict[str, list[Evidence]]:
    found = screen.screen([Arrival(event, "feed", event.type, 0)], lambda _: None)
    return {violation.rule: violation.evidence for violation in found.violations}


def test_the_urls_of_a_share_are_its_link_the_redirects_and_where_they_ended() -> None:
    page = {"redirects": ["http://b.cn/", "http://c.cn/"], "final_url": "http://d.cn/"}
    event = share("http://a.cn/", page=page)
    assert urls_of(event) == ["http://a.cn/", "http://b.cn/", "http://c.cn/", "http://d.cn/"]
    assert [(m.name, m.origin) for m in linked_hosts(event)] == [
        ("a.cn", "link"),
        ("b.cn", "link"),
        ("c.cn", "link"),
        ("d.cn", "page"),
    ]


def test_without_redirects_the_shared_link_serves_the_page() -> None:
    assert [m.origin for m in linked_hosts(share("http://a.cn/"))] == ["page"]
    assert [m.origin for m in linked_hosts(share("http://a.cn/", page={"final_url": "http://a.cn/"}))] == ["page"]
    assert [m.origin for m in linked_hosts(post(links=["http://a.cn/", "b.cn"]))] == ["page", "page"]


def test_a_url_in_a_query_is_inside() -> None:
    found = list(linked_hosts(share("https://a.cn/jump?to=https%3A%2F%2Fb.cn%2F")))
    assert [(m.name, m.origin) for m in found] == [("a.cn", "page"), ("b.cn", "inside")]


def test_hosts_are_read_in_what_the_author_wrote_and_not_on_the_page() -> None:
    segments = Segments()
    for field, text in ((0, "标题a.cn"), (1, "正文b.cn"), (2, "c.cn"), (5, "d.cn"), (7, "e.cn")):
        segments.begin()
        segments.add(field, text)
    found = written_hosts(segments)
    assert {event: [(m.name, m.segment, m.start, m.end) for m in mentions] for event, mentions in found.items()} == {
        0: [("a.cn", 0, 2, 6)],
        1: [("b.cn", 1, 2, 6)],
        2: [("c.cn", 2, 0, 4)],
    }


@pytest.mark.parametrize(
    "case",
    [
        Case(post("今天天气很好。我们去公园吧，3.5元一位"), set()),
        Case(post("看看ours.example/a"), set()),
        Case(post("请登录oursite-login.cn"), {"look_alike", "foreign_anywhere"}),
        Case(mass_send("请登录oursite-login。cn"), {"look_alike", "foreign_anywhere"}),
        Case(post("戳 t.cn/abc"), {"shortener", "foreign_anywhere"}),
        Case(post("戳bad点cn"), {"listed_anywhere", "foreign_anywhere"}),
        Case(post("戳", links=["http://bad.cn/"]), {*LISTED, "foreign", "foreign_anywhere"}),
        Case(share("http://ours.example/?u=http://bad.cn/"), {"listed_anywhere", "foreign_anywhere"}),
        Case(share("http://t.cn/a", page={"final_url": "http://ours.example/"}), {"shortener", "foreign_anywhere"}),
        Case(
            share("http://ours.example/", page={"redirects": ["http://bad.cn/"], "final_url": "http://x.cn/"}),
            {"listed_on_the_way", "listed_anywhere", "foreign", "foreign_anywhere"},
        ),
        Case(share("http://ours.example/", page={"text": "oursite-login.cn", "html": "<p>bad.cn</p>"}), set()),
        Case(share("http://ours.example/", title="t.cn/a"), {"shortener", "foreign_anywhere"}),
    ],
)
def test_a_signal_is_about_the_hosts_of_its_scope(screen: Screen, case: Case) -> None:
    assert evidence(screen, case.event).keys() == case.fired


def test_a_host_in_a_text_is_quoted_where_it_stands(screen: Screen) -> None:
    found = evidence(screen, post("安全提醒：请登录oursite-login 點 cn核实", title="通知"))
    assert found["look_alike"] == [Evidence("look_alike", "text", "oursite-login 點 cn", 8, 26)]


def test_a_host_that_is_linked_and_written_counts_once(screen: Screen) -> None:
    found = evidence(screen, post("戳 http://t.cn/abc", links=["http://t.cn/abc"]))
    assert found["shortener"] == [Evidence("shortener", "link", "t.cn", 0, 0)]


def test_explaining_an_event_sees_the_hosts_in_its_text(screen: Screen) -> None:
    facts = screen.facts(post("戳 t.cn/abc 或 is.gd/x"))
    assert (facts["shortener"], facts["look_alike"]) == (2.0, 0.0)


def test_a_batch_keeps_its_events_apart(screen: Screen) -> None:
    events = [post("好"), post("戳 t.cn/abc", id="p2"), post("oursite-login.cn", id="p3"), post("好", id="p4")]
    found = screen.screen([Arrival(event, "feed", "post", at) for at, event in enumerate(events)], lambda _: None)
    fired = {(violation.event.id, violation.rule) for violation in found.violations}
    assert fired == {("p2", "shortener"), ("p2", "foreign_anywhere"), ("p3", "look_alike"), ("p3", "foreign_anywhere")}


def test_the_tiny_pack_needs_no_hosts(tiny: Pack) -> None:
    assert evidence(Screen(tiny), post("t.cn")) == {}


def test_an_unknown_scope_is_refused_with_the_known_ones(write_pack: WritePack) -> None:
    pack = PACK.replace("{link: shortener}", "{link: shortener, of: pages}") + RULES
    with pytest.raises(InvalidPackError) as caught:
        load_pack(write_pack(pack=pack))
    assert "pages" in str(caught.value)
    assert "page" in str(caught.value).replace("pages", "")
