"""The table of sizes in docs/operations.md: worked out from what was measured, and current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import sizing
from streams.settings import Settings

BY = sizing.Measured(
    date="2026-01-01",
    rate=10_000,
    cpu_us=100,
    event_bytes=250,
    peak_mb=300,
    empty_s=5,
    subjects=1_000_000,
    recovery_s=25,
    memory_bytes=400,
    disk_bytes=150,
)


def test_the_table_of_the_document_is_current(tmp_path: Path) -> None:
    page = tmp_path / "operations.md"
    page.write_text(sizing.PAGE.read_text("utf-8"), "utf-8")

    assert not sizing.write(page=page), "docs/operations.md is stale: run `python -m benchmarks.sizing --write`"


def test_new_figures_make_another_table(tmp_path: Path) -> None:
    results = json.loads(sizing.RESULTS.read_bytes())
    results["contenders"]["streamwarden"]["per_second"] *= 2
    (tmp_path / "results.json").write_text(json.dumps(results))
    page = tmp_path / "operations.md"
    page.write_text(f"before\n{sizing.BEGIN}stale\n{sizing.END}after\n", "utf-8")

    assert sizing.write(tmp_path / "results.json", page)
    assert "stale" not in page.read_text("utf-8")
    assert page.read_text("utf-8").startswith(f"before\n{sizing.BEGIN}")
    assert page.read_text("utf-8").endswith(f"{sizing.END}after\n")
    assert page.read_text("utf-8") != sizing.section(sizing.measured(sizing.RESULTS))


def test_a_page_without_marks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing here\n")

    with pytest.raises(ValueError, match="sizing"):
        sizing.write(page=tmp_path / "page.md")


def test_a_load_is_worked_out_from_what_was_measured() -> None:
    sized = sizing.size(50_000, 10_000_000, BY, Settings())

    assert sized.workers == 10  # 50,000 / (10,000 * 0.5)
    assert sized.partitions == 24
    assert (sized.use, sized.use_without_one) == (0.5, pytest.approx(50 / 90))
    assert sized.memory_mb == 300 + 400  # a million subjects each
    assert sized.disk_gb == pytest.approx(0.3)
    assert sized.restart_s == 5 + 20
    assert sized.loss_s == pytest.approx(10 + 20 / 3)  # three partitions go to three others
    assert sized.backlog_s == 3600  # half of the cores are free
    assert sized.broker_mb_s == 12.5
    assert sized.broker_tb == pytest.approx(12.5e6 * 168 * 3600 * 3 / 1e12)


def test_a_small_load_has_two_workers_all_the_same() -> None:
    sized = sizing.size(1, 0, BY, Settings())

    assert (sized.workers, sized.partitions) == (2, 8)
    assert sized.loss_s == Settings().session_timeout_s
