"""`warden clauses`, `warden settings`, `warden topics list`, and the program's own help."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from rules.packs.schema import PATH
from streams.cli import COMMANDS, warden
from streams.topics import TopicNames

TINY = str(Path(__file__).parents[1] / "data" / "tiny")


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(warden, arguments, env=environment)


def test_each_clause_has_its_rules_sanctions_and_cases() -> None:
    rows = json.loads(run("clauses", "--json", "--pack", TINY).stdout)

    assert [row["clause"] for row in rows] == ["links.1", "links.4", "accounts.2", "accounts.3"]
    assert rows[0]["rules"] == [{"name": "sharing.unlock", "mode": "enforce", "hits": 2, "passes": 2}]
    assert rows[0]["rungs"] == ["first 12h", "first 1d", "first 7d", "egregious"]
    assert (rows[1]["first"], rows[1]["cases"]) == (["ban_account", "ban_domain", "ban_ip"], 5)
    assert rows[2]["handling"] == "by_report"


def test_the_table_of_clauses_names_rules_and_titles() -> None:
    shown = run("clauses", "--pack", TINY).stdout

    assert all(word in shown for word in ("诱导分享", "induced sharing", "sharing.unlock", "accounts (by review)"))


def test_settings_are_listed_with_their_source() -> None:
    listed = json.loads(run("settings", "--json", WARDEN_PARTITIONS="3").stdout)

    (partitions,) = [each for each in listed if each["name"] == "partitions"]
    assert (partitions["value"], partitions["default"], partitions["source"]) == ("3", "8", "WARDEN_PARTITIONS")
    assert "WARDEN_PARTITIONS" in run("settings").stdout


def test_a_variable_that_names_no_setting_is_reported() -> None:
    result = run("settings", WARDEN_PARTITON="3")

    assert result.exit_code == 0
    assert "WARDEN_PARTITON is set and names no setting; did you mean 'WARDEN_PARTITIONS'?" in result.stderr


def test_wrong_settings_are_code_2_without_a_traceback() -> None:
    result = run("settings", WARDEN_PARTITIONS="none")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("warden: the settings are wrong\nWARDEN_PARTITIONS = 'none': ")


def test_a_configuration_file_is_named_before_the_command(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text("partitions = 5\n")

    listed = json.loads(run("--config", str(tmp_path / "w.toml"), "topics", "list", "--json").stdout)

    assert [spec["role"] for spec in listed] == list(TopicNames._fields)
    assert {spec["partitions"] for spec in listed if spec["role"] not in {"controls", "packs"}} == {5}
    assert {spec["role"] for spec in listed if spec["cleanup"] == "compact"} == {"bans", "operator_words", "packs"}


def test_schemas_are_written_where_asked(tmp_path: Path) -> None:
    result = run("schemas", "write", str(tmp_path))

    assert result.exit_code == 0
    assert sorted(map(str, tmp_path.glob("*.json"))) == sorted(result.stdout.splitlines())
    assert (tmp_path / PATH.name).read_bytes() == PATH.read_bytes()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = warden.get_command(click.Context(warden), name)
    assert command is not None

    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    for each in commands:
        assert f"warden {name}" in f"{each.help}{each.epilog}", each.name


def test_help_imports_no_command() -> None:
    script = "import sys, streams.cli; streams.cli.warden(['--help'], standalone_mode=False); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "Commands:" in loaded
    assert not {"numpy", "faust", "aiokafka", "rich", "pydantic", "rules.packs"} & set(loaded.split())


def test_an_unknown_command_is_guessed() -> None:
    result = run("jugde")

    assert result.exit_code == 2
    assert "did you mean 'judge'?" in result.stderr.lower()


def test_an_unreachable_broker_is_code_1_and_says_what_to_do() -> None:
    for arguments in (["topics", "create"], ["topics", "verify"], ["bans"], ["feed", "-"]):
        result = run(*arguments, WARDEN_BOOTSTRAP="127.0.0.1:1")

        assert result.exit_code == 1
        assert result.stdout == ""
        assert "no answer from Kafka at 127.0.0.1:1" in result.stderr
