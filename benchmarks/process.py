"""One measured process: a contender or a worker, started on its own cores, watched, and stopped by its id."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil

from benchmarks.machine import cores, cpu_seconds, on_cores, peak_resident_mb
from streams.embedded import end, log_tail
from streams.settings import Settings
from streams.worker_process import environment_of

STOP_SECONDS = 30.0


class ContenderError(RuntimeError):
    """A measured process ended, or did not get on; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is measured."""

    process: psutil.Popen
    log: Path

    def check(self) -> None:
        """Raises ContenderError when it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ContenderError(f"{self.what} ended with code {code}. {log_tail(self.log)}")

    @property
    def what(self) -> str:
        """Its command, for messages."""
        return " ".join(str(part) for part in self.process.args[1:])

    def cpu(self) -> float:
        """Seconds of processor so far."""
        return cpu_seconds(self.process)

    def peak_mb(self) -> float:
        """The most memory it had resident, in MB."""
        return peak_resident_mb(self.process.pid)

    def resident_mb(self) -> float:
        """What it has resident now, in MB."""
        return float(self.process.memory_info().rss) / 1e6


@contextmanager
def started(
    command: Sequence[str], settings: Settings, folder: Path, on: Sequence[int] | None = None
) -> Iterator[Running]:
    """`python -m command` with these settings for the length of the block, on `on` or else the measured core."""
    folder.mkdir(parents=True, exist_ok=True)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = folder / f"{settings.app_id}-{settings.web_port}.log"
    with on_cores(cores().measured if on is None else on), log.open("wb") as out:
        process = psutil.Popen(
            [sys.executable, "-m", *command],
            env=environment(settings),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            end(cast(subprocess.Popen[bytes], process), STOP_SECONDS)


def environment(settings: Settings) -> Mapping[str, str]:
    """The environment that gives a process these settings and none of ours."""
    return {**environment_of(settings), "PYTHONPATH": str(Path(__file__).parents[1])}
