"""The three stages in one process without a broker: what judging costs when nothing is moved.

Records go in as their JSON, in batches of a worker's size; violations and sightings go on to their stages as JSON too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.cluster import STATES
from benchmarks.contenders.stages import Record, Stages, keep
from benchmarks.events import Recorded
from rules.packs import Pack
from streams.collector import spare_the_collector
from streams.settings import Settings
from streams.topics import topic_names

BATCH = 4096
_SENTINEL_MS = 1_700_000_000_000


class Judged(NamedTuple):
    """`cpu_us`: processor time an event, in µs. `hit_share`: violations an event."""

    cpu_us: float
    hit_share: float


def judge(pack: Pack, events: Sequence[Recorded], rounds: int = 3) -> Judged:
    """The least of several rounds, each with fresh states; the first one warms up and does not count."""
    settings = Settings()
    best, hits = float("inf"), 0
    for counted in range(rounds + 1):
        states: dict[str, dict[bytes, bytes]] = {name: {} for name in STATES}
        stages = Stages(settings, states, pack)
        batches = _batches(settings, events)
        spare_the_collector()
        began, hits = time.process_time(), 0
        for batch in batches:
            hits += _through(stages, states, batch)
        if counted:
            best = min(best, time.process_time() - began)
    return Judged(best / len(events) * 1e6, hits / len(events))


def _batches(settings: Settings, events: Sequence[Recorded]) -> list[list[Record]]:
    names = topic_names(settings)
    records = [
        Record(names.input(kind), 0, at, key, value, (), _SENTINEL_MS) for at, (kind, key, value) in enumerate(events)
    ]
    return [records[at : at + BATCH] for at in range(0, len(records), BATCH)]


def _through(stages: Stages, states: dict[str, dict[bytes, bytes]], records: list[Record]) -> int:
    """Carries records through every stage; how many violations they were."""
    hits = 0
    waiting = records
    while waiting:
        following: list[Record] = []
        for plan in stages.plans(waiting):
            keep(states, plan.writes)
            for send in plan.sends:
                if send.topic in stages.topics:
                    hits += send.topic == stages.subjects[0]
                    following.append(Record(send.topic, 0, 0, send.key, send.value, (), _SENTINEL_MS))
        waiting = following
    return hits
