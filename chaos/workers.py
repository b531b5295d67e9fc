"""The workers of a run, as processes: two or more under a supervisor, and others that come and go."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from streams.batch_app import EXIT_FAILED
from streams.settings import Settings
from streams.worker_process import start_worker

STOP_S = 60.0
"""How long a worker may take to finish what it does, commit and leave."""


class WorkerError(RuntimeError):
    """A worker did what it must not: the message says what, and where its log is."""


@dataclass
class Workers:
    """Started with `settings`; logs and states go to `folder`. The methods are for one thread."""

    settings: Settings
    folder: Path
    supervised: int = 2
    _supervisor: subprocess.Popen[bytes] | None = None
    _guests: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    """By place: a place keeps its folder of state, and the next guest finds there what the last one left."""

    def start(self) -> None:
        """Starts the supervisor."""
        self._supervisor = self._spawn("supervisor", "--processes", str(self.supervised))

    def running(self) -> list[psutil.Process]:
        """The worker processes that there are now, stopped ones included."""
        assert self._supervisor is not None  # noqa: S101 - started first
        if self._supervisor.poll() is not None:
            raise WorkerError(
                f"The supervisor ended with code {self._supervisor.returncode}: {self._log('supervisor')}"
            )
        found = [*psutil.Process(self._supervisor.pid).children()]
        found += [psutil.Process(guest.pid) for guest in self._guests.values() if guest.poll() is None]
        return sorted((each for each in found if each.status() != psutil.STATUS_ZOMBIE), key=lambda each: each.pid)

    def guests(self) -> list[int]:
        """The places that have a worker."""
        return sorted(place for place, guest in self._guests.items() if guest.poll() is None)

    def pid(self, place: int) -> int:
        """The process id of the worker in a place."""
        return self._guests[place].pid

    def add(self) -> None:
        """One more worker, in the first place that is free."""
        place = next(number for number in range(len(self._guests) + 1) if number not in self.guests())
        self._guests[place] = self._spawn(f"guest-{place}")

    def remove(self, place: int) -> None:
        """Tells a worker to stop, as a service manager does. Raises WorkerError unless it ends in time.

        It may end in order, or with the code of a failure: its brokers may have been away a moment ago.
        """
        guest = self._guests[place]
        if guest.poll() is None:
            self._end(guest, f"guest-{place}", allowed={0, EXIT_FAILED, -signal.SIGTERM})

    def stop(self) -> None:
        """Stops all; raises WorkerError unless each finishes, commits, leaves and says so by its code. A guest that was
        added a moment ago may still be starting, and hears of no signal yet."""
        for place in self.guests():
            self._end(self._guests[place], f"guest-{place}", allowed={0, -signal.SIGTERM})
        assert self._supervisor is not None  # noqa: S101 - started first
        self._end(self._supervisor, "supervisor", allowed={0})

    def kill(self) -> None:
        """Ends whatever still runs."""
        processes = [*self._guests.values(), *([self._supervisor] if self._supervisor else [])]
        for process in processes:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
                process.wait()

    def _end(self, process: subprocess.Popen[bytes], name: str, *, allowed: set[int]) -> None:
        process.terminate()
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise WorkerError(f"A worker did not stop within {STOP_S:.0f} s: {self._log(name)}") from None
        if code not in allowed:
            raise WorkerError(f"A worker that was told to stop ended with code {code}: {self._log(name)}")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        settings = self.settings.model_copy(update={"data_dir": self.folder / f"state-{name}"})
        return start_worker(settings, self._log(name), *arguments)
