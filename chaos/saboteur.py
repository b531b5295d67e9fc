"""The saboteur: one act after another, in an order that its seed decides, until its time is over.

A worker that is stopped stays so while other acts go on, longer than the session timeout, and is then continued: it
wakes as the owner of partitions that went to others. Of a cluster one broker at a time goes down, and the next only
when every copy is up to date again; a single broker comes back with its log. At the end all is left running.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from chaos.cluster import Cluster
from chaos.feeding import Feed
from chaos.workers import Workers

MOST_GUESTS = 2
LEAST_ACTS = 5
"""So many there are, however slow the machine."""
_AT_WORK = 0.6
"""How many acts are to meet a group that judges; the others come as they come, also in the middle of a recovery."""
_AT_WORK_S = 30.0
"""How long that is waited for."""
_VICTIM_S = 30.0
"""How long a worker is waited for that can be killed or stopped: all may be on their way back."""
_PAUSE_S = (0.5, 5.0)
_DOWN_S = (0.0, 6.0)
"""How long a broker stays away."""
_RECOVERY_S = (2.0, 12.0)
"""How long after its return nothing is done, so that what comes next meets workers at work, or on the way there."""


class _StoppedError(Exception):
    """The run was told to stop."""


@dataclass
class Saboteur:
    """One run's acts. `tell` is told of each, for the log."""

    seed: int
    workers: Workers
    cluster: Cluster
    topics: list[str]
    feed: Feed
    committed: Callable[[], int]
    """How many records the group has committed; 0 while nobody can say."""
    session_timeout_s: float
    tell: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)
    """How often each act was done: kill, stall, clean_restart, broker_kill, add, remove, poison, repeat."""
    _stalled: dict[psutil.Process, float] = field(default_factory=dict)
    """Workers that are stopped, and when they go on."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float) -> None:
        """Sabotages for so long, and LEAST_ACTS at least; blocks.

        Raises WorkerError and BrokerError for what nobody did on purpose.
        """
        dice = random.Random(self.seed)  # noqa: S311 - sabotage, not secrets
        acts: list[Callable[[random.Random], None]] = []
        deadline = time.monotonic() + seconds
        count = 0
        try:
            while time.monotonic() < deadline or count < LEAST_ACTS:
                if not acts:  # every act comes up before any comes twice
                    acts = self._acts()
                    dice.shuffle(acts)
                if dice.random() < _AT_WORK:
                    self._await_work()
                acts.pop()(dice)
                count += 1
                self._wait(min(dice.uniform(*_PAUSE_S), max(0.0, deadline - time.monotonic())))
        except _StoppedError:
            pass
        finally:
            for process in list(self._stalled):
                self._go_on(process)

    def stop(self) -> None:
        """Has `run` end with the act that is on."""
        self._stopped.set()

    def _acts(self) -> list[Callable[[random.Random], None]]:
        return [
            self._kill,
            self._kill,
            self._stall,
            self._restart_broker,
            self._kill_broker,
            self._add,
            self._remove,
            self._poison,
            self._repeat,
        ]

    def _wait(self, seconds: float) -> None:
        """Sleeps, and continues workers whose time has come."""
        deadline = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for process in [each for each, until in self._stalled.items() if until <= now]:
                self._go_on(process)
            if self._stopped.is_set():
                raise _StoppedError
            if now >= deadline:
                return
            time.sleep(0.05)

    def _await_work(self) -> None:
        """Returns once the group commits something new."""
        deadline = time.monotonic() + _AT_WORK_S
        before = self.committed()
        while time.monotonic() < deadline and not 0 < before < self.committed():
            self._wait(0.3)
            before = before or self.committed()

    def _did(self, act: str, note: str = "") -> None:
        self.done[act] += 1
        self.tell(f"{act.replace('_', ' ')} {note}".strip())

    def _victim(self, dice: random.Random) -> psutil.Process | None:
        deadline = time.monotonic() + _VICTIM_S
        while True:
            awake = [each for each in self.workers.running() if each not in self._stalled]
            if awake or time.monotonic() > deadline:
                return dice.choice(awake) if awake else None
            self._wait(0.2)

    def _kill(self, dice: random.Random) -> None:
        victim = self._victim(dice)
        if victim is not None:
            victim.send_signal(signal.SIGKILL)
            self._did("kill", f"pid {victim.pid}")

    def _stall(self, dice: random.Random) -> None:
        victim = self._victim(dice)
        if victim is not None:
            victim.send_signal(signal.SIGSTOP)
            seconds = self.session_timeout_s * dice.uniform(1.2, 2.0)
            self._stalled[victim] = time.monotonic() + seconds
            self._did("stall", f"pid {victim.pid}, {seconds:.0f} s")

    def _go_on(self, process: psutil.Process) -> None:
        del self._stalled[process]
        if process.is_running():
            process.send_signal(signal.SIGCONT)
            self.tell(f"pid {process.pid} goes on")

    def _restart_broker(self, dice: random.Random) -> None:
        self._take_down(dice, "clean_restart")

    def _kill_broker(self, dice: random.Random) -> None:
        self._take_down(dice, "broker_kill")

    def _take_down(self, dice: random.Random, act: str) -> None:
        self.cluster.await_in_sync(self.topics)
        number = dice.randrange(len(self.cluster.brokers))
        target = self.cluster.brokers[number]
        away = dice.uniform(*_DOWN_S)
        self._did(act, f"of broker {number + 1}, away for {away:.0f} s")
        (target.kill if act == "broker_kill" else target.stop)()
        self._wait(away)
        target.start()
        self.tell(f"broker {number + 1} is back")
        self._wait(dice.uniform(*_RECOVERY_S))

    def _add(self, _: random.Random) -> None:
        if len(self.workers.guests()) < MOST_GUESTS:
            self.workers.add()
            self._did("add")

    def _remove(self, dice: random.Random) -> None:
        asleep = {each.pid for each in self._stalled}
        places = [place for place in self.workers.guests() if self.workers.pid(place) not in asleep]
        if places:
            place = dice.choice(places)
            self.workers.remove(place)
            self._did("remove", f"guest {place}")

    def _poison(self, dice: random.Random) -> None:
        count = dice.randrange(1, 40)
        self.feed.poison(count)
        self._did("poison", f"{count} records")

    def _repeat(self, dice: random.Random) -> None:
        count = dice.randrange(1, 200)
        self.feed.repeat(count)
        self._did("repeat", f"{count} events")
