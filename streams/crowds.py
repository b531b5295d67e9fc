"""CROWDS as an agent's handle: sightings, and what keys tell each other, in; violations and keys' states out.

A key's messages come from every partition of SCREEN and meet in one, because the topic is keyed by it. What one key
tells another goes back to the same topic. Keys that are long past are forgotten by a sweep, on stream time of
KEPT_SECONDS ago: when a backlog is read, partitions are far apart in event time, but not in the time of reading them.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rules.activations import CONFIGURED
from rules.crowd_states import DueKeys, StateOf, forget
from rules.crowds import Gathered
from rules.events import InvalidEventError, millis
from rules.sightings import Message, Sighting
from streams.batches import Group
from streams.codec import dead_letter, decode_message, encode
from streams.controls import Switch
from streams.ledger import Register, Run, runs_of, stamp
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.plans import Plan, RecordBatch
from streams.sending import Send
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime

STAGE = "crowds"
FORGOTTEN_AT_ONCE = 1000
"""Keys forgotten in one plan, so that a sweep never holds a partition's batches up for long."""
KEPT_SECONDS = 900.0
"""How far apart the partitions of a backlog may be in the time of reading them."""


class Gathering:
    """Takes sightings in, in batches; keeps the keys' states in a table."""

    def __init__(
        self,
        packs: PacksInForce,
        register: Register,
        keys: StateTable,
        *,
        sightings: str,
        violations: str,
        dead_letters: str,
        metrics: Metrics,
        clock: StreamTime,
        switch: Switch,
    ) -> None:
        """`sightings`, `violations` and `dead_letters`: the topics to send to."""
        self._packs = packs
        self._register = register
        self._keys = keys
        self._sightings = sightings
        self._violations = violations
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._switch = switch
        self._past: deque[tuple[float, int]] = deque()
        self._due: dict[int, DueKeys] = {}
        keys.on_recovered.append(self._recovered)
        keys.on_lost.append(self._lost)

    def __call__(self, batch: RecordBatch) -> Plan:
        """The plan of a batch: violations and messages to send, states to write."""
        started = time.perf_counter()
        plan = Plan()
        standings = self._register.standings(batch, plan)
        messages, origins = self._decode(batch.records, plan)
        states = self._keys.of(batch.partition)
        runs = runs_of(batch.records, standings, origins)
        gathered = self._gathered(messages, runs, lambda key: states.get(key.encode()))
        stamps = stamp(runs[-1].at if runs else CONFIGURED)
        violations = self._switch.applied(STAGE, [violation for _, violation in gathered.violations])
        for (at, _), violation in zip(gathered.violations, violations, strict=True):
            when = origins[at].timestamp
            subject = violation.subject.encode()
            plan.sends.append(Send(self._violations, subject, encode(violation), stamps, timestamp_ms=when))
        for at, message in gathered.sends:
            when = origins[at].timestamp
            key = message.key.encode()
            plan.sends.append(Send(self._sightings, key, encode(message), stamps, timestamp_ms=when))
        due = self._index(batch.partition)
        for each, state in gathered.states.items():
            name = each.encode()
            if state is not None:
                due.add(each, state, known=name in states)
            plan.writes.append(Write(self._keys.name, name, state))
        self._metrics.batch(STAGE, batch.extent, time.perf_counter() - started)
        self._metrics.violations(violations)
        self._metrics.crowds(gathered.released, gathered.lost)
        return plan

    def _gathered(self, messages: Sequence[Message], runs: Sequence[Run], state_of: StateOf) -> Gathered:
        """What the messages lead to, each run by the rules of its standing."""
        if len(runs) == 1:
            return self._packs.at(runs[0].at).crowds.gather(messages, state_of)
        result = Gathered()

        def so_far(key: str) -> bytes | None:
            return result.states[key] if key in result.states else state_of(key)

        for at, start, end in runs:
            result.add(self._packs.at(at).crowds.gather(messages[start:end], so_far), start)
        return result

    async def sweep(self, group: Group) -> None:
        """Forgets the keys of this worker's partitions that are long past."""
        now = self._settled()
        for partition in group.partitions():
            if not self._index(partition).is_due(now):
                continue
            if not await group.submit(partition, partial(self._forget, partition, now)):
                # The plan was dropped, what it took from the index was not done: build the index anew when asked.
                self._due.pop(partition, None)

    def _settled(self) -> int:
        """Stream time of KEPT_SECONDS ago, in ms; 0 in a worker's first while."""
        wall = time.monotonic()
        self._past.append((wall, self._clock.now()))
        while len(self._past) > 1 and self._past[1][0] <= wall - KEPT_SECONDS:
            self._past.popleft()
        since, then = self._past[0]
        return then if since <= wall - KEPT_SECONDS else 0

    def _forget(self, partition: int, now: int) -> Plan:
        plan = Plan()
        states = self._keys.of(partition)
        for key in self._index(partition).take(now, FORGOTTEN_AT_ONCE):
            data = states.get(key.encode())
            if data is not None:
                plan.writes.extend(Write(self._keys.name, gone.encode(), None) for gone in forget(key, data))
        return plan

    def _decode(self, records: Sequence[Any], plan: Plan) -> tuple[list[Message], list[Any]]:
        """The messages of the batch, and the record each came in; what is none becomes a dead letter."""
        messages: list[Message] = []
        origins: list[Any] = []
        for record in records:
            try:
                messages.append(decode_message(record.key, record.value))
                origins.append(record)
            except InvalidEventError as error:
                plan.sends.append(dead_letter(self._dead_letters, record, error))
                self._metrics.dead_letter(error.reason)
        times = [millis(message.charge.time) for message in messages if isinstance(message, Sighting)]
        if times:
            self._clock.observe(max(times))
        return messages, origins

    def _index(self, partition: int) -> DueKeys:
        index = self._due.get(partition)
        if index is None:
            self._recovered(partition)
            index = self._due[partition]
        return index

    def _recovered(self, partition: int) -> None:
        self._due[partition] = DueKeys(self._entries(partition))

    def _entries(self, partition: int) -> Iterator[tuple[str, bytes]]:
        for key, data in self._keys.of(partition).items():
            yield key.decode(), data

    def _lost(self, partition: int) -> None:
        self._due.pop(partition, None)
