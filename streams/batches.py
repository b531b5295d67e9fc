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
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import faust
from faust.types import TP

from streams.access.clients import is_cancelled
from streams.fencing import Membership
from streams.merging import Patience, Taken
from streams.sending import Send, Sender
from streams.stores import StateTable, Write
from streams.transport import BatchConsumer, BatchSchema, BatchTransport
from streams.vitals import Recovering, Vitals
from streams.watchdog import Look, Watchdog

__all__ = ["BatchApp", "Group", "NotYetError", "Options", "Plan", "RecordBatch", "Send", "Write", "create_app", "run"]

logger = logging.getLogger(__name__)

EXIT_FAILED = 70  # EX_SOFTWARE of sysexits.h

# A fetch of a sibling that has records takes a few milliseconds; half a second is a broker that does not answer.
DEFAULT_PATIENCE = Patience(stale=0.025, behind=0.5)


NOT_YET_S = 0.05
"""How long a batch waits before its handle is asked again."""

LOOKS = 8
"""How often the loop goes round before plans are made: so many steps lie between a send and the socket, or an answer
and whoever waits for it. Else each of these steps would wait while other partitions are judged."""


class NotYetError(RuntimeError):
    """A handle cannot judge a batch yet, says why, and has changed nothing: it is asked again in a while."""


@dataclass(slots=True)
class Plan:
    """What a batch leads to. Sends, in order for each partition; then writes, in order; and before both of them the
    writes of `first`."""

    sends: list[Send] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    first: list[Write] = field(default_factory=list)


class Lease(NamedTuple):
    """The right to act for a partition of a group: it ends with the assignment it came from."""

    group: Group
    partition: int
    generation: int
    epoch: int


@dataclass(slots=True, eq=False)
class RecordBatch:
    """Records (`aiokafka.ConsumerRecord`, raw bytes) of one partition number over a group's topics, in merged order."""

    lease: Lease
    records: Sequence[Any]
    offsets: Mapping[TP, int]  # of each topic-partition among the records: the offset after its last one

    @property
    def group(self) -> Group:
        return self.lease.group

    @property
    def partition(self) -> int:
        return self.lease.partition

    @property
    def generation(self) -> int:
        return self.lease.generation

    @property
    def epoch(self) -> int:
        return self.lease.epoch


Handle = Callable[[RecordBatch], Plan]

Together = Callable[[Sequence[RecordBatch]], Sequence[Plan | None]]
"""The plans of batches of several partitions, as a handle would make one after the other; None: not yet."""


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
        return RecordBatch(self.app.executor.lease(self, partition), taken.records, offsets)

    def plans(self, batches: Sequence[RecordBatch]) -> Sequence[Plan | None]:
        """A plan for each batch; None where it cannot be made yet."""
        if self.together is None or len(batches) == 1:
            return [_made(partial(self.handle, batch)) for batch in batches]
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
        plans = turns[0].lease.group.plans(batches) if batches else [_made(turns[0].make_plan)]
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


def _made(make_plan: Callable[[], Plan]) -> Plan | None:
    """The plan; None when it cannot be made yet."""
    try:
        return make_plan()
    except NotYetError as error:
        logger.debug("A batch waits: %s", error)
        return None


def _by_table(writes: Iterable[Write]) -> dict[str, list[Write]]:
    tables: dict[str, list[Write]] = {}
    for write in writes:
        tables.setdefault(write.table, []).append(write)
    return tables


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a worker needs to know. Times in seconds, sizes in bytes."""

    app_id: str  # names the consumer group and, as a prefix, the changelog topics
    bootstrap: str  # host:port,host:port
    partitions: int  # of every input topic and of every changelog; never changes for an app_id
    store: str = "memory://"  # or rocksdb://
    datadir: str = "data"  # of RocksDB; one for each worker process
    replication: int = 1  # of changelog topics
    min_insync_replicas: int = 1  # of changelog topics: copies that must have a record before it is acknowledged
    max_batch_records: int = 4096  # 40 ms of work at 10 µs a record
    patience: Patience = DEFAULT_PATIENCE
    fetch_max_wait: float = 0.05  # a broker's long poll; see `transport._ConsumerThread`
    max_fetch_bytes: int = 1 << 20  # of one partition in one fetch; a larger record still comes, alone
    session_timeout: float = 10.0  # so long the partitions of a killed worker stand still
    commit_interval: float = 1.0  # so much is read again after a crash
    drain_timeout: float = 8.0  # for batches in work at a rebalance or stop; below the session timeout
    request_timeout: float = 60.0  # for an acknowledgement, over a restart of a broker
    standstill: float = 180.0  # without any progress, while there is something to do: see `streams/watchdog.py`
    max_request_bytes: int = 1_000_000  # one produced record; below the brokers' message.max.bytes
    linger: float = 0.002  # batches are closed and sent at once; this is for Faust's own sends
    produce_batch_bytes: int = 256 << 10
    compression: str | None = "zstd"  # a quarter of lz4's time and half its size: aiokafka asks lz4 for level 9
    credentials: Any = field(default=None, repr=False)  # of `streams/access`; None: no TLS and no login
    canonical_url: str = ""  # where other members and `warden serve` reach this one; told to the group
    web: bool = False
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    exit: Callable[[int], object] = os._exit  # how a failure ends the process; must not return outside tests

    def make_datadir(self) -> None:
        """Makes the data directory with its parents, which Faust would not."""
        Path(self.datadir).mkdir(parents=True, exist_ok=True)

    def settings(self) -> dict[str, Any]:
        """The same, as Faust's settings, with what never varies."""
        told = {"canonical_url": self.canonical_url} if self.canonical_url else {}
        return {
            **told,
            "id": self.app_id,
            "broker": [f"kafka://{host}" for host in self.bootstrap.split(",")],
            "broker_credentials": self.credentials,
            "store": self.store,
            "datadir": self.datadir,
            "key_serializer": "raw",
            "value_serializer": "raw",
            "topic_partitions": self.partitions,
            "topic_replication_factor": self.replication,
            "topic_disable_leader": True,
            "table_standby_replicas": 0,  # a standby of a memory store is thrown away when it is needed
            "Table": StateTable,
            "stream_wait_empty": True,  # Faust then calls `wait_empty` before it gives partitions up
            "consumer_auto_offset_reset": "earliest",
            "consumer_max_fetch_size": self.max_fetch_bytes,
            "broker_session_timeout": self.session_timeout,
            "broker_heartbeat_interval": min(3.0, self.session_timeout / 3),
            "broker_rebalance_timeout": max(60.0, self.session_timeout),
            "broker_commit_interval": self.commit_interval,
            "producer_acks": -1,
            "producer_linger": self.linger,
            "producer_max_batch_size": self.produce_batch_bytes,
            "producer_max_request_size": self.max_request_bytes,
            "producer_request_timeout": self.request_timeout,
            "producer_compression_type": self.compression,
            "web_enabled": self.web,
            "web_bind": self.web_host,
            "web_host": self.web_host,
            "web_port": self.web_port,
            "web_tables_enabled": False,  # it would show accounts' records to whoever asks
        }


class BatchApp(faust.App):  # type: ignore[misc]
    """A Faust app that reads record batches, and nothing else. Make it with `create_app`."""

    consumer: BatchConsumer

    def __init__(self, options: Options) -> None:
        self.options = options
        self.groups: list[Group] = []
        self.group_of: dict[str, Group] = {}
        self.state_tables: dict[str, StateTable] = {}
        self.membership = Membership(options.session_timeout)
        self.vitals = Vitals()
        self._failed = False
        super().__init__(**options.settings())
        self.executor = Executor(self)

    def batch_agent(
        self, *topics: str, name: str | None = None, together: Together | None = None
    ) -> Callable[[Handle], Group]:
        """Register a handle for a group of topics, as a Faust agent; a topic belongs to one group only. `together` is
        used instead of it where several batches are handled at once."""

        def register(handle: Handle) -> Group:
            group = Group(self, name or handle.__name__, topics, handle, together)
            taken = [topic for topic in topics if topic in self.group_of]
            if taken:
                raise ValueError(f"topics {taken} are read by {self.group_of[taken[0]].name} already")
            self.groups.append(group)
            self.group_of.update(dict.fromkeys(topics, group))

            async def agent(stream: Any) -> None:
                async for event in stream.noack().events():
                    self.executor.start(event.value)

            self.agent(self.topic(*topics, schema=BatchSchema()), name=group.name)(agent)
            return group

        return register

    def state_table(self, name: str, **kwargs: Any) -> StateTable:
        """A table of bytes by bytes, partitioned as the groups' topics are."""
        config = {"min.insync.replicas": str(self.options.min_insync_replicas)}
        table = self.Table(
            name,
            key_type=bytes,
            value_type=bytes,
            partitions=self.options.partitions,
            extra_topic_configs=config,
            **kwargs,
        )
        self.state_tables[name] = table
        return table  # type: ignore[no-any-return]

    def lag(self) -> dict[TP, int]:
        """Offsets between what is done and the end, for each topic-partition of a group that this worker owns."""
        return self.consumer.lag() if self._consumer is not None else {}

    def recovering(self) -> Recovering:
        """What is left of the recovery that is on; nothing without one."""
        recovery = self.tables.recovery
        left = [records for records in recovery.active_remaining().values() if records > 0]
        return Recovering(len(left), sum(left)) if recovery.in_recovery else Recovering(0, 0)

    def end(self, topic: str, partition: int) -> int | None:
        """The offset after the last record of a topic-partition that this worker owns, as its broker last said; None
        when it has not said since the partition was assigned."""
        return self.consumer.end(TP(topic, partition)) if self._consumer is not None else None

    def look(self) -> Look:
        """What this worker waits for, and how far it is; may be called from any thread."""
        return Look("its brokers", None) if self._consumer is None else self.consumer.look()

    def fail(self, doing: str, error: BaseException) -> None:
        """End the process: the state in memory and the positions in Kafka are only right if nothing goes on."""
        if self._failed:
            return
        self._failed = True
        logger.error("What led to the failure:", exc_info=error)
        logger.critical("%s failed, the process ends: %s: %s", doing, type(error).__name__, error)
        for handler in logging.getLogger().handlers:
            handler.flush()
        self.options.exit(EXIT_FAILED)

    def _crash(self, reason: BaseException) -> None:
        """Any Faust service that crashes ends here; a stop may cancel services, which is no failure."""
        if not self.should_stop and not isinstance(reason, asyncio.CancelledError):
            self.fail("a service", reason)
        super()._crash(reason)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def create_app(options: Options) -> BatchApp:
    """A worker's app, without agents and tables yet."""
    return BatchApp(options)


def run(app: BatchApp) -> NoReturn:
    """Run a worker until SIGTERM or SIGINT: it finishes the batches in work, commits, leaves the group, exits 0.

    Logging is the caller's to set up.
    """
    app.options.make_datadir()
    Watchdog(app.options.standstill).watch(app.look, lambda error: app.fail("going on", error))
    worker = faust.Worker(app, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.spinner = None  # it would write escape codes into a log file
    worker.execute_from_commandline()
    raise AssertionError("the worker returned")
