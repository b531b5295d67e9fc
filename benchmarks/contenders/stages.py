"""The work itself, the same for everybody: the three stages of `streams/`, to be carried out by any client.

A contender reads records, gives them to `Stages.plan`, sends what the plan says to send, and keeps what it says to
write. So decoding, judging, enforcing, encoding, topics, keys and values are those of a Streamwarden worker, and only
what moves records differs. Nothing is counted for Prometheus here: the others are spared that.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from rules.crowds import Crowds
from rules.enforce import Enforcer
from rules.packs import Pack, load_pack
from rules.screen import Screen
from streams.batches import Lease, Plan, RecordBatch
from streams.crowds import Gathering
from streams.enforcement import Enforcing
from streams.metrics import Metrics
from streams.screening import Screening
from streams.settings import Settings
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime
from streams.topics import topic_names

READ_SECONDS = 0.025
"""How long a batch waits to fill: what a worker's `merge_wait_ms` is."""

FETCH_WAIT_MS = 50
"""A broker's long poll, as a worker's. aiokafka has one fetch in flight for a broker, so with its own 500 ms a
partition that was just emptied waits as long as the others are silent."""


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

    batch = violations = sightings = crowds = enforcements = reviews = dead_letter = _ignore


class Stages:
    """SCREEN, CROWDS and ENFORCE with the pack of `settings`, over the states that a contender keeps."""

    def __init__(
        self, settings: Settings, states: Mapping[str, Mapping[bytes, bytes]], pack: Pack | None = None
    ) -> None:
        """`states`: `accounts`, `crowds` and `subjects`. `pack`: instead of loading that of `settings`."""
        names = topic_names(settings)
        pack = pack or load_pack(settings.pack)
        tables = {name: cast(StateTable, Table(name, state)) for name, state in states.items()}
        metrics, clock = cast(Metrics, _Uncounted()), StreamTime()
        self.contents = tuple(names[:3])
        self.sightings = (names.sightings,)
        self.subjects = (names.violations, names.reports, names.appeals)
        self._handles: dict[tuple[str, ...], Callable[[RecordBatch], Plan]] = {
            self.contents: Screening(
                Screen(pack),
                {names.posts: "post", names.shares: "share", names.mass_sends: "mass_send"},
                tables["accounts"],
                violations=names.violations,
                sightings=names.sightings,
                dead_letters=names.dead_letters,
                metrics=metrics,
                clock=clock,
            ),
            self.sightings: Gathering(
                Crowds(pack),
                tables["crowds"],
                sightings=names.sightings,
                violations=names.violations,
                dead_letters=names.dead_letters,
                metrics=metrics,
                clock=clock,
            ),
            self.subjects: Enforcing(
                Enforcer(pack),
                {names.reports: "report", names.appeals: "appeal"},
                tables["subjects"],
                violations=names.violations,
                enforcements=names.enforcements,
                bans=names.bans,
                reviews=names.reviews,
                dead_letters=names.dead_letters,
                metrics=metrics,
                clock=clock,
            ),
        }
        self._stage_of = {topic: topics for topics in self._handles for topic in topics}

    @property
    def topics(self) -> list[str]:
        """Every topic that a stage reads."""
        return list(self._stage_of)

    def plan(self, stage: tuple[str, ...], records: Sequence[Any]) -> Plan:
        """What the records of one stage's topics lead to."""
        return self._handles[stage](RecordBatch(_LEASE, records, {}))

    def plans(self, records: Iterable[Any]) -> Iterator[Plan]:
        """The same for records of any topics, stage by stage."""
        by_stage: dict[tuple[str, ...], list[Any]] = {}
        for record in records:
            by_stage.setdefault(self._stage_of[record.topic], []).append(record)
        for stage, own in by_stage.items():
            yield self.plan(stage, own)


_LEASE = Lease(cast(Any, None), 0, 0, 0)


def keep(states: Mapping[str, dict[bytes, bytes]], writes: Iterable[Write]) -> None:
    """Makes a plan's writes visible in states that are dictionaries."""
    for table, key, value in writes:
        if value is None:
            states[table].pop(key, None)
        else:
            states[table][key] = value


def spare_the_collector() -> None:
    """As a worker does, for everybody: without it the collector walks the compiled pack again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
