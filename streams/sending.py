"""Send thousands of records with one future for each produced batch, not one for each record.

`Sender.send_all` returns when the broker has acknowledged every record (`acks=all`), and raises otherwise: then some
may have arrived and some not, and the caller must not go on. Records of one partition arrive in the order given.
It decides nothing about order between calls; `streams/batches.py` does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

RECORD_OVERHEAD = 128  # bytes of framing a record and its batch may add, generously

Headers = Sequence[tuple[str, bytes]]


class Send(NamedTuple):
    """One record to produce. Without `partition` the key decides, as Java's and aiokafka's default partitioners do."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp_ms: int | None = None  # now, when not given


class Sender:
    """Sends through an aiokafka producer, which may not be started before the first call."""

    def __init__(self, producer: Callable[[], Any], *, max_record_bytes: int) -> None:
        self._producer = producer
        self._max_record_bytes = max_record_bytes
        self._turn = count()  # records without key and partition go round
        # One waits for room in a partition at a time: of several, aiokafka counts each wait from the first one's start,
        # and so gives up long before the timeout.
        self._room: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send_all(self, sends: Iterable[Send]) -> dict[tuple[str, int], int]:
        """Produce and wait for all acknowledgements; for each (topic, partition) the offset of its last record.

        Raises `aiokafka.errors.KafkaError`: not acknowledged within the request timeout, refused, or too large.
        """
        producer = self._producer()
        counts: dict[str, int] = {}
        chains: dict[tuple[str, int], list[Any]] = {}
        for send in sends:
            topic, key, value, headers, partition, timestamp = send
            if topic not in counts:
                counts[topic] = len(await producer.client._wait_on_metadata(topic))
            if partition is None:
                partition = self._partition(key, counts[topic])
            chain = chains.get((topic, partition))
            if chain is None:
                chain = chains[topic, partition] = [producer.create_batch()]
            if len(value or b"") + len(key or b"") + RECORD_OVERHEAD > self._max_record_bytes:
                raise MessageSizeTooLargeError(f"a record for {topic} has {len(value or b'')} bytes")
            added = chain[-1].append(timestamp=timestamp, key=key, value=value, headers=list(headers))
            if added is None:  # full: a new batch takes any one record
                chain.append(producer.create_batch())
                chain[-1].append(timestamp=timestamp, key=key, value=value, headers=list(headers))
        ends = await asyncio.gather(*(self._send(producer, *tp, chain) for tp, chain in chains.items()))
        return dict(zip(chains, ends, strict=True))

    async def _send(self, producer: Any, topic: str, partition: int, chain: list[Any]) -> int:
        acks = []
        async with self._room[topic, partition]:
            for batch in chain:
                batch.close()  # nothing joins it any more: it need not linger
                acks.append(await producer.send_batch(batch, topic, partition=partition))
        written = await asyncio.gather(*acks)
        return int(written[-1].offset) + int(chain[-1].record_count()) - 1

    def _partition(self, key: bytes | None, partitions: int) -> int:
        return next(self._turn) % partitions if key is None else partition_of(key, partitions)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as Java's and aiokafka's default partitioners choose it."""
    return _hash(key) % partitions


@lru_cache(maxsize=1 << 16)  # murmur2 in Python costs 5 µs for 20 bytes; subjects repeat
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF
