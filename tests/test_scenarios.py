"""The scenarios of `tests/scenarios/*.yaml`, each alone and all together, in the offline engine."""

from __future__ import annotations

import pytest

from rules.engine import Engine
from rules.packs import SHIPPED, load_pack
from tests.scenarios.model import Scenario
from tests.scenarios.play import emptied, play
from tests.scenarios.read import read_scenarios

SCENARIOS = read_scenarios()


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine of the shipped pack, its test words in the place of the operator's."""
    plain = load_pack(SHIPPED)
    return Engine(plain.with_words({name: plain.lexicons[name].test_words for name in plain.operator_lexicons()}))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_ends_as_its_file_says(engine: Engine, scenario: Scenario) -> None:
    wrong = play(emptied(engine), scenario)
    if scenario.differs:
        assert wrong, f"{scenario.place}: the engine does what the policy asks for: take `differs` away"
        pytest.xfail(scenario.differs)
    assert not wrong, "\n".join(["", *wrong])
