"""The hit rates of a worker's partitions: counted in SCREEN, kept in a table, and a record on `controls` for a trip.

The open window is in memory alone: after a restart a new one begins, and the history of the closed ones is in the table
`rates`, in one record a partition, written when a window closes.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import add

from rules.controls import Controls
from rules.events import millis
from rules.hit_rates import BAND, Band, HitCounts, HitRates, Watched
from rules.screen import Arrival, Screened
from streams.controls import control_send
from streams.metrics import Metrics
from streams.plans import Plan
from streams.stores import StateTable, Write

KEY = b"hit_rates"


class Tripping:
    """Counts how often rules hit, and puts those to shadow that leave their band."""

    def __init__(self, rates: StateTable, controls: str, metrics: Metrics, band: Band = BAND) -> None:
        """`controls`: the topic to send to."""
        self._table = rates
        self._topic = controls
        self._metrics = metrics
        self._band = band
        self._enforcing: frozenset[str] = frozenset()
        self._shares: Mapping[str, str] = {}
        self._controls: Controls | None = None
        self._watched = Watched(frozenset(), {})
        self._rates: dict[int, HitRates] = {}
        rates.on_recovered.append(self._forget)
        rates.on_lost.append(self._forget)

    def use(self, enforcing: frozenset[str], shares: Mapping[str, str] | None = None) -> None:
        """Watches these rules; histories stay with the names of rules.

        shares: of the rules that judge only some accounts, which. A rule begins a history anew when that changes: else
        one that was tried on a canary of 5 % would leave its band twentyfold as it goes live.
        """
        shares = shares or {}
        if enforcing != self._enforcing or shares != self._shares:
            self._enforcing, self._shares = enforcing, shares
            self._controls = None

    def count(
        self, partition: int, arrivals: Sequence[Arrival], screened: Screened, controls: Controls, plan: Plan
    ) -> frozenset[str]:
        """Counts a batch; adds to `plan` what is to be sent and kept. Returns the rules to treat as in shadow, which
        `controls` may not know yet."""
        if not arrivals:
            return frozenset()
        rates = self._rates.get(partition)
        if rates is None:
            rates = self._rates[partition] = HitRates(self._table.of(partition).get(KEY), self._band)
        hits = [(at, found.rule) for at, found in zip(screened.arrivals, screened.violations, strict=True)]
        hits += [(at, sighting.rule) for at, sighting in screened.sightings]
        # Records are merged in order of time, so the last is about the newest. An event of the future opens no window.
        at = min(millis(arrivals[-1].event.time), int(time.time() * 1000))
        for trip in rates.count(at, [arrival.event for arrival in arrivals], hits, self._watch(controls)):
            plan.sends.append(control_send(self._topic, trip.record(datetime.now(UTC))))
            self._metrics.tripped(trip.rule)
        if (history := rates.closed()) is not None:
            plan.writes.append(Write(self._table.name, KEY, history))
        return rates.tripped

    def rates(self) -> dict[tuple[str, str], HitCounts]:
        """The counts of each rule and type of event, over this worker's partitions."""
        total: dict[tuple[str, str], HitCounts] = {}
        for rates in self._rates.values():
            for key, found in rates.standing().items():
                before = total.get(key)
                total[key] = found if before is None else HitCounts(*map(add, before, found))
        return total

    def _watch(self, controls: Controls) -> Watched:
        if controls is not self._controls:
            self._controls = controls
            begun = {rule: f"{controls.resumed.get(rule, '')} {share}" for rule, share in self._shares.items()}
            self._watched = Watched(self._enforcing - controls.shadowed, {**controls.resumed, **begun})
        return self._watched

    def _forget(self, partition: int) -> None:
        self._rates.pop(partition, None)
