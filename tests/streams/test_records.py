"""What a fetch brings: the records of aiokafka's own parser, as lanes and stages need them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streams.merging import Lane, Patience, Standing
from streams.records import Fetched, LeanResults, Record, extent_of, unpacked
from tests.streams.test_batches import TP, Rec

POSTS = TP("posts", 2)
Told = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Timestamp, key, value, headers."""


def batch_of(records: list[Told], first: int = 0) -> bytes:
    """A record batch as brokers keep it, from offset `first`."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20,
    )  # fmt: skip
    for at, (timestamp, key, value, headers) in enumerate(records):
        builder.append(at, timestamp=timestamp, key=key, value=value, headers=headers)
    data = bytearray(builder.build())
    data[:8] = first.to_bytes(8, "big")
    return bytes(data)


def packed(data: bytes, at: int = 0) -> Any:
    return PartitionRecords(POSTS, MemoryRecords(data), [], at, None, None, True, READ_UNCOMMITTED)


def results() -> tuple[LeanResults, Any]:
    """A fetcher's results, and the position of the only partition."""
    state = SimpleNamespace(position=5, paused=False)
    state.consumed_to = lambda position: setattr(state, "position", position)
    return LeanResults(), state


def result_of(state: Any, data: bytes) -> FetchResult:
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return FetchResult(POSTS, assignment=assignment, partition_records=packed(data, state.position), backoff=0)


TOLD: list[Told] = [
    (70, b"a", b"one", []),
    (50, None, b"", [("ce_id", b"x"), ("generation", b"3")]),
    (60, b"c", None, []),
]


def test_records_are_those_that_the_client_would_have_given() -> None:
    stock = list(packed(batch_of(TOLD, first=5), at=5))
    found = unpacked(packed(batch_of(TOLD, first=5), at=5))
    names = ("topic", "partition", "offset", "timestamp", "key", "value")
    assert [[getattr(record, name) for name in names] for record in found.records] == [
        [getattr(record, name) for name in names] for record in stock
    ]
    assert [list(record.headers) for record in found.records] == [list(record.headers) for record in stock]
    assert (found.timestamps.tolist(), found.sizes.tolist(), found.headed) == ([70, 50, 60], [3, 0, 0], True)


def test_what_was_read_before_and_what_compaction_removed_is_left_out() -> None:
    data = batch_of(TOLD, first=5) + batch_of(TOLD[:1], first=20)
    found = packed(data, at=6)
    assert [record.offset for record in unpacked(found).records] == [6, 7, 20]
    assert found.next_fetch_offset == 21


def test_a_result_is_taken_whole_and_the_position_is_behind_it() -> None:
    fetched, state = results()
    fetched[POSTS] = result_of(state, batch_of(TOLD, first=5))
    (only,) = fetched[POSTS].getall()
    assert isinstance(only, Fetched)
    assert [type(record) for record in only.records] == [Record] * 3
    assert (state.position, fetched[POSTS].has_more()) == (8, False)


def test_a_result_without_records_gives_none_and_moves_the_position() -> None:
    fetched, state = results()
    state.position = 8  # all of the batch was read before
    fetched[POSTS] = result_of(state, batch_of(TOLD, first=5))
    assert fetched[POSTS].getall() == []
    assert state.position == 8


def test_a_result_of_a_position_that_was_left_gives_none() -> None:
    fetched, state = results()
    fetched[POSTS] = result_of(state, batch_of(TOLD, first=5))
    state.position = 0
    assert fetched[POSTS].getall() == []
    assert state.position == 0


def test_a_batch_that_was_damaged_is_an_error_and_moves_nothing() -> None:
    fetched, state = results()
    data = bytearray(batch_of(TOLD, first=5))
    data[-1] ^= 1
    fetched[POSTS] = result_of(state, bytes(data))
    with pytest.raises(CorruptRecordException):
        fetched[POSTS].getall()
    assert state.position == 5


def test_errors_and_what_a_fetcher_has_already_are_kept() -> None:
    _, state = results()
    error = FetchError(error=OSError(), backoff=0)
    kept = LeanResults([(TP("posts", 1), error), (POSTS, result_of(state, batch_of(TOLD, first=5)))])
    assert kept[TP("posts", 1)] is error
    again = LeanResults(kept.items())
    (only,) = again[POSTS].getall()
    assert len(only.records) == 3


@given(st.lists(st.tuples(st.sampled_from(["posts", "shares"]), st.integers(-1, 9), st.binary(max_size=3))))
def test_what_a_lane_says_of_a_batch_is_what_its_records_amount_to(told: list[tuple[str, int, bytes]]) -> None:
    lane = Lane(("posts", "shares"), max_records=7, max_bytes=100, patience=Patience(0.025, 0.5))
    for topic in ("posts", "shares"):
        own = [(timestamp, value) for name, timestamp, value in told if name == topic]
        records = [Rec(topic, at, timestamp, value=value or None) for at, (timestamp, value) in enumerate(own)]
        if records:
            lane.add(topic, Fetched.of(records), now=0)
    seen = 0
    while (taken := lane.take(lambda _: Standing.END, now=0)) is not None:
        by_topic, size, timestamps = extent_of(taken.records)
        assert (dict(taken.extent.by_topic), taken.extent.size) == (dict(by_topic), size)
        assert np.array_equal(taken.extent.timestamps, timestamps)
        seen += len(taken.records)
    assert seen == len(told)


def test_the_largest_of_all_timestamps_holds_nothing_up() -> None:
    lane = Lane(("posts", "shares"), max_records=7, max_bytes=100, patience=Patience(0.025, 0.5))
    lane.add("posts", Fetched.of([Rec("posts", 0, (1 << 63) - 1)]), now=0)
    lane.add("shares", Fetched.of([Rec("shares", 0, 5)]), now=0)
    taken = lane.take(lambda _: Standing.END, now=0)
    assert taken is not None
    assert [record.topic for record in taken.records] == ["shares", "posts"]
