"""Every hostile input that is kept: nothing crashes, nothing takes long, nothing executes, and a batch is its parts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.explore import CORPUS, mutated
from tests.fuzz.targets import TARGETS
from tests.fuzz.trying import tried

FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_every_target_has_seeds_and_every_folder_is_a_targets() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)
    assert all(path.stat().st_size < 100_000 for path in FILES), "a seed is small; long ones are made in test_bombs.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_kept_breaks_nothing(path: Path) -> None:
    tried(TARGETS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_nor_do_a_few_mutations_of_it(name: str) -> None:
    dice = random.Random(name)
    seeds = [path.read_bytes() for path in FILES if path.parent.name == name]
    for _ in range(30):
        tried(TARGETS[name], mutated(dice, seeds))
