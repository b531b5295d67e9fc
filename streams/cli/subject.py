"""`warden subject`: why something holds for a subject, and since when."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, console, pack_of, pack_option, progress_bar, quiet_clients, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from rules.decisions import BanEntry
    from rules.packs import Pack
    from streams.settings import Settings
    from streams.subject_history import Entry, History


@click.command()
@click.argument("subject", metavar="KIND:KEY")
@click.option("--since", metavar="DAYS", type=click.FloatRange(min=0), help="Read only the last days of the topics.")
@pack_option
@click.option("--json", "as_json", is_flag=True, help="One object: what is in force, and every record in order.")
@click.pass_context
def subject(ctx: click.Context, subject: str, since: float | None, pack: str | None, as_json: bool) -> None:
    """Show why a subject is sanctioned: what is in force and until when, the clauses behind it, and in order what was
    charged, decided, reported and appealed.

    KIND is account, link, domain, ip or app.

    \b
    warden subject account:alice
    warden subject domain:quiz.example --since 30
    warden subject ip:203.0.113.7 --json | jq .in_force
    """
    from rules.subjects import kind_of
    from streams.subject_history import history
    from streams.topics import TopicsError

    try:
        kind_of(subject)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    settings = settings_of(ctx, **({"pack": pack} if pack is not None else {}))
    quiet_clients()
    now = datetime.now(UTC)
    start = now - timedelta(days=since) if since is not None else None
    try:
        with progress_bar() as bar:
            task = bar.add_task("reading the topics", total=None, note="")
            found = asyncio.run(
                history(settings, subject, start, lambda read, of: bar.update(task, completed=read, total=of))
            )
    except (TopicsError, TimeoutError) as error:
        raise Failure(str(error)) from None
    if as_json:
        _write(found, now)
    else:
        _print(found, now, settings)


def _write(found: "History", now: datetime) -> None:
    from streams.cli.common import write_json

    write_json({
        "subject": found.subject,
        "in_force": _in_force(found, now),
        "history": [{"kind": _kind(entry), **_plain(entry)} for entry in found.entries],
        "unreadable": found.unreadable,
    })  # fmt: skip


def _plain(entry: "Entry") -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(entry))


def _print(found: "History", now: datetime, settings: "Settings") -> None:
    from rich.text import Text

    from lab.display import shown

    out, pack = console(), pack_of(settings)
    out.print(Text(shown(found.subject), style="bold"))
    held = _in_force(found, now)
    for entry in held:
        ends = "for good" if entry.ends is None else f"until {_time(entry.ends)}"
        since = f"since {_time(entry.starts)}: rung {entry.rung} of {entry.ladder}"
        out.print(Text.assemble("  ", (entry.action, "red"), f" {ends}, {since}"))
        for clause in entry.clauses:
            out.print(Text(f"    {_clause(clause, pack)}"))
        out.print(Text(f"    enforcement {entry.enforcement}"))
    if not held:
        out.print("  nothing is in force")
    _print_timeline(out, found)
    if found.unreadable:
        out.print(f"{found.unreadable} records of the subject could not be read")


def _print_timeline(out: "Console", found: "History") -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.display import shown

    if not found.entries:
        out.print("  the topics hold nothing about it: no charge, no report, no appeal")
        return
    table = Table("time", "what", "which", "detail")
    for entry in found.entries:
        table.add_row(_time(entry.time), _kind(entry), *(Text(shown(cell)) for cell in _cells(entry)))
    out.print(table)


def _cells(entry: "Entry") -> tuple[str, str]:
    """Which one it is, and what it says."""
    from rules.decisions import Enforcement, Review, Violation
    from rules.events import Appeal, Report

    match entry:
        case Violation():
            said = ", ".join(piece.quote for piece in entry.evidence[:3])
            mode = "" if entry.mode == "enforce" else f" ({entry.mode})"
            return (
                f"{entry.clause} {entry.rule}{mode}",
                f"{entry.severity}; {entry.event.type} {entry.event.id}: {said}",
            )
        case Enforcement():
            ends = "for good" if entry.permanent else f"until {_time(entry.ends)}" if entry.ends else "a warning"
            return f"{entry.action} {ends}", f"rung {entry.rung} of {entry.ladder}, by {entry.rule}; {entry.id}"
        case Review():
            return ", ".join(entry.clauses), f"proposes {', '.join(entry.proposed) or 'nothing'}; {entry.id}"
        case Report():
            return entry.category, f"by {entry.reporter}"
        case Appeal():
            return entry.verdict, f"{entry.enforcement}, by {entry.moderator}: {entry.reason}"


def _in_force(found: "History", now: datetime) -> "list[BanEntry]":
    from streams.bans.records import in_force

    ban = in_force(found.ban, now) if found.ban is not None else None
    return ban.sanctions if ban is not None else []


def _clause(name: str, pack: "Pack") -> str:
    clause = pack.clauses.get(name)
    return f"{name} {clause.title.en} / {clause.title.zh}" if clause is not None else f"{name} (not in this pack)"


def _kind(entry: "Entry") -> str:
    return type(entry).__name__.lower()


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"
