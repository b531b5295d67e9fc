"""Ends a worker that has something to do and does nothing, whatever it waits for: starting again is always right.

A group that does not come out of a rebalance, a recovery that does not end, a fetch or a commit that is never
answered after brokers were lost: nothing raises, nothing is logged, and the partitions stand still for as long as the
process lives. The watchdog is a thread of its own, so an event loop that is blocked does not stop it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

LOOK_S = 5.0


class Look(NamedTuple):
    """A worker as of now: what it waits for, "" when it has nothing to do; and anything that changes as it goes on."""

    waits_for: str
    progress: Hashable


class StandstillError(RuntimeError):
    """Nothing went on for too long."""


class Watchdog:
    """Compares each look with the ones before."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`patience`: seconds without progress that are too many."""
        self._patience = patience
        self._clock = clock
        self._since = clock()
        self._progress: Hashable = None

    def judge(self, look: Look) -> None:
        """Raises StandstillError when there was something to do all the time, and no progress."""
        now = self._clock()
        if not look.waits_for or look.progress != self._progress:
            self._progress, self._since = look.progress, now
        elif now - self._since > self._patience:
            raise StandstillError(
                f"nothing went on for {now - self._since:.0f} s; the worker waits for {look.waits_for}"
            )

    def watch(self, look: Callable[[], Look], fail: Callable[[StandstillError], None]) -> None:
        """Looks every LOOK_S seconds, or four times in a shorter patience, in a thread, until the process ends or
        something fails."""
        pause = min(LOOK_S, self._patience / 4)

        def run() -> None:
            while True:
                time.sleep(pause)
                try:
                    self.judge(look())
                except StandstillError as error:
                    fail(error)
                    return
                except RuntimeError:  # a dictionary changed while it was looked at: there is progress
                    continue

        threading.Thread(target=run, name="watchdog", daemon=True).start()
