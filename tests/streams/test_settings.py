"""Settings: which source wins, and what a person is told about a wrong one."""

import os
from pathlib import Path

import pytest

from rules.packs import SHIPPED
from streams.settings import Settings, SettingsError, list_settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No WARDEN_ variables, and an empty current folder."""
    for name in list(os.environ):
        if name.startswith("WARDEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings == Settings()
    assert (settings.bootstrap, settings.app_id, settings.partitions) == ("localhost:9092", "streamwarden", 8)
    assert settings.pack == SHIPPED
    assert {setting.source for setting in list_settings(settings)} == {"default"}


def test_the_command_line_beats_a_variable_which_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("warden.toml").write_text("partitions = 3\nreplication = 3\nweb_port = 3\n")
    monkeypatch.setenv("WARDEN_REPLICATION", "2")
    monkeypatch.setenv("WARDEN_WEB_PORT", "2")

    settings = load_settings(web_port=1, app_id=None)

    assert (settings.partitions, settings.replication, settings.web_port) == (3, 2, 1)
    assert [settings.source_of(name) for name in ("partitions", "replication", "web_port", "app_id")] == [
        "warden.toml: partitions",
        "WARDEN_REPLICATION",
        "command line",
        "default",
    ]


def test_settings_themselves_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDEN_PARTITIONS", "3")

    assert Settings().partitions == 8


def test_a_named_file_replaces_the_one_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("warden.toml").write_text("partitions = 3\n")
    Path("other.toml").write_text("replication = 2\n")
    Path("third.toml").write_text("replication = 3\n")
    monkeypatch.setenv("WARDEN_CONFIG", "other.toml")

    assert (load_settings().partitions, load_settings().replication) == (8, 2)
    assert load_settings(Path("third.toml")).replication == 3


def test_folders_in_the_file_are_relative_to_the_file() -> None:
    Path("etc").mkdir()
    Path("etc/warden.toml").write_text('pack = "policy"\ndata_dir = "/var/state"\n')

    settings = load_settings(Path("etc/warden.toml"))

    assert settings.pack == Path("etc/policy")
    assert settings.data_dir == Path("/var/state")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDEN_PARTITIONS", "")

    assert load_settings().partitions == 8


def test_an_unknown_key_is_an_error_with_a_guess() -> None:
    Path("warden.toml").write_text("partitons = 3\n")

    with pytest.raises(SettingsError, match=r"warden.toml: unknown key 'partitons'\n +did you mean 'partitions'\?"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\npartitions = x\n", r"warden.toml: no TOML: .*line 2"),
        ("partitions = 0", r"warden.toml: partitions = 0: should be greater than or equal to 1\n .*Default: 8"),
        ('bootstrap = "kafka"', r"'kafka' is no address: write host:port"),
        ('store = "redis://"', r"should be 'memory://' or 'rocksdb://'"),
        ("min_insync_replicas = 2", r"min_insync_replicas \(2\) is larger than replication \(1\)"),
        ('topic_prefix = "a b"', r"warden.toml: topic_prefix = 'a b'"),
    ],
)
def test_a_wrong_value_in_the_file_says_where_why_and_what_to_do(text: str, message: str) -> None:
    Path("warden.toml").write_text(text)

    with pytest.raises(SettingsError, match=message) as raised:
        load_settings()

    assert "pydantic" not in str(raised.value)


def test_every_wrong_variable_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDEN_PARTITIONS", "many")
    monkeypatch.setenv("WARDEN_WEB_PORT", "70000")

    with pytest.raises(SettingsError) as raised:
        load_settings()

    assert "WARDEN_PARTITIONS = 'many'" in str(raised.value)
    assert "WARDEN_WEB_PORT = '70000'" in str(raised.value)


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"--config=nowhere.toml: there is no such file"):
        load_settings(Path("nowhere.toml"))


@pytest.mark.parametrize("address", ["a:1", "a:1,b-2.example:65535", "[::1]:9092", "10.0.0.1:9092"])
def test_addresses_are_host_and_port(address: str) -> None:
    assert Settings(bootstrap=address).bootstrap == address


def test_every_setting_has_a_variable_a_group_and_a_meaning() -> None:
    for setting in list_settings(Settings()):
        assert setting.variable == f"WARDEN_{setting.name.upper()}"
        assert setting.group
        assert setting.description


def test_a_variable_that_names_no_setting_is_found() -> None:
    found = unknown_variables({"WARDEN_BOOTSTRP": "a:1", "WARDEN_CONFIG": "x", "WARDEN_STORE": "y", "PATH": "z"})

    assert found == [("WARDEN_BOOTSTRP", "did you mean 'WARDEN_BOOTSTRAP'?")]
