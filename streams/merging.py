"""Records of co-partitioned topics, one partition number at a time, put into timestamp order: values and lists only.

A `Lane` holds what was fetched of one partition number of every topic of a group. `take` merges it by record
timestamp, the order of Kafka Streams' task idling (KIP-353, KIP-695):

* the records of one topic-partition are never reordered: its key is the running maximum of its timestamps;
* a tie across topics goes to the smaller CloudEvents `ce_sequence` (compared as bytes) where both records have one,
  then to the topic that stands first in the group;
* nothing is taken beyond the *horizon*, the point up to which every topic-partition with records still to come has
  been read. One that does not come in time is no longer waited for: the order is best effort, the flow is not.

A lane knows no Kafka and no clock: it is told the time, and how each topic-partition stands.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple, Protocol

SEQUENCE_HEADER = "ce_sequence"
_FAR = 1 << 63  # beyond every timestamp (milliseconds, signed 64 bits)


class Record(Protocol):
    """What merging reads of a record; `aiokafka.ConsumerRecord` has it. `timestamp` is in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def value(self) -> bytes | None: ...


class Standing(Enum):
    """How far a topic-partition has been read, as of the last answer of its broker."""

    END = "read to its end"
    STALE = "read to its end, as of an answer too old to rely on"
    BEHIND = "more to read, or nothing known yet"


class Patience(NamedTuple):
    """How long a lane holds records back for a topic-partition that has none, in seconds since they arrived."""

    stale: float  # the sibling was at its end when last heard of
    behind: float  # the sibling is known to have records, or was not heard of at all


class Taken(NamedTuple):
    """Records in order, and for each topic among them the offset that follows its last record."""

    records: list[Record]
    offsets: dict[str, int]


class _Run:
    """What is buffered of one topic-partition: records, their keys, how many bytes they have, and the largest
    timestamp seen (`clock`)."""

    __slots__ = ("arrived", "clock", "keys", "records", "size", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.clear()

    def clear(self) -> None:
        self.records: list[Record] = []
        self.keys: list[int] = []
        self.size = 0
        self.clock = -1
        self.arrived = 0.0

    def add(self, records: Sequence[Record], now: float) -> None:
        keys = list(accumulate((r.timestamp for r in records), max, initial=self.clock))
        self.records += records
        self.size += _bytes_in(records)
        self.keys += keys[1:]
        self.clock = keys[-1]
        self.arrived = now

    def drop(self, count: int) -> None:
        self.size -= _bytes_in(self.records[:count])
        del self.records[:count]
        del self.keys[:count]


class Lane:
    """One partition number of a group of topics; a group of one topic passes through, unmerged."""

    def __init__(self, topics: Sequence[str], *, max_records: int, max_bytes: int, patience: Patience) -> None:
        """`max_records`: of a batch. `max_bytes`: of one topic-partition's values, from which on no more is fetched."""
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.patience = patience
        self.deadline: float | None = None  # when held records will go out anyway; none are held if None
        self._runs = {topic: _Run(topic) for topic in topics}

    def clear(self) -> None:
        """Forget all records and clocks: the partition was lost, or its position moved."""
        self.deadline = None
        for run in self._runs.values():
            run.clear()

    def add(self, topic: str, records: Sequence[Record], now: float) -> None:
        """Buffer what was fetched (not empty, in offset order, following what was added before)."""
        self._runs[topic].add(records, now)

    def hungry(self, topic: str) -> bool:
        """Whether more of a topic may be fetched.

        What is left at its broker tells nothing of how far it goes, and what waits at the client holds up the next
        fetch: so a lane takes what comes, up to a number of bytes. Records of one instant, which may tie with the
        next ones, never fill it before a batch is full of them.
        """
        run = self._runs[topic]
        if run.size < self.max_bytes:
            return True
        return not run.keys or (run.keys[0] == run.clock and len(run.keys) < self.max_records)

    def take(self, standing: Callable[[str], Standing], now: float) -> Taken | None:
        """Up to `max_records` records in order, or None: nothing is buffered, or `deadline` says how long it waits."""
        self.deadline = None
        waiting = [run for run in self._runs.values() if run.records]
        if not waiting:
            return None
        if len(self._runs) == 1:
            return self._merged([(waiting[0], len(waiting[0].records))])
        standings = {topic: standing(topic) for topic in self._runs}
        open_ended = [run for run in self._runs.values() if standings[run.topic] is not Standing.END]
        ready = self._ready(waiting, open_ended)
        if not ready:
            self.deadline = self._deadline(waiting, open_ended, standings)
            if now < self.deadline:
                return None
            self.deadline = None
            present = [run for run in open_ended if run.records]
            ready = self._ready(waiting, present) or [(run, len(run.records)) for run in waiting]
        return self._merged(ready)

    def _ready(self, waiting: list[_Run], open_ended: list[_Run]) -> list[tuple[_Run, int]]:
        """How many records of each run lie before the horizon that the open-ended runs set.

        The records *at* the horizon go out too when only one run has any and no other run can bring more, or
        when a run has a full batch of them: with equal timestamps everywhere it would never move.
        """
        horizon = min((run.clock for run in open_ended), default=_FAR)
        counts = [(run, bisect_left(run.keys, horizon)) for run in waiting]
        ready = [(run, count) for run, count in counts if count]
        at_horizon = [run for run, count in counts if count < len(run.keys) and run.keys[count] == horizon]
        setting = [run for run in open_ended if run.clock == horizon]
        alone = len(at_horizon) == 1 and setting == at_horizon
        if alone or any(len(run.keys) >= self.max_records for run in at_horizon):
            ready = [(run, bisect_right(run.keys, horizon)) for run, _ in counts]
            ready = [(run, count) for run, count in ready if count]
        return ready

    def _deadline(self, waiting: list[_Run], open_ended: list[_Run], standings: Mapping[str, Standing]) -> float:
        horizon = min(run.clock for run in open_ended)
        behind = any(run.clock == horizon and standings[run.topic] is Standing.BEHIND for run in open_ended)
        oldest = min(run.arrived for run in waiting)
        return oldest + (self.patience.behind if behind else self.patience.stale)

    def _merged(self, ready: list[tuple[_Run, int]]) -> Taken:
        cap = self.max_records
        if len(ready) == 1:
            run, count = ready[0]
            records = run.records[: min(count, cap)]
        else:
            # The first `cap` records of the merge lie among the first `cap` of each run.
            heads = [(run, min(count, cap)) for run, count in ready]
            flat = [record for run, count in heads for record in run.records[:count]]
            keys = [key for run, count in heads for key in run.keys[:count]]
            order = sorted(range(len(keys)), key=keys.__getitem__)  # stable: a tie keeps the group's order
            records = [flat[i] for i in order]
            _settle_ties(records, [keys[i] for i in order])
            records = records[:cap]
        offsets = {}
        for topic, count in Counter(map(attrgetter("topic"), records)).items():
            run = self._runs[topic]
            offsets[topic] = run.records[count - 1].offset + 1
            run.drop(count)
        return Taken(records, offsets)


def _bytes_in(records: Sequence[Record]) -> int:
    return sum(len(record.value or b"") for record in records)


def _settle_ties(records: list[Record], keys: list[int]) -> None:
    """Put records of equal key, which stand topic by topic, into the order of their sequence headers, in place."""
    start, size = 0, len(keys)
    while start < size:
        end = start + 1
        if end < size and keys[end] == keys[start]:
            end = bisect_right(keys, keys[start], end)
            if records[start].topic != records[end - 1].topic:
                records[start:end] = _by_sequence(records[start:end])
        start = end


def _by_sequence(tied: list[Record]) -> list[Record]:
    """Tied records by sequence: always the least of the topics' next records, where both that are compared have one."""
    sequences = [_sequence(record) for record in tied]
    if not any(sequences):
        return tied
    queues: dict[str, list[tuple[bytes, Record]]] = {}
    for sequence, record in zip(sequences, tied, strict=True):
        queues.setdefault(record.topic, []).append((sequence, record))
    heads = [iter(queue) for queue in queues.values()]
    nexts = [next(head) for head in heads]
    merged = []
    while nexts:
        least = 0
        for i in range(1, len(nexts)):
            if nexts[i][0] and nexts[least][0] and nexts[i][0] < nexts[least][0]:
                least = i
        merged.append(nexts[least][1])
        following = next(heads[least], None)
        if following is None:
            del heads[least], nexts[least]
        else:
            nexts[least] = following
    return merged


def _sequence(record: Record) -> bytes:
    for name, value in record.headers:
        if name == SEQUENCE_HEADER:
            return value or b""
    return b""
