"""SCREEN as an agent's handle: posts, shares and mass sends in; violations, sightings and behaviour states out."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rules.decisions import Violation
from rules.events import EventType, InvalidEventError, millis
from rules.hit_rates import HitCounts
from rules.screen import Arrival, Screen
from streams.batches import Plan, RecordBatch
from streams.codec import dead_letter, decode_record, encode
from streams.controls import Switch
from streams.hit_rates import Tripping
from streams.metrics import Metrics
from streams.sending import Send
from streams.stores import StateTable, Write
from streams.streamtime import StreamTime

STAGE = "screen"


class Screening:
    """Judges batches with a pack; keeps the accounts' behaviour states in a table."""

    def __init__(
        self,
        screen: Screen,
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
        self._screen = screen
        self._kinds = kinds
        self._accounts = accounts
        self._violations = violations
        self._sightings = sightings
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._switch = switch
        self._tripping = tripping
        tripping.use(screen.pack)

    def use(self, screen: Screen) -> None:
        """Judges with another pack from the next batch on."""
        self._screen = screen
        self._tripping.use(screen.pack)

    def rates(self) -> dict[tuple[str, str], HitCounts]:
        """How often rules hit in this worker, by rule and type of event."""
        return self._tripping.rates()

    def __call__(self, batch: RecordBatch) -> Plan:
        """The plan of a batch: dead letters, violations and sightings to send, account states to write."""
        started = time.perf_counter()
        plan = Plan()
        arrivals, origins = self._decode(batch.records, plan)
        states = self._accounts.of(batch.partition)
        screened = self._screen.screen(arrivals, lambda account: states.get(account.encode()))
        tripped = self._tripping.count(batch.partition, arrivals, screened, self._switch.controls, plan)
        violations = self._switch.applied(STAGE, screened.violations, tripped)
        for violation, at in zip(violations, screened.arrivals, strict=True):
            # The violation keeps the time of its event's record, so that ENFORCE merges and measures from there.
            plan.sends.append(
                Send(
                    self._violations,
                    violation.subject.encode(),
                    encode(violation),
                    timestamp_ms=origins[at].timestamp,
                )
            )
        for at, sighting in screened.sightings:
            when = origins[at].timestamp
            plan.sends.append(Send(self._sightings, sighting.key.encode(), encode(sighting), timestamp_ms=when))
        plan.writes.extend(Write(self._accounts.name, key.encode(), value) for key, value in screened.states.items())
        self._metrics.sightings(Counter(sighting.rule for _, sighting in screened.sightings))
        self._count(batch.records, violations, time.perf_counter() - started)
        return plan

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
