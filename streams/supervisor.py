"""Runs several worker processes and starts again what dies, with growing pauses.

A worker ends its process on any failure, because a restart from the last commit is always right. So the
supervisor has one job: see that one is running. It knows nothing of Kafka.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

logger = logging.getLogger(__name__)

EXIT_USAGE = 2
"""A worker that ends with this was started wrongly (a bad setting or pack): starting it again cannot help."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0
"""Brokers that were away take seconds to come back, and a start costs a few seconds of one core."""
HEALTHY_S = 30.0
"""A worker that ran this long starts again after the first pause."""
STOP_S = 30.0
"""How long workers may take to finish, commit and leave before they are killed."""
_POLL_S = 0.2


@dataclass(slots=True)
class _Slot:
    """One worker's place: its process while it runs, else when to start the next."""

    index: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE_S


class Supervisor:
    """Keeps `processes` workers running until SIGTERM or SIGINT, or until one was started wrongly."""

    def __init__(self, command: Sequence[str], processes: int, environment: Callable[[int], Mapping[str, str]]) -> None:
        """`environment(i)`: what worker `i` is given besides this process's own environment."""
        self._command = list(command)
        self._environment = environment
        self._slots = [_Slot(index) for index in range(processes)]
        self._stopping = False

    def run(self) -> int:
        """Runs until told to stop; the exit code: 0, or 2 when a worker could not be started rightly."""
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            return self._watch()
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _watch(self) -> int:
        while not self._stopping:
            now = time.monotonic()
            for slot in self._slots:
                if slot.process is None and now >= slot.start_at:
                    self._start(slot, now)
                elif slot.process is not None and (code := slot.process.poll()) is not None:
                    if code == EXIT_USAGE:
                        logger.error("Worker %d cannot be started: see its message above", slot.index)
                        return EXIT_USAGE
                    self._ended(slot, code, now)
            time.sleep(_POLL_S)
        return 0

    def _start(self, slot: _Slot, now: float) -> None:
        environment = {**os.environ, **self._environment(slot.index)}
        slot.process = subprocess.Popen(self._command, env=environment)
        slot.started = now
        logger.info("Worker %d started, pid %d", slot.index, slot.process.pid)

    def _ended(self, slot: _Slot, code: int, now: float) -> None:
        slot.pause = FIRST_PAUSE_S if now - slot.started >= HEALTHY_S else min(slot.pause * 2, LONGEST_PAUSE_S)
        slot.process = None
        slot.start_at = now + slot.pause
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        logger.warning("Worker %d %s; it starts again in %.0f s", slot.index, how, slot.pause)

    def _on_signal(self, number: int, _: object) -> None:
        logger.info("%s: stopping the workers", signal.Signals(number).name)
        self._stopping = True

    def _stop_all(self) -> None:
        running = [slot.process for slot in self._slots if slot.process is not None and slot.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.error("Worker pid %d did not stop in %.0f s and is killed", process.pid, STOP_S)
                process.kill()
                process.wait()
