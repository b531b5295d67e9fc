"""What the soak makes of its samples."""

from __future__ import annotations

import random

import pytest

from soak.verdict import Sample, verdict

RATE = 5_000.0


def samples(*, memory: float = 0, lag: float = 0, files: float = 0, warm_up: float = 0) -> list[Sample]:
    """Two hundred looks at a worker that has noise, and grows by so much over the run."""
    dice = random.Random(3)
    return [
        Sample(
            seconds=float(number),
            memory=int(150e6 + memory * number / 200 + dice.uniform(-1e6, 1e6) + warm_up * min(number, 40) / 40),
            lag=100 + lag * number / 200 + dice.uniform(-50, 50),
            files=int(40 + files * number / 200),
        )
        for number in range(200)
    ]


def test_a_worker_that_is_flat_passes_whatever_it_took_to_warm_up() -> None:
    assert verdict(samples(warm_up=60e6), RATE).broken() == []


@pytest.mark.parametrize(
    ("grows", "says"), [({"memory": 80e6}, "memory"), ({"lag": 40_000}, "lag"), ({"files": 20}, "open files")]
)
def test_what_grows_is_said(grows: dict[str, float], says: str) -> None:
    (line,) = verdict(samples(**grows), RATE).broken()
    assert says in line


def test_one_bad_moment_decides_nothing() -> None:
    found = samples()
    found[190] = Sample(190.0, int(500e6), 90_000, 900)
    assert verdict(found, RATE).broken() == []


def test_the_line_has_the_figures_and_their_bounds() -> None:
    line = verdict([Sample(float(at), 100_000_000, 10, 40) for at in range(8)], RATE).line()
    assert line == (
        "rate=5000 memory_mb=100.0->100.0 memory_bound_mb=113.4 lag=10->10 lag_bound=10000 files=40->40 files_bound=42"
    )
