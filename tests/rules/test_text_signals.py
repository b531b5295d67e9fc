"""Signals that measure a text, arithmetic over them, and words in URLs."""

from __future__ import annotations

import pytest

from rules.events import Content
from rules.packs import load_pack
from rules.screen import Arrival, Screen
from tests.rules.conftest import WritePack
from tests.rules.making import mass_send, post, share

PACK = """
    pack: {name: p, version: "1"}
    clauses: {links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}}
    ladders: {all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}}
    lexicons:
      ads: {weighted: {红包: 2, 中奖: 1}}
      paths: {words: [casino]}
    signals:
      length: {text: length}
      title_length: {text: length, fields: [title]}
      lines: {text: lines}
      digits: {text: digits}
      latin: {text: latin}
      ad: {lexicon: ads}
      path: {lexicon: paths, fields: [link]}
      anywhere: {lexicon: paths}
      often: {behaviour: repeats, of: post, within: 1h}
    rules:
      dense: {clause: links.1, when: ad / sqrt(length) >= 0.5}
      loud: {clause: links.1, when: ad and digits > latin and lines >= 2}
      led: {clause: links.1, when: path}
      told: {clause: links.1, when: anywhere}
      again: {clause: links.1, when: often >= 1}
    """


@pytest.fixture
def screen(write_pack: WritePack) -> Screen:
    return Screen(load_pack(write_pack(pack=PACK)))


def fired(screen: Screen, *events: Content) -> list[str]:
    found = screen.screen([Arrival(event, "s", "s", at) for at, event in enumerate(events)], lambda _: None)
    return sorted({violation.rule for violation in found.violations})


@pytest.mark.parametrize(
    ("event", "values"),
    [
        (post("ＡＢ１２\n三.四"), {"length": 7, "lines": 2, "digits": 2, "latin": 2, "title_length": 0}),
        (post("", title="四个字呀"), {"length": 4, "lines": 1, "title_length": 4}),
        (post("ab", title="c\n\nd"), {"length": 6, "lines": 4, "latin": 4}),
        (share("https://a.example/12", title="x"), {"length": 1, "digits": 0}),
        (mass_send(""), {"length": 0, "lines": 0, "digits": 0}),
    ],
)
def test_a_text_is_measured_as_it_is_folded(screen: Screen, event: Content, values: dict[str, float]) -> None:
    facts = screen.facts(event)
    assert {name: facts[name] for name in values} == values


def test_a_ratio_of_signals_decides(screen: Screen) -> None:
    assert fired(screen, post("红包中奖" + "字" * 12)) == ["dense"]
    assert fired(screen, post("红包中奖" + "字" * 60)) == []
    assert fired(screen, post("红包 123\n4")) == ["dense", "loud"]


def test_urls_are_read_where_a_signal_names_them(screen: Screen) -> None:
    assert fired(screen, share("https://a.example/CASINO?x=1", title="你好")) == ["led"]
    assert fired(screen, post("看", links=["https://casino.example/"])) == ["led"]
    assert fired(screen, post("casino")) == ["told"]
    page = {"final_url": "https://b.example/casino"}
    assert fired(screen, share("https://a.example/", page=page)) == ["led"]


def test_the_same_text_with_another_link_is_a_repeat(screen: Screen) -> None:
    one = post("同样的一段文字", id="1", links=["https://a.example/1"])
    two = post("同样的一段文字", id="2", links=["https://a.example/2"])
    assert fired(screen, one, two) == ["again"]


def test_evidence_of_a_url_quotes_it(screen: Screen) -> None:
    event = share("https://a.example/Casino", title="你好")
    (violation, *_) = screen.screen([Arrival(event, "s", "s", 0)], lambda _: None).violations
    assert [(found.field, found.quote) for found in violation.evidence] == [("link", "Casino")]


def test_text_is_no_reason_to_look_at_an_event(write_pack: WritePack) -> None:
    from rules.packs import InvalidPackError

    with pytest.raises(InvalidPackError, match="could be true when nothing has fired"):
        load_pack(write_pack(pack=PACK, more="rules: {r: {clause: links.1, when: length > 5}}"))
