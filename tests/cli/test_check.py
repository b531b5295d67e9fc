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
