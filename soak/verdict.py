"""Samples of a worker over time, and whether they are flat.

The first quarter is warm-up: stores, caches and the allocator fill. Of the rest the first third is compared with the
last third, by medians, so neither one slow second nor the moment of looking decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

WARM_UP = 0.25
MEMORY_SLACK = 0.05
MEMORY_SLACK_BYTES = 8 << 20
"""How much more memory a worker may have in the end: a twentieth, and 8 MiB for the allocator."""
LAG_SECONDS = 2.0
"""How much of the load may lie between the end of the topics and what is judged, in the end."""
FILES_SLACK = 2
"""Open files and sockets more than before: one reconnects while another closes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the load began, resident bytes, offsets behind, open file descriptors."""

    seconds: float
    memory: int
    lag: float
    files: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Early and late medians, and the bounds that the late ones have to keep."""

    rate: float
    memory: tuple[float, float]
    lag: tuple[float, float]
    files: tuple[float, float]

    @property
    def memory_bound(self) -> float:
        """Bytes."""
        return self.memory[0] * (1 + MEMORY_SLACK) + MEMORY_SLACK_BYTES

    @property
    def lag_bound(self) -> float:
        """Offsets."""
        return self.rate * LAG_SECONDS

    @property
    def files_bound(self) -> float:
        return self.files[0] + FILES_SLACK

    def broken(self) -> list[str]:
        """What is not flat, a line each."""
        found = []
        if self.memory[1] > self.memory_bound:
            found.append(f"memory grew from {_mb(self.memory[0])} to {_mb(self.memory[1])} MB")
        if self.lag[1] > self.lag_bound:
            found.append(f"the lag grew from {self.lag[0]:.0f} to {self.lag[1]:.0f} offsets")
        if self.files[1] > self.files_bound:
            found.append(f"open files grew from {self.files[0]:.0f} to {self.files[1]:.0f}")
        return found

    def line(self) -> str:
        """All of it in one line."""
        return (
            f"rate={self.rate:.0f} memory_mb={_mb(self.memory[0])}->{_mb(self.memory[1])} "
            f"memory_bound_mb={_mb(self.memory_bound)} lag={self.lag[0]:.0f}->{self.lag[1]:.0f} "
            f"lag_bound={self.lag_bound:.0f} files={self.files[0]:.0f}->{self.files[1]:.0f} "
            f"files_bound={self.files_bound:.0f}"
        )


def verdict(samples: Sequence[Sample], rate: float) -> Verdict:
    """Judges samples taken at even intervals; at least four. `rate` in events a second."""
    steady = samples[int(len(samples) * WARM_UP) :]
    third = max(1, len(steady) // 3)

    def medians(of: Callable[[Sample], float]) -> tuple[float, float]:
        return median(map(of, steady[:third])), median(map(of, steady[-third:]))

    return Verdict(
        rate,
        medians(lambda sample: sample.memory),
        medians(lambda sample: sample.lag),
        medians(lambda sample: sample.files),
    )


def _mb(count: float) -> str:
    return f"{count / 1e6:.1f}"
