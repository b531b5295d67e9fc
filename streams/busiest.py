"""How much the busiest subjects of a worker were charged with lately: a few numbers, and never a name.

Subjects are no labels: there are millions, their names are data about people, and strangers write them (a domain or an
account may be named to be seen on an operator's screen). What an operator needs to see at once is whether a few do
most of it; who they are, the topic `violations` and `warden subject` tell those who may know.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

PLACES = 10
WINDOW_S = 300.0
KEPT = 5_000
"""Subjects counted in a window; those that come first when there are more. Every scrape adds two windows up, in 5 ms at
the most, and judging waits for it."""


class Busiest(Collector):
    """Counts violations by subject over the window that is open and the one before it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: in seconds."""
        self._clock = clock
        self._since = clock()
        self._now: Counter[str] = Counter()
        self._before: Counter[str] = Counter()

    def count(self, subjects: Iterable[str]) -> None:
        """One violation for each."""
        self._turn()
        counts = self._now
        for subject in subjects:
            if len(counts) < KEPT or subject in counts:
                counts[subject] += 1

    def top(self) -> list[tuple[str, int]]:
        """(kind, violations) of the busiest, the first first: PLACES at most."""
        self._turn()
        return [(subject.partition(":")[0], n) for subject, n in (self._now + self._before).most_common(PLACES)]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As Prometheus reads it."""
        family = GaugeMetricFamily(
            "warden_busiest_subject_violations",
            "Violations charged to this worker's busiest subjects in the last 5 to 10 minutes, by place.",
            labels=["place", "kind"],
        )
        for place, (kind, number) in enumerate(self.top(), 1):
            family.add_metric([str(place), kind], number)
        yield family

    def _turn(self) -> None:
        passed = self._clock() - self._since
        if passed < WINDOW_S:
            return
        self._before = self._now if passed < 2 * WINDOW_S else Counter()
        self._now = Counter()
        self._since += passed - passed % WINDOW_S
