"""The feed and the violations, page by page, and what a reader of the feed has missed."""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from streams.journal.store import Shown

LOOKED_AT = 20_000
"""Records of the feed that one question looks at: with a filter that little passes, the answer has less than was asked
for, and says where to go on."""


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
