"""`warden explain`: what the pack makes of one text, URL or event."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import warden

TINY = Path(__file__).parents[1] / "data" / "tiny"


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(warden, ["explain", "--pack", str(TINY), *arguments], input=given)


def explained(*arguments: str, given: str | None = None) -> dict[str, Any]:
    result = run("--json", *arguments, given=given)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_a_text_is_judged_as_a_post() -> None:
    found = explained("分 享後查看答案")

    assert found["type"] == "post"
    (text,) = found["texts"]
    assert (text["field"], text["text"], text["folded"]) == ("text", "分 享後查看答案", "分享后查看答案")
    assert [(c["start"], c["end"], c["original"], c["folded"]) for c in text["changes"]] == [
        (1, 2, " ", ""),
        (3, 4, "後", "后"),
    ]
    assert [(w["signal"], w["quote"], w["form"], w["weight"], w["start"], w["end"]) for w in found["words"]] == [
        ("unlock", "分 享後查看答案", "分享后查看答案", 1.0, 0, 8)
    ]
    assert [(s["name"], s["value"]) for s in found["signals"]] == [("unlock", 1.0)]
    (rule,) = found["rules"]
    assert (rule["name"], rule["clause"]) == ("sharing.unlock", "links.1")
    assert rule["title"] == {"zh": "诱导分享", "en": "induced sharing"}
    assert [(e["start"], e["end"], e["quote"]) for e in rule["evidence"]] == [(0, 8, "分 享後查看答案")]


def test_repeated_offences_climb_to_the_last_rung() -> None:
    (charge,) = explained("转发后解锁")["rules"][0]["charges"]

    hour = 3_600_000
    assert [(step["rung"], step["lasts_ms"]) for step in charge["steps"]] == [
        (1, 12 * hour),
        (2, 24 * hour),
        (3, 168 * hour),
        (4, None),
    ]
    assert charge["steps"][3]["actions"] == ["ban_account", "ban_share_api"]


def test_an_egregious_offence_goes_straight_to_the_last_rung() -> None:
    event = {"type": "mass_send", "text": "转发后解锁", "recipients": 200_000, "channel": "nearby"}

    found = explained("--event", json.dumps(event))

    assert found["rules"][0]["severity"] == "egregious"
    assert [step["rung"] for step in found["rules"][0]["charges"][0]["steps"]] == [4]
    assert ("nearby_bulk", True) in [(s["name"], s["needs_history"]) for s in found["signals"]]


def test_a_url_is_judged_as_a_share() -> None:
    found = explained("http://weixin-pay.example.com/x")

    assert found["type"] == "share"
    assert {charge["subject"] for charge in found["rules"][0]["charges"]} == {"account:someone", "domain:example.com"}


def test_standard_input_is_a_text_or_an_event() -> None:
    assert explained("-", given="互推换量\n")["rules"][0]["by_report"]
    assert explained("--event", "-", given='{"title": "互推换量"}')["texts"][0]["field"] == "title"


def test_a_rule_by_report_says_that_a_person_decides(tmp_path: Path) -> None:
    assert "[not enforced: opens a review for a person]" in run("互推换量").stdout

    waiting = "handling: by_report\n    reports: {reporters: 3, within: 7d}"
    pack = (TINY / "pack.yaml").read_text("utf-8").replace("handling: by_report", waiting)
    (tmp_path / "pack.yaml").write_text(pack, "utf-8")
    result = CliRunner().invoke(warden, ["explain", "--pack", str(tmp_path), "互推换量"])

    assert "[not enforced: opens a review for a person once 3 users have reported the subject]" in result.stdout


def test_people_see_the_evidence_and_the_climb() -> None:
    result = run("恭喜中奖 联系13800138000")

    assert "evidence  phone at text[7:18]: 13800138000" in result.stdout
    assert "charges  account:someone  ban_account for good" in result.stdout
    assert "no rule fires" in run("你好").stdout


def test_a_rule_that_does_not_fire_says_what_it_lacks() -> None:
    found = explained("免费红包 13800138000")

    assert found["rules"] == []
    (prize,) = [signal for signal in found["signals"] if signal["name"] == "prize"]
    assert (prize["value"], prize["reached"], prize["needs"]) == (0.0, 1.5, 2.0)
    assert [(word["quote"], word["weight"]) for word in found["words"]] == [("红包", 1.0), ("免费", 0.5)]
    (near,) = found["considered"]
    assert near["name"] == "fraud.prize"
    assert [(part["text"], part["holds"], part["values"]) for part in near["parts"]] == [
        ("prize", False, {"prize": 0.0}),
        ("phone", True, {"phone": 1.0}),
    ]
    assert not near["waits_for_others"]


def test_an_exception_is_a_part_like_any_other() -> None:
    event = {"type": "share", "url": "https://v.qq.com/x", "title": "转发后解锁"}

    found = explained("--event", json.dumps(event))

    (near,) = [rule for rule in found["considered"] if rule["name"] == "sharing.unlock"]
    assert [(part["text"], part["holds"]) for part in near["parts"]] == [("unlock", True), ("not own_host", False)]


def test_people_see_each_step() -> None:
    result = run("分 享後查看答案，免费红包")

    lines = result.stdout.splitlines()
    assert "  folded  分享后查看答案,免费红包" in lines[2]
    assert "' ' → '' at 1; '後' → '后' at 3" in lines[3]
    assert "word    +1 分 享後查看答案 as 分享后查看答案  unlock at text[0:8]" in result.stdout
    assert "signal  prize = 0 lexicon; its words add up to 1.5 of the 2 that it takes" in result.stdout
    assert "    ✓ unlock   unlock = 1" in result.stdout
    assert "near    fraud.prize" in result.stdout
    assert "    ✗ phone   phone = 0" in result.stdout


CROWDS = """
  sharing.copies:
    clause: links.1
    when: unlock
    crowd: {same: text, distinct: account, at_least: 3, within: 6h}
    hits: [{text: 转发后解锁今天的全部精彩内容, repeat: 3, accounts: 3}]
    passes: [转发后解锁]
"""


@pytest.fixture
def crowded(tmp_path: Path) -> str:
    """The small pack with one rule that several accounts break together."""
    folder = tmp_path / "crowded"
    folder.mkdir()
    (folder / "pack.yaml").write_text((TINY / "pack.yaml").read_text("utf-8").rstrip("\n") + CROWDS, "utf-8")
    return str(folder)


def test_people_see_what_a_crowd_takes_and_what_the_event_is_counted_under(crowded: str) -> None:
    result = CliRunner().invoke(warden, ["explain", "--pack", crowded, "转发后解锁 全部\u202e精彩内容"])

    lines = [line for line in result.stdout.splitlines() if line.startswith(("near", "  crowd", "  counted"))]
    assert lines[0].startswith("near    sharing.copies  links.1 诱导分享")
    assert lines[0].endswith("[holds; waits for others that do the same]")
    assert lines[1] == "  crowd  the same text from 3 or more of account within 6 h"
    assert lines[2].startswith("  counted  1 of 3 (account:someone) under the text 转发后解锁全部精彩内容  key ")
    assert lines[2].endswith(", and 4 groups of near copies")


def test_people_see_why_an_event_is_not_counted(crowded: str) -> None:
    result = CliRunner().invoke(warden, ["explain", "--pack", crowded, "转发后解锁"])

    assert "  counted  not at all: its text has fewer than 8 characters or words" in result.stdout.splitlines()


def test_every_rule_that_waits_for_others_is_shown(crowded: str) -> None:
    rules = Path(crowded, "pack.yaml")
    more = [CROWDS.replace("copies", f"copies{number}") for number in range(5)]
    rules.write_text(rules.read_text("utf-8") + "".join(one.lstrip("\n") for one in more), "utf-8")

    result = CliRunner().invoke(warden, ["explain", "--pack", crowded, "转发后解锁今天的全部精彩内容"])

    assert result.stdout.count("waits for others") == 6


def test_hostile_text_does_nothing_to_a_terminal() -> None:
    result = run("--event", json.dumps({"text": "转发后解锁\x1b[2J\u202e[red]\x07", "account": "a\u202eb"}))

    assert result.exit_code == 0
    assert "转发后解锁\\u001b[2J\\u202e[red]\\u0007" in result.stdout
    assert not {"\x1b", "\u202e", "\x07"} & set(result.stdout)
    assert "account:a\\u202eb" in result.stdout


def test_long_texts_are_cut_and_still_explained() -> None:
    result = run("-", given="好" * 5000 + "转发后解锁")

    assert "… (5,005 characters)" in result.stdout
    assert "evidence  unlock at text[5000:5005]" in result.stdout
    assert len(result.stdout) < 6000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a TEXT, a URL or -"),
        (("x", "--event", "{}"), "give a TEXT, a URL or -"),
        (("--event", "{"), "--event is no JSON"),
        (("--event", "[]"), "--event is no JSON object"),
        (("--event", '{"type": "report"}'), "no valid event: type 'report'"),
        (("--event", '{"text": 7}'), "no valid event: Expected `str`"),
    ],
)
def test_what_is_no_event_is_refused_with_code_2(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
