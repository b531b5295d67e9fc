"""`warden check`: a pack is valid and its cases hold, or every error has its place."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import warden

TINY = Path(__file__).parents[1] / "data" / "tiny"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(warden, ["check", *arguments])


def changed(folder: Path, old: str, new: str) -> str:
    """A copy of the tiny pack with one text replaced."""
    text = (TINY / "pack.yaml").read_text("utf-8")
    assert old in text
    (folder / "pack.yaml").write_text(text.replace(old, new), "utf-8")
    return str(folder)


def test_a_good_pack_is_counted() -> None:
    result = run(str(TINY))

    assert (result.exit_code, result.stdout) == (0, "tiny@1: ok; 4 clauses, 5 rules, 6 words, 15 cases\n")


def test_a_case_that_goes_wrong_is_shown_with_its_place(tmp_path: Path) -> None:
    result = run(changed(tmp_path, "passes: [欢迎分享,", "passes: [分享后查看答案,"))

    assert result.exit_code == 1
    assert "pack.yaml:54:14: sharing.unlock: must not hit but does: 分享后查看答案" in result.stdout
    assert "1 error" in result.stdout


def test_a_pack_that_cannot_be_loaded_is_explained(tmp_path: Path) -> None:
    result = run("--json", changed(tmp_path, "when: exchange\n", "when: exchnage\n"))

    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not report["ok"]
    (finding,) = report["findings"]
    assert finding["message"] == "unknown name 'exchnage'"
    assert finding["hint"] == "did you mean 'exchange'?"
    assert finding["line"] > 1


def test_a_rule_without_passes_is_an_error(tmp_path: Path) -> None:
    result = run(changed(tmp_path, "    passes: [推荐一个好号]\n", ""))

    assert result.exit_code == 1
    assert "accounts.exchange: has no hits or no passes" in result.stdout


def test_json_has_the_counts() -> None:
    report = json.loads(run("--json", str(TINY)).stdout)

    assert (report["ok"], report["rules"], report["cases"], report["findings"]) == (True, 5, 15, [])


def test_warnings_are_no_errors_unless_asked(tmp_path: Path) -> None:
    folder = changed(tmp_path, "signals:\n", "signals:\n  spare: {lexicon: prize}\n")

    result, strict = run(folder), run(folder, "--strict")

    assert result.exit_code == 0
    assert "pack.yaml:39:3: signal 'spare' is used by no rule" in result.stdout
    assert "tiny@1: ok; 4 clauses, 5 rules, 6 words, 15 cases, 1 warning" in result.stdout
    assert strict.exit_code == 1
    assert "tiny@1: not ok" in strict.stdout
    (warning,) = json.loads(run(folder, "--json").stdout)["warnings"]
    assert (warning["line"], warning["hint"]) == (39, "name it in a rule's condition, or remove it")


def known_good(folder: Path, *texts: str) -> str:
    path = folder / "good.txt"
    path.write_text("\n".join(texts), "utf-8")
    return str(path)


def test_a_hit_on_known_good_text_is_an_error(tmp_path: Path) -> None:
    good = known_good(tmp_path, "你好", "互推换量是什么意思\x1b[2J")

    result = run(str(TINY), "--known-good", good)

    assert result.exit_code == 1
    assert f"{good}:2: accounts.exchange (enforce) hits known-good text text:" in result.stdout
    assert "互推换量是什么意思\\u001b[2J" in result.stdout
    assert "tiny@1: not ok; " in result.stdout
    assert "2 known-good texts: 1 new hit, 0 accepted, 0 stale" in result.stdout
    assert run(str(TINY), "--known-good", known_good(tmp_path, "你好")).exit_code == 0


def test_an_accepted_hit_is_no_error_and_a_stale_entry_is_named(tmp_path: Path) -> None:
    good, accepted = known_good(tmp_path, "你好", "互推换量是什么意思"), tmp_path / "accepted.tsv"

    proposed = run(str(TINY), "--known-good", good, "--write-accepted", str(accepted))
    unexplained = run(str(TINY), "--known-good", good, "--accept", str(accepted))
    lines = accepted.read_text("utf-8").replace("\t\n", "\tit only asks\n")
    accepted.write_text(lines + "accounts.exchange\tgone\tlong ago\n", "utf-8")
    explained = run(str(TINY), "--known-good", good, "--accept", str(accepted))

    assert proposed.exit_code == 1
    assert unexplained.exit_code == 2
    assert "Write the reason after a third tab" in unexplained.stderr
    assert explained.exit_code == 0
    assert "accounts.exchange hits gone no more: remove the entry" in explained.stdout
    assert "0 new hits, 1 accepted, 1 stale" in explained.stdout


def test_json_has_the_gate(tmp_path: Path) -> None:
    good = known_good(tmp_path, "互推换量是什么意思")

    report = json.loads(run(str(TINY), "--known-good", good, "--json").stdout)

    assert not report["ok"]
    (hit,) = report["known_good"]["new"]
    assert (hit["rule"], hit["line"], hit["quotes"]) == ("accounts.exchange", 1, ["互推换量"])
    assert json.loads(run(str(TINY), "--json").stdout)["known_good"] is None


def test_what_the_gate_cannot_read_is_explained(tmp_path: Path) -> None:
    empty, bad = known_good(tmp_path, ""), tmp_path / "bad.jsonl"
    bad.write_text("{", "utf-8")

    assert "need --known-good" in run(str(TINY), "--accept", str(bad)).stderr
    assert "no known-good text in it" in run(str(TINY), "--known-good", empty).stderr
    assert "bad.jsonl:1: no labelled row and no event" in run(str(TINY), "--known-good", str(bad)).stderr
    assert run(str(TINY), "--known-good", str(bad)).exit_code == 2


def test_a_pass_that_breaks_another_rule_is_an_error(tmp_path: Path) -> None:
    folder = changed(tmp_path, "passes: [恭喜中奖, ", "passes: [恭喜中奖, 互推换量, ")

    result = run(folder)
    report = json.loads(run(folder, "--json").stdout)

    assert result.exit_code == 1
    assert "pack.yaml:59:20: fraud.prize: passes, but breaks accounts.exchange (accounts.2): 互推换量" in result.stdout
    assert "also: [accounts.exchange]" in result.stdout
    assert not report["ok"]
    (finding,) = report["findings"]
    assert (finding["line"], finding["rule"]) == (59, "fraud.prize")


def test_a_pass_may_say_that_it_breaks_another_rule(tmp_path: Path) -> None:
    named = "passes: [恭喜中奖, {text: 互推换量, also: [accounts.exchange]}, "
    stale = "passes: [恭喜中奖, {text: 换量, also: [accounts.exchange]}, "

    good = run(changed(tmp_path, "passes: [恭喜中奖, ", named))
    warned = run(changed(tmp_path, "passes: [恭喜中奖, ", stale))

    assert good.exit_code == 0
    assert "warning" not in good.stdout
    assert warned.exit_code == 0
    assert "`also` names what it does not break: accounts.exchange" in warned.stdout


def test_hits_that_break_other_clauses_are_listed_on_demand(tmp_path: Path) -> None:
    folder = changed(
        tmp_path, "hits: [恭喜中奖 联系13800138000]", "hits: [恭喜中奖 联系13800138000, 中奖 互推换量 13800138000]"
    )

    plain, listed = run(folder), run(folder, "--overlaps")

    assert (plain.exit_code, listed.exit_code) == (0, 0)
    assert "overlap" not in plain.stdout
    assert "fraud.prize: hits, and breaks accounts.exchange (accounts.2) as well: 中奖 互推换量" in listed.stdout
    assert len(json.loads(run(folder, "--json").stdout)["overlaps"]) == 1


def test_what_an_included_pack_lists_as_innocent_is_a_warning(tmp_path: Path) -> None:
    base, mine = tmp_path / "base", tmp_path / "mine"
    base.mkdir()
    mine.mkdir()
    (base / "pack.yaml").write_text((TINY / "pack.yaml").read_text("utf-8"), "utf-8")
    (mine / "pack.yaml").write_text(
        "pack: {name: mine, version: '1'}\ninclude: ../base\n"
        "lexicons: {greetings: {words: [欢迎分享]}}\nsignals: {greeting: {lexicon: greetings}}\n"
        "rules: {mine.greeting: {clause: accounts.2, when: greeting, hits: [欢迎分享], passes: [无]}}\n",
        "utf-8",
    )

    result = run(str(mine))

    assert result.exit_code == 0
    assert "sharing.unlock: passes, but breaks mine.greeting (accounts.2): 欢迎分享" in result.stdout
    assert result.stdout.startswith("warning: base/pack.yaml")
    assert run(str(mine), "--strict").exit_code == 1
