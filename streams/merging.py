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
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.records import Extent, Fetched

SEQUENCE_HEADER = "ce_sequence"


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
    """Records in order, for each topic among them the offset that follows its last record, and what they amount to."""

    records: list[Any]
    offsets: dict[str, int]
    extent: Extent


_NONE = np.array([], np.int64)


class _Run:
    """What is buffered of one topic-partition: records, their timestamps, keys and sizes, how many bytes they have,
    whether any may have a sequence, and the largest timestamp seen (`clock`)."""

    __slots__ = ("arrived", "clock", "headed", "keys", "records", "size", "sizes", "timestamps", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.clear()

    def clear(self) -> None:
        self.records: list[Any] = []
        self.timestamps: NDArray[np.int64] = _NONE
        self.keys: NDArray[np.int64] = _NONE
        self.sizes: NDArray[np.int64] = _NONE
        self.size = 0
        self.headed = False
        self.clock = -1
        self.arrived = 0.0

    def add(self, fetched: Fetched, now: float) -> None:
        keys = np.maximum(np.maximum.accumulate(fetched.timestamps), self.clock)
        self.headed = fetched.headed or (self.headed and bool(self.records))
        self.records += fetched.records
        self.timestamps = np.concatenate((self.timestamps, fetched.timestamps))
        self.keys = np.concatenate((self.keys, keys))
        self.sizes = np.concatenate((self.sizes, fetched.sizes))
        self.size += int(fetched.sizes.sum())
        self.clock = int(keys[-1])
        self.arrived = now

    def drop(self, count: int) -> int:
        """Forgets the first `count` records; returns their bytes."""
        dropped = int(self.sizes[:count].sum())
        self.size -= dropped
        del self.records[:count]
        self.timestamps, self.keys, self.sizes = self.timestamps[count:], self.keys[count:], self.sizes[count:]
        return dropped


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

    def add(self, topic: str, fetched: Fetched, now: float) -> None:
        """Buffer what was fetched, which follows what was added before."""
        self._runs[topic].add(fetched, now)

    def hungry(self, topic: str) -> bool:
        """Whether more of a topic may be fetched.

        What is left at its broker tells nothing of how far it goes, and what waits at the client holds up the next
        fetch: so a lane takes what comes, up to a number of bytes. Records of one instant, which may tie with the
        next ones, never fill it before a batch is full of them.
        """
        run = self._runs[topic]
        if run.size < self.max_bytes:
            return True
        return not run.records or bool(run.keys[0] == run.clock and len(run.records) < self.max_records)

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
        if not open_ended:
            return [(run, len(run.records)) for run in waiting]
        horizon = min(run.clock for run in open_ended)
        counts = [(run, bisect_left(run.keys, horizon)) for run in waiting]
        ready = [(run, count) for run, count in counts if count]
        at_horizon = [run for run, count in counts if count < len(run.records) and run.keys[count] == horizon]
        setting = [run for run in open_ended if run.clock == horizon]
        alone = len(at_horizon) == 1 and setting == at_horizon
        if alone or any(len(run.records) >= self.max_records for run in at_horizon):
            ready = [(run, bisect_right(run.keys, horizon)) for run, _ in counts]
            ready = [(run, count) for run, count in ready if count]
        return ready

    def _deadline(self, waiting: list[_Run], open_ended: list[_Run], standings: Mapping[str, Standing]) -> float:
        horizon = min(run.clock for run in open_ended)
        behind = any(run.clock == horizon and standings[run.topic] is Standing.BEHIND for run in open_ended)
        oldest = min(run.arrived for run in waiting)
        return oldest + (self.patience.behind if behind else self.patience.stale)

    def _merged(self, ready: list[tuple[_Run, int]]) -> Taken:
        # The first `max_records` records of the merge lie among the first `max_records` of each run.
        heads = [(run, min(count, self.max_records)) for run, count in ready]
        if len(heads) == 1:
            run, count = heads[0]
            records, timestamps, counts = run.records[:count], run.timestamps[:count], [count]
        else:
            flat = [record for run, count in heads for record in run.records[:count]]
            keys = np.concatenate([run.keys[:count] for run, count in heads])
            owners = np.repeat(np.arange(len(heads)), [count for _, count in heads])
            order = np.argsort(keys, kind="stable")  # a tie keeps the group's order
            if any(run.headed for run, _ in heads):
                _settle_ties(order, keys[order], owners, flat)
            order = order[: self.max_records]
            records = [flat[at] for at in order.tolist()]
            timestamps = np.concatenate([run.timestamps[:count] for run, count in heads])[order]
            counts = np.bincount(owners[order], minlength=len(heads)).tolist()
        offsets, by_topic, size = {}, {}, 0
        for (run, _), count in zip(heads, counts, strict=True):
            if count:
                offsets[run.topic] = run.records[count - 1].offset + 1
                by_topic[run.topic] = count
                size += run.drop(count)
        return Taken(records, offsets, Extent(by_topic, size, timestamps))


def _settle_ties(
    order: NDArray[np.int64], keys: NDArray[np.int64], owners: NDArray[np.int64], flat: Sequence[Any]
) -> None:
    """Puts records of equal key, which stand topic by topic, into the order of their sequence headers, in place.

    `order`: indexes of `owners` and `flat`. `keys`: in this order.
    """
    bounds = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), keys.size]
    for start, end in pairwise(bounds):
        if end - start > 1 and owners[order[start]] != owners[order[end - 1]]:
            order[start:end] = _by_sequence(order[start:end].tolist(), owners, flat)


def _by_sequence(tied: list[int], owners: NDArray[np.int64], flat: Sequence[Any]) -> list[int]:
    """Tied records by sequence: always the least of the topics' next records, where both that are compared have one."""
    sequences = [_sequence(flat[at]) for at in tied]
    if not any(sequences):
        return tied
    queues: dict[int, list[tuple[bytes, int]]] = {}
    for sequence, at in zip(sequences, tied, strict=True):
        queues.setdefault(int(owners[at]), []).append((sequence, at))
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


def _sequence(record: Any) -> bytes:
    for name, value in record.headers:
        if name == SEQUENCE_HEADER:
            return value or b""
    return b""
