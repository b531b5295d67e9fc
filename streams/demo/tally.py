"""What the demo shows: counted from the topics that downstream consumers read, and from the worker's metrics."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

RECENT = 12


@dataclass(slots=True)
class Tally:
    """The state of a demo. `recent` are the latest enforcement events, newest first, as published."""

    started: float = field(default_factory=time.monotonic)
    sent: int = 0
    judged: int = 0
    dead_letters: int = 0
    reviews: int = 0
    bans: dict[bytes, bool] = field(default_factory=dict)
    violations: Counter[str] = field(default_factory=Counter)
    enforcements: Counter[str] = field(default_factory=Counter)
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    rate: float = 0.0
    lag: int = 0
    _mark: tuple[float, int] = (0.0, 0)

    def take(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Counts one record of an output topic; `topic` without its prefix."""
        match topic:
            case "violations":
                self.violations[orjson.loads(value or b"{}").get("clause", "?")] += 1
            case "enforcements":
                enforcement = orjson.loads(value or b"{}")
                self.enforcements[enforcement["action"]] += 1
                self.recent.appendleft(enforcement)
            case "bans":
                self.bans[key or b""] = value is not None
            case "reviews":
                self.reviews += 1
            case "dead_letters":
                self.dead_letters += 1

    def scrape(self, exposition: str, inputs: frozenset[str]) -> None:
        """Takes what the worker says of itself: events judged of the `inputs` topics, lag, and so the rate."""
        judged = lag = 0.0
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                if sample.name == "warden_events_total" and sample.labels["topic"] in inputs:
                    judged += sample.value
                elif sample.name == "warden_consumer_lag":
                    lag += sample.value
        self.judged, self.lag = int(judged), int(lag)
        now = time.monotonic()
        then, before = self._mark
        if now - then >= 1.0:
            self.rate = (self.judged - before) / (now - then) if then else 0.0
            self._mark = now, self.judged

    def banned(self) -> int:
        """Subjects on the ban list."""
        return sum(self.bans.values())

    def summary(self) -> dict[str, Any]:
        """The totals, for the end."""
        return {
            "events": self.sent,
            "violations": sum(self.violations.values()),
            "enforcements": sum(self.enforcements.values()),
            "enforcements_by_action": dict(self.enforcements.most_common()),
            "reviews": self.reviews,
            "banned_subjects": self.banned(),
            "dead_letters": self.dead_letters,
            "seconds": round(time.monotonic() - self.started, 1),
        }
