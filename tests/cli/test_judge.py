"""`warden judge`: lines in, decisions out, whatever the lines are."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules.engine import Engine
from rules.events import convert_event
from rules.packs import load_pack
from streams.cli import judge as judge_module
from streams.cli import warden
from streams.cli.judge import judged
from streams.codec import encode_line

TINY = Path(__file__).parents[1] / "data" / "tiny"
TEXTS = ["分享后查看答案", "你好", "恭喜中奖 联系13800138000", "互推换量"]


def event(number: int, **changes: object) -> dict[str, object]:
    return {
        "type": "post",
        "id": str(number),
        "account": f"a{number % 5}",
        "time": f"2026-01-01T{number // 60 % 24:02d}:{number % 60:02d}:00Z",
        "text": TEXTS[number % len(TEXTS)],
        **changes,
    }


def nearby(number: int) -> dict[str, object]:
    return event(number, type="mass_send", channel="nearby", recipients=1, account="near", text="你好")


def lines(*items: object) -> bytes:
    return b"".join(item + b"\n" if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in items)


def run(data: bytes, *arguments: str) -> Result:
    return CliRunner().invoke(warden, ["judge", "--pack", str(TINY), "-", *arguments], input=data)


def decisions(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_violation_stands_right_before_what_it_leads_to() -> None:
    found = decisions(run(lines(event(0), event(1), event(2))))

    assert [item["kind"] for item in found] == ["violation", "enforcement", "violation", "enforcement"]
    assert {"id", "event", "subject", "clause", "rule", "mode", "severity", "evidence", "time", "pack"} <= set(found[0])
    assert found[0]["event"] == {"id": "0", "type": "post"}
    assert found[1]["violations"] == [found[0]["id"]]


def test_decisions_are_those_of_the_engine() -> None:
    items = [event(n) for n in range(40)]
    fields = [{name: value for name, value in item.items() if name != "type"} for item in items]
    expected = [encode_line(d) for d in Engine(load_pack(TINY)).judge(convert_event("post", each) for each in fields)]

    assert run(lines(*items)).stdout_bytes == b"".join(expected)


def test_a_refused_line_becomes_a_dead_letter_in_its_place_and_stops_nothing() -> None:
    found = decisions(
        run(
            lines(
                event(0), b"\x00\xff", event(2), {"type": "psot"}, {"id": "x"}, b"", [1], event(3, account=7), event(6)
            )
        )
    )

    letters = [item for item in found if item["kind"] == "dead_letter"]
    assert [(item["position"], item["reason"]) for item in letters] == [
        (2, "undecodable"),
        (4, "unknown_type"),
        (5, "unknown_type"),
        (7, "invalid"),
        (8, "invalid"),
    ]
    assert [item["event"]["id"] if item["kind"] == "violation" else item["position"] for item in found if item["kind"] in {"violation", "dead_letter"}] == ["0", 2, "2", 4, 5, 7, 8, "6"]  # fmt: skip  # noqa: E501
    assert letters[0]["body"] == "\x00\\xff"
    assert letters[0]["source"] == "-"


def test_a_huge_line_becomes_a_dead_letter_with_a_bounded_body() -> None:
    found = decisions(run(lines(b"x" * 10_000_000, event(0))))

    assert (found[0]["reason"], len(found[0]["body"])) == ("oversize", 1000)
    assert found[1]["kind"] == "violation"


def test_reports_and_appeals_are_taken() -> None:
    report = {"type": "report", "id": "r", "subject": "account:a0", "reporter": "b", "category": "spam"}

    assert decisions(run(lines({**report, "time": "2026-01-01T00:00:00Z"}))) == []


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_cut_into_batches_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = lines(*(item for n in range(60) for item in (event(n), nearby(n), b"garbage" if n % 9 == 0 else b"")))

    def output() -> list[bytes]:
        return [encode_line(each) for each in judged(Engine(load_pack(TINY)), io.BytesIO(data), "f")]

    whole = output()
    monkeypatch.setattr(judge_module, "_BATCH_EVENTS", size)
    assert output() == whole
    monkeypatch.setattr(judge_module, "_BATCH_BYTES", 300)
    assert output() == whole
    assert any(b"accounts.nearby" in line for line in whole)


def test_a_broken_pack_stops_with_its_place_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("pack: {name: p, version: '1'}\nruels: {}\n")

    result = CliRunner().invoke(warden, ["judge", "--pack", str(tmp_path), "-"], input=b"")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "p.yaml:2:1: unknown key 'ruels'\n    did you mean 'rules'?" in result.stderr


def test_a_missing_file_is_code_2() -> None:
    result = CliRunner().invoke(warden, ["judge", "--pack", str(TINY), "/nowhere.jsonl"])

    assert (result.exit_code, result.stderr) == (2, "warden: /nowhere.jsonl: No such file or directory\n")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(*(event(n) for n in range(3000))))
    script = "from streams.cli import main; main()"
    command = [sys.executable, "-c", script, "judge", "--pack", str(TINY), str(path)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"kind":"violation"')
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
