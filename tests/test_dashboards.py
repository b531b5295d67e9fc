"""The dashboards in grafana/dashboards are those that the code makes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"

NAMES = ("console", "consumers", "overview", "policy", "worker")
MISSING = "The tests need grafana-foundation-sdk: `pip install -e '.[dev]'` brings it."


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    """File name -> text, as the code makes them."""
    if importlib.util.find_spec("grafana_foundation_sdk") is None:
        pytest.fail(MISSING, pytrace=False)
    from grafana.generate.boards import rendered

    return rendered()


def test_the_files_are_current(wanted: dict[str, str]) -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert there == wanted, "run `python -m grafana.generate`"


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_numbers_and_places_of_their_own(name: str, wanted: dict[str, str]) -> None:
    board = json.loads(wanted[f"{name}.json"])
    cells = [
        (x, y)
        for panel in board["panels"]
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.parametrize("name", NAMES)
def test_a_value_can_be_too_much_on_every_dashboard(name: str, wanted: dict[str, str]) -> None:
    board = json.loads(wanted[f"{name}.json"])
    steps = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in board["panels"]]
    red = [each for each in steps if any(step["color"] == "red" for step in each)]
    assert len(red) >= 6
