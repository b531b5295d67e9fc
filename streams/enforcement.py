"""ENFORCE as an agent's handle: violations, reports and moderators' decisions in; decisions, bans and states out.

What the records of subjects tell each other goes over the topic of relays, keyed as they are, and comes back in here.

Also keeps, for each partition, an index of when which subject is due, so that timed sanctions leave the ban list
without a scan.
"""

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from rules.activations import CONFIGURED
from rules.decisions import SUBJECT_KINDS, Enforcement, Lift, Review
from rules.enforce import Enforced, SubjectInput
from rules.events import EventType, InvalidEventError, Moderation, Report
from rules.quotas import Usage
from rules.subject_state import QUOTAS
from streams.batches import Group
from streams.codec import dead_letter, decode_record, decode_relay, decode_violation, encode
from streams.controls import Switch
from streams.ledger import Register, Run, runs_of, stamp
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Plan, RecordBatch
from streams.plausible import Span
from streams.records import Extent
from streams.sending import Send
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime

STAGE = "enforce"
EXPIRED_AT_ONCE = 1000
"""Subjects whose sanctions end in one plan, so that a sweep never holds a partition's batches up for long."""

_HOUR_MS = 3_600_000
_NEVER = 1 << 62


class _Head(msgspec.Struct, array_like=True):
    """The first fields of an encoded `SubjectState`, decoded without the rest."""

    due: int = 0
    banned: bool = False


_HEAD = msgspec.msgpack.Decoder(_Head)


class DueIndex:
    """The subjects of one partition by when they are due (ms), and how many there are of each kind.

    Nearly all are due in weeks, so they lie in one list for each hour, eight bytes each; only those of hours that have
    begun are put in order. `take` alone begins an hour, because it looks at states: it is called between plans, when
    every state that `changed` announced is in the table.
    """

    def __init__(self, state: Mapping[bytes, bytes]) -> None:
        self._state = state
        self._hours: dict[int, list[bytes]] = {}
        self._begun = -1  # the last hour that is in order
        self._next = _NEVER  # the first that is not
        self._heap: list[tuple[int, bytes]] = []
        self.banned: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        for key, value in state.items():
            head = _HEAD.decode(value)
            self._add(head.due, key)
            self.banned[_kind(key)] += head.banned
            self.kinds[_kind(key)] += 1

    def changed(self, key: bytes, value: bytes | None) -> None:
        """A subject's state will be `value`; its state until now is still in the table."""
        old = self._state.get(key)
        kind = _kind(key)
        self.kinds[kind] += (value is not None) - (old is not None)
        self.banned[kind] -= old is not None and _HEAD.decode(old).banned
        if value is not None:
            head = _HEAD.decode(value)
            self.banned[kind] += head.banned
            self._add(head.due, key)

    def is_due(self, now: int) -> bool:
        """Whether some subject may be due at `now` (ms)."""
        return self._next * _HOUR_MS <= now or (bool(self._heap) and self._heap[0][0] <= now)

    def take(self, now: int) -> Iterator[tuple[bytes, bytes]]:
        """Up to EXPIRED_AT_ONCE subjects that are due, with their states; entries that no longer hold are dropped."""
        self._begin(now // _HOUR_MS)
        seen: set[bytes] = set()
        while self._heap and self._heap[0][0] <= now and len(seen) < EXPIRED_AT_ONCE:
            due, key = heapq.heappop(self._heap)
            value = self._state.get(key)
            if value is not None and key not in seen and _HEAD.decode(value).due == due:
                seen.add(key)
                yield key, value

    def _add(self, due: int, key: bytes) -> None:
        hour = due // _HOUR_MS
        if hour <= self._begun:
            heapq.heappush(self._heap, (due, key))
            return
        self._hours.setdefault(hour, []).append(key)
        self._next = min(self._next, hour)

    def _begin(self, hour: int) -> None:
        """Puts in order what lies in hours up to `hour`."""
        if self._next > hour:
            return
        for past in [each for each in self._hours if each <= hour]:
            for key in self._hours.pop(past):
                value = self._state.get(key)
                due = None if value is None else _HEAD.decode(value).due
                if due is not None and due // _HOUR_MS == past:  # else another entry stands for it, or none
                    heapq.heappush(self._heap, (due, key))
        self._begun = hour
        self._next = min(self._hours, default=_NEVER)


class Enforcing:
    """Applies batches to the subjects' states in a table."""

    def __init__(
        self,
        packs: PacksInForce,
        register: Register,
        kinds: Mapping[str, EventType],
        subjects: StateTable,
        *,
        violations: str,
        relays: str,
        enforcements: str,
        bans: str,
        reviews: str,
        dead_letters: str,
        metrics: Metrics,
        clock: StreamTime,
        switch: Switch,
    ) -> None:
        """`kinds`: what the topics of reports and moderators' decisions carry; from `relays` on: to send to."""
        self._packs = packs
        self._register = register
        self._kinds = kinds
        self._subjects = subjects
        self._violations, self._relays = violations, relays
        self._enforcements, self._bans, self._reviews = enforcements, bans, reviews
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._switch = switch
        self._due: dict[int, DueIndex] = {}
        subjects.on_recovered.append(self._recovered)
        subjects.on_lost.append(self._lost)

    def __call__(self, batch: RecordBatch) -> Plan:
        """The plan of a batch: decisions and bans to send, subject states to write."""
        started = time.perf_counter()
        plan = Plan()
        standings = self._register.standings(batch, plan)
        inputs, origins = self._decode(batch.records, plan)
        states = self._subjects.of(batch.partition)
        inputs, runs = self._switch.applied(STAGE, inputs), runs_of(batch.records, standings, origins)
        enforced = self._enforced(inputs, runs, lambda subject: states.get(subject.encode()))
        for index, error in enforced.refused:
            self._refuse(origins[index], error, plan)
        self._carry(enforced, batch.partition, plan, runs[-1].at if runs else CONFIGURED, batch.records[-1].timestamp)
        self._count(batch.extent, enforced, time.perf_counter() - started)
        return plan

    async def sweep(self, group: Group) -> None:
        """Lets sanctions that have ended leave the ban list, in this worker's partitions."""
        for partition in group.partitions():
            if not self._index(partition).is_due(self._clock.now()):
                continue
            if not await group.submit(partition, partial(self._expire, partition)):
                # The plan was dropped, what it took from the index was not done: build the index anew when asked.
                self._due.pop(partition, None)

    def subjects(self) -> dict[str, int]:
        """Subjects in this worker, by kind."""
        totals: Counter[str] = Counter()
        for index in self._due.values():
            totals.update(index.kinds)
        return {kind: totals[kind] for kind in SUBJECT_KINDS}

    def banned(self) -> dict[str, int]:
        """Subjects in this worker with a sanction in force, by kind."""
        totals: Counter[str] = Counter()
        for index in self._due.values():
            totals.update(index.banned)
        return {kind: totals[kind] for kind in SUBJECT_KINDS}

    def quotas(self) -> dict[str, float]:
        """How much of each quota of the pack is used now, 0 to 1, of the partition's share that is used most: one that
        is full holds its actions back, whatever the others have left. By the quota's name."""
        enforcer = self._packs.current.enforcer
        used = dict.fromkeys((quota.name for quota in enforcer.pack.limits.quotas), 0.0)
        for partition in self._due:
            for usage in enforcer.granted(self._subjects.of(partition).get(QUOTAS.encode()), self._clock.now()):
                used[usage.quota.name] = max(used[usage.quota.name], _share(usage))
        return used

    def _expire(self, partition: int) -> Plan:
        plan = Plan()
        now = self._clock.now()
        for key, value in list(self._index(partition).take(now)):
            judges = self._packs.current
            self._carry(judges.enforcer.expire(key.decode(), value, now), partition, plan, judges.at)
        return plan

    def _enforced(
        self, inputs: Sequence[SubjectInput], runs: Sequence[Run], state_of: Callable[[str], bytes | None]
    ) -> Enforced:
        """What the inputs lead to, each run by the packs of its standing."""
        if len(runs) == 1:
            return self._packs.at(runs[0].at).enforcer.enforce(inputs, state_of)
        result = Enforced()

        def so_far(subject: str) -> bytes | None:
            return result.states[subject] if subject in result.states else state_of(subject)

        for at, start, end in runs:
            result.add(self._packs.at(at).enforcer.enforce(inputs[start:end], so_far), start)
        return result

    def _decode(self, records: Sequence[Any], plan: Plan) -> tuple[list[SubjectInput], list[Any]]:
        """The inputs of the batch, and the record each came in; what is none becomes a dead letter."""
        inputs: list[SubjectInput] = []
        origins: list[Any] = []
        span = self._clock.span()
        for record in records:
            try:
                inputs.append(self._input(record, span))
                origins.append(record)
            except InvalidEventError as error:
                self._refuse(record, error, plan)
        return inputs, origins

    def _input(self, record: Any, span: Span) -> SubjectInput:
        if record.topic == self._violations:
            return decode_violation(record.key, record.value)
        if record.topic == self._relays:
            return decode_relay(record.key, record.value)
        event, _ = decode_record(self._kinds[record.topic], record.key, record.value, record.headers)
        assert isinstance(event, Report | Moderation)  # noqa: S101 - the topic's kind says so
        span.check(event.time)
        return event

    def _refuse(self, record: Any, error: InvalidEventError, plan: Plan) -> None:
        plan.sends.append(dead_letter(self._dead_letters, record, error))
        self._metrics.dead_letter(error.reason)

    def _carry(
        self, enforced: Enforced, partition: int, plan: Plan, standing: int, timestamp: int | None = None
    ) -> None:
        """Turns decisions into sends and writes. standing: the position of the packs that decided. timestamp: of
        relays, in ms, so that they are merged from there."""
        for decision in enforced.decisions:
            topic = self._reviews if isinstance(decision, Review) else self._enforcements
            plan.sends.append(Send(topic, decision.subject.encode(), encode(decision)))
        for relay in enforced.relays:
            key = relay.subject.encode()
            plan.sends.append(Send(self._relays, key, encode(relay), stamp(standing), timestamp_ms=timestamp))
        for subject, ban in enforced.bans.items():
            key = subject.encode()
            plan.sends.append(Send(self._bans, key, None if ban is None else encode(ban)))
        index = self._index(partition)
        for subject, state in enforced.states.items():
            key = subject.encode()
            index.changed(key, state)
            plan.writes.append(Write(self._subjects.name, key, state))

    def _index(self, partition: int) -> DueIndex:
        index = self._due.get(partition)
        if index is None:
            index = self._due[partition] = DueIndex(self._subjects.of(partition))
        return index

    def _recovered(self, partition: int) -> None:
        self._due[partition] = DueIndex(self._subjects.of(partition))

    def _lost(self, partition: int) -> None:
        self._due.pop(partition, None)

    def _count(self, records: Extent, enforced: Enforced, seconds: float) -> None:
        self._metrics.batch(STAGE, records, seconds)
        decisions = enforced.decisions
        self._metrics.enforcements(
            (found.action, found.ladder, found.rung) for found in decisions if isinstance(found, Enforcement)
        )
        self._metrics.lifts(found.action for found in decisions if isinstance(found, Lift))
        reviews = [(found.reason, found.status) for found in decisions if isinstance(found, Review)]
        self._metrics.reviews(reviews, enforced.told_again)
        self._metrics.overturned(enforced.overturned)
        self._metrics.repeated(enforced.repeated)


def _share(usage: Usage) -> float:
    return usage.used / usage.at_most if usage.at_most else 1.0  # a quota of nothing is full


def _kind(key: bytes) -> str:
    return key.partition(b":")[0].decode("ascii", "replace")
