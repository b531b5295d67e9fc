"""What a run found, as `results.json` has it. A part that is measured again takes the place of the old one alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.comparison import Compared
from benchmarks.growth import Point
from benchmarks.recovery import Recovery
from benchmarks.workers import Workers

PATH = Path(__file__).with_name("results.json")


class Run(msgspec.Struct, frozen=True):
    """When, on what, and how much of it; of the run that measured the comparison."""

    date: str
    commit: str
    quick: bool
    events: int
    event_bytes: float
    repetitions: int
    machine: dict[str, object]


class Results(msgspec.Struct, omit_defaults=True):
    """`ratios`: Streamwarden's events a second divided by theirs. A part that was never measured is absent."""

    run: Run | None = None
    ratios: dict[str, float] = {}
    contenders: dict[str, Compared] = {}
    growth: dict[str, list[Point]] = {}
    workers: list[Workers] = []
    recovery: list[Recovery] = []


class ResultsError(ValueError):
    """The file is not there, or is none of ours; the message says what to do."""


def load(path: Path) -> Results:
    """The results in a file. Raises ResultsError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except FileNotFoundError:
        raise ResultsError(f"{path} is not there: run `make bench` first") from None
    except msgspec.MsgspecError as error:
        raise ResultsError(f"{path} has no results of this version ({error}): remove it and run `make bench`") from None


def save(path: Path, results: Results) -> None:
    """Writes the file, indented."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(_rounded(results)), indent=2) + b"\n")


def _rounded(value: object) -> object:
    """Figures to four places: no clock here knows more."""
    plain = msgspec.to_builtins(value) if isinstance(value, Results) else value
    if isinstance(plain, dict):
        return {name: _rounded(item) for name, item in plain.items()}
    if isinstance(plain, list):
        return [_rounded(item) for item in plain]
    return round(plain, 4) if isinstance(plain, float) else plain
