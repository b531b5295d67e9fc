"""The watchdog: what is a standstill, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Hashable

import pytest

from streams import watchdog
from streams.watchdog import Look, StandstillError, Watchdog


class World:
    """A clock, and a watchdog that looks every five seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.dog = Watchdog(60.0, lambda: self.now)

    def goes_on(self, seconds: float, waits_for: str, *progress: Hashable) -> None:
        """Time passes while the worker is so; of several progresses each look sees the next."""
        for look in range(int(seconds / 5)):
            self.now += 5
            self.dog.judge(Look(waits_for, progress[look % len(progress)]))


def test_a_worker_that_waits_without_progress_stands_still() -> None:
    world = World()
    with pytest.raises(StandstillError, match="waits for a commit"):
        world.goes_on(120, "a commit", 7)
    assert 60 < world.now <= 75


def test_a_worker_with_nothing_to_do_may_do_nothing() -> None:
    World().goes_on(10_000, "", 7)


def test_a_worker_that_goes_on_is_left_alone_however_long_it_has_work() -> None:
    World().goes_on(10_000, "records", 7, 8)


def test_the_time_counts_from_the_last_progress() -> None:
    world = World()
    world.goes_on(50, "records", 7)
    world.goes_on(55, "records", 8)
    world.goes_on(5, "", 8)
    world.goes_on(55, "records", 8)


def test_it_looks_in_a_thread_and_survives_what_changes_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_S", 0.01)
    failed = threading.Event()
    looks: list[int] = []

    def look() -> Look:
        looks.append(1)
        if len(looks) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return Look("records", 7)

    Watchdog(0.05).watch(look, lambda _: failed.set())
    assert failed.wait(5)
    assert len(looks) > 3
