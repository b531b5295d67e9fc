"""Which packs judge which offset: recorded before it is judged, kept over crashes, rebalances and other batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger import AHEAD, Ledger, Line, Register, Run, decode_ledger, runs_of, stamp
from streams.plans import NotYetError, Plan

TOPICS = ("posts", "shares")


class Partition:
    """A partition's table, its topics' ends, and the workers that take it over one after the other."""

    def __init__(self, *, internal: bool = False) -> None:
        self.state: dict[bytes, bytes] = {}
        self.ends: dict[str, int | None] = {}
        self.newest = -1
        self.epoch = 0
        self.internal = internal
        self.start()

    def start(self) -> None:
        """Another worker takes over; what was on record stays."""
        table: Any = SimpleNamespace(name="packs", of=lambda _: self.state, on_lost=[])
        end = lambda topic, _: self.ends.get(topic)  # noqa: E731
        self.register = Register("screen", table, TOPICS, self, end, internal=self.internal)
        self.epoch += 1

    def missing(self, at: int) -> Exception:
        return NotYetError(str(at))

    def ready(self, positions: object) -> None:
        """All that is known is compiled."""

    def judge(self, *records: tuple[str, int], durable: bool = True, headers: Any = ()) -> list[int]:
        """By what each record of a batch is judged. durable: what is to be on record before gets there."""
        made: list[Any] = [SimpleNamespace(topic=topic, offset=offset, headers=headers) for topic, offset in records]
        ends: dict[TP, int] = {}
        for topic, offset in records:
            ends[TP(topic, 0)] = max(offset + 1, ends.get(TP(topic, 0), 0))
        batch: Any = SimpleNamespace(records=made, partition=0, epoch=self.epoch, offsets=ends)
        plan = Plan()
        found = self.register.standings(batch, plan)
        if durable:
            self.state |= {write.key: write.value for write in plan.first if write.value is not None}
        self.wrote = len(plan.first)
        return [found] * len(made) if isinstance(found, int) else found

    @property
    def ledger(self) -> Ledger:
        return decode_ledger(self.state.get(b"screen"))


def test_a_switch_is_on_record_before_the_first_record_it_judges() -> None:
    it = Partition()
    assert it.judge(("posts", 0), ("shares", 0)) == [-1, -1]
    assert it.wrote == 1
    assert it.judge(("posts", 1), ("posts", 2)) == [-1, -1]
    assert it.wrote == 0, "with one pack, nothing is written for a batch"
    it.newest = 5
    assert it.judge(("posts", 3)) == [5]
    assert it.ledger.lines == [Line(-1, {}), Line(5, {"posts": 3, "shares": 1})]
    assert it.judge(("posts", 4), ("shares", 1)) == [5, 5]
    assert it.wrote == 0


def test_what_is_read_again_after_a_crash_is_judged_as_it_was() -> None:
    # Given records that were judged by two packs, and none of them committed
    it = Partition()
    it.ends = {"posts": 10, "shares": 3}
    it.judge(("posts", 0), ("posts", 1), ("shares", 0))
    it.newest = 5
    it.judge(("posts", 2), ("shares", 1))
    # When another worker, with newer packs, reads them again in other batches, with some that nobody had judged
    it.newest = 8
    it.start()
    assert it.judge(("shares", 0), ("shares", 1), ("posts", 0)) == [-1, 5, -1]
    assert it.judge(("posts", 1), ("posts", 2), ("posts", 3), ("shares", 2)) == [-1, 5, 5, 5]
    # Then only what came after it had taken over is judged by those: the worker before may have got to the end
    assert it.judge(("posts", 9), ("posts", 10), ("shares", 3)) == [5, 8, 8]


def test_of_a_long_backlog_only_what_may_have_been_judged_keeps_its_pack() -> None:
    it = Partition()
    it.ends = {"posts": 10 * AHEAD}
    it.judge(*[("posts", n) for n in range(100)])
    it.newest = 5
    it.start()
    assert it.judge(("posts", 99), ("posts", 100 + AHEAD - 1), ("posts", 100 + AHEAD)) == [-1, -1, 5]


def test_a_switch_that_did_not_get_on_record_did_not_happen() -> None:
    it = Partition()
    it.ends = {"posts": 2}
    it.judge(("posts", 0))
    it.newest = 5
    assert it.judge(("posts", 1), durable=False) == [5]
    it.newest = 8
    it.start()
    assert it.judge(("posts", 1), ("posts", 2)) == [-1, 8]


def test_how_far_it_may_come_is_on_record_before_it_comes_there() -> None:
    it = Partition()
    it.judge(("posts", 0))
    assert it.ledger.until == {"posts": 1 + AHEAD}
    it.judge(("posts", AHEAD))
    assert it.wrote == 0
    it.judge(("posts", AHEAD + 1))
    assert it.ledger.until == {"posts": AHEAD + 2 + AHEAD}


def test_a_worker_that_is_behind_waits() -> None:
    it = Partition()
    it.newest = 5
    it.judge(("posts", 0))
    it.start()
    it.newest = 3
    with pytest.raises(NotYetError):
        it.judge(("posts", 1))
    it.newest = 5
    assert it.judge(("posts", 1)) == [5]


def test_internal_records_are_never_judged_by_older_packs_than_their_senders() -> None:
    it = Partition(internal=True)
    it.ends = {"posts": 9}
    it.judge(("posts", 0))
    with pytest.raises(NotYetError):
        it.judge(("posts", 1), headers=stamp(5))
    it.newest = 5
    it.start()
    assert it.judge(("posts", 1)) == [-1]
    assert it.judge(("posts", 2), headers=stamp(5)) == [5]
    assert it.judge(("posts", 3)) == [-1]


def test_what_a_client_writes_into_headers_of_inputs_means_nothing() -> None:
    assert Partition().judge(("posts", 0), headers=stamp(7)) == [-1]


def test_inputs_are_cut_where_the_packs_change() -> None:
    records = [object() for _ in range(6)]
    standings = [1, 1, 1, 2, 2, 1]
    assert runs_of(records, standings, [records[n] for n in (0, 2, 3, 5)]) == [Run(1, 0, 2), Run(2, 2, 3), Run(1, 3, 4)]
    assert runs_of(records, 4, records[:2]) == [Run(4, 0, 2)]
    assert runs_of(records, standings, []) == []


@given(st.data())
def test_nothing_is_ever_judged_by_two_packs(data: st.DataObject) -> None:
    """Any mix of batches, activations, commits, crashes between any two steps, and takeovers."""
    it = Partition()
    effects: dict[tuple[str, int], int] = {}
    committed = dict.fromkeys(TOPICS, 0)
    position = dict(committed)
    ends = dict.fromkeys(TOPICS, 0)
    for _ in range(data.draw(st.integers(1, 40))):
        match data.draw(st.sampled_from(["produce", "batch", "batch", "batch", "activate", "commit", "crash"])):
            case "produce":
                ends[data.draw(st.sampled_from(TOPICS))] += data.draw(st.integers(1, 5))
                it.ends = {topic: end for topic, end in ends.items() if data.draw(st.booleans())}
            case "activate":
                it.newest += data.draw(st.integers(1, 3))
            case "commit":
                committed = dict(position)
            case "batch":
                records = []
                for topic in TOPICS:
                    most = ends[topic] - position[topic]
                    count = data.draw(st.integers(0, min(4, most)))
                    records += [(topic, position[topic] + n) for n in range(count)]
                if not records:
                    continue
                durable = data.draw(st.booleans())
                found = it.judge(*records, durable=durable)
                if durable or not it.wrote:  # its effects are sent
                    for record, at in zip(records, found, strict=True):
                        assert effects.setdefault(record, at) == at
                        position[record[0]] = record[1] + 1
                else:  # it crashed before the ledger was acknowledged
                    position = dict(committed)
                    it.start()
            case "crash":
                position = dict(committed)
                it.start()
