"""`warden subject`: why something holds for a subject, since when, and how to undo it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from streams.cli.arguments import SUBJECT
from streams.cli.common import Failure, pack_of, pack_option, progress_bar, quiet_clients, settings_of

if TYPE_CHECKING:
    from streams.subject_history import Entry, History


@click.command()
@click.argument("subject", type=SUBJECT)
@click.option("--since", metavar="DAYS", type=click.FloatRange(min=0), help="Read only the last days of the topics.")
@pack_option
@click.option("--json", "as_json", is_flag=True, help="One object: what is in force, and every record in order.")
@click.pass_context
def subject(ctx: click.Context, subject: str, since: float | None, pack: str | None, as_json: bool) -> None:
    """Show why a subject is sanctioned: what is in force and until when, what led to it, in order what was charged,
    reported and decided, when and by whom - and the command that undoes it.

    KIND is account, link, domain, ip or app.

    \b
    warden subject account:alice
    warden subject domain:quiz.example --since 30
    warden subject ip:203.0.113.7 --json | jq .in_force
    """
    from streams.cli.told import print_history
    from streams.subject_history import history
    from streams.topics import TopicsError

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
        print_history(found, now, pack_of(settings))


def _write(found: "History", now: datetime) -> None:
    from streams.cli.common import write_json
    from streams.cli.told import held, kind, undo

    write_json({
        "subject": found.subject,
        "in_force": held(found, now),
        "undo": undo(found, now),
        "history": [{"kind": kind(entry), **_plain(entry), **_refused(found, entry)} for entry in found.entries],
        "unreadable": found.unreadable,
    })  # fmt: skip


def _refused(found: "History", entry: "Entry") -> dict[str, object]:
    from rules.events import Appeal, Order, ReviewDecision

    refused = found.refused.get(entry.id) if isinstance(entry, Appeal | ReviewDecision | Order) else None
    return {} if refused is None else {"refused": {"reason": refused.reason, "detail": refused.detail}}


def _plain(entry: "Entry") -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(entry))
