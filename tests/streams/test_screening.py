"""Batches of several partitions that are judged with one call lead to what they lead to one after the other."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson

from rules.packs import SHIPPED, load_pack
from streams.controls import Switch
from streams.demo.traffic import traffic
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Lease, NotYetError, Plan, RecordBatch
from streams.screening import Screening
from streams.sending import partition_of
from streams.settings import Settings
from streams.stages import Tables, stages_of
from streams.streamtime import StreamTime
from streams.topics import topic_names

PARTITIONS = 3
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = topic_names(Settings())


class Record(NamedTuple):
    """A record as the stage reads it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple[()] = ()
    timestamp: int = 1_767_225_600_000


@cache
def packs() -> PacksInForce:
    """Compiled once: that is what takes time."""
    return PacksInForce(load_pack(SHIPPED), PARTITIONS)


class Judging:
    """SCREEN with states of its own."""

    def __init__(self) -> None:
        self.states: dict[str, dict[int, dict[bytes, bytes]]] = defaultdict(lambda: defaultdict(dict))
        tables: Any = Tables(*(self._table(name) for name in Tables._fields))
        metrics = Metrics()
        self.screening: Screening = stages_of(
            packs(),
            NAMES,
            tables,
            metrics=metrics,
            clock=StreamTime(),
            switch=Switch(metrics),
            end=lambda _topic, _partition: None,
        ).screening

    def _table(self, name: str) -> Any:
        return SimpleNamespace(name=name, of=lambda p: self.states[name][p], on_recovered=[], on_lost=[])

    def keep(self, partition: int, plan: Plan) -> None:
        for table, key, value in [*plan.first, *plan.writes]:
            assert value is not None
            self.states[table][partition][key] = value


def records() -> list[Record]:
    """Events of the demo. Those of half of the accounts come to two partitions, as from a client that ignores keys."""
    found = []
    for at, item in enumerate(islice(traffic(3, START, 50.0), 3_000)):
        value = item.raw if item.body is None else orjson.dumps(item.body)
        key = item.key.encode()
        partition = at % 2 if partition_of(key, 2) == 0 else partition_of(key, PARTITIONS)
        found.append(Record(NAMES.input(item.kind), partition, at, key, value))
    return found


def batches_of(found: list[Record]) -> list[RecordBatch]:
    by_partition: dict[int, list[Record]] = defaultdict(list)
    for record in found:
        by_partition[record.partition].append(record)
    group: Any = None
    return [RecordBatch(Lease(group, at, 1, 1), own, {}) for at, own in sorted(by_partition.items())]


def said(plan: Plan) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    sends = [(send.topic, send.key, send.value, send.timestamp_ms) for send in plan.sends]
    return [send for send in sends if send[0] != NAMES.dead_letters], [tuple(write) for write in plan.writes]


def test_judged_together_or_one_after_the_other_batches_lead_to_the_same() -> None:
    together, alone = Judging(), Judging()
    found = records()
    sends = states = 0
    for at in range(0, len(found), 300):
        batches = batches_of(found[at : at + 300])
        joint = together.screening.together(batches)
        for batch, plan in zip(batches, joint, strict=True):
            assert plan is not None
            own = alone.screening(batch)
            assert said(plan) == said(own)
            together.keep(batch.partition, plan)
            alone.keep(batch.partition, own)
            sends, states = sends + len(plan.sends), states + len(plan.writes)
    assert sends > 100
    assert states > 50
    accounts = together.states["accounts"]
    assert accounts[0].keys() & accounts[1].keys(), "no account was in two partitions"


def test_a_batch_that_cannot_be_judged_yet_does_not_hold_the_others_up(monkeypatch: Any) -> None:
    judging = Judging()
    batches = batches_of(records()[:300])
    register = judging.screening._register
    asked = register.standings

    def standings(batch: RecordBatch, plan: Plan) -> int | list[int]:
        if batch.partition == 1:
            raise NotYetError("in a while")
        return asked(batch, plan)

    monkeypatch.setattr(register, "standings", standings)
    plans = judging.screening.together(batches)
    assert [plan is None for plan in plans] == [False, True, False]
