"""How much is measured: the whole, or quickly."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of events, subjects and repetitions; seconds."""

    repetitions: int
    events: int
    fewest: int
    latency_s: float
    growth_events: int
    workers_events: int
    subjects: int


FULL = Plan(
    repetitions=3,
    events=400_000,
    fewest=10_000,
    latency_s=20.0,
    growth_events=40_000,
    workers_events=300_000,
    subjects=1_000_000,
)
QUICK = Plan(
    repetitions=1,
    events=60_000,
    fewest=2_000,
    latency_s=8.0,
    growth_events=8_000,
    workers_events=60_000,
    subjects=100_000,
)
"""Shows that everything works, in about ten minutes; its figures are no figures."""
