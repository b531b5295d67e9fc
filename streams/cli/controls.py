"""`warden halt`, `warden resume` and `warden controls`: the kill switch, and what was done with it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from rules.controls import ControlRecord, Controls, Do
from streams.cli.common import Failure, asked, console, pack_of, pack_option, settings_of, user_name, write_json
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.controls import ControlTopic


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What halting and resuming share."""
    for option in reversed((
        click.option("--rule", metavar="NAME", help="Only this rule of the pack."),
        click.option("--why", metavar="TEXT", required=True, help="The reason, for the audit."),
        click.option("--by", metavar="WHO", help="Who does it. Default: the name you are logged in by."),
        click.option("--json", "as_json", is_flag=True, help="The record that was written, and its offset."),
        pack_option,
        click.pass_context,
    )):  # fmt: skip
        command = option(command)
    return command


@click.command()
@_options
def halt(ctx: click.Context, **given: Any) -> None:
    """Put all automatic enforcement to shadow within a second, or with --rule that of one rule.

    Workers go on judging, and record violations with the mode "shadow"; nothing new is enforced. What is in force stays
    in force. Returns when the brokers have acknowledged it; the gauge warden_halted says which workers know of it.

    \b
    warden halt --why "a wave of complaints about marketing accounts"
    warden halt --rule fraud.prize --why "hits the operator's own lottery" --by lin
    """
    _do(ctx, "halt", **given)


@click.command()
@_options
def resume(ctx: click.Context, **given: Any) -> None:
    """Let automatic enforcement go on, or with --rule that of one rule. What was charged in shadow stays in shadow.

    Rules that were halted by name, or that left their usual band, stay in shadow when everything is resumed: name them.
    The history of a rule's hit rate begins anew when it is resumed by name.

    \b
    warden resume --why "the list of words is mended"
    warden resume --rule fraud.prize --why "looked at 50 hits: all of them right"
    """
    _do(ctx, "resume", **given)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object: what is in shadow, and every record in order.")
@click.pass_context
def controls(ctx: click.Context, as_json: bool) -> None:
    """Show what is in shadow now, and the whole log: who halted and resumed what, when and why.

    \b
    warden controls
    warden controls --json | jq .shadowed
    """
    from streams.controls import current_controls

    found = asked(current_controls(settings_of(ctx)))
    for problem in found.problems:
        click.echo(f"warden: {problem}", err=True)
    if as_json:
        now = found.log.controls
        write_json({"halted": now.halted, "shadowed": sorted(now.shadowed), "records": found.log.records})
    else:
        _print(found)


def _do(
    ctx: click.Context, do: Do, *, rule: str | None, why: str, by: str | None, as_json: bool, pack: Path | None
) -> None:
    from streams.controls import current_controls, put_control

    settings = settings_of(ctx, pack=pack)
    known = Controls()
    if rule is not None or do == "resume":  # halting everything asks nothing before
        known = asked(current_controls(settings)).log.controls
    if rule is not None and rule not in known.shadowed:
        _check_rule(settings, rule)
    record = _record(do, rule, why, by)
    offset = asked(put_control(settings, record))
    if as_json:
        write_json({"record": record, "offset": offset})
        return
    what = "all automatic enforcement" if rule is None else f"rule {rule}"
    click.echo(f"{what} is {'in shadow' if do == 'halt' else 'resumed'}, by {record.by}")
    if do == "resume":
        _tell_what_is_left(known, rule)


def _tell_what_is_left(before: Controls, resumed: str | None) -> None:
    """Says what is in shadow all the same, now that something is resumed."""
    if resumed is not None and before.halted:
        click.echo("warden: all automatic enforcement is in shadow still: warden resume --why …", err=True)
    for rule in sorted(before.shadowed - {resumed}):
        click.echo(f"warden: rule {rule} is in shadow still: warden resume --rule {rule} --why …", err=True)


def _record(do: Do, rule: str | None, why: str, by: str | None) -> ControlRecord:
    """The record to write; its id is its own, so doing the same twice is two records. Raises Failure (2)."""
    from streams.controls import control_record

    try:
        return control_record(do, rule, why=why, by=user_name() if by is None else by)
    except msgspec.ValidationError as error:
        raise Failure(f"--by and --why: workers would refuse the record: {error}\n"
                      "    give a name in one line, and a reason", 2) from None  # fmt: skip


def _check_rule(settings: Settings, rule: str) -> None:
    """Raises Failure (2) for a rule that the pack does not have."""
    from rules.packs.source import did_you_mean

    pack = pack_of(settings)
    if rule not in pack.rules:
        hint = f"{did_you_mean(rule, pack.rules)}; if the workers have another pack, name it: --pack"
        raise Failure(f"the pack {pack.label} has no rule {rule!r}\n    {hint}", 2)


def _print(found: "ControlTopic") -> None:
    from rich.table import Table
    from rich.text import Text

    for record in found.log.standing():
        what = "all automatic enforcement" if record.rule is None else f"rule {record.rule}"
        click.echo(f"in shadow: {what}, since {_shown(record.time)}, by {record.by}: {record.why}")
    if not found.log.controls:
        click.echo("nothing is in shadow by control")
    if not found.log.records:
        return
    table = Table("when", "what", "target", "by", "why")
    for record in found.log.records:
        cells = (_shown(record.time), record.do, record.rule or "everything", record.by, record.why)
        table.add_row(*map(Text, cells))
    console().print(table)


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
