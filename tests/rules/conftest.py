"""Settings and fixtures of the rule tests. No broker, no clock, no network: everything here runs offline.

Properties are tried on the same examples in every run, so that a failure is the change's and not the
dice's; `pytest tests/rules --hypothesis-profile search` throws them anew, and more of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, settings

from rules.packs import Pack, load_pack
from tests.rules.making import TINY

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("steady", deadline=None, derandomize=True, database=None, suppress_health_check=_CHECKS)
settings.register_profile(
    "search", deadline=None, database=None, max_examples=2000, suppress_health_check=_CHECKS, print_blob=True
)
settings.load_profile("steady")

WritePack = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny() -> Pack:
    """The small policy of tests/data/tiny: one rule of each kind."""
    return load_pack(TINY)


@pytest.fixture
def write_pack(tmp_path: Path) -> WritePack:
    """Writes a pack: `write_pack(rules=…)` makes `rules.yaml`; the folder is called `pack`."""

    def write(**files: str | bytes) -> Path:
        folder = tmp_path / "pack"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else dedent(content).lstrip("\n").encode()
            (folder / f"{name}.yaml").write_bytes(data)
        return folder

    return write
