"""The scenarios of `tests/scenarios/*.yaml` in the offline engine, each alone and all together, and what they cover."""

from __future__ import annotations

from functools import cache

import pytest

from rules.packs import Pack
from tests.scenarios.compare import wrong_in
from tests.scenarios.model import Scenario
from tests.scenarios.play import emptied, play, play_together
from tests.scenarios.read import by_pack, read_scenarios, unknown_clauses
from tests.scenarios.shipped import shipped
from tests.scenarios.told import Played

SCENARIOS = read_scenarios()


@cache
def alone(number: int) -> Played:
    """One scenario in an engine of its own."""
    scenario = SCENARIOS[number]
    return play(emptied(shipped(scenario.pack)), scenario)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return shipped().pack


@pytest.fixture(scope="module")
def together() -> dict[int, Played]:
    """All scenarios of a pack at once, in one engine."""
    found: dict[int, Played] = {}
    for name, scenarios in by_pack(SCENARIOS).items():
        found |= play_together(emptied(shipped(name)), scenarios)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_ends_as_its_file_says(scenario: Scenario) -> None:
    wrong = wrong_in(scenario, alone(scenario.number))
    if scenario.differs:
        assert wrong, f"{scenario.place}: the engine does what the policy asks for: take `differs` away"
        pytest.xfail(scenario.differs)
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_ends_the_same_among_all_the_others(scenario: Scenario, together: dict[int, Played]) -> None:
    assert together[scenario.number] == alone(scenario.number), (
        "another scenario has a text or a link too much like one of this"
    )


def test_scenarios_name_clauses_of_the_pack(pack: Pack) -> None:
    assert not unknown_clauses(SCENARIOS, pack.clauses)
