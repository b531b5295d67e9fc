"""How far a topic-partition has been read is what its lane has, and not what the client's thread has taken."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.merging import Patience, Standing
from streams.transport import BatchConsumer

POSTS = TP("posts", 0)


class Thread:
    """What the client knows of one partition that has ten records."""

    def __init__(self) -> None:
        self.position: int | None = 0

    def standing(self, tp: TP) -> tuple[int | None, int | None, float]:
        return self.position, 10, time.time()


def reading() -> tuple[Any, Thread]:
    thread = Thread()
    consumer: Any = BatchConsumer.__new__(BatchConsumer)
    options = SimpleNamespace(fetch_max_wait=0.1, patience=Patience(0.025, 0.5))
    vars(consumer).update(_thread=thread, _read={}, _active_partitions={POSTS}, app=SimpleNamespace(options=options))
    return consumer, thread


def test_records_on_their_way_from_the_client_are_yet_to_be_read() -> None:
    consumer, thread = reading()
    consumer._note_positions()
    thread.position = 10  # taken in the thread; the loop has not come to it yet
    assert consumer._standing(POSTS) is Standing.BEHIND
    assert consumer._note_positions()  # the lane has them
    assert consumer._standing(POSTS) is Standing.END
    assert not consumer._note_positions()


def test_of_a_partition_that_was_just_assigned_nothing_is_known() -> None:
    consumer, thread = reading()
    thread.position = 10
    assert consumer._standing(POSTS) is Standing.BEHIND


def test_a_position_that_was_set_back_counts_at_once() -> None:
    consumer, thread = reading()
    thread.position = 10
    consumer._note_positions()
    thread.position = 4
    assert consumer._standing(POSTS) is Standing.BEHIND
