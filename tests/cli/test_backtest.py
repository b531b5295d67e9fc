"""`warden backtest`: two packs over a file of events."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import warden
from tests.lab.making import made_pack


def event(number: int, text: str, account: str = "alice") -> dict[str, object]:
    time = f"2026-01-0{1 + number // 24}T{number % 24:02d}:00:00Z"
    return {"type": "post", "id": str(number), "account": account, "time": time, "text": text}


EVENTS = [event(0, "特价促销"), event(1, "可疑词", "bob"), event(2, "你好")]


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Folders of an old pack and a new one, which enforces what the old one only watched."""
    old, new = tmp_path_factory.mktemp("old"), tmp_path_factory.mktemp("new")
    made_pack(old)
    made_pack(new, ("when: doubtful, mode: shadow", "when: doubtful"))
    return str(old), str(new)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in EVENTS), "utf-8")
    return path


def run(packs: tuple[str, str], *arguments: object, given: bytes | None = None) -> Result:
    old, new = packs
    return CliRunner().invoke(warden, ["backtest", *map(str, arguments), "--pack", new, "--against", old], input=given)


def test_json_says_what_differs(packs: tuple[str, str], events: Path) -> None:
    result = run(packs, events, "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 0
    rules = {(rule["rule"], rule["mode"]): (rule["kept"], rule["vanished"], rule["appeared"])
             for rule in found["result"]["rules"]}  # fmt: skip
    assert rules == {
        ("spam.advert", "enforce"): (1, 0, 0),
        ("doubtful", "enforce"): (0, 0, 1),
        ("doubtful", "shadow"): (0, 1, 0),
    }
    assert found["result"]["subjects"]["sanctioned"] == 1
    assert found["result"]["moved"][0]["subject"] == "account:bob"
    assert found["refused"] == {}


def test_people_see_who_moves_and_why(packs: tuple[str, str], events: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"

    result = run(packs, events, "--report", report)

    assert result.exit_code == 0, result.stderr
    assert "3 events: made@1 (old) against made@1 (new)" in result.stdout
    assert "account:bob" in result.stdout
    assert "violations that appear" in result.stdout
    assert "account:bob" in report.read_text("utf-8")
    assert "# Backtest" in report.read_text("utf-8")


def test_packs_that_decide_alike_are_said_to(packs: tuple[str, str], events: Path) -> None:
    result = run((packs[0], packs[0]), events)

    assert "the packs decide alike on every event" in result.stdout


def test_events_may_be_gzipped_or_piped(packs: tuple[str, str], events: Path, tmp_path: Path) -> None:
    packed = tmp_path / "events.jsonl.gz"
    packed.write_bytes(gzip.compress(events.read_bytes()))
    plain = run(packs, events, "--json").stdout

    assert run(packs, packed, "--json").stdout == plain
    assert run(packs, "-", "--json", given=events.read_bytes()).stdout == plain


def test_lines_that_are_no_event_are_left_out_and_counted(packs: tuple[str, str], events: Path) -> None:
    with events.open("a") as more:
        more.write('{"type": "poem"}\n{\n{"type": "post"}\n')

    result = run(packs, events, "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["refused"] == {"unknown_type": 1, "undecodable": 1, "invalid": 1}
    assert "left out 3 lines that are no valid event" in result.stderr


def test_the_shipped_pack_has_a_name(packs: tuple[str, str], events: Path) -> None:
    found = json.loads(run(("shipped", "shipped"), events, "--json").stdout)

    assert found["result"]["before"].startswith("wechat@")
    assert found["result"]["subjects"]["sanctioned"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{events}.none",), "No such file"),
        (("{events}", "--report", "/none/such/report.md"), "No such file"),
        (("{events}", "--examples", "-1"), "-1 is not in the range"),
    ],
)
def test_what_cannot_be_read_is_explained(
    packs: tuple[str, str], events: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(packs, *(argument.replace("{events}", str(events)) for argument in arguments))

    assert result.exit_code in {1, 2}
    assert message in result.stderr


def test_a_pack_that_cannot_be_used_is_named(packs: tuple[str, str], events: Path, tmp_path: Path) -> None:
    result = run((packs[0], str(tmp_path / "none")), events)

    assert result.exit_code == 2
    assert f"the pack {tmp_path / 'none'} cannot be used" in result.stderr
