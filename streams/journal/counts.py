"""How often what was read came, by minute and by rule and hour: what the console's counts are made of."""

import sqlite3
from collections import Counter

from rules.decisions import Enforcement, Lift, Review, Violation
from streams.journal.entries import Entry

MINUTE, HOUR = 60_000, 3_600_000
"""In ms."""


class Counts:
    """Counts of a batch."""

    def __init__(self) -> None:
        self._minutes: Counter[tuple[int, str, str]] = Counter()
        self._hours: Counter[tuple[int, str, str, str]] = Counter()

    def dead_letter(self, at: int, reason: str) -> None:
        """One more."""
        self._minutes[at // MINUTE, "dead_letter", reason] += 1

    def entry(self, entry: Entry, lane: str | None) -> None:
        """One more; `lane`: where it is shown."""
        minute, hour = entry.at // MINUTE, entry.at // HOUR
        match entry.struct:
            case Violation() as found:
                self._minutes[minute, "violation", found.mode] += 1
                self._hours[hour, found.rule, found.clause, found.mode] += 1
            case Enforcement() as made:
                self._minutes[minute, "enforcement", made.action] += 1
            case Lift() as lift:
                self._minutes[minute, "lift", lift.action] += 1
                for rule in lift.rules:
                    self._hours[hour, rule, "", "overturned"] += 1
            case Review() as review if lane == "feed":
                self._minutes[minute, "review", "opened" if review.status == "open" else review.status] += 1

    def add_to(self, connection: sqlite3.Connection) -> None:
        """Adds them to those in the file."""
        connection.executemany(
            "INSERT INTO minutes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(*key, n) for key, n in self._minutes.items()],
        )
        connection.executemany(
            "INSERT INTO rule_hours VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(*key, n) for key, n in self._hours.items()],
        )
