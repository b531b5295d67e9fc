"""Sending: calls that send to one partition at the same time take turns, and each waits for its own acknowledgement."""

import asyncio
from typing import NamedTuple

import pytest

from streams.sending import Send, Sender


class Written(NamedTuple):
    offset: int


class Batch:
    """A produced batch with room for `room` records."""

    def __init__(self, room: int) -> None:
        self.values: list[bytes] = []
        self.room = room

    def append(self, *, value: bytes, **_: object) -> object | None:
        if len(self.values) >= self.room:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass

    def record_count(self) -> int:
        return len(self.values)


class Producer:
    """A producer whose partitions have room for one batch at a time, and count who waits for it."""

    def __init__(self, room: int = 2) -> None:
        self.room = room
        self.client = self
        self.waiting = 0
        self.most = 0
        self.log: list[bytes] = []

    async def _wait_on_metadata(self, topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> Batch:
        return Batch(self.room)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Written]":
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(0)
        self.waiting -= 1
        done: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        done.set_result(Written(len(self.log)))
        self.log += batch.values
        return done


def send_all(producer: Producer, *plans: list[bytes]) -> list[dict[tuple[str, int], int]]:
    async def run() -> list[dict[tuple[str, int], int]]:
        sender = Sender(lambda: producer, max_record_bytes=1000)
        return await asyncio.gather(*(sender.send_all(Send("t", b"k", value) for value in plan) for plan in plans))

    return asyncio.run(run())


def test_only_one_waits_for_room_in_a_partition_at_a_time() -> None:
    producer = Producer()
    send_all(producer, *([b"%d" % n, b"%d'" % n, b"%d''" % n] for n in range(8)))
    assert producer.most == 1
    assert len(producer.log) == 24


def test_the_records_of_a_call_stay_together_and_in_order() -> None:
    producer = Producer()
    plans = [[b"a1", b"a2", b"a3"], [b"b1", b"b2", b"b3"]]
    ends = send_all(producer, *plans)
    assert producer.log == [*plans[0], *plans[1]]
    assert ends == [{("t", 0): 2}, {("t", 0): 5}]


def test_a_failure_of_one_does_not_stop_the_others() -> None:
    producer = Producer()

    async def run() -> None:
        sender = Sender(lambda: producer, max_record_bytes=1000)
        first = asyncio.ensure_future(sender.send_all([Send("t", b"k", b"x" * 2000)]))
        with pytest.raises(Exception, match="2000 bytes"):
            await first
        await sender.send_all([Send("t", b"k", b"y")])

    asyncio.run(run())
    assert producer.log == [b"y"]
