"""`warden bans`: the ban list, now or as it changes."""

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from streams.cli.bans_export import export
from streams.cli.bans_hook import hook
from streams.cli.common import Failure, console, quiet_clients, settings_of

if TYPE_CHECKING:
    from rules.decisions import Ban
    from streams.bans.records import Change
    from streams.settings import Settings


@click.group(invoke_without_command=True)
@click.option("--follow", is_flag=True, help="Go on with every change as it happens, until interrupted.")
@click.option("--subject", metavar="KIND:KEY", help="Only this subject, for example account:alice.")
@click.option("--at", metavar="TIME", help="What is in force at this time (RFC 3339). Default: now.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, one subject each, as the topic holds them.")
@click.pass_context
def bans(ctx: click.Context, follow: bool, subject: str | None, at: str | None, as_json: bool) -> None:
    """Show what is in force for every subject: the compacted topic `bans`, without sanctions that have ended.

    With --follow, a subject that is free again has an empty list of sanctions. The commands below bring the list to
    gateways, and take none of these options.

    \b
    warden bans
    warden bans --subject domain:example.com --json
    warden bans --follow --json
    warden bans export --to nginx --file blocked.map
    warden bans hook https://example.com/bans
    """
    if ctx.invoked_subcommand is not None:
        if follow or subject is not None or at is not None or as_json:
            raise click.UsageError(f"options of {ctx.invoked_subcommand} go behind it")
        return
    from streams.topics import TopicsError

    settings = settings_of(ctx)
    time = _time(at)
    if follow and time is not None:
        raise click.UsageError("--at and --follow exclude each other")
    quiet_clients()
    try:
        if follow:
            asyncio.run(_follow(settings, subject, as_json))
        else:
            asyncio.run(_dump(settings, subject, time or datetime.now(UTC), as_json))
    except (TopicsError, TimeoutError) as error:
        raise Failure(str(error)) from None
    except KeyboardInterrupt:
        ctx.exit(0)


bans.add_command(export)
bans.add_command(hook)


async def _dump(settings: "Settings", subject: str | None, at: datetime, as_json: bool) -> None:
    from streams.bans.records import current_bans, in_force

    found, wrong = await current_bans(settings)
    for message in wrong:
        click.echo(f"warden: {message}", err=True)
    held = [ban for name in sorted(found) if subject in {None, name} and (ban := in_force(found[name], at)) is not None]
    if as_json:
        for ban in held:
            _write(ban)
    else:
        _print_table(held)


async def _follow(settings: "Settings", subject: str | None, as_json: bool) -> None:
    from streams.bans.records import follow_bans

    async for change in follow_bans(settings):
        if change.wrong:
            click.echo(f"warden: {change.wrong}", err=True)
        elif subject in {None, change.subject}:
            _print_change(change, as_json)
            sys.stdout.flush()


def _print_change(change: "Change", as_json: bool) -> None:
    from rules.decisions import Ban
    from streams.bans.records import in_force

    now = datetime.now(UTC)
    held = in_force(change.ban, now) if change.ban is not None else None
    time = change.ban.time if change.ban is not None else now
    ban = held or Ban(subject=change.subject, sanctions=[], time=time)
    if as_json:
        _write(ban)
        return
    sanctions = ", ".join(f"{entry.action} {_until(entry.ends)}" for entry in ban.sanctions)
    click.echo(f"{ban.subject}  {sanctions or 'free'}")


def _write(ban: "Ban") -> None:
    from streams.codec import encode_line

    sys.stdout.buffer.write(encode_line(ban))
    sys.stdout.buffer.flush()


def _print_table(held: Iterable["Ban"]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("subject", "sanction", "until", "rung", "clauses")
    for ban in held:
        for entry in ban.sanctions:
            cells = (
                ban.subject,
                entry.action,
                _until(entry.ends).removeprefix("until "),
                f"{entry.ladder} {entry.rung}",
                ", ".join(entry.clauses),
            )
            table.add_row(*map(Text, cells))
    console().print(table)


def _until(ends: datetime | None) -> str:
    return "for good" if ends is None else f"until {ends:%Y-%m-%d %H:%M:%S} UTC"


def _time(text: str | None) -> datetime | None:
    """The time in an option. Raises UsageError."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise click.UsageError(f"--at {text!r} is no time with a zone: 2026-01-01T12:00:00Z")
    return time
