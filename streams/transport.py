"""A Faust transport that hands an agent one `RecordBatch` at a time instead of one message at a time.

It subclasses Faust's aiokafka consumer and replaces three things, and only for the topics of registered groups:

* **delivery** (`_drain_messages`): what was fetched goes into `merging.Lane`s, one for each (group, partition), and
  leaves them as batches through Faust's conductor. At most one batch of a lane is in work, and a topic-partition with
  so many bytes in its lane is not fetched, so the bytes in flight are bounded;
* **acks and commits** (`done`, `commit`): a batch moves its partitions' positions when all of its effects are
  acknowledged; commits take those positions, before a revocation too, and a failed commit moves nothing;
* **recovery**: records of changelogs go straight into the table's store, a fetch at a time. Any error there is fatal.

Consumption stops before a position moves: `seek_wait` and `perform_seek` wait for the fetch in work, lanes are cleared
with every assignment, and nothing is fetched from a changelog before the recovery of this very assignment has set its
position, or from a group's topic before that is over. So no record of an earlier position is ever taken for one of a
later.

Faust's own bookkeeping (`_acked`, `_gap`, `_read_offset`) is neither used nor fed. `tests/test_batches.py` pins the
source of every upstream method that is overridden or relied upon here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import faust
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode import Service

from streams.access.clients import is_cancelled
from streams.merging import Lane, Standing
from streams.records import Fetched, LeanResults
from streams.recovery_end import RecoveryEnd
from streams.watchdog import Look

if TYPE_CHECKING:
    from streams.batch_app import BatchApp
    from streams.batches import Group
    from streams.plans import RecordBatch

IDLE_POLL_S = 0.25  # one fetch call with nothing held: also the longest a seek waits for the fetch in work
REAFFIRM_S = 0.2  # how often a membership in doubt is asked about
PRODUCE_IN_FLIGHT = 5  # requests to one broker: as many as Kafka's own producer has
HELD_POLL_S = 0.01  # one fetch call while lanes hold records, whose partitions may become hungry meanwhile


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """The consumer: fetches, merges, delivers; keeps the positions that batches reached, and commits them."""

    app: BatchApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epoch = 0  # counts assignments and losses of them: a batch of another epoch is stale
        self.draining = False  # between a revocation and the next assignment, and while stopping: start nothing
        self._generation: int | None = None  # of the assignment; None between a revocation and the next one
        self._recovering = False  # the positions of the changelogs are those that the tables stand at
        self._positioned = False  # the positions of the groups' topics are the committed ones
        self._lanes: dict[tuple[Group, int], Lane] = {}
        self._busy: set[tuple[Group, int]] = set()
        self._read: dict[TP, int | None] = {}
        self._done: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._wake = asyncio.Event()  # something arrived or finished: look at the lanes again
        self._fetch_idle = asyncio.Event()
        self._fetch_idle.set()
        self._commit_lock = asyncio.Lock()
        recovery = self.app.tables.recovery
        recovery._signal_recovery_end = RecoveryEnd(recovery)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- delivery

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until the fetcher stops. Faust runs it as one task; an error ends the process."""
        delivery = asyncio.ensure_future(self._deliver())
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._fetch()
                if delivery.done():
                    delivery.result()
        except (asyncio.CancelledError, *self.consumer_stopped_errors) as error:
            if not self.app.should_stop:
                if isinstance(error, asyncio.CancelledError) and not (fetcher.should_stop or is_cancelled()):
                    self.app.fail("reading", error)  # nobody asked this task to end: the client let it fall
                raise
        except Exception as error:
            self.app.fail("reading", error)
            raise
        finally:
            delivery.cancel()

    async def _fetch(self) -> None:
        """One call of the consumer thread for what may be fetched now; what arrives goes into lanes and tables."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        wanted = self._wanted()
        if not wanted:
            await asyncio.sleep(HELD_POLL_S)
            return
        held = len(wanted) < len(self._active_partitions)
        epoch = self.epoch
        self._fetch_idle.clear()
        self._note_positions()
        try:
            fetched = await self._getmany(wanted, HELD_POLL_S if held else IDLE_POLL_S)
            if epoch == self.epoch:
                self._accept(fetched)
        finally:
            self._fetch_idle.set()

    def _wanted(self) -> set[TP]:
        """The partitions to fetch: changelogs in recovery, and of the groups what a lane has room for.

        Never Faust's own set: it changes under aiokafka's hands, which read an empty one as "all partitions".
        """
        changelogs = self.app.tables.changelog_topics
        wanted = set()
        for tp in self._active_partitions:
            group = self.app.group_of.get(tp.topic)
            if group is None:
                if tp.topic not in changelogs:
                    raise RuntimeError(f"topic {tp.topic} is in no group: this app takes record batches only")
                if self._recovering:
                    wanted.add(tp)
            elif self._positioned and self._lane(group, tp.partition).hungry(tp.topic):
                wanted.add(tp)
        return wanted

    def _accept(self, fetched: Mapping[TP, list[Fetched]]) -> None:
        now = time.monotonic()
        for (topic, partition), (those,) in fetched.items():
            group = self.app.group_of.get(topic)
            if group is not None:
                self._lane(group, partition).add(topic, those, now)
            else:
                self._restore(TP(topic, partition), those.records)
        if self.app.tables.recovery.in_recovery:
            self._maybe_end_recovery()
        if self._note_positions() or fetched:
            self._wake.set()

    def _note_positions(self) -> bool:
        """Notes how far the lanes have what was consumed, while no fetch is on; whether that is further than it was."""
        read = {tp: self._thread.standing(tp)[0] for tp in self._active_partitions}
        moved = read != self._read
        self._read = read
        return moved

    def _lane(self, group: Group, partition: int) -> Lane:
        lane = self._lanes.get((group, partition))
        if lane is None:
            options = self.app.options
            lane = Lane(
                group.topics,
                max_records=options.max_batch_records,
                max_bytes=options.max_fetch_bytes,
                patience=options.patience,
            )
            self._lanes[group, partition] = lane
        return lane

    async def _deliver(self) -> None:
        """Hand out batches of lanes that are ready and have none in work; sleep until that may have changed."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            if self._positioned and not self.draining:
                for key, lane in list(self._lanes.items()):
                    if key not in self._busy:
                        await self._deliver_next(*key, lane, now)
            deadlines = [lane.deadline for lane in self._lanes.values() if lane.deadline is not None]
            timeout = max(0.001, min(deadlines) - time.monotonic()) if deadlines else None
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _deliver_next(self, group: Group, partition: int, lane: Lane, now: float) -> None:
        taken = lane.take(lambda topic: self._standing(TP(topic, partition)), now)
        if taken is None:
            return
        self._busy.add((group, partition))
        batch = group.batch(partition, taken)
        last = taken.records[-1]
        tp, generation = TP(last.topic, partition), self.app.consumer_generation_id
        about = (*tp, last.offset, last.timestamp / 1000, 0, None)  # the same as the record's, but for its headers
        await self.callback(ConsumerMessage(*about, None, batch, None, tp=tp, generation_id=generation))

    def finished(self, batch: RecordBatch) -> None:
        """The next batch of this batch's lane may be delivered."""
        if batch.epoch == self.epoch:
            self._busy.discard((batch.group, batch.partition))
            self._wake.set()

    def _standing(self, tp: TP) -> Standing:
        position, highwater, answered = self._thread.standing(tp)
        read = self._read.get(tp)  # while a fetch is on, the client counts records as consumed that no lane has yet
        if position is None or read is None or highwater is None or min(position, read) < highwater:
            return Standing.BEHIND
        age = time.time() - answered
        options = self.app.options
        # A broker that has nothing answers after `fetch_max_wait`: younger than that, silence means the end.
        return Standing.END if age < options.fetch_max_wait + options.patience.stale else Standing.STALE

    # --- positions and commits

    def done(self, offsets: Mapping[TP, int]) -> None:
        """All effects of the records before these offsets are acknowledged. Called in order for each partition."""
        self._done.update(offsets)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is done; False if there was nothing to, or the group has moved on. A failure moves nothing."""
        return await self._commit_done()

    async def _commit_done(self, *, again: bool = False) -> bool:
        """`again`: commit also what is committed already, so that the coordinator says whether this is a member."""
        async with self._commit_lock:
            epoch = self.epoch
            offsets = {tp: offset for tp, offset in self._done.items() if self._committed.get(tp) != offset}
            if again and not offsets:
                ours = [tp for tp in self._active_partitions if tp.topic in self.app.group_of]
                offsets = {tp: self._committed.get(tp, 0) for tp in ours[:1]}  # 0: `perform_seek` takes it for none
            if not offsets:
                return False
            began = time.monotonic()
            if not await self._commit(offsets):
                self.app.vitals.commits_failed += 1
                return False
            self.app.vitals.waited("commit", time.monotonic() - began)
            if epoch == self.epoch:
                self._committed.update(offsets)
            return True

    @Service.task  # type: ignore[untyped-decorator]
    async def _reaffirm(self) -> None:
        """Has the coordinator check a membership in doubt, which records wait for; see `streams/fencing.py`."""
        while not self.should_stop:
            await self.sleep(REAFFIRM_S)
            if self._positioned and self.app.membership.lapsed:
                await self._commit_done(again=True)

    async def wait_empty(self) -> None:
        """Before a revocation and before the end: start nothing more, wait for the batches in work, commit.

        What they have sent cannot be taken back from the producer, and must not arrive when another worker owns the
        partition. So where they do not end in time, the process does.
        """
        self.draining = True
        if not await self.app.executor.idle(timeout=self.app.options.drain_timeout):
            late = TimeoutError(f"the batches in work did not end within {self.app.options.drain_timeout:g} s")
            self.app.fail("giving partitions up", late)
            raise late
        try:
            async with asyncio.timeout(self.app.options.drain_timeout):
                await self.commit()
        except TimeoutError:
            self.log.warning("Gave up the last commit: its records will be read again")

    def owned(self, topic: str) -> set[int]:
        """The partitions of a group's topic whose batches may be worked on now."""
        if self.draining or not self._positioned:
            return set()
        return {tp.partition for tp in self._active_partitions if tp.topic == topic}

    def ack(self, message: Any) -> bool:
        """Faust's acks have no meaning here: see `done`."""
        return False

    def lag(self) -> dict[TP, int]:
        """For each assigned topic-partition of a group: how many offsets lie between its end and what is done.

        Those whose end is not known yet, because nothing was fetched since the assignment, are left out.
        """
        lags = {}
        for tp in self._active_partitions:
            if tp.topic in self.app.group_of:
                _, highwater, _ = self._thread.standing(tp)
                if highwater is not None:
                    lags[tp] = max(0, highwater - self._done.get(tp, self._committed.get(tp, 0)))
        return lags

    def end(self, tp: TP) -> int | None:
        """The offset after the last record, as the broker last said since the assignment."""
        _, highwater, _ = self._thread.standing(tp)
        return None if highwater is None else int(highwater)

    def look(self) -> Look:
        """What this worker waits for, and how far it is; may be called from any thread."""
        recovery = self.app.tables.recovery
        waits_for = ""
        if not self.app.started or self.app.rebalancing:
            waits_for = "its partitions"
        elif recovery.in_recovery:
            waits_for = "changelogs, to recover its state"
        elif self._busy:
            waits_for = "acknowledgements of what it sent"
        elif any(self._unread(tp) for tp in list(self._active_partitions) if tp.topic in self.app.group_of):
            waits_for = "records that are on its topics"
        elif self._done.items() - self._committed.items():
            waits_for = "a commit"
        progress = (self.epoch, self._done, self._committed, recovery.active_offsets)
        return Look(waits_for, repr(progress))

    def _unread(self, tp: TP) -> bool:
        position, highwater, _ = self._thread.standing(tp)
        return position is None or highwater is None or position < highwater

    # --- assignment and seeks

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._generation = None
        self._positioned = False
        try:
            await super().on_partitions_revoked(revoked)  # waits in `wait_empty`
        except Exception as error:  # aiokafka would log it and go on
            self.app.fail("giving up partitions", error)
            raise
        finally:
            self._forget()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.stop_flow()  # until recovery has set the positions: Faust stops it only if it had partitions before
        self._forget()
        self._generation = generation_id
        self.app.vitals.rebalances += 1
        try:
            self._check_partition_counts()
            await super().on_partitions_assigned(assigned, generation_id)
        except Exception as error:
            self.app.fail("taking partitions", error)
            raise

    def _forget(self) -> None:
        """What was buffered, done or delivered belongs to an assignment that is gone."""
        self.epoch += 1
        self._recovering = self._positioned = False
        self._lanes.clear()
        self._busy.clear()
        self._done.clear()
        self._committed.clear()

    def _check_partition_counts(self) -> None:
        for group in self.app.groups:
            counts = {topic: self._thread.topic_partitions(topic) for topic in group.topics}
            if len(set(counts.values())) > 1:
                raise RuntimeError(f"the topics of group {group.name} need equal partition counts, have {counts}")

    async def perform_seek(self) -> None:
        """Move to the committed offsets; without one, to the beginning (Faust would stay where it is)."""
        self._check_recovery()
        self._positioned = False
        await self._fetch_idle.wait()
        self._lanes.clear()
        committed = await self.seek_to_committed()
        self._check_recovery()
        ours = {tp: offset for tp, offset in committed.items() if tp.topic in self.app.group_of}
        self._committed.update((TP(*tp), offset) for tp, offset in ours.items() if offset)
        uncommitted = [tp for tp, offset in ours.items() if not offset]
        if uncommitted:
            await self._thread.seek_to_beginning(*uncommitted)
            self._check_recovery()
        self.draining = self.app.should_stop
        self._positioned = True

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self._check_recovery()
        self._recovering = False
        await self._fetch_idle.wait()
        await super().seek_wait(partitions)
        self._check_recovery()
        self._recovering = True

    def _check_recovery(self) -> None:
        """Raises RebalanceAgain for a recovery that goes on though its assignment is gone: Faust tells it late.

        What it does until then would count for the next assignment: nothing is read before positions are set, and a
        recovery that is over too early would have that begin with a part of the state.
        """
        recovery = self.app.tables.recovery
        current = self._generation == self.app.consumer_generation_id == recovery._generation_id
        if not current or recovery.signal_recovery_start.is_set():
            raise RebalanceAgain

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watchdog reads sensors that batches do not feed; `lag` is what to watch."""

    # --- recovery

    def _restore(self, tp: TP, records: list[Any]) -> None:
        recovery = self.app.tables.recovery
        if tp in recovery.active_tps:
            recovery.tp_to_table[tp].restore(tp.partition, records)
            recovery.active_offsets[tp] = records[-1].offset

    def _maybe_end_recovery(self) -> None:
        """Tell Faust's recovery when it has all. Positions count: compaction may have removed a changelog's last
        record, and Faust, which waits for that record, would wait for ever."""
        recovery = self.app.tables.recovery
        for tp in recovery.active_tps:
            position, _, _ = self._thread.standing(tp)
            if position is not None and position - 1 > recovery.active_offsets.get(tp, position):
                recovery.active_offsets[tp] = position - 1
                recovery.tp_to_table[tp].reached(tp.partition, position - 1)
        if not recovery.need_recovery():
            recovery.signal_recovery_end.set()


class _ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread, with a shorter long poll and a look at what aiokafka knows of a partition."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust fixes this at 1.5 s. aiokafka has one fetch in flight for a broker, so a partition that was just
        # emptied waits as long as the others of that broker stay silent.
        consumer._fetch_max_wait_ms = int(self.consumer.app.options.fetch_max_wait * 1000)
        # Without tables Faust takes an assignor that hands the topics of a group to different workers.
        consumer._partition_assignment_strategy = [self.consumer.app.assignor]
        consumer._client.send = self.consumer.app.membership.watched(consumer._client.send)
        return consumer

    async def on_start(self) -> None:
        """Call when consumer starts."""
        await super().on_start()
        # A partition whose records nobody has taken yet holds up every other of its broker for so long: 100 ms by
        # default, for every one of them.
        fetcher = self._ensure_consumer()._fetcher
        fetcher._prefetch_backoff = 0.0
        fetcher._records = LeanResults(fetcher._records.items())

    def standing(self, tp: TP) -> tuple[int | None, int | None, float]:
        """Consumed position, highwater, and when the broker last answered (Unix seconds); safe in any thread."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None, None, 0.0
        state = assignment.state_value(tp)
        return state._position, state.highwater, (state.timestamp or 0) / 1000


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, which holds back what may not be this worker's to write any more: `streams/fencing.py`."""

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        producer = super()._new_producer(transactional_id)
        producer._sender._in_flight = _InFlight()
        client, app = producer.client, self.transport.app
        client.send = app.membership.guarded(client.send, client.ready, lambda error: app.fail("producing", error))
        return producer


class _InFlight(Counter[int]):
    """Brokers with as many produce requests in flight as they may have; aiokafka waits for each to be answered before
    it sends the next. A partition is in one request at a time (`Sender._muted_partitions`), so its order stays."""

    def __contains__(self, broker: object) -> bool:
        return self[broker] >= PRODUCE_IN_FLIGHT  # type: ignore[index]

    def add(self, broker: int) -> None:
        self[broker] += 1

    def remove(self, broker: int) -> None:
        self[broker] -= 1


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with the consumer and the producer above."""

    Consumer = BatchConsumer
    Producer = BatchProducer


class BatchSchema(faust.Schema):  # type: ignore[misc]
    """The value of a delivered message is a `RecordBatch` already: nothing to decode."""

    def compile(self, app: Any, **_: Any) -> Any:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        return decode
