"""Backtests: what two packs decide differently, and who stands differently in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from lab.backtest import Backtest, Standing, backtest, way_moved
from lab.backtest_report import markdown
from rules.events import Event
from rules.packs import Pack
from tests.lab.making import made_pack
from tests.rules.making import START, post

RENAMED = ("  spam.advert: {", "  spam.adverts: {")
SHADOWED = ("when: advert, hits", "when: advert, mode: shadow, hits")
ENFORCED = ("when: doubtful, mode: shadow", "when: doubtful")
STRICTER = (
    "  spam.advert: {clause: links.6, when: advert,",
    "  spam.advert: {clause: links.6, when: advert or insult,",
)


def posts(*texts: str, account: str = "alice", hours: float = 24) -> list[Event]:
    return [
        post(text, id=f"{account}{n}", account=account, time=START + timedelta(hours=hours * n))
        for n, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return made_pack(tmp_path_factory.mktemp("old"))


@pytest.fixture
def changed(tmp_path: Path) -> object:
    return lambda *changes: made_pack(tmp_path / "new", *changes)


def replayed(old: Pack, new: object, events: Sequence[Event], examples: int = 5) -> Backtest:
    return backtest(old, new, events, examples)  # type: ignore[arg-type]


def counts(result: Backtest, rule: str) -> dict[str, tuple[int, int, int]]:
    """Mode -> kept, vanished, appeared."""
    return {found.mode: (found.kept, found.vanished, found.appeared) for found in result.rules if found.rule == rule}


def test_a_pack_differs_in_nothing_from_itself(old: Pack) -> None:
    result = replayed(old, old, posts("特价促销", "侮辱词", "你好", "可疑词"))

    assert result.same
    assert counts(result, "spam.advert") == {"enforce": (1, 0, 0)}
    assert result.subjects["same"] == 1
    assert "The packs decide alike" in markdown(result, "events.jsonl")


def test_a_rule_put_in_shadow_is_seen_in_both_modes(old: Pack, changed: object) -> None:
    result = replayed(old, changed(SHADOWED), posts("特价促销", "特价促销"))  # type: ignore[operator]

    assert counts(result, "spam.advert") == {"enforce": (0, 2, 0), "shadow": (0, 0, 2)}
    assert {mode: (found.vanished, found.appeared) for mode, found in result.modes.items()} == {
        "enforce": (2, 0),
        "shadow": (0, 2),
    }
    assert result.sanctions["suspend_account"].vanished == 2
    assert result.subjects["freed"] == 1
    assert [(moved.subject, moved.after) for moved in result.moved] == [("account:alice", "none")]
    assert not result.same


def test_a_rule_that_is_enforced_sanctions_more(old: Pack, changed: object) -> None:
    events = posts("你好", "可疑词", account="bob") + posts("特价促销", "可疑词") + posts("侮辱词", account="carol")

    result = replayed(old, changed(ENFORCED), events)  # type: ignore[operator]

    ways = {moved.subject: (moved.way, moved.before, moved.after) for moved in result.moved}
    assert ways["account:bob"] == ("sanctioned", "none", "others rung 1: suspend_account")
    assert ways["account:alice"] == ("sanctioned", "none", "others rung 2: suspend_account")
    assert "account:carol" not in ways


def test_a_further_offence_makes_it_harsher(old: Pack, changed: object) -> None:
    result = replayed(old, changed(ENFORCED), posts("可疑词", "特价促销"))  # type: ignore[operator]

    (moved,) = result.moved
    assert (moved.way, moved.before, moved.after) == (
        "harsher",
        "others rung 1: suspend_account",
        "others rung 2: suspend_account",
    )
    back = backtest(changed(ENFORCED), old, posts("可疑词", "特价促销"))  # type: ignore[operator]
    assert back.subjects["milder"] == 1


def test_a_renamed_rule_vanishes_and_appears_but_moves_nobody(old: Pack, changed: object) -> None:
    result = replayed(old, changed(RENAMED), posts("特价促销"))  # type: ignore[operator]

    assert (counts(result, "spam.advert"), counts(result, "spam.adverts")) == (
        {"enforce": (0, 1, 0)},
        {"enforce": (0, 0, 1)},
    )
    assert (result.clauses["links.6"].vanished, result.clauses["links.6"].appeared) == (1, 1)
    assert result.sanctions["suspend_account"].changed == 0
    assert (result.subjects["same"], result.moved) == (1, [])


def test_examples_are_bounded_and_counts_are_not(old: Pack, changed: object) -> None:
    events = [event for n in range(1200) for event in posts("侮辱词", account=f"a{n}")]

    result = replayed(old, changed(STRICTER), events, examples=3)  # type: ignore[operator]

    assert counts(result, "spam.advert") == {"enforce": (0, 0, 1200)}
    assert counts(result, "insult") == {"enforce": (1200, 0, 0)}
    assert [example.event for example in result.appeared["spam.advert"]] == ["post a00", "post a10", "post a20"]
    assert result.events == {"post": 1200}


def test_the_same_event_twice_is_counted_twice(old: Pack, changed: object) -> None:
    result = replayed(old, changed(SHADOWED), posts("特价促销") * 2)  # type: ignore[operator]

    assert counts(result, "spam.advert")["enforce"] == (0, 2, 0)


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ([], [], "same"),
        ([], [("a", 1, "x")], "sanctioned"),
        ([("a", 1, "x")], [], "freed"),
        ([("a", 1, "x")], [("a", 2, "x")], "harsher"),
        ([("a", 1, "x")], [("a", 1, "x+")], "harsher"),
        ([("a", 1, "x")], [("a", 1, "x"), ("b", 1, "x")], "harsher"),
        ([("a", 2, "x")], [("a", 1, "x")], "milder"),
        ([("a", 2, "x"), ("b", 1, "x")], [("a", 2, "x")], "milder"),
        ([("a", 1, "x")], [("b", 1, "x")], "otherwise"),
        ([("a", 1, "x")], [("a", 1, "y")], "otherwise"),
        ([("a", 2, "x"), ("b", 1, "x")], [("a", 1, "x"), ("b", 2, "x")], "otherwise"),
    ],
)
def test_the_ways_to_move(before: list[tuple[str, int, str]], after: list[tuple[str, int, str]], way: str) -> None:
    def standings(held: list[tuple[str, int, str]]) -> list[Standing]:
        return [Standing(ladder, rung, (action,)) for ladder, rung, action in held]

    assert way_moved(standings(before), standings(after)) == way


def test_hostile_text_cannot_leave_its_place_in_the_report(old: Pack, changed: object) -> None:
    hostile = "特价促销 ``` <script>alert(1)</script> | [x](http://evil.example) \n# 标题\n\x1b[2J\u202e @everyone"
    events = [post(hostile, id="<b>|`x`", account="eve`|<i>")]

    report = markdown(replayed(old, changed(SHADOWED), events), "events`|.jsonl")  # type: ignore[operator]

    assert "<script>" in report
    for line in report.splitlines():
        outside = without_code(line)
        assert "<" not in outside
        assert "evil.example" not in outside
        assert "@everyone" not in outside
        assert "标题" not in outside
        if "evil" in line or "eve" in line:
            assert not line.startswith(("|", "#"))
    assert "\x1b" not in report
    assert "\u202e" not in report
    assert "## Violations that vanish" in report


def without_code(line: str) -> str:
    """The line without its code spans, by CommonMark: a run of backticks to the next run of the same length."""
    out, at = "", 0
    while at < len(line):
        if line[at] != "`":
            out, at = out + line[at], at + 1
            continue
        run = len(line[at:]) - len(line[at:].lstrip("`"))
        close = at + run
        while close < len(line):
            if line[close] == "`":
                length = len(line[close:]) - len(line[close:].lstrip("`"))
                if length == run:
                    break
                close += length
            else:
                close += 1
        assert close < len(line), "a code span that does not end"
        at = close + run
    return out
