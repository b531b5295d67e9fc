"""How much there is: of the last minute and hour, and of what rules did."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.journal.questions.cases import open_reviews

MOST_SUBJECTS = 10_000
"""Sanctions looked at to count the subjects that a rule hit."""


@dataclass(slots=True)
class Counts:
    """How many there were; `in_force` and `reviews_open` as of now. actions: sanctions of the hour; dead_letters: those
    of the hour, by their reason."""

    minute: dict[str, int] = field(default_factory=dict)
    hour: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)
    reviews_opened: int = 0
    reviews_open: int = 0
    in_force: dict[str, int] = field(default_factory=dict)


def counts(connection: sqlite3.Connection, now_ms: int) -> Counts:
    """What is happening: the last whole minute with the one that runs, and the last hour."""
    minute = now_ms // 60_000
    found = Counts()
    rows = connection.execute(
        "SELECT kind, name, sum(n), sum(CASE WHEN minute >= ? THEN n ELSE 0 END) FROM minutes WHERE minute > ? "
        "GROUP BY kind, name",
        (minute - 1, minute - 60),
    )
    for kind, name, hour, last in rows:
        found.hour[kind] = found.hour.get(kind, 0) + hour
        found.minute[kind] = found.minute.get(kind, 0) + last
        if kind == "enforcement":
            found.actions[name] = hour
        elif kind == "dead_letter":
            found.dead_letters[name] = hour
        elif kind == "review" and name == "opened":
            found.reviews_opened = hour
    found.reviews_open = open_reviews(connection)
    found.in_force = dict(connection.execute("SELECT kind, n FROM banned WHERE n > 0").fetchall())
    return found


class RuleHour(NamedTuple):
    """How often a rule did something in one hour; `hour` counts from 1970."""

    rule: str
    clause: str
    kind: str
    hour: int
    n: int


def rule_hours(connection: sqlite3.Connection, since_hour: int) -> list[RuleHour]:
    """What rules did since an hour. One row for each rule, clause, mode and hour in which there was something."""
    rows = connection.execute(
        "SELECT rule, clause, kind, hour, n FROM rule_hours WHERE hour >= ? LIMIT 200000", (since_hour,)
    )
    return [RuleHour(*row) for row in rows]


def subjects_hit(connection: sqlite3.Connection, rules: Sequence[str], since_ms: int) -> dict[str, int]:
    """How many subjects the sanctions of each rule were about, by the newest MOST_SUBJECTS sanctions."""
    question = (
        "SELECT count(DISTINCT subject) FROM (SELECT subject FROM records "
        "WHERE kind = 'enforcement' AND rule = ? AND at >= ? ORDER BY at DESC LIMIT ?)"
    )
    return {rule: int(connection.execute(question, (rule, since_ms, MOST_SUBJECTS)).fetchone()[0]) for rule in rules}


def value(connection: sqlite3.Connection, question: str, *values: Any) -> Any:
    """One value, for tests and measurements."""
    return connection.execute(question, values).fetchone()[0]
