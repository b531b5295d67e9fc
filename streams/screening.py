"""SCREEN as an agent's handle: posts, shares and mass sends in; violations, sightings and behaviour states out."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from rules.decisions import Violation
from rules.events import EventType, InvalidEventError, millis
from rules.hit_rates import HitCounts
from rules.screen import Arrival
from streams.batches import Plan, RecordBatch
from streams.codec import dead_letter, decode_record, encode
from streams.controls import Switch
from streams.hit_rates import Tripping
from streams.judging import judge, stamper
from streams.ledger import Register
from streams.metrics import Metrics
from streams.packs_in_force import Judges, PacksInForce
from streams.sending import Send
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime

STAGE = "screen"


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
        started = time.perf_counter()
        plan = Plan()
        standings = self._register.standings(batch, plan)
        arrivals, origins = self._decode(batch.records, plan)
        judges = self._judges(batch.records, standings, origins)
        states = self._accounts.of(batch.partition)
        screened = judge(arrivals, judges, lambda account: states.get(account.encode()))
        newest = judges if isinstance(judges, Judges) else max(judges, key=attrgetter("at"), default=None)
        if newest is not None:
            self._tripping.use(newest.enforcing, newest.shares)
        tripped = self._tripping.count(batch.partition, arrivals, screened.live, self._switch.controls, plan)
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
        self._packs.compared(screened.compared)
        plan.writes.extend(
            Write(self._accounts.name, key.encode(), value) for key, value in screened.live.states.items()
        )
        self._metrics.sightings(Counter(sighting.rule for _, sighting in screened.live.sightings))
        self._count(batch.records, violations, time.perf_counter() - started)
        return plan

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

    def _count(self, records: Sequence[Any], violations: Sequence[Violation], seconds: float) -> None:
        self._metrics.batch(STAGE, records, seconds)
        self._metrics.violations(violations)
