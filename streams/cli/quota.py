"""`warden quota`: how much of each quota of automatic actions is used."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from streams.cli.arguments import TIME
from streams.cli.common import console, pack_of, pack_option, settings_of, write_json
from streams.cli.deciding import asked_with_progress, clock

if TYPE_CHECKING:
    from rules.packs import Pack
    from rules.quotas import Usage
    from streams.quota_usage import QuotaUsage


@click.command()
@click.option("--at", type=TIME, help="Which hour and day (event time, RFC 3339). Default: those of the newest event.")
@click.option("--json", "as_json", is_flag=True, help="One object: the time, and one entry for each quota and rule.")
@pack_option
@click.pass_context
def quota(ctx: click.Context, at: datetime | None, as_json: bool, pack: str | None) -> None:
    """Show how many automatic actions were taken in this hour and day, of how many that each quota allows.

    Hours and days (UTC) are those of events. Each partition has an equal share of a quota; where it is used up, what
    would be sanctioned waits for a person: warden reviews --reason quota.

    \b
    warden quota
    warden quota --at 2026-01-01T12:00:00Z --json
    """
    from rules.enforce import Enforcer
    from streams.quota_usage import quota_usage

    settings = settings_of(ctx, pack=pack)
    loaded = pack_of(settings)
    enforcer = Enforcer(loaded, settings.partitions)
    found = asked_with_progress("reading what workers remember", lambda tell: quota_usage(settings, enforcer, at, tell))
    if as_json:
        _write(found)
    else:
        _print(found, loaded)


def _write(found: "QuotaUsage") -> None:
    write_json({
        "at": found.at,
        "partitions": found.partitions,
        "quotas": [
            {
                "quota": usage.quota.name,
                "each": usage.quota.each,
                "of": usage.of,
                "per": usage.quota.per,
                "starts": _starts(usage),
                "used": usage.used,
                "at_most": usage.at_most,
                "full_partitions": usage.full,
            }
            for usage in found.usages
        ],
    })  # fmt: skip


def _print(found: "QuotaUsage", pack: "Pack") -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.display import shown

    out = console()
    if not pack.limits.quotas:
        out.print(Text(f"the pack {shown(pack.label)} has no quotas: automatic actions are not limited"))
        return
    newest = "no event yet" if found.newest is None else f"newest event {clock(found.newest)}"
    out.print(Text(f"{shown(pack.label)} at {clock(found.at)} ({newest})"))
    table = Table("quota", "of", "used", "at most", "", "begins anew", "holds what comes")
    for usage in found.usages:
        share = usage.used / usage.at_most if usage.at_most else 1.0
        full = f"{usage.full} of {found.partitions} partitions" if usage.full else ""
        ends = _starts(usage) + timedelta(**{f"{usage.quota.per}s": 1})
        cells = (
            usage.quota.name,
            usage.of or "all",
            f"{usage.used:,}",
            f"{usage.at_most:,} an {usage.quota.per}" if usage.quota.per == "hour" else f"{usage.at_most:,} a day",
            f"{share:.0%}",
            clock(ends),
            full,
        )
        style = "red" if usage.full else ""
        table.add_row(*(Text(shown(cell), style=style) for cell in cells))
    out.print(table)
    named = {usage.quota.name for usage in found.usages}
    unused = [quota.name for quota in pack.limits.quotas if quota.name not in named]
    if unused:
        out.print(Text(f"nothing used: {shown(', '.join(unused), 400)}"))


def _starts(usage: "Usage") -> datetime:
    from rules.events import from_millis

    return from_millis(usage.starts)
