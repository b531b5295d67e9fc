"""What one event is counted under for rules that several events decide together, with names in place of hashes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from rules.crowd_tracing import CrowdTrace
from rules.packs import Pack, load_pack
from streams.explaining import Explanation, event_from, explain

PACK = """
    pack: {name: p, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}
    lists:
      own: {hosts: [qq.com], protected: true}
    lexicons:
      words: {words: [红包]}
    signals:
      packet: {lexicon: words}
    rules:
      by_domain: {clause: links.1, when: packet, crowd: {same: domain, distinct: account, at_least: 3, within: 2h}}
      by_text: {clause: links.1, when: packet, crowd: {same: text, distinct: account, at_least: 20, within: 6h}}
      by_page: {clause: links.1, when: packet, crowd: {same: page, distinct: domain, at_least: 5, within: 1d}}
      by_account: {clause: links.1, when: packet, crowd: {same: account, distinct: domain, at_least: 3, within: 1d}}
      ring: {clause: links.1, when: packet, ring: {longest: 3, within: 7d}}
    """
OFFER = "发红包啦，本店新开业全场八折，欢迎街坊邻居来店里坐坐"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("crowds")
    (folder / "pack.yaml").write_text(dedent(PACK), "utf-8")
    return load_pack(folder)


def explained(pack: Pack, **fields: Any) -> Explanation:
    return explain(pack, event_from(fields))


def traced(pack: Pack, rule: str, **fields: Any) -> CrowdTrace:
    (crowd,) = [found.crowd for found in explained(pack, **fields).considered if found.name == rule]
    assert crowd is not None
    return crowd


def test_a_domain_is_what_accounts_have_in_common(pack: Pack) -> None:
    crowd = traced(pack, "by_domain", text="红包", links=["http://a.lucky.example/1", "http://b.other.example/"])

    assert (crowd.kind, crowd.same, crowd.distinct, crowd.at_least) == ("crowd", "domain", "account", 3)
    assert crowd.within_ms == 2 * 3_600_000
    assert crowd.needs == "the same domain from 3 or more of account within 2 h"
    assert [(one.under, one.value, one.members) for one in crowd.counted] == [
        ("domain", "domain:lucky.example", ["account:someone"]),
        ("domain", "domain:other.example", ["account:someone"]),
    ]
    assert crowd.uncounted is None


def test_near_copies_show_the_letters_that_are_compared_and_meet_in_the_same_groups(pack: Pack) -> None:
    first, second = (
        traced(pack, "by_text", text=f"{OFFER} 1380000{end}", account=f"a{end}").counted[0] for end in (1111, 2222)
    )

    assert first.value == second.value == "发红包啦本店新开业全场八折欢迎街坊邻居来店里坐坐"
    assert (first.under, first.members, second.members) == ("text", ["account:a1111"], ["account:a2222"])
    assert first.key == second.key
    assert first.groups == second.groups
    assert len(set(first.groups)) == 4


def test_a_page_without_text_goes_by_its_tags(pack: Pack) -> None:
    html = "".join(f'<div class="c{number}"><img src="x"></div>' for number in range(30))
    page = {"html": html}

    (one,) = traced(pack, "by_page", type="share", url="http://a.lucky.example/", title="红包", page=page).counted

    assert (one.under, one.value, one.members) == ("layout", "60 tags", ["domain:lucky.example"])


def test_a_ring_counts_who_promotes_whom(pack: Pack) -> None:
    event = {"type": "mass_send", "text": "红包", "account": "alice", "promotes": ["bob", "alice", "carol"]}

    crowd = traced(pack, "ring", **event)

    assert (crowd.kind, crowd.same, crowd.at_least, crowd.longest) == ("ring", None, 2, 3)
    assert [(one.under, one.value, one.members) for one in crowd.counted] == [
        ("pair", "alice promotes bob", ["account:alice"]),
        ("pair", "alice promotes carol", ["account:alice"]),
    ]


@pytest.mark.parametrize(
    ("rule", "fields", "reason"),
    [
        ("by_domain", {}, "it has no domain, leaving out protected hosts and link shorteners"),
        ("by_domain", {"links": ["https://v.qq.com/x"]}, "it has no domain, leaving out protected hosts"),
        ("by_text", {}, "its text has fewer than 8 characters or words"),
        (
            "by_page",
            {"links": ["http://a.example/"]},
            "its page has fewer than 8 characters or words, and fewer than 40",
        ),
        ("ring", {}, "it is no mass send that promotes another account"),
    ],
)
def test_an_event_that_cannot_be_counted_says_why(pack: Pack, rule: str, fields: dict[str, Any], reason: str) -> None:
    found = explained(pack, text="红包", **fields)

    (considered,) = [one for one in found.considered if one.name == rule]
    assert considered.crowd is not None
    assert considered.crowd.counted == []
    assert considered.crowd.uncounted is not None
    assert reason in considered.crowd.uncounted
    assert not considered.waits_for_others


def test_what_waits_for_others_is_no_violation(pack: Pack) -> None:
    found = explained(pack, text=OFFER)

    assert found.rules == []
    assert [rule.name for rule in found.considered if rule.waits_for_others] == ["by_text"]


def test_an_event_with_enough_domains_is_a_crowd_by_itself(pack: Pack) -> None:
    links = [f"http://{name}.example/" for name in ("one", "two", "three")]

    (fired,) = explained(pack, text="红包", links=links).rules

    assert fired.name == "by_account"
    assert fired.crowd is not None
    (one,) = fired.crowd.counted
    assert (one.value, len(one.members), fired.crowd.at_least) == ("account:someone", 3, 3)
    assert ("crowd", fired.crowd.needs) in [(found.signal, found.quote) for found in fired.evidence]


def test_a_rule_of_one_event_has_no_crowd() -> None:
    found = explained(load_pack(Path(__file__).parents[1] / "data" / "tiny"), text="转发后解锁 红包 13800138000")

    assert [rule.crowd for rule in found.rules] == [None]
    assert [rule.crowd for rule in found.considered] == [None]
