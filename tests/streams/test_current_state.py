"""What a changelog says, read from outside: the newest values, without those of a worker that was fenced off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.stores import STAMP_HEADER, CurrentState, current_state


@dataclass(frozen=True)
class Rec:
    key: bytes
    value: bytes | None
    stamp: int = 1
    partition: int = 0

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        return [(STAMP_HEADER, b"%d" % self.stamp)]


def test_the_newest_value_of_each_key_counts_and_a_tombstone_ends_it() -> None:
    records = [Rec(b"a", b"1"), Rec(b"b", b"1"), Rec(b"a", b"2"), Rec(b"b", None)]
    assert current_state(records) == {b"a": b"2"}


def test_what_a_worker_wrote_after_it_had_lost_the_partition_does_not_count() -> None:
    state = CurrentState()
    taken = [
        state.take(record)
        for record in (Rec(b"a", b"1", 1), Rec(b"b", b"1", 2), Rec(b"a", b"late", 1), Rec(b"a", b"p1", 1, partition=1))
    ]
    assert taken == [True, True, False, True]
    assert state.values == {b"a": b"p1", b"b": b"1"}


def test_keys_that_nobody_wants_still_fence() -> None:
    state = CurrentState(kept=lambda key: key == b"a")
    for record in (Rec(b"a", b"1", 1), Rec(b"b", b"1", 2), Rec(b"a", b"late", 1)):
        state.take(record)
    assert state.values == {b"a": b"1"}
