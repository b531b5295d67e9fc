"""Follows the topics into the journal, in a thread with an event loop of its own, from start to end.

Brokers that go away are waited for: the journal then says how far behind it is, and goes on where it was.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.codec import Record
from streams.compacted import opened
from streams.journal.entries import WRONG, Taken, Taking
from streams.journal.file import JournalError
from streams.journal.store import Place, Shown, Store
from streams.rights import RightsError, say
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

logger = logging.getLogger(__name__)

_POLL_MS = 200
_AT_ONCE = 20_000
"""Records written in one transaction while catching up."""
_GATHER_S = 0.15
"""How long what comes is gathered before it is written; the feed sends it on a few times a second."""
_PRUNE_S = 10.0
_AGAIN_S = 2.0
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the journal is. complete: all that was there when it began is read; behind_s: how old the newest record
    is that it still has not read, in seconds, 0 for none, None where nobody knows; since: from when on all is kept, in
    ms; problem: why it does not go on, for a person; refused: the rights at Kafka that it lacks; unreadable: records
    that are not what their topic should hold; taken: records that were read; bytes: what the file holds."""

    complete: bool = False
    records: int = 0
    behind_s: float | None = None
    since: int = 0
    problem: str = ""
    refused: RightsError | None = None
    unreadable: int = 0
    taken: int = 0
    bytes: int = 0


class Following:
    """The thread. `publish` is called in it with what the live feed shows, once it is in the file."""

    def __init__(self, settings: Settings, store: Store, publish: Callable[[Sequence[Shown]], None]) -> None:
        self._settings, self._store, self._publish = settings, store, publish
        names = topic_names(settings)
        self._taking = Taking(names)
        self._bans = names.bans
        self._whole = frozenset((names.reviews, names.bans, names.controls, names.packs))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._ends: dict[TopicPartition, int] = {}
        self._reading_bans = False
        self._pruned = 0.0
        self.progress = Progress(records=store.records, since=store.since)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it, with the batch in work; the file is whole whether it ends in time or not."""
        self._stopping.set()
        self._thread.join(_END_S)

    def _run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                async with opened(self._settings, *self._taking.topics) as reader:
                    await self._begin(reader)
                    while not self._stopping.is_set():
                        await self._step(reader)
            except RightsError as error:
                self._note(problem=str(error), refused=error, behind_s=None)
                say(error, "The journal does not go on")
                await self._pause(_AGAIN_S)
            except (TopicsError, JournalError) as error:
                if str(error) != self.progress.problem:  # said once, not every two seconds
                    logger.warning("The journal does not go on: %s", error)
                self._note(problem=str(error), behind_s=None)
                await self._pause(_AGAIN_S)
            except Exception:
                self._note(problem="the journal failed: the server's log says why", behind_s=None)
                logger.exception("The journal does not go on")
                await self._pause(_AGAIN_S)

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set():
            await asyncio.sleep(0.1)

    async def _begin(self, reader: AIOKafkaConsumer) -> None:
        """Moves to where the file ends; in a new one, to what was produced in the hours that are kept. Reviews and what
        people did are then read whole, and the ban list always is: see `Store.end_bans`."""
        partitions = sorted(reader.assignment())
        ends = await reader.end_offsets(partitions)
        starts = await reader.beginning_offsets(partitions)
        positions = self._store.positions()
        if any(position > ends.get(TopicPartition(*place), position) for place, position in positions.items()):
            logger.warning("The topics are not those of the journal, which is made anew: %s", self._store.path)
            self._store.anew()
            positions = {}
        recent = [tp for tp in partitions if tp.topic not in self._whole and tuple(tp) not in positions]
        found = await reader.offsets_for_times(dict.fromkeys(recent, self._store.since)) if recent else {}
        for tp in partitions:
            start = positions.get((tp.topic, tp.partition)) if tp.topic != self._bans else None
            if start is None and tp in found:
                start = ends[tp] if found[tp] is None else found[tp].offset
            reader.seek(tp, max(start or 0, starts[tp]))
        self._ends = dict(ends)
        self._store.begin_bans()
        self._reading_bans = True

    async def _step(self, reader: AIOKafkaConsumer) -> None:
        """Reads some, writes them, and removes what is too old."""
        fetched: dict[TopicPartition, list[Record]] = {}
        count = 0
        timeout, gathered = _POLL_MS, math.inf
        while count < _AT_ONCE and not self._stopping.is_set():
            more = await reader.getmany(timeout_ms=timeout, max_records=_AT_ONCE - count)
            if not more:
                break
            gathered = min(gathered, time.monotonic() + _GATHER_S)
            for tp, records in more.items():
                fetched.setdefault(tp, []).extend(records)
                count += len(records)
            timeout = 20
            if self.progress.complete:
                left = gathered - time.monotonic()
                if left <= 0:
                    break
                await asyncio.sleep(left)  # a write costs the same for one record as for a hundred
        if count:
            self._write(fetched)
        waiting = [tp for tp, end in self._ends.items() if await reader.position(tp) < end]
        self._ends = {tp: self._ends[tp] for tp in waiting}
        if self._reading_bans and all(tp.topic != self._bans for tp in waiting):
            self._reading_bans = False
            if gone := self._store.end_bans():
                logger.info("%d subjects had left the ban list meanwhile", gone)
        behind = self._behind(reader, [record for records in fetched.values() for record in records[-1:]])
        self._note(complete=self.progress.complete or not waiting, behind_s=behind, problem="", refused=None)
        await self._prune()

    def _write(self, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        taken: list[Taken] = []
        unreadable = 0
        for record in in_order(fetched, self._taking.topics):
            try:
                found = self._taking.of(record)
            except WRONG:
                unreadable += 1
                continue
            if found is not None:
                taken.append(found)
        positions: dict[Place, int] = {(tp.topic, tp.partition): each[-1].offset + 1 for tp, each in fetched.items()}
        written = self._store.write(taken, positions)
        if self.progress.complete and written.feed:
            self._publish(written.feed)
        counted = sum(map(len, fetched.values()))
        self._note(taken=self.progress.taken + counted, unreadable=self.progress.unreadable + unreadable)

    def _behind(self, reader: AIOKafkaConsumer, newest: Sequence[Record]) -> float | None:
        """0 when nothing is left; else how old what was read last is."""
        ahead = (reader.highwater(tp) for tp in reader.assignment())
        left = any(mark is not None for mark in ahead) and not self._at_end(reader)
        if not left:
            return 0.0
        if not newest:
            return self.progress.behind_s
        return max(0.0, time.time() - max(record.timestamp for record in newest) / 1000)

    @staticmethod
    def _at_end(reader: AIOKafkaConsumer) -> bool:
        state = reader._subscription.subscription.assignment  # the positions, without waiting for any
        for tp in reader.assignment():
            mark, known = reader.highwater(tp), state.state_value(tp)
            if mark is not None and known.has_valid_position and known.position < mark:
                return False
        return True

    async def _prune(self) -> None:
        if time.monotonic() - self._pruned < _PRUNE_S:
            return
        while self._store.prune() and not self._stopping.is_set():
            await asyncio.sleep(0)
        self._pruned = time.monotonic()
        self._note(bytes=self._store.size)

    def _note(self, **changed: object) -> None:
        old = {name: getattr(self.progress, name) for name in Progress.__slots__}
        self.progress = Progress(**{**old, "records": self._store.records, "since": self._store.since, **changed})


def in_order(fetched: Mapping[TopicPartition, Sequence[Record]], topics: Sequence[str]) -> Iterable[Record]:
    """Records of several partitions by the time they were produced, those of each partition in their own order; at the
    same time, those of the earlier topic first."""

    def timed(records: Sequence[Record], rank: int) -> Iterable[tuple[int, int, int, Record]]:
        newest = 0
        for record in records:
            newest = max(newest, record.timestamp)
            yield newest, rank, record.offset, record

    lists = [timed(records, topics.index(tp.topic)) for tp, records in sorted(fetched.items())]
    for *_, record in merge(*lists, key=lambda each: each[:3]):
        yield record
