"""What every part of a run shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.progress import Steps


@dataclass(frozen=True, slots=True)
class Bench:
    """The broker's address, a folder for logs and states, how much to measure, and who shows progress."""

    bootstrap: str
    folder: Path
    plan: Plan
    steps: Steps
