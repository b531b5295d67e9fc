"""Questions to the journal, each of bounded cost. All take a connection first, and are asked through `Journal.ask`."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from rules.decisions import SUBJECT_KINDS, Ban, Review, Violation
from rules.events import Appeal
from streams.codec import decode_ban
from streams.journal.entries import identity
from streams.journal.store import Shown

LOOKED_AT = 20_000
"""Records of the feed that one question looks at: with a filter that little passes, the answer has less than was asked
for, and says where to go on."""
MOST_ENTRIES = 500
"""Of one subject, on one page."""
MOST_SUBJECTS = 10_000
"""Sanctions looked at to count the subjects that a rule hit."""

_REVIEW = msgspec.json.Decoder(Review)
_VIOLATION = msgspec.json.Decoder(Violation)
_APPEAL = msgspec.json.Decoder(Appeal)


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the feed is asked for; None: all. since: produced at this time or later, in ms."""

    kind: str | None = None
    action: str | None = None
    clause: str | None = None
    rule: str | None = None
    subject_kind: str | None = None
    since: int = 0


class Page(NamedTuple):
    """Some of the feed, newest first. `oldest`: to ask for what is before it; None when nothing is."""

    items: list[Shown]
    oldest: int | None


def feed(connection: sqlite3.Connection, before: int | None, limit: int, wanted: Filter) -> Page:
    """The newest of the feed before a number."""
    return _page(connection, before, limit, wanted, among="lane = 'feed'")


def violations_page(connection: sqlite3.Connection, before: int | None, limit: int, wanted: Filter) -> Page:
    """The newest violations before a number; their `action` is their mode."""
    if wanted.rule is None:
        return _page(connection, before, limit, wanted, among="kind = 'violation'")
    return _page(connection, before, limit, wanted, among="kind = 'violation' AND rule = ?", values=(wanted.rule,))


def _page(
    connection: sqlite3.Connection,
    before: int | None,
    limit: int,
    wanted: Filter,
    *,
    among: str,
    values: tuple[str, ...] = (),
) -> Page:
    upper = before if before is not None else 1 << 62
    rows = connection.execute(
        "SELECT seq, at, body, kind, action, clauses, rule, subject FROM records "  # noqa: S608 - `among` is written here
        f"WHERE {among} AND seq < ? ORDER BY seq DESC LIMIT ?",
        (*values, upper, LOOKED_AT + 1),
    )
    items: list[Shown] = []
    looked, last = 0, upper
    for seq, at, body, kind, action, clauses, rule, subject in rows:
        if len(items) == limit or looked == LOOKED_AT:
            return Page(items, last)
        looked, last = looked + 1, seq
        if (
            wanted.kind in {None, kind}
            and wanted.action in {None, action}
            and at >= wanted.since
            and (wanted.rule is None or wanted.rule in (rule or "").split(" "))
            and (wanted.clause is None or wanted.clause in (clauses or "").split(" "))
            and (wanted.subject_kind is None or subject.startswith(f"{wanted.subject_kind}:"))
        ):
            items.append(Shown(seq, at, body))
    return Page(items, None)


class Missed(NamedTuple):
    """What a reader of the live feed has missed. `known`: whether the journal goes back so far; `items`: oldest first,
    empty when they are more than were asked for; `newest`: the number of the newest there is."""

    known: bool
    number: int
    items: list[Shown]
    newest: int
    oldest: int | None


def missed(connection: sqlite3.Connection, after: int | None, most: int) -> Missed:
    """What followed a number, up to `most`; with None only where the feed stands."""
    newest = connection.execute("SELECT coalesce(max(seq), 0) FROM records WHERE lane = 'feed'").fetchone()[0]
    oldest = connection.execute("SELECT min(seq) FROM records WHERE lane = 'feed'").fetchone()[0]
    if after is None:
        return Missed(True, 0, [], newest, oldest)
    first = connection.execute("SELECT value FROM meta WHERE name = 'first_seq'").fetchone()[0]
    rows = connection.execute(
        "SELECT seq, at, body FROM records WHERE lane = 'feed' AND seq > ? ORDER BY seq LIMIT ?", (after, LOOKED_AT)
    ).fetchmany(most + 1)
    if len(rows) > most:
        count = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM records WHERE lane = 'feed' AND seq > ? LIMIT ?)", (after, LOOKED_AT)
        ).fetchone()[0]
        return Missed(after >= first - 1, count, [], newest, oldest)
    return Missed(after >= first - 1, len(rows), [Shown(*row) for row in rows], newest, oldest)


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


def open_reviews(connection: sqlite3.Connection) -> int:
    """How many wait for a person."""
    return int(connection.execute("SELECT count(*) FROM reviews WHERE status = 'open'").fetchone()[0])


class FoundReview(NamedTuple):
    """A review's newest record. `first`: when its first one was produced, ms; `seq`: its number."""

    review: Review
    first: int
    seq: int


def reviews(connection: sqlite3.Connection, status: str, before: int | None, limit: int) -> list[FoundReview]:
    """Reviews of a status, the newest first, before a number."""
    rows = connection.execute(
        "SELECT body, first, seq FROM reviews WHERE status = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (status, before if before is not None else 1 << 62, limit),
    )
    return [FoundReview(_REVIEW.decode(body), first, seq) for body, first, seq in rows]


def oldest_reviews(
    connection: sqlite3.Connection, status: str, after: str | None, limit: int
) -> list[FoundReview] | None:
    """Reviews of a status, the one that waits longest first, behind that of an id, whatever has become of that since;
    None when it is not known (any more)."""
    place = (-1, "")
    if after is not None:
        row = connection.execute("SELECT first, id FROM reviews WHERE id = ?", (after,)).fetchone()
        if row is None:
            return None
        place = row
    rows = connection.execute(
        "SELECT body, first, seq FROM reviews WHERE status = ? AND (first, id) > (?, ?) ORDER BY first, id LIMIT ?",
        (status, *place, limit),
    )
    return [FoundReview(_REVIEW.decode(body), first, seq) for body, first, seq in rows]


def review(connection: sqlite3.Connection, identifier: str) -> FoundReview | None:
    """A review by its id."""
    row = connection.execute("SELECT body, first, seq FROM reviews WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else FoundReview(_REVIEW.decode(row[0]), row[1], row[2])


def reviews_of(connection: sqlite3.Connection, subjects: Sequence[str]) -> list[Review]:
    """The open reviews of some subjects."""
    marks = ",".join("?" * len(subjects))
    rows = connection.execute(
        f"SELECT body FROM reviews WHERE subject IN ({marks}) AND status = 'open' LIMIT 200",  # noqa: S608 - marks only
        list(subjects),
    )
    return [_REVIEW.decode(body) for (body,) in rows]


def violations(connection: sqlite3.Connection, identifiers: Sequence[str]) -> list[bytes]:
    """Violations by their ids, as JSON, in the order in which they came; those that are gone are left out."""
    asked = [identity("violation", each) for each in identifiers[:MOST_ENTRIES]]
    return _by_identity(connection, asked)


def violation(connection: sqlite3.Connection, identifier: str) -> tuple[Violation, int] | None:
    """A violation, and when its record was produced, in ms."""
    row = connection.execute(
        "SELECT body, at FROM records WHERE identity = ?", (identity("violation", identifier),)
    ).fetchone()
    return None if row is None else (_VIOLATION.decode(row[0]), row[1])


def record(connection: sqlite3.Connection, kind: str, *parts: str) -> bytes | None:
    """One record by what tells it apart, as JSON."""
    found = _by_identity(connection, [identity(kind, *parts)])
    return found[0] if found else None


def _by_identity(connection: sqlite3.Connection, identities: Sequence[bytes]) -> list[bytes]:
    marks = ",".join("?" * len(identities))
    question = f"SELECT body FROM records WHERE identity IN ({marks}) ORDER BY seq"  # noqa: S608 - question marks only
    return [row[0] for row in connection.execute(question, identities)]


def bans(connection: sqlite3.Connection, subjects: Sequence[str]) -> dict[str, Ban]:
    """What the ban list says of some subjects; sanctions that have ended may be among it."""
    marks = ",".join("?" * len(subjects))
    rows = connection.execute(f"SELECT subject, body FROM bans WHERE subject IN ({marks})", list(subjects))  # noqa: S608
    found = {subject: decode_ban(body) for subject, body in rows}
    return {subject: ban for subject, ban in found.items() if ban is not None}


class SubjectEntry(NamedTuple):
    """What was said of a subject. `at`: when it was produced, ms; `body`: JSON with its `kind`."""

    seq: int
    at: int
    kind: str
    body: bytes


def timeline(connection: sqlite3.Connection, subject: str, before: int | None = None) -> list[SubjectEntry]:
    """The newest MOST_ENTRIES about a subject before a number, the oldest of them first."""
    rows = connection.execute(
        "SELECT seq, at, kind, body FROM records WHERE subject = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (subject, before if before is not None else 1 << 62, MOST_ENTRIES),
    ).fetchall()
    return [SubjectEntry(*row) for row in reversed(rows)]


class Totals(NamedTuple):
    """How much there is of a subject, by its newest LOOKED_AT records. first: when the oldest of them was produced."""

    violations: int
    enforcements: int
    overturned: int
    first: int | None


def totals(connection: sqlite3.Connection, subject: str) -> Totals:
    """How much there is of a subject."""
    rows = connection.execute(
        "SELECT kind, count(*), min(at) FROM "
        "(SELECT kind, at FROM records WHERE subject = ? ORDER BY seq DESC LIMIT ?) GROUP BY kind",
        (subject, LOOKED_AT),
    ).fetchall()
    found = {kind: count for kind, count, _ in rows}
    first = min((first for *_, first in rows), default=None)
    return Totals(found.get("violation", 0), found.get("enforcement", 0), found.get("lift", 0), first)


def appeals(connection: sqlite3.Connection, subject: str) -> list[Appeal]:
    """The verdicts on enforcements of a subject that workers took, or have not yet refused; the newest first."""
    rows = connection.execute(
        "SELECT body FROM records WHERE subject = ? AND lane = 'audit' AND kind = 'appeal' ORDER BY seq DESC LIMIT ?",
        (subject, MOST_ENTRIES),
    )
    refused = refusals(connection, subject)
    found = [_APPEAL.decode(body) for (body,) in rows]
    return [each for each in found if each.id not in refused]


def refusals(connection: sqlite3.Connection, subject: str) -> dict[str, tuple[str, str]]:
    """Decisions about a subject that workers did not take: id -> reason and detail."""
    rows = connection.execute("SELECT id, reason, detail FROM refused WHERE subject = ? LIMIT 500", (subject,))
    return {identifier: (reason, detail) for identifier, reason, detail in rows}


class KnownSubject(NamedTuple):
    """A subject, and when something was last said of it, ms; None when only the ban list names it."""

    subject: str
    last: int | None


def subjects(
    connection: sqlite3.Connection, prefix: str, limit: int, *, behind: str = "", held: bool = False
) -> list[KnownSubject]:
    """Subjects that begin with `prefix` and come behind one, in their order: one step in an index for each. `held`:
    only those on the ban list."""
    found: list[KnownSubject] = []
    after, inclusive = (behind, False) if behind > prefix else (prefix, True)
    tables = ("bans",) if held else ("records", "bans")
    while len(found) < limit:
        compare = ">=" if inclusive else ">"
        candidates = [
            row[0]
            for table in tables
            if (
                row := connection.execute(
                    f"SELECT subject FROM {table} WHERE subject {compare} ? ORDER BY subject LIMIT 1",  # noqa: S608
                    (after,),
                ).fetchone()
            )
            is not None
        ]
        after, inclusive = min(candidates, default=""), False
        if not after.startswith(prefix) or not candidates:
            break
        if after.partition(":")[0] in SUBJECT_KINDS:
            row = connection.execute(
                "SELECT at FROM records WHERE subject = ? ORDER BY seq DESC LIMIT 1", (after,)
            ).fetchone()
            found.append(KnownSubject(after, None if row is None else row[0]))
    return found


class AuditEntry(NamedTuple):
    """What somebody did."""

    seq: int
    at: int
    kind: str
    body: bytes


def audit(connection: sqlite3.Connection, before: int | None, limit: int) -> list[AuditEntry]:
    """What people did, the newest first."""
    rows = connection.execute(
        "SELECT seq, at, kind, body FROM records WHERE lane = 'audit' AND seq < ? ORDER BY seq DESC LIMIT ?",
        (before if before is not None else 1 << 62, limit),
    )
    return [AuditEntry(*row) for row in rows]


def halts(connection: sqlite3.Connection) -> list[bytes]:
    """The halts that hold, as JSON, the oldest first."""
    return [row[0] for row in connection.execute("SELECT body FROM controls WHERE halted ORDER BY seq LIMIT 10000")]


def refused_among(connection: sqlite3.Connection, identifiers: Sequence[str]) -> dict[str, str]:
    """Of some decisions those that workers did not take: id -> why."""
    marks = ",".join("?" * len(identifiers))
    rows = connection.execute(
        f"SELECT id, reason || ': ' || detail FROM refused WHERE id IN ({marks})",  # noqa: S608 - question marks only
        list(identifiers),
    )
    return dict(rows.fetchall())


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
