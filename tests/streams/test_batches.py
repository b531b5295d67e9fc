"""Record batches without a broker: merging, leases and fences, and a guard over what is taken from Faust."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.batch_app import Options, create_app
from streams.batches import Executor
from streams.merging import Lane, Patience, Standing
from streams.plans import Lease, NotYetError, Plan, RecordBatch
from streams.records import Fetched
from streams.sending import Send
from streams.stores import Write
from streams.vitals import Vitals

TOPICS = ("posts", "shares", "mass_sends")


@dataclass(frozen=True)
class Rec:
    topic: str
    offset: int
    timestamp: int
    sequence: bytes = b""
    key: bytes = b"k"
    value: bytes | None = b"v"
    stamp: bytes = b""

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        named = (("ce_sequence", self.sequence), ("generation", self.stamp))
        return tuple((name, value) for name, value in named if value)


def a_lane(*, topics: Iterable[str] = TOPICS, most: int = 100, size: int = 3) -> Lane:
    return Lane(tuple(topics), max_records=most, max_bytes=size, patience=Patience(stale=0.025, behind=0.5))


def at(standing: Standing, **others: Standing) -> Callable[[str], Standing]:
    return lambda topic: others.get(topic, standing)


def records(topic: str, *timestamps: int, first: int = 0) -> list[Rec]:
    return [Rec(topic, first + i, timestamp) for i, timestamp in enumerate(timestamps)]


def stamps(taken: Any) -> list[int]:
    return [record.timestamp for record in taken.records]


# --- merging


def test_records_of_topics_at_their_end_are_merged_by_timestamp() -> None:
    lane = a_lane()
    lane.add("posts", Fetched.of(records("posts", 1, 4, 6)), now=0)
    lane.add("shares", Fetched.of(records("shares", 2, 3, 7, first=40)), now=0)
    taken = lane.take(at(Standing.END), now=0)
    assert taken is not None
    assert stamps(taken) == [1, 2, 3, 4, 6, 7]
    assert taken.offsets == {"posts": 3, "shares": 43}


def test_a_topic_that_is_behind_holds_back_what_may_come_after_its_records() -> None:
    lane = a_lane()
    lane.add("posts", Fetched.of(records("posts", 1, 4, 6)), now=0)
    lane.add("shares", Fetched.of(records("shares", 2, 3)), now=0)
    standing = at(Standing.END, shares=Standing.BEHIND)
    taken = lane.take(standing, now=0)
    assert taken is not None
    assert stamps(taken) == [1, 2, 3]
    assert lane.take(standing, now=0.4) is None
    assert lane.deadline == pytest.approx(0.5)
    assert lane.hungry("shares")
    assert not lane.hungry("posts") or lane.hungry("mass_sends")
    late = lane.take(standing, now=0.5)
    assert late is not None
    assert stamps(late) == [4, 6]


def test_a_topic_not_heard_of_for_a_while_is_waited_for_shortly() -> None:
    lane = a_lane()
    lane.add("posts", Fetched.of(records("posts", 1)), now=0)
    standing = at(Standing.END, shares=Standing.STALE)
    assert lane.take(standing, now=0.02) is None
    assert lane.deadline == pytest.approx(0.025)
    assert lane.take(standing, now=0.03) is not None


def test_a_single_topic_passes_through_in_offset_order_even_when_time_runs_backwards() -> None:
    lane = a_lane(topics=["posts"])
    lane.add("posts", Fetched.of(records("posts", 5, 3, 9)), now=0)
    taken = lane.take(at(Standing.BEHIND), now=0)
    assert taken is not None
    assert stamps(taken) == [5, 3, 9]


def test_a_tie_goes_to_the_smaller_sequence_then_to_the_first_topic() -> None:
    lane = a_lane()
    lane.add("posts", Fetched.of([Rec("posts", 0, 7, b"b"), Rec("posts", 1, 7, b"d")]), now=0)
    lane.add("shares", Fetched.of([Rec("shares", 0, 7, b"a"), Rec("shares", 1, 7, b"c")]), now=0)
    lane.add("mass_sends", Fetched.of([Rec("mass_sends", 0, 7)]), now=0)
    taken = lane.take(at(Standing.END), now=0)
    assert taken is not None
    order = [(record.topic, record.offset) for record in taken.records]
    assert order == [("shares", 0), ("posts", 0), ("shares", 1), ("posts", 1), ("mass_sends", 0)]


def test_equal_timestamps_everywhere_still_move() -> None:
    lane = a_lane(most=10)
    lane.add("posts", Fetched.of(records("posts", *[5] * 20)), now=0)
    taken = lane.take(at(Standing.BEHIND), now=0)
    assert taken is None or taken.records
    lane.add("shares", Fetched.of(records("shares", *[5] * 20)), now=0)
    lane.add("mass_sends", Fetched.of(records("mass_sends", *[5] * 20)), now=0)
    seen = 0
    while (taken := lane.take(at(Standing.BEHIND), now=0)) is not None:
        assert len(taken.records) <= 10
        seen += len(taken.records)
    assert seen > 0


def test_a_lane_takes_what_comes_up_to_a_number_of_bytes() -> None:
    lane = a_lane(most=4, size=6)
    lane.add("posts", Fetched.of(records("posts", 1, 2, 3, 4, 5)), now=0)
    assert lane.hungry("posts")
    lane.add("posts", Fetched.of(records("posts", 6, first=5)), now=0)
    assert not lane.hungry("posts")
    assert lane.take(at(Standing.END), now=0) is not None  # four of them, a batch
    assert lane.hungry("posts")
    # Records of one instant are not complete before the next one is seen, but for a full batch of them.
    lane.clear()
    lane.add("posts", Fetched.of([Rec("posts", at, 7, value=b"longer") for at in range(3)]), now=0)
    assert lane.hungry("posts")
    lane.add("posts", Fetched.of([Rec("posts", 3, 7, value=b"longer")]), now=0)
    assert not lane.hungry("posts")


def test_a_cleared_lane_knows_nothing() -> None:
    lane = a_lane()
    lane.add("posts", Fetched.of(records("posts", 1, 2)), now=0)
    lane.clear()
    assert lane.take(at(Standing.END), now=9) is None
    assert lane.hungry("posts")


@st.composite
def logs(draw: st.DrawFn) -> dict[str, list[Rec]]:
    """A log for each topic: timestamps may fall back, sequences may be missing."""
    log = {}
    for topic in TOPICS:
        steps = draw(st.lists(st.tuples(st.integers(-3, 5), st.sampled_from([b"", b"1", b"2", b"3"])), max_size=30))
        now, made = 100, []
        for offset, (step, sequence) in enumerate(steps):
            now = max(0, now + step)
            made.append(Rec(topic, offset, now, sequence))
        log[topic] = made
    return log


def drained(log: dict[str, list[Rec]], sizes: list[int], most: int) -> list[Rec]:
    """What a lane gives when each hungry topic is fetched in chunks of these sizes, as a consumer would."""
    lane, position, turn, got = a_lane(most=most), dict.fromkeys(TOPICS, 0), 0, []
    done = dict.fromkeys(TOPICS, 0)

    def standing(topic: str) -> Standing:
        return Standing.END if position[topic] == len(log[topic]) else Standing.BEHIND

    while True:
        moved = False
        for topic in TOPICS:
            if lane.hungry(topic) and standing(topic) is Standing.BEHIND:
                size = sizes[turn % len(sizes)]
                turn += 1
                lane.add(topic, Fetched.of(log[topic][position[topic] : position[topic] + size]), now=0)
                position[topic] = min(len(log[topic]), position[topic] + size)
                moved = True
        while (taken := lane.take(standing, now=0)) is not None:
            assert 0 < len(taken.records) <= most
            for record in taken.records:
                assert record.offset == done[record.topic]
                done[record.topic] += 1
            assert {topic: done[topic] for topic in taken.offsets} == taken.offsets
            got += taken.records
            moved = True
        if not moved:
            assert lane.deadline is None
            return got  # type: ignore[return-value]


@given(logs(), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(40, 60))
def test_a_catch_up_gives_everything_once_in_timestamp_order(
    log: dict[str, list[Rec]], sizes: list[int], most: int
) -> None:
    got = drained(log, sizes, most)
    assert len(got) == sum(map(len, log.values()))
    clocks = dict.fromkeys(TOPICS, 0)
    keys = []
    for record in got:
        clocks[record.topic] = max(clocks[record.topic], record.timestamp)
        keys.append(clocks[record.topic])
    assert keys == sorted(keys)


@given(logs(), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_order_does_not_depend_on_how_the_log_was_fetched(log: dict[str, list[Rec]], sizes: list[int]) -> None:
    whole = drained(log, [1000], 1000)
    assert drained(log, sizes, 1000) == whole
    assert drained(log, sizes, 50) == whole


# --- leases: what becomes of a plan when its partition goes


@dataclass
class Consumer:
    """The transport, as the executor sees it."""

    epoch: int = 1
    draining: bool = False
    acked: dict[TP, int] = field(default_factory=dict)
    ended: int = 0

    def finished(self, batch: RecordBatch) -> None:
        self.ended += 1

    def done(self, offsets: dict[TP, int]) -> None:
        self.acked.update(offsets)

    def owned(self, topic: str) -> set[int]:
        return {0}


@dataclass
class Table:
    changelog_topic_name: str = "changelog"
    applied: list[bytes] = field(default_factory=list)

    def changelog(self, partition: int, writes: list[Write], generation: int) -> list[Send]:
        return [Send("changelog", write.key, write.value, (), partition) for write in writes]

    def apply(self, partition: int, writes: list[Write], generation: int, offset: int) -> None:
        self.applied += [write.key for write in writes]


class Sent:
    """A sender that remembers topics, and after some sends lets a rebalance or an error happen."""

    def __init__(self, after: dict[str, Callable[[], None]]) -> None:
        self.topics: list[str] = []
        self.calls: list[list[str]] = []
        self.after = after

    async def send_all(self, sends: Sequence[Send]) -> dict[tuple[str, int], int]:
        self.topics += [send.topic for send in sends]
        self.calls.append([send.topic for send in sends])
        self.after.get(sends[0].topic, lambda: None)()
        return {(send.topic, send.partition or 0): 0 for send in sends}


class Screen:
    name = "screen"
    topics = ("posts",)


PLAN = Plan([Send("sink", b"k", b"v")], [Write("table", b"k", b"v")])
OFFSETS = {TP("posts", 0): 5}


def an_executor(
    after: dict[str, Callable[[Consumer], None]], vitals: Vitals
) -> tuple[Executor, Consumer, Table, Sent, list[str]]:
    """An executor, what it works with, and its failures. A round may have six records. `after`: what happens when a
    topic was sent to."""
    consumer, table, failures = Consumer(), Table(), list[str]()
    app: Any = SimpleNamespace(
        consumer=consumer,
        consumer_generation_id=3,
        state_tables={"table": table},
        fail=lambda doing, error: failures.append(str(error)),
        conf=SimpleNamespace(producer_max_request_size=1000),
        options=SimpleNamespace(max_batch_records=6),
        vitals=vitals,
    )
    sent = Sent({topic: (lambda do=do: do(consumer)) for topic, do in after.items()})
    executor = Executor(app)
    executor._sender = sent  # type: ignore[assignment]
    return executor, consumer, table, sent, failures


def carried_out(
    after: dict[str, Callable[[Consumer], None]],
    make_plan: Callable[[Consumer], Plan] | None = None,
    vitals: Vitals | None = None,
) -> tuple[Consumer, Table, Sent, list[str], bool]:
    executor, consumer, table, sent, failures = an_executor(after, vitals or Vitals())
    group: Any = Screen()

    def planned() -> Plan:
        return PLAN if make_plan is None else make_plan(consumer)

    async def when() -> bool:
        return await executor._turn(Lease(group, 0, 3, 1), planned, OFFSETS)

    try:
        done = asyncio.run(when())
    except OSError:
        done = False
    return consumer, table, sent, failures, done


def lost(consumer: Consumer) -> None:
    consumer.epoch += 1


def broken(consumer: Consumer) -> None:
    raise OSError("no broker")


def let_out(consumer: Consumer) -> None:
    raise asyncio.CancelledError("of a task of the client's")


def test_acknowledgements_are_timed_and_those_that_never_came_are_not() -> None:
    done, failed = Vitals(), Vitals()
    carried_out({}, vitals=done)
    carried_out({"changelog": broken}, vitals=failed)
    assert [done.waits[step].times for step in ("sends", "changelog")] == [1, 1]
    assert [failed.waits[step].times for step in ("sends", "changelog")] == [1, 0]
    assert done.waits["sends"].seconds > 0


def test_a_plan_is_carried_out_in_the_order_of_the_guarantee() -> None:
    consumer, table, sent, failures, done = carried_out({"changelog": lambda consumer: None})
    assert done
    assert sent.topics == ["sink", "changelog"]
    assert table.applied == [b"k"]
    assert consumer.acked == OFFSETS
    assert not failures


def test_a_partition_lost_while_sending_leaves_no_trace_in_state_and_no_ack() -> None:
    consumer, table, sent, failures, done = carried_out({"sink": lost})
    assert (done, sent.topics, table.applied, consumer.acked, failures) == (False, ["sink"], [], {}, [])


def test_a_partition_lost_while_writing_the_changelog_is_not_acked() -> None:
    consumer, table, _, failures, done = carried_out({"changelog": lost})
    assert (done, table.applied, consumer.acked, failures) == (False, [], {}, [])


def test_what_is_to_be_on_record_first_is_acknowledged_and_visible_before_anything_is_sent() -> None:
    plan = Plan(PLAN.sends, PLAN.writes, [Write("table", b"first", b"v")])
    consumer, table, sent, _, done = carried_out({}, lambda _: plan)
    assert (done, sent.topics, table.applied) == (True, ["changelog", "sink", "changelog"], [b"first", b"k"])
    assert consumer.acked == OFFSETS
    # and where the partition is lost meanwhile, nothing follows
    consumer, table, sent, _, done = carried_out({"changelog": lost}, lambda _: plan)
    assert (done, sent.topics, table.applied, consumer.acked) == (False, ["changelog"], [], {})


def test_a_batch_that_cannot_be_judged_yet_is_asked_again_until_the_partition_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.batches.NOT_YET_S", 0.001)
    asked = 0

    def third_time(_: Consumer) -> Plan:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NotYetError("in a while")
        return PLAN

    consumer, _, sent, failures, done = carried_out({}, third_time)
    assert (done, asked, sent.topics, consumer.acked, failures) == (True, 3, ["sink", "changelog"], OFFSETS, [])

    def never(consumer: Consumer) -> Plan:
        nonlocal asked
        asked += 1
        consumer.draining = asked == 10
        raise NotYetError("never")

    consumer, _, sent, failures, done = carried_out({}, never)
    assert (done, asked, sent.topics, consumer.acked, failures) == (False, 10, [], {}, [])


@pytest.mark.parametrize("topic", ["sink", "changelog"])
def test_a_send_that_fails_fails_the_process_and_acks_nothing(topic: str) -> None:
    consumer, table, _, failures, _ = carried_out({topic: broken})
    assert failures == ["no broker"]
    assert (table.applied, consumer.acked) == ([], {})


class Rounds:
    """A group whose plans send and write one record each, and which remembers what was asked together."""

    name = "screen"
    topics = ("posts",)

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.counters = Counter[str]()

    def handle(self, batch: RecordBatch) -> Plan:
        raise AssertionError("the group is asked for plans")

    def plans(self, batches: Sequence[RecordBatch]) -> list[Plan | None]:
        self.rounds.append([batch.partition for batch in batches])
        late = len(self.rounds) == 1  # one batch of the first round cannot be judged yet
        return [None if late and batch.partition == 1 else self.plan(batch.partition) for batch in batches]

    def plan(self, partition: int) -> Plan:
        key = b"%d" % partition
        return Plan([Send("sink", key, b"v")], [Write("table", key, b"v")], [Write("table", b"first" + key, b"v")])


def rounds(after: dict[str, Callable[[Consumer], None]]) -> tuple[Consumer, Table, Sent, Rounds, list[str]]:
    """Four batches of two records each that wait at once, where a round may have six records."""
    group = Rounds()
    executor, consumer, table, sent, failures = an_executor(after, Vitals())

    async def all_of_them() -> None:
        for partition in range(4):
            lease = Lease(group, partition, 3, 1)  # type: ignore[arg-type]
            executor.start(RecordBatch(lease, ["record", "record"], {TP("posts", partition): 2}))
        assert await executor.idle(5)

    asyncio.run(all_of_them())
    return consumer, table, sent, group, failures


def test_batches_that_wait_at_once_are_handled_together_up_to_a_batchs_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.batches.NOT_YET_S", 0.001)
    consumer, table, sent, group, failures = rounds({})
    assert group.rounds == [[0, 1, 2], [3], [1]]  # what could not be judged yet held nobody up
    assert sorted(table.applied) == sorted(key + b"%d" % at for at in range(4) for key in (b"", b"first"))
    assert consumer.acked == {TP("posts", partition): 2 for partition in range(4)}
    assert consumer.ended == 4
    # each step was one send for the whole round, and none came before the one it follows
    assert sent.calls[:1] == [["changelog", "changelog"]]
    assert Counter(map(tuple, sent.calls)) == {
        ("changelog", "changelog"): 2, ("changelog",): 4, ("sink", "sink"): 1, ("sink",): 2,
    }  # fmt: skip
    assert not failures


def test_of_a_round_that_was_lost_or_failed_nothing_is_acked() -> None:
    consumer, table, _, _, failures = rounds({"sink": lost})
    assert (consumer.acked, failures) == ({}, [])
    assert all(key.startswith(b"first") for key in table.applied)
    consumer, table, _, _, failures = rounds({"sink": broken})
    assert consumer.acked == {}
    assert set(failures) == {"no broker"}


def test_a_client_that_lets_a_cancellation_of_its_own_out_fails_the_process_and_nobody_waits_for_ever() -> None:
    consumer, _, _, _, failures = rounds({"sink": let_out})
    assert consumer.acked == {}
    assert len(failures) == 4
    assert all("gave up" in failure for failure in failures)


def test_what_is_left_of_a_recovery_is_told_while_it_is_on() -> None:
    app = create_app(Options(app_id="app", bootstrap="localhost:1", partitions=2))
    recovery = app.tables.recovery
    recovery.active_highwaters.update({TP("changelog", 0): 99, TP("changelog", 1): 4, TP("changelog", 2): -1})
    recovery.active_offsets.update({TP("changelog", 0): -1, TP("changelog", 1): 4, TP("changelog", 2): -1})
    assert app.recovering() == (0, 0)
    recovery.in_recovery = True
    assert app.recovering() == (1, 100)


# --- state


@pytest.fixture(params=["memory://", "rocksdb://"])
def table(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    options = Options(app_id="app", bootstrap="localhost:1", partitions=2, store=request.param, datadir=str(tmp_path))
    made = create_app(options).state_table("table")
    if request.param == "rocksdb://":
        made.data.path.mkdir(parents=True, exist_ok=True)
    return made


def change(offset: int, key: bytes, value: bytes | None, stamp: bytes) -> Rec:
    return Rec("changelog", offset, 0, key=key, value=value, stamp=stamp)


def test_a_store_keeps_partitions_apart_and_knows_its_offset(table: Any) -> None:
    table.apply(0, [Write("table", b"a", b"1"), Write("table", b"b", b"2")], 1, 1)
    table.apply(0, [Write("table", b"a", None)], 1, 2)
    assert dict(table.of(0)) == {b"b": b"2"}
    assert dict(table.of(1)) == {}
    assert table.persisted_offset(TP("changelog", 0)) == 2
    assert table.persisted_offset(TP("changelog", 1)) == -1
    assert table.of(0).get(b"a") is None


def test_a_record_of_a_worker_that_had_lost_the_partition_is_fenced_off(table: Any) -> None:
    owner, zombie = b"5", b"4"
    fenced = table.restore(0, [change(0, b"a", b"old", zombie), change(1, b"a", b"new", owner)])
    assert fenced == 0
    assert table.restore(0, [change(2, b"a", b"stale", zombie), change(3, b"b", b"1", owner)]) == 1
    assert dict(table.of(0)) == {b"a": b"new", b"b": b"1"}
    assert table.persisted_offset(TP("changelog", 0)) == 3


def test_records_of_somebody_else_between_writes_are_read_at_the_next_recovery(table: Any) -> None:
    table.restore(0, [change(4, b"a", b"1", b"5")])
    table.apply(0, [Write("table", b"a", b"2")], 6, 9)
    assert dict(table.of(0)) == {b"a": b"2"}
    assert table.persisted_offset(TP("changelog", 0)) == 4


@pytest.mark.parametrize(("hours", "kept"), [(1, {b"a": b"1"}), (13, {})])
def test_files_left_for_longer_than_deletions_are_kept_are_no_start(
    tmp_path: Any, hours: int, kept: dict[bytes, bytes]
) -> None:
    options = Options(app_id="app", bootstrap="localhost:1", partitions=1, store="rocksdb://", datadir=str(tmp_path))
    table = create_app(options).state_table("table")
    table.data.path.mkdir(parents=True, exist_ok=True)
    table.apply(0, [Write("table", b"a", b"1")], 1, 0)
    table.data.forget(0)
    left = time.time() - hours * 3600
    for file in Path(table.data.partition_path(0)).iterdir():
        os.utime(file, (left, left))
    assert dict(table.of(0)) == kept
    assert table.persisted_offset(TP("changelog", 0)) == (0 if kept else -1)


def test_a_changelog_that_ends_in_compacted_records_is_complete_all_the_same(table: Any) -> None:
    table.restore(0, [change(4, b"a", b"1", b"5")])
    table.reached(0, 9)
    assert table.persisted_offset(TP("changelog", 0)) == 9
    assert dict(table.of(0)) == {b"a": b"1"}


def test_writes_are_stamped_above_everything_restored_even_after_the_group_was_deleted(table: Any) -> None:
    table.restore(0, [change(0, b"a", b"1", b"50")])
    [send] = table.changelog(0, [Write("table", b"a", b"2")], 1)
    assert send.headers == [("generation", b"51")]
    table.apply(0, [Write("table", b"a", b"2")], 1, 1)
    [send] = table.changelog(0, [Write("table", b"a", b"3")], 1)
    assert send.headers == [("generation", b"51")]


def test_changelogs_need_as_many_copies_as_the_other_topics() -> None:
    options = Options(app_id="app", bootstrap="localhost:1", partitions=2, replication=3, min_insync_replicas=2)
    assert create_app(options).state_table("table").changelog_topic.config["min.insync.replicas"] == "2"


# --- a guard

WATCHED = {
    "faust.transport.consumer:Consumer.__init__": "302410d59e69",
    "faust.transport.consumer:Consumer._drain_messages": "44a2500309e8",
    "faust.transport.consumer:Consumer.getmany": "4b168d84882a",
    "faust.transport.consumer:Consumer.commit": "a354437baaa0",
    "faust.transport.consumer:Consumer.wait_empty": "e4662fe24f09",
    "faust.transport.consumer:Consumer.ack": "5fcf41cf4515",
    "faust.transport.consumer:Consumer.perform_seek": "0e8c130ff4b0",
    "faust.transport.consumer:Consumer.on_partitions_revoked": "d04b7ae72c6f",
    "faust.transport.consumer:Consumer.on_partitions_assigned": "29ce96596f05",
    "faust.transport.consumer:Consumer._commit_handler.fun": "4e5da5df0730",
    "faust.transport.consumer:Consumer.stop_flow": "cf7e875a2b0d",
    "faust.transport.consumer:Consumer.resume_flow": "db59630f25b5",
    "faust.transport.consumer:Consumer.pause_partitions": "27a1c94bdacd",
    "faust.transport.consumer:Consumer.resume_partitions": "afe6b7c02a41",
    "faust.transport.consumer:Consumer.on_stop": "45b1d2210ce2",
    "faust.transport.consumer:Fetcher": "c922e4ab78d9",
    "faust.transport.consumer:ThreadDelegateConsumer": "a1b934b198fa",
    "faust.transport.drivers.aiokafka:ConsumerRebalanceListener": "f3d04f29dfb3",
    "faust.transport.drivers.aiokafka:Consumer": "959f899e8ebf",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._create_worker_consumer": "c2701bfc3e6f",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.on_start": "38b4e8bd1e10",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._commit": "932852ce7a23",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._seek_wait": "9d221e816d94",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.getmany": "26fc5fc9f3b6",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._fetch_records": "39a2c6c79fc1",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.topic_partitions": "8e5084fa9734",
    "faust.transport.drivers.aiokafka:Producer._ensure_producer": "5592a4bbdf25",
    "faust.transport.conductor:ConductorCompiler.build": "837cf521368c",
    "faust.transport.conductor:Conductor._compile_message_handler": "9fbc0538097a",
    "faust.app.base:App._stop_consumer": "55854a5de12c",
    "faust.app.base:App._on_partitions_revoked": "d5c895bbe57d",
    "faust.app.base:App._on_partitions_assigned": "de932b7927db",
    "faust.app.base:App._update_assignment": "39d9f315c122",
    "faust.app.base:App._new_transport": "42db531312dd",
    "faust.tables.recovery:Recovery.on_rebalance": "aa4d997a1795",
    "faust.tables.recovery:Recovery._add": "1584a197b11b",
    "faust.tables.recovery:Recovery._restart_recovery.fun": "6bd8a8558a2d",
    "faust.tables.recovery:Recovery._slurp_changelogs.fun": "7825c7e50f76",
    "faust.tables.recovery:Recovery.on_recovery_completed": "6ef567acf072",
    "faust.tables.recovery:Recovery._build_highwaters": "91b4cc0d3724",
    "faust.tables.recovery:Recovery._build_offsets": "27eec86be06c",
    "faust.tables.recovery:Recovery._seek_offsets": "19598ca63d94",
    "faust.tables.recovery:Recovery.need_recovery": "fd1dc345b5d5",
    "faust.tables.recovery:Recovery.active_remaining": "0dcc38568ad5",
    "faust.tables.manager:TableManager.on_rebalance": "2d2c23a07bf5",
    "faust.tables.base:Collection.on_rebalance": "0812ad692171",
    "faust.tables.base:Collection.on_recovery_completed": "b1526fb39ea0",
    "faust.tables.base:Collection._new_store_by_url": "343a8125107d",
    "faust.stores.memory:Store": "83ceb1145af0",
    "faust.stores.rocksdb:Store.persisted_offset": "6f2e502fb860",
    "faust.stores.rocksdb:Store._db_for_partition": "cb7e67d5f9ef",
    "faust.stores.rocksdb:Store._open_for_partition": "1dc4e0113d67",
    "faust.stores.rocksdb:Store.on_rebalance": "38357aed5b7f",
    "faust.stores.rocksdb:Store.revoke_partitions": "3f85447a24fc",
    "faust.stores.rocksdb:Store.assign_partitions": "34dc27ace6dd",
    "faust.stores.rocksdb:RocksDBOptions": "73d441b66490",
    "faust.types.tuples:Message": "e8c4626e9919",
    "aiokafka.consumer.fetcher:Fetcher._get_actions_per_node": "1dab2cf937d1",
    "aiokafka.consumer.fetcher:FetchResult.calculate_backoff": "a4f1c8baa1ce",
    "aiokafka.consumer.fetcher:Fetcher._proc_fetch_request": "59bf948fff47",
    "aiokafka.consumer.fetcher:Fetcher.fetched_records": "be4348896b9b",
    "aiokafka.consumer.fetcher:FetchResult": "d7db13f06de8",
    "aiokafka.consumer.fetcher:PartitionRecords": "94aa0da0dbec",
    "aiokafka.consumer.subscription_state:TopicPartitionState": "2b83334afadf",
    "aiokafka.consumer.consumer:AIOKafkaConsumer.seek_to_committed": "f6cd85c8b70a",
    "aiokafka.consumer.consumer:AIOKafkaConsumer.seek_to_beginning": "231229deedd7",
    "aiokafka.producer.producer:AIOKafkaProducer.create_batch": "c4efda4bb7a0",
    "aiokafka.producer.producer:AIOKafkaProducer.send_batch": "bf42b0f0c5c0",
    "aiokafka.producer.message_accumulator:BatchBuilder": "8050802ca751",
    "aiokafka.producer.message_accumulator:MessageAccumulator.add_batch": "5ed1c5b1367a",
    "aiokafka.partitioner:murmur2": "62179ca18494",
}


def source_hash(name: str) -> str:
    module, _, path = name.partition(":")
    thing = attrgetter(path)(import_module(module))
    return hashlib.sha256(inspect.getsource(thing).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", WATCHED)
def test_upstream_is_what_the_transport_was_written_against(name: str) -> None:
    assert source_hash(name) == WATCHED[name], (
        f"{name} changed in this release. streams/transport.py or streams/stores.py overrides it or relies on it: "
        "read the difference, decide what it means for the guarantee in streams/batches.py, "
        f"run `pytest tests/kafka`, and only then pin {source_hash(name)} here."
    )
