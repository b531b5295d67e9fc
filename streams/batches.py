"""Record batches through Faust: what an agent reads, and the order in which its effects become true.

The guarantee: every record that the brokers acknowledged is handled at least once, and nothing is skipped. For each
partition, one batch (or submitted plan) at a time:

1. `handle` makes a `Plan` from the batch and the state: a pure, synchronous function. What the plan wants on record
   before anything follows from it (`first`) is acknowledged by the changelog, and becomes visible;
2. the plan's sends are acknowledged by the brokers (`acks=all`);
3. its writes are acknowledged by the changelog;
4. its writes become visible in the local state;
5. the batch's offsets are done, and the next commit takes them. Commits never pass a batch that is not done, and
   what is done is committed before its partition is given up.

Between all steps the lease is checked: if the partition went to another worker, the rest is dropped, and that worker
reads the same records. What already waits in the producer goes out only while the membership in the group is certain
(`streams/fencing.py`). Any failure - in `handle`, of a send, of a changelog, of recovery - is one critical line in the
log and the end of the process, code 70; a supervisor starts it again where the last commit stands. Effects may then
repeat, so their ids must be functions of content.

Partitions do not wait for each other: while some wait for acknowledgements, others are handled. What waits for its
turn at the same time is handled together, as a *round*: each step is taken for all of it at once, because what a batch
costs besides its records - array calls, requests, answers - is most of the cost while batches are small.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from faust.types import TP

from streams.access.clients import is_cancelled
from streams.merging import Taken
from streams.plans import Handle, Lease, Plan, RecordBatch, Together, made_now
from streams.sending import Sender
from streams.stores import Write

if TYPE_CHECKING:
    from streams.batch_app import BatchApp

NOT_YET_S = 0.05
"""How long a batch waits before its handle is asked again."""

LOOKS = 8
"""How often the loop goes round before plans are made: so many steps lie between a send and the socket, or an answer
and whoever waits for it. Else each of these steps would wait while other partitions are judged."""


class Group:
    """Co-partitioned topics read by one agent, merged by timestamp; the order of the topics breaks ties."""

    def __init__(
        self, app: BatchApp, name: str, topics: Sequence[str], handle: Handle, together: Together | None = None
    ) -> None:
        self.app = app
        self.name = name
        self.topics = tuple(topics)
        self.handle = handle
        self.together = together
        self.counters: Counter[str] = Counter()  # batches, records, dropped (their lease had ended)

    def batch(self, partition: int, taken: Taken) -> RecordBatch:
        """The batch of what was taken from a lane, under the lease of now."""
        offsets = {TP(topic, partition): offset for topic, offset in taken.offsets.items()}
        return RecordBatch(self.app.executor.lease(self, partition), taken.records, offsets, taken.extent)

    def plans(self, batches: Sequence[RecordBatch]) -> Sequence[Plan | None]:
        """A plan for each batch; None where it cannot be made yet."""
        if self.together is None or len(batches) == 1:
            return [made_now(partial(self.handle, batch)) for batch in batches]
        return self.together(batches)

    def partitions(self) -> set[int]:
        """The partitions this worker owns and has recovered; empty while a rebalance is on."""
        return self.app.executor.owned(self)

    async def submit(self, partition: int, make_plan: Callable[[], Plan]) -> bool:
        """Carry out a plan that no batch led to, such as expiries found by a timer.

        `make_plan` is called when it is the partition's turn, so it sees the state after all batches before it;
        order, checks and failures are those of a batch. False: the partition is not, or no longer, this worker's,
        and the plan was dropped, perhaps after some of its sends.
        """
        return await self.app.executor.submit(self, partition, make_plan)


@dataclass(slots=True, eq=False)
class _Turn:
    """A plan that waits to be made; its partition's lock is held until `done`. Without a batch it is made alone."""

    lease: Lease
    make_plan: Callable[[], Plan]
    offsets: Mapping[TP, int]
    batch: RecordBatch | None
    done: asyncio.Future[bool | None]
    """Whether the plan was carried out; None: it cannot be made yet."""


class Executor:
    """Carries out plans: one at a time for each partition of a group, in the order of the guarantee."""

    def __init__(self, app: BatchApp) -> None:
        self._app = app
        self._locks: dict[tuple[Group, int], asyncio.Lock] = {}
        self._working: set[asyncio.Task[bool]] = set()
        self._judging = asyncio.Lock()
        self._waiting: list[_Turn] = []
        self._sender = Sender(self._producer, max_record_bytes=app.conf.producer_max_request_size)

    def _producer(self) -> Any:
        return self._app.producer._ensure_producer()

    def lease(self, group: Group, partition: int) -> Lease:
        return Lease(group, partition, self._app.consumer_generation_id, self._app.consumer.epoch)

    def owned(self, group: Group) -> set[int]:
        return self._app.consumer.owned(group.topics[0])

    def start(self, batch: RecordBatch) -> None:
        """Begin a batch; it runs as a task of its own. The transport gives the next of its lane when it ended."""
        self._track(self._batch(batch))

    async def submit(self, group: Group, partition: int, make_plan: Callable[[], Plan]) -> bool:
        if partition not in self.owned(group):
            return False
        return await self._track(self._turn(self.lease(group, partition), make_plan, {}))

    async def idle(self, timeout: float) -> bool:
        """Wait until no plan is in work, `timeout` seconds at most; whether that came true."""
        if self._working:
            await asyncio.wait(self._working, timeout=timeout)
        return not self._working

    def _track(self, work: Any) -> asyncio.Task[bool]:
        task: asyncio.Task[bool] = asyncio.ensure_future(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    async def _batch(self, batch: RecordBatch) -> bool:
        group = batch.group
        done = await self._turn(batch.lease, partial(group.handle, batch), batch.offsets, batch)
        if done:
            group.counters.update(batches=1, records=len(batch.records))
        else:
            group.counters["dropped"] += 1
        self._app.consumer.finished(batch)
        return done

    async def _turn(
        self, lease: Lease, make_plan: Callable[[], Plan], offsets: Mapping[TP, int], batch: RecordBatch | None = None
    ) -> bool:
        lock = self._locks.setdefault((lease.group, lease.partition), asyncio.Lock())
        async with lock:
            try:
                while True:
                    turn = _Turn(lease, make_plan, offsets, batch, asyncio.get_running_loop().create_future())
                    done = await self._done(turn)
                    if done is not None:
                        return done
                    await asyncio.sleep(NOT_YET_S)
            except Exception as error:
                self._app.fail(f"a plan for {lease.group.name}, partition {lease.partition},", error)
                raise

    async def _done(self, turn: _Turn) -> bool | None:
        """Has a plan made and carried out, with those that wait when its turn comes; None: it cannot be made yet."""
        self._waiting.append(turn)
        try:
            async with self._judging:
                if turn in self._waiting:
                    for _ in range(LOOKS):
                        await asyncio.sleep(0)
                taken = self._round(turn) if turn in self._waiting else []
                try:
                    made = self._made(taken)
                except Exception as error:
                    _end(taken, error)
                    made = []
        finally:
            if turn in self._waiting:  # it was cancelled
                self._waiting.remove(turn)
        if made:
            turns = [each for each, _ in made]
            try:
                _end(turns, await self._carry_out(made))
            except asyncio.CancelledError as error:
                if is_cancelled():
                    _end(turns, False)
                    raise
                # aiokafka lets cancellations of its own tasks out; those who wait would wait for ever
                _end(turns, TimeoutError(f"the Kafka client gave up what was being sent: {error!r}"))
            except Exception as error:
                _end(turns, error)
        return await turn.done

    def _round(self, first: _Turn) -> list[_Turn]:
        """Takes what is handled together with a turn out of those that wait; what may not be handled has ended then."""
        taken = [first]
        if first.batch is not None:
            room = self._app.options.max_batch_records - len(first.batch.records)
            for turn in self._waiting:
                if turn is not first and turn.batch is not None and turn.lease.group is first.lease.group:
                    room -= len(turn.batch.records)
                    if room < 0:
                        break
                    taken.append(turn)
        self._waiting = [turn for turn in self._waiting if turn not in taken]
        for turn in taken:
            if self._app.consumer.draining or not self._held(turn.lease):
                turn.done.set_result(False)
        return [turn for turn in taken if not turn.done.done()]

    def _made(self, turns: Sequence[_Turn]) -> list[tuple[_Turn, Plan]]:
        """The plans of a round; those that cannot be made yet have ended then. Step 1 of the guarantee."""
        if not turns:
            return []
        batches = [turn.batch for turn in turns if turn.batch is not None]
        plans = turns[0].lease.group.plans(batches) if batches else [made_now(turns[0].make_plan)]
        for turn, plan in zip(turns, plans, strict=True):
            if plan is None:
                turn.done.set_result(None)
        return [(turn, plan) for turn, plan in zip(turns, plans, strict=True) if plan is not None]

    async def _carry_out(self, made: Sequence[tuple[_Turn, Plan]]) -> bool:
        """The rest of step 1, and steps 2 to 5 of the guarantee; False when the leases ended on the way."""
        if not await self._write([(turn.lease, plan.first) for turn, plan in made if plan.first]):
            return False
        sends = [send for _, plan in made for send in plan.sends]
        if sends:
            began = time.monotonic()
            await self._sender.send_all(sends)
            self._app.vitals.waited("sends", time.monotonic() - began)
            if not self._held(made[0][0].lease):
                return False
        if not await self._write([(turn.lease, plan.writes) for turn, plan in made if plan.writes]):
            return False
        for turn, _ in made:
            self._app.consumer.done(turn.offsets)
        return True

    async def _write(self, changes: Sequence[tuple[Lease, Sequence[Write]]]) -> bool:
        """Has writes acknowledged, and makes them visible; False when the leases ended on the way."""
        if not changes:
            return True
        tables = [
            (lease, self._app.state_tables[name], writes)
            for lease, own in changes
            for name, writes in _by_table(own).items()
        ]
        records = [
            send
            for lease, table, writes in tables
            for send in table.changelog(lease.partition, writes, lease.generation)
        ]
        began = time.monotonic()
        ends = await self._sender.send_all(records)
        self._app.vitals.waited("changelog", time.monotonic() - began)
        if not self._held(changes[0][0]):
            return False
        for lease, table, writes in tables:
            end = ends[table.changelog_topic_name, lease.partition]
            table.apply(lease.partition, writes, lease.generation, end)
        return True

    def _held(self, lease: Lease) -> bool:
        app = self._app
        return bool(lease.epoch == app.consumer.epoch and lease.generation == app.consumer_generation_id)


def _end(turns: Iterable[_Turn], how: bool | Exception) -> None:
    """Tells those who wait for the turns how they ended."""
    for turn in turns:
        if turn.done.done():  # whoever waited was cancelled
            continue
        if isinstance(how, Exception):
            turn.done.set_exception(how)
        else:
            turn.done.set_result(how)


def _by_table(writes: Iterable[Write]) -> dict[str, list[Write]]:
    tables: dict[str, list[Write]] = {}
    for write in writes:
        tables.setdefault(write.table, []).append(write)
    return tables
