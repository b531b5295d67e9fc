"""What is pinned is what pyproject.toml asks for, each release by its hashes, and what the Dockerfile installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
WANTED = {
    "runtime": RUNTIME,
    "demo": [*RUNTIME, *PROJECT["project"]["optional-dependencies"]["demo"]],
    "build": PROJECT["build-system"]["requires"],
}
AGAIN = "make lock"


def pinned(name: str) -> list[tuple[Requirement, int]]:
    """Each line of a lock file, and how many hashes it has."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(Requirement(re.sub(r"--hash=\S+", "", line).strip()), line.count("--hash=sha256:")) for line in lines]


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_satisfies_the_project(name: str) -> None:
    locked: dict[str, list[Requirement]] = {}
    for requirement, _ in pinned(name):
        locked.setdefault(canonicalize_name(requirement.name), []).append(requirement)

    for text in WANTED[name]:
        wanted = Requirement(text)
        found = locked.get(canonicalize_name(wanted.name), [])
        assert found, f"{wanted.name} is not in requirements/{name}.txt: {AGAIN}"
        for requirement in found:
            (version,) = [pin.version for pin in requirement.specifier]
            assert version in wanted.specifier, f"{requirement} does not satisfy {wanted}: {AGAIN}"


@pytest.mark.parametrize("name", WANTED)
def test_every_release_is_pinned_by_hash(name: str) -> None:
    entries = pinned(name)

    assert entries
    assert [str(requirement) for requirement, hashes in entries if not hashes] == []
    assert all([pin.operator for pin in requirement.specifier] == ["=="] for requirement, _ in entries)


def test_the_demo_runs_on_the_releases_of_production() -> None:
    runtime, demo = ({str(requirement) for requirement, _ in pinned(name)} for name in ("runtime", "demo"))

    assert runtime <= demo


def test_the_builds_requirements_are_those_of_the_project() -> None:
    lines = (ROOT / "requirements/build.in").read_text().splitlines()

    assert [line for line in lines if not line.startswith("#")] == WANTED["build"]


def test_the_image_installs_nothing_that_is_not_pinned() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    installs = [
        part for line in text.splitlines() for part in line.split("&&") if re.search(r"pip (install|wheel)", part)
    ]

    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install
        assert "--no-build-isolation" in install or "pip install" in install
