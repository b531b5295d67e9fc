"""The work itself, the same for everybody: the three stages of `streams/`, to be carried out by any client.

A contender reads records, gives them to `Stages.plan`, sends what the plan says to send, and keeps what it says to
write. So decoding, judging, enforcing, encoding, topics, keys and values are those of a Streamwarden worker, and only
what moves records differs. Nothing is counted for Prometheus here: the others are spared that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from rules.packs import Pack, load_pack
from streams.controls import Switch
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Lease, Plan, RecordBatch
from streams.records import Extent
from streams.settings import Settings
from streams.stages import Tables, stages_of
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime
from streams.topics import enforce_topics, topic_names

READ_SECONDS = 0.025
"""How long a batch waits to fill: what a worker's `merge_wait_ms` is."""


class Record(NamedTuple):
    """What a stage reads of a record; `timestamp` in ms."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


class Table:
    """Stands in for a worker's table: `state` is what the contender keeps, whatever the partition."""

    def __init__(self, name: str, state: Mapping[bytes, bytes]) -> None:
        self.name = name
        self.on_recovered: list[Callable[[int], None]] = []
        self.on_lost: list[Callable[[int], None]] = []
        self._state = state

    def of(self, _: int) -> Mapping[bytes, bytes]:
        """The state."""
        return self._state


class Asked(Mapping[bytes, bytes]):
    """A state that can only be asked for one key at a time, through `get`."""

    def __init__(self, ask: Callable[[bytes], bytes | None]) -> None:
        self._ask = ask

    def get(self, key: bytes, default: Any = None) -> Any:
        found = self._ask(key)
        return default if found is None else found

    def __getitem__(self, key: bytes) -> bytes:
        found = self._ask(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._ask(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Uncounted:
    """Metrics that nobody reads and nobody pays for."""

    def _ignore(self, *_: object) -> None:
        pass

    batch = violations = sightings = crowds = enforcements = lifts = reviews = overturned = repeated = _ignore
    dead_letter = held_back = tripped = _ignore


class Stages:
    """SCREEN, CROWDS and ENFORCE with the pack of `settings`, over the states that a contender keeps."""

    def __init__(
        self, settings: Settings, states: Mapping[str, Mapping[bytes, bytes]], pack: Pack | None = None
    ) -> None:
        """`states`: one for each of `Tables`. `pack`: instead of loading that of `settings`."""
        names = topic_names(settings)
        pack = pack or load_pack(settings.pack)
        tables = Tables(**{name: cast(StateTable, Table(name, state)) for name, state in states.items()})
        self.contents = tuple(names[:3])
        self.sightings = (names.sightings,)
        self.subjects = enforce_topics(names)
        metrics = cast(Metrics, _Uncounted())
        judging = stages_of(
            PacksInForce(pack, settings.partitions),
            names,
            tables,
            metrics=metrics,
            clock=StreamTime(),
            switch=Switch(metrics),
            end=lambda _topic, _partition: None,
        )
        self._handles: dict[tuple[str, ...], Callable[[RecordBatch], Plan]] = {
            self.contents: judging.screening,
            self.sightings: judging.gathering,
            self.subjects: judging.enforcing,
        }
        self._stage_of = {topic: topics for topics in self._handles for topic in topics}

    @property
    def topics(self) -> list[str]:
        """Every topic that a stage reads."""
        return list(self._stage_of)

    def plan(self, stage: tuple[str, ...], records: Sequence[Any]) -> Plan:
        """What the records of one stage's topics lead to."""
        return self._handles[stage](RecordBatch(_LEASE, records, {}, _UNCOUNTED))

    def plans(self, records: Iterable[Any]) -> Iterator[Plan]:
        """The same for records of any topics, stage by stage."""
        by_stage: dict[tuple[str, ...], list[Any]] = {}
        for record in records:
            by_stage.setdefault(self._stage_of[record.topic], []).append(record)
        for stage, own in by_stage.items():
            yield self.plan(stage, own)


_LEASE = Lease(cast(Any, None), 0, 0, 0)
_UNCOUNTED = Extent({}, 0, np.array([], np.int64))


def keep(states: Mapping[str, dict[bytes, bytes]], writes: Iterable[Write]) -> None:
    """Makes a plan's writes visible in states that are dictionaries."""
    for table, key, value in writes:
        if value is None:
            states[table].pop(key, None)
        else:
            states[table][key] = value
