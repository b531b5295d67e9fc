"""Workers as child processes: the settings they are given are all that they have of this process's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streams.embedded import end
from streams.settings import Settings, load_settings
from streams.worker_process import environment_of, start_worker


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without `warden.toml`."""
    monkeypatch.chdir(tmp_path)


def test_a_process_has_the_settings_given_and_none_of_this_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDEN_PARTITIONS", "5")
    monkeypatch.setenv("WARDEN_LEXICONS", "/somewhere")
    monkeypatch.setenv("KEPT", "yes")
    given = Settings(app_id="mine", partitions=3, commit_interval_s=0.5, data_dir=Path("x"))

    environment = environment_of(given)

    assert environment["KEPT"] == "yes"
    for name in [name for name in os.environ if name.startswith("WARDEN_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().model_dump() == given.model_dump()


def test_what_a_worker_says_is_added_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("before\n")

    process = start_worker(Settings(pack=tmp_path / "absent"), log)
    try:
        code = process.wait(60)
    finally:
        end(process, 5)

    assert code == 2
    before, *after = log.read_text().splitlines()
    assert before == "before"
    assert any("the pack cannot be used" in line for line in after)
