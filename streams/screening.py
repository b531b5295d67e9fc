"""SCREEN as an agent's handle: posts, shares and mass sends in; violations, sightings and behaviour states out."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rules.events import EventType, InvalidEventError, millis
from rules.hit_rates import HitCounts
from rules.screen import Arrival
from streams.codec import dead_letter, decode_record, encode
from streams.controls import Switch
from streams.hit_rates import Tripping
from streams.judging import Judged, judge, stamper
from streams.ledger import Register
from streams.metrics import Metrics
from streams.packs_in_force import Judges, PacksInForce
from streams.plans import NotYetError, Plan, RecordBatch
from streams.sending import Send
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime

logger = logging.getLogger(__name__)

STAGE = "screen"


@dataclass(slots=True, eq=False)
class _Begun:
    """A batch that is decoded: its events, the record each came in, and what judges them. `seconds`: what it took."""

    batch: RecordBatch
    plan: Plan
    arrivals: list[Arrival]
    origins: list[Any]
    judges: Judges | list[Judges]
    seconds: float

    @property
    def accounts(self) -> set[str]:
        return {arrival.event.account for arrival in self.arrivals}


class Screening:
    """Judges batches with a pack; keeps the accounts' behaviour states in a table."""

    def __init__(
        self,
        packs: PacksInForce,
        register: Register,
        kinds: Mapping[str, EventType],
        accounts: StateTable,
        *,
        violations: str,
        sightings: str,
        dead_letters: str,
        metrics: Metrics,
        clock: StreamTime,
        switch: Switch,
        tripping: Tripping,
    ) -> None:
        """`kinds`: what each input topic carries; the other names are topics to send to."""
        self._packs = packs
        self._register = register
        self._kinds = kinds
        self._accounts = accounts
        self._violations = violations
        self._sightings = sightings
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._switch = switch
        self._tripping = tripping

    def rates(self) -> dict[tuple[str, str], HitCounts]:
        """How often rules hit in this worker, by rule and type of event."""
        return self._tripping.rates()

    def __call__(self, batch: RecordBatch) -> Plan:
        """The plan of a batch: dead letters, violations and sightings to send, account states to write."""
        begun = self._begun(batch)
        self._judge([begun])
        return begun.plan

    def together(self, batches: Sequence[RecordBatch]) -> list[Plan | None]:
        """The plans of batches of several partitions; None for one that cannot be judged yet.

        What they lead to is the same as one after the other, and costs less: a call of the engine costs as much as
        some dozens of ordinary events.
        """
        begun: list[_Begun | None] = []
        for batch in batches:
            try:
                begun.append(self._begun(batch))
            except NotYetError as error:
                logger.debug("A batch waits: %s", error)
                begun.append(None)
        for part in _apart([each for each in begun if each is not None]):
            self._judge(part)
        return [None if each is None else each.plan for each in begun]

    def _begun(self, batch: RecordBatch) -> _Begun:
        started = time.perf_counter()
        plan = Plan()
        standings = self._register.standings(batch, plan)
        arrivals, origins = self._decode(batch.records, plan)
        judges = self._judges(batch.records, standings, origins)
        return _Begun(batch, plan, arrivals, origins, judges, time.perf_counter() - started)

    def _judge(self, part: Sequence[_Begun]) -> None:
        """Judges batches, in which no account is in two partitions, with one call of the engine."""
        started = time.perf_counter()
        if len(part) == 1:
            arrivals = part[0].arrivals
            states = self._accounts.of(part[0].batch.partition)
            found = judge(arrivals, part[0].judges, lambda account: states.get(account.encode()))
            cut = [found]
        else:
            arrivals = [arrival for begun in part for arrival in begun.arrivals]
            batch_of = {account: index for index, begun in enumerate(part) for account in begun.accounts}
            of = [self._accounts.of(begun.batch.partition) for begun in part]
            found = judge(arrivals, _joined(part), lambda account: of[batch_of[account]].get(account.encode()))
            cut = found.cut([len(begun.arrivals) for begun in part], batch_of)
        self._packs.compared(found.compared)
        each = (time.perf_counter() - started) / max(1, len(arrivals))
        for begun, own in zip(part, cut, strict=True):
            self._finish(begun, own, each * len(begun.arrivals))

    def _finish(self, begun: _Begun, screened: Judged, seconds: float) -> None:
        """Adds to a batch's plan what it led to. `seconds`: its share of judging."""
        started = time.perf_counter()
        batch, plan, origins = begun.batch, begun.plan, begun.origins
        judges = begun.judges
        newest = judges if isinstance(judges, Judges) else max(judges, key=attrgetter("at"), default=None)
        if newest is not None:
            self._tripping.use(newest.enforcing, newest.shares)
        tripped = self._tripping.count(batch.partition, begun.arrivals, screened.live, self._switch.controls, plan)
        violations = self._switch.applied(STAGE, screened.live.violations, tripped)
        found = [
            *zip(violations, screened.live.arrivals, strict=True),
            *zip(screened.shadow, screened.shadow_arrivals, strict=True),
        ]
        stamps = stamper(judges)
        for violation, at in found:
            # The violation keeps the time of its event's record, so that ENFORCE merges and measures from there.
            plan.sends.append(
                Send(
                    self._violations,
                    violation.subject.encode(),
                    encode(violation),
                    stamps(at),
                    timestamp_ms=origins[at].timestamp,
                )
            )
        for at, sighting in screened.live.sightings:
            when = origins[at].timestamp
            key = sighting.key.encode()
            plan.sends.append(Send(self._sightings, key, encode(sighting), stamps(at), timestamp_ms=when))
        plan.writes.extend(
            Write(self._accounts.name, key.encode(), value) for key, value in screened.live.states.items()
        )
        self._metrics.sightings(Counter(sighting.rule for _, sighting in screened.live.sightings))
        self._metrics.violations(violations)
        self._metrics.batch(STAGE, batch.extent, begun.seconds + seconds + time.perf_counter() - started)

    def _judges(
        self, records: Sequence[Any], standings: int | list[int], origins: Sequence[Any]
    ) -> Judges | list[Judges]:
        """What judges the events, which came in `origins`: one for all, or one for each."""
        if isinstance(standings, int):
            return self._packs.at(standings)
        by_record = {id(record): at for record, at in zip(records, standings, strict=True)}
        return [self._packs.at(by_record[id(origin)]) for origin in origins]

    def _decode(self, records: Sequence[Any], plan: Plan) -> tuple[list[Arrival], list[Any]]:
        """The events of the batch, and the record each came in; what is no event becomes a dead letter."""
        arrivals: list[Arrival] = []
        origins: list[Any] = []
        span = self._clock.span()
        for record in records:
            topic = record.topic
            try:
                event, source = decode_record(self._kinds[topic], record.key, record.value, record.headers)
                span.check(event.time)
            except InvalidEventError as error:
                plan.sends.append(dead_letter(self._dead_letters, record, error))
                self._metrics.dead_letter(error.reason)
                continue
            arrivals.append(Arrival(event, source, topic, record.offset))  # type: ignore[arg-type]
            origins.append(record)
        if arrivals:
            self._clock.observe(millis(max(arrival.event.time for arrival in arrivals)))
        return arrivals, origins


def _apart(begun: Sequence[_Begun]) -> list[list[_Begun]]:
    """Parts in which no account is in two partitions: each partition remembers its own of an account, and a client that
    chooses partitions otherwise than by key may bring it to several."""
    parts: list[tuple[list[_Begun], set[str]]] = []
    for each in begun:
        accounts = each.accounts
        for part, taken in parts:
            if taken.isdisjoint(accounts):
                part.append(each)
                taken.update(accounts)
                break
        else:
            parts.append(([each], accounts))
    return [part for part, _ in parts]


def _joined(part: Sequence[_Begun]) -> Judges | list[Judges]:
    """What judges the events of all batches: one for all where they agree."""
    first = part[0].judges
    if isinstance(first, Judges) and all(begun.judges is first for begun in part):
        return first
    return [
        its
        for begun in part
        for its in ([begun.judges] * len(begun.arrivals) if isinstance(begun.judges, Judges) else begun.judges)
    ]
