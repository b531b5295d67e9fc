"""What a fetch brings, as lanes and stages need it, and how aiokafka is made to hand over just that.

aiokafka makes a dataclass of eleven fields for each record, with a list for its headers, and of everything that was
fetched at once. Tens of thousands of them wait in a worker for their turn: the collector walks them again and again,
and whoever looks at one finds it out of the processor's caches. A `Record` is half as large and no collector sees
it; what merging asks of a record is kept beside, in arrays, so that nobody touches it before it is judged.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as its broker keeps it; `timestamp` in ms. A header's value may be null, as a key and a value may."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, Any]] = ()


class Extent(NamedTuple):
    """What records amount to. `by_topic`: how many there are of each topic; `size`: the bytes of their values;
    `timestamps` in ms, in order."""

    by_topic: Mapping[str, int]
    size: int
    timestamps: NDArray[np.int64]


def extent_of(records: Sequence[Any]) -> Extent:
    """What records that are there amount to."""
    return Extent(
        Counter(map(attrgetter("topic"), records)),
        sum(map(len, filter(None, map(attrgetter("value"), records)))),
        np.fromiter(map(attrgetter("timestamp"), records), np.int64, len(records)),
    )


class Fetched:
    """Records of one topic-partition, in offset order. `timestamps` in ms, `sizes` of the values in bytes;
    `headed`: whether any has headers."""

    __slots__ = ("headed", "records", "sizes", "timestamps")

    def __init__(
        self, records: list[Any], timestamps: NDArray[np.int64], sizes: NDArray[np.int64], *, headed: bool
    ) -> None:
        self.records = records
        self.timestamps = timestamps
        self.sizes = sizes
        self.headed = headed

    @classmethod
    def of(cls, records: Sequence[Any]) -> Self:
        """The same of records that are there."""
        return cls(
            list(records),
            np.array([record.timestamp for record in records], np.int64),
            np.array([len(record.value or b"") for record in records], np.int64),
            headed=any(record.headers for record in records),
        )


class _Unpacked:
    """Stands in for `aiokafka.consumer.fetcher.PartitionRecords`: gives all of its records as one `Fetched`."""

    def __init__(self, packed: Any) -> None:
        self._packed = packed

    @property
    def next_fetch_offset(self) -> int:
        """Where the partition is to be read next."""
        return int(self._packed.next_fetch_offset)

    def __iter__(self) -> Iterator[Fetched]:
        fetched = unpacked(self._packed)
        if fetched.records:
            yield fetched


def unpacked(packed: Any) -> Fetched:
    """All records of an `aiokafka.consumer.fetcher.PartitionRecords`. Raises what it raises."""
    timestamps: list[int] = []
    sizes: list[int] = []
    headed = False

    def lean(tp: Any, record: Any) -> Record:
        nonlocal headed
        value, timestamp, headers = record.value, record.timestamp, record.headers
        timestamps.append(timestamp)
        sizes.append(len(value) if value else 0)
        if not headers:
            return Record(tp.topic, tp.partition, record.offset, timestamp, record.key, value)
        headed = True
        return Record(tp.topic, tp.partition, record.offset, timestamp, record.key, value, headers)

    packed._consumer_record = lean
    records = list(packed)
    return Fetched(records, np.array(timestamps, np.int64), np.array(sizes, np.int64), headed=headed)


class LeanResults(OrderedDict[Any, Any]):
    """Stands in for what a fetcher of aiokafka keeps until it is taken, `FetchResult`s and errors by partition, so that
    taking a result gives one `Fetched`."""

    def __init__(self, results: Iterable[tuple[Any, Any]] = ()) -> None:
        super().__init__()
        for tp, result in results:
            self[tp] = result

    def __setitem__(self, tp: Any, result: Any) -> None:
        packed = getattr(result, "_partition_records", None)
        if packed is not None and not isinstance(packed, _Unpacked):
            result._partition_records = _Unpacked(packed)
        super().__setitem__(tp, result)
