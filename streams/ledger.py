"""Which standing of the packs each record is judged by: recorded for every partition before anything follows from it.

The guarantee lets a batch's effects repeat: after a crash between its sends and its changelog, the same records are
read again, perhaps by another worker that knows newer packs by then. So that nothing is judged by two of them, a stage
keeps a `Ledger` for each partition in the table `packs`: from which offset of which topic on which standing holds. A
line is acknowledged by the changelog before the first record is judged by it (`Plan.first`).

A worker that takes a partition over does not know how far the one before it had judged beyond its last commit. It must
not switch below that. So each stage also writes ahead, every `AHEAD` records, up to which offset it may come; what lies
below that, and was on the topic when the partition was taken over, is judged by what the ledger says already.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import msgspec

from rules.activations import CONFIGURED
from streams.plans import Plan, RecordBatch
from streams.stores import StateTable, Write

AHEAD = 65_536
"""Records of a topic that a stage may judge before it writes to the ledger again."""
KEPT = 1_000
"""Lines that are kept; offsets below the oldest line are judged by that one."""
HEADER = "pack"
"""On internal records: the position of the standing that they were made under; none for the pack of the settings."""

End = Callable[[str, int], int | None]


class Known(Protocol):
    """The packs that a worker has."""

    @property
    def newest(self) -> int:
        """The position of the newest standing that it can judge by."""

    def missing(self, at: int) -> Exception:
        """What to raise where a newer one is needed."""

    def ready(self, positions: Set[int]) -> None:
        """Raises NotYetError while an older one is not compiled."""


class Line(msgspec.Struct, frozen=True, array_like=True):
    """From these offsets on (a topic that is not named: from its start), the standing at position `at` holds."""

    at: int
    starts: dict[str, int]


class Ledger(msgspec.Struct, array_like=True):
    """Of one stage and partition: the lines in order, and up to which offsets its records may have been judged."""

    lines: list[Line] = msgspec.field(default_factory=list)
    until: dict[str, int] = msgspec.field(default_factory=dict)

    def at(self, topic: str, offset: int) -> int:
        """The position of the standing that holds for a record."""
        for line in reversed(self.lines):
            if line.starts.get(topic, 0) <= offset:
                return line.at
        return self.lines[0].at if self.lines else CONFIGURED


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Ledger)


def decode_ledger(data: bytes | None) -> Ledger:
    """A ledger as the table keeps it; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else Ledger()


def stamp(at: int) -> list[tuple[str, bytes]]:
    """The headers of a record that was made under the standing at position `at`."""
    return [] if at == CONFIGURED else [(HEADER, b"%d" % at)]


def stamped(record: Any) -> int:
    """What `stamp` said."""
    for name, value in record.headers:
        if name == HEADER and value and value.isdigit():
            return int(value)
    return CONFIGURED


class Run(NamedTuple):
    """What the standing at position `at` judges: a batch's inputs from `start` up to `end`."""

    at: int
    start: int
    end: int


def runs_of(records: Sequence[Any], standings: int | list[int], origins: Sequence[Any]) -> list[Run]:
    """The inputs of a batch cut where the standing changes. `standings`: of the records; `origins`: those of them that
    the inputs came in, in order."""
    if isinstance(standings, int):
        return [Run(standings, 0, len(origins))]
    by_record = {id(record): at for record, at in zip(records, standings, strict=True)}
    runs: list[Run] = []
    for at, group in groupby(by_record[id(origin)] for origin in origins):
        start = runs[-1].end if runs else 0
        runs.append(Run(at, start, start + len(list(group))))
    return runs


@dataclass(slots=True)
class _Place:
    """How far this worker has come in a partition since it was assigned. Offsets by topic."""

    epoch: int
    judged: dict[str, int] = field(default_factory=dict)
    taken_over: dict[str, int] = field(default_factory=dict)
    """Up to where whoever had the partition before may have judged."""


class Register:
    """The ledgers of one stage."""

    def __init__(
        self, stage: str, table: StateTable, topics: Sequence[str], packs: Known, end: End, *, internal: bool
    ) -> None:
        """`end(topic, partition)`: the offset after the last record, as its broker last said since the partition was
        assigned; None when it has not. `internal`: whether the records may be stamped."""
        self._key = stage.encode()
        self._table = table
        self._topics = tuple(topics)
        self._packs = packs
        self._end = end
        self._internal = internal
        self._places: dict[int, _Place] = {}
        self._decoded: dict[int, tuple[bytes | None, Ledger]] = {}
        table.on_lost.append(self._forget)

    def standings(self, batch: RecordBatch, plan: Plan) -> int | list[int]:
        """The position of the standing that each record of the batch is judged by; one for all where they agree.

        Adds to `plan.first` what has to be on record before. Raises what `Known` gives when a record is to be judged by
        packs that the worker does not have, or not yet; nothing has changed then.
        """
        partition, newest = batch.partition, self._packs.newest
        ledger = self._ledger(partition)
        place = self._place(batch, ledger)
        wanted = CONFIGURED
        if self._internal:
            wanted = max((stamped(record) for record in batch.records if record.headers), default=CONFIGURED)
        wanted = max(wanted, ledger.lines[-1].at if ledger.lines else CONFIGURED)
        if wanted > newest:
            raise self._packs.missing(wanted)
        ends = {tp.topic: end for tp, end in batch.offsets.items()}
        changed = self._follows(ledger, newest, place, partition)
        ahead = {topic: end + AHEAD for topic, end in ends.items() if end > ledger.until.get(topic, 0)}
        if changed is not None or ahead:
            lines = ledger.lines if changed is None else [*ledger.lines, changed][-KEPT:]
            ledger = Ledger(lines, ledger.until | ahead)
            plan.first.append(Write(self._table.name, self._key, _ENCODER.encode(ledger)))
        found = self._of_records(batch.records, ledger, place)
        self._packs.ready({found} if isinstance(found, int) else set(found))
        place.judged |= ends  # last: a batch that is asked again finds nothing changed
        return found

    def _of_records(self, records: Sequence[Any], ledger: Ledger, place: _Place) -> int | list[int]:
        last = ledger.lines[-1]
        if all(start <= place.judged.get(topic, 0) for topic, start in last.starts.items()):
            return last.at  # all that is still to come lies behind the last switch
        firsts: dict[str, int] = {}
        for record in records:
            firsts.setdefault(record.topic, record.offset)
        if all(last.starts.get(topic, 0) <= offset for topic, offset in firsts.items()):
            return last.at
        found = [ledger.at(record.topic, record.offset) for record in records]
        if self._internal:  # never by older packs than whoever sent it, who may name clauses that those do not have
            found = [max(at, stamped(record)) for at, record in zip(found, records, strict=True)]
        return found

    def _follows(self, ledger: Ledger, newest: int, place: _Place, partition: int) -> Line | None:
        """The line to add to the ledger, if any."""
        if not ledger.lines:
            return Line(newest, {})
        last = ledger.lines[-1]
        if last.at == newest:
            return None
        self._look(place, partition)
        return Line(
            newest,
            {
                topic: max(each.get(topic, 0) for each in (place.judged, place.taken_over, last.starts))
                for topic in self._topics
            },
        )

    def _ledger(self, partition: int) -> Ledger:
        data = self._table.of(partition).get(self._key)
        known = self._decoded.get(partition)
        if known is None or known[0] != data:
            known = self._decoded[partition] = data, decode_ledger(data)
        return known[1]

    def _place(self, batch: RecordBatch, ledger: Ledger) -> _Place:
        place = self._places.get(batch.partition)
        if place is None or place.epoch != batch.epoch:
            place = self._places[batch.partition] = _Place(batch.epoch, taken_over=dict(ledger.until))
            self._look(place, batch.partition)
        return place

    def _look(self, place: _Place, partition: int) -> None:
        """Nobody has judged what was not there yet."""
        for topic, offset in place.taken_over.items():
            end = self._end(topic, partition)
            if end is not None and end < offset:
                place.taken_over[topic] = end

    def _forget(self, partition: int) -> None:
        self._places.pop(partition, None)
        self._decoded.pop(partition, None)
