"""`warden packs`: publish packs to workers that run, try them on some accounts or in shadow, and take them back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from rules.activations import CONFIGURED, Activates, Activation, Standing
from streams.cli.common import Failure, asked, console, settings_of, user_name, write_json

if TYPE_CHECKING:
    from rules.packs import Pack
    from rules.packs.archive import Archive
    from rules.packs.diff import Change
    from streams.pack_switches import Switched
    from streams.pack_topic import PackTopic
    from streams.settings import Settings

T = TypeVar("T")

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_SHORT = 12
_MOST_LINES = 20
"""Lines of one entry that `diff` shows."""

_json = click.option("--json", "as_json", is_flag=True, help="JSON.")


def _audited(command: Callable[..., None]) -> Callable[..., None]:
    """What all that changes something asks for."""
    for option in reversed((
        click.option("--why", metavar="TEXT", required=True, help="The reason, for the audit."),
        click.option("--by", metavar="WHO", help="Who does it. Default: the name you are logged in by."),
        _json,
        click.pass_context,
    )):  # fmt: skip
        command = option(command)
    return command


def _roles(command: Callable[..., None]) -> Callable[..., None]:
    """How a pack is put in force."""
    for option in reversed((
        click.option("--shadow", is_flag=True, help="Judge beside the live pack, without effect."),
        click.option("--canary", type=click.FloatRange(0, 100, min_open=True), metavar="PERCENT",
                     help="Judge the events of so many accounts of a hundred."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.group()
def packs() -> None:
    """Publish packs to workers that run, without restarting them; see what is in force, and take it back.

    A PACK is `live`, `canary` or `shadow`, the start of its digest, its label, or (for diff) a folder.

    \b
    warden packs publish packs/mine --known-good good.jsonl --why "new lottery rules" --canary 5
    warden packs history
    warden packs activate canary --why "no complaints in two days"
    warden packs rollback --why "complaints"
    """


@packs.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--known-good", type=_FILE, metavar="FILE", help="Text that is fine: no rule may hit it.")
@click.option("--accept", type=_FILE, metavar="FILE", help="Known-good texts that rules may hit, with the reasons why.")
@click.option("--no-known-good", is_flag=True, help="Publish without known-good text.")
@_roles
@_audited
def publish(
    ctx: click.Context,
    *,
    folder: Path,
    known_good: Path | None,
    accept: Path | None,
    no_known_good: bool,
    shadow: bool,
    canary: float | None,
    why: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Check the pack in FOLDER as `warden check` does, and put it in force in every worker.

    Nothing is published when the pack is not valid, a case beside a rule fails, or a rule hits known-good text that is
    not accepted. Workers compile it beside their work, switch between two batches, and record the offset. A version is
    published once: raise it with every change, so that what a decision cites names one pack.

    \b
    warden packs publish packs/mine --known-good good.jsonl --accept accepted.tsv --why "ticket 4711"
    warden packs publish packs/mine --known-good good.jsonl --shadow --why "how would it do?"
    """
    from rules.packs.archive import ArchiveError
    from streams.activating import activation

    if (known_good is None) != no_known_good:
        raise click.UsageError("name text that is fine, --known-good FILE, or say --no-known-good")
    do = _role(shadow, canary)
    settings = settings_of(ctx)
    topic = asked(_current(settings))
    _check(folder, settings, known_good, accept)
    try:
        archive, label = _archived(folder)
    except ArchiveError as error:
        raise Failure(f"{folder} cannot be published: {error}", 2) from None
    for digest, other in topic.log.labels().items():
        if other == label and digest != archive.digest:
            hint = "raise `version` in the pack, so that decisions name the one they were made by"
            raise Failure(f"{label} is published already, with other content\n    {hint}", 2)
    known = topic.has(archive.digest)
    who = _who(by)
    record = _asked(lambda: activation(do, archive.digest, label, why=why, by=who, percent=canary))
    _put(ctx, settings, None if known else archive, record, as_json)


@packs.command()
@click.argument("pack")
@_roles
@_audited
def activate(
    ctx: click.Context, *, pack: str, shadow: bool, canary: float | None, why: str, by: str | None, as_json: bool
) -> None:
    """Put a published PACK in force: for all, for some accounts, or in shadow. A live pack ends canary and shadow.

    \b
    warden packs activate canary --why "no complaints in two days"
    warden packs activate canary --canary 25 --why "more of them"
    warden packs activate mine@7 --shadow --why "look at it again"
    """
    from streams.activating import to_activate

    settings = settings_of(ctx)
    topic = asked(_current(settings))
    do, who = _role(shadow, canary), _who(by)
    record = _asked(lambda: to_activate(topic, pack, do, why=why, by=who, percent=canary))
    _put(ctx, settings, None, record, as_json)


@packs.command()
@_audited
def rollback(ctx: click.Context, *, why: str, by: str | None, as_json: bool) -> None:
    """Take the newest activation back: what was in force before it is in force again. Again takes back one more.

    \b
    warden packs rollback --why "hits the operator's own lottery"
    """
    from streams.activating import to_roll_back

    settings = settings_of(ctx)
    topic = asked(_current(settings))
    who = _who(by)
    record = _asked(lambda: to_roll_back(topic, why=why, by=who))
    _put(ctx, settings, None, record, as_json)


@packs.command()
@click.option("--offsets", is_flag=True, help="Where each partition of each stage switched, by topic.")
@_json
@click.pass_context
def history(ctx: click.Context, *, offsets: bool, as_json: bool) -> None:
    """Show what is in force now, and every activation: who, when and why.

    \b
    warden packs history
    warden packs history --offsets --json | jq '.switches[] | select(.stage == "screen")'
    """
    settings = settings_of(ctx)
    topic = asked(_current(settings))
    switches = asked(_switches(settings)) if offsets else []
    for problem in topic.problems:
        click.echo(f"warden: {problem}", err=True)
    if as_json:
        log = [{"offset": at, **msgspec.to_builtins(record)} for at, record in topic.log.records]
        write_json({"in_force": topic.log.newest, "activations": log, "switches": switches})
        return
    from rich.table import Table
    from rich.text import Text

    click.echo(_described(topic, topic.log.newest))
    if topic.log.records:
        table = Table("offset", "when", "what", "pack", "digest", "by", "why")
        for at, each in topic.log.records:
            what = each.do if each.percent is None else f"{each.do} {each.percent:g}%"
            label = each.label or "the pack of the settings"
            cells = (str(at), _shown(each.time), what, label, each.pack[:_SHORT], each.by, each.why)
            table.add_row(*map(Text, cells))
        console().print(table)
    if switches:
        table = Table("stage", "partition", "packs of offset", "from")
        for switch in switches:
            starts = ", ".join(f"{name} {offset:,}" for name, offset in sorted(switch.starts.items()))
            table.add_row(switch.stage, str(switch.partition), str(switch.at), starts or "the start")
        console().print(table)


@packs.command()
@click.argument("pack", default="live")
@_json
@click.pass_context
def show(ctx: click.Context, *, pack: str, as_json: bool) -> None:
    """Show a published PACK: its label, digest and files, and what of it there is.

    \b
    warden packs show
    warden packs show canary --json
    """
    topic = asked(_current(settings_of(ctx)))
    digest = _digest(topic, pack)
    if not digest:
        raise Failure("workers judge by the pack of their settings: warden check and warden clauses show it")
    archive, loaded = _published(topic, digest)
    counts = {name: len(getattr(loaded, name)) for name in ("clauses", "ladders", "lexicons", "signals", "rules")}
    found = {"label": loaded.label, "digest": digest, **counts, "files": sorted(archive.files)}
    if as_json:
        write_json(found)
        return
    click.echo(f"{loaded.label}, digest {digest}")
    click.echo(", ".join(f"{number} {name}" for name, number in counts.items()))
    for name in sorted(archive.files):
        click.echo(f"  {name}")


@packs.command()
@click.argument("old")
@click.argument("new")
@_json
@click.pass_context
def diff(ctx: click.Context, *, old: str, new: str, as_json: bool) -> None:
    """Show what differs from pack OLD to pack NEW: clauses, ladders, words, lists, signals, rules, limits.

    Exit code 1 when something does.

    \b
    warden packs diff live packs/mine
    warden packs diff mine@6 mine@7 --json
    """
    from rules.packs.diff import differences

    settings = settings_of(ctx)
    topic = None if all(Path(name).is_dir() for name in (old, new)) else asked(_current(settings))
    before, after = _pack(settings, topic, old), _pack(settings, topic, new)
    changes = differences(before, after)
    if as_json:
        write_json({"old": before.label, "new": after.label, "changes": changes})
    else:
        _print(before, after, changes)
    ctx.exit(1 if changes else 0)


def _print(before: "Pack", after: "Pack", changes: "list[Change]") -> None:
    click.echo(click.style(f"--- {before.label}\n+++ {after.label}", bold=True))
    for change in changes:
        click.echo(click.style(f"@@ {change.section} {change.name} ({change.how})", fg="cyan"))
        for sign, lines, colour in (("-", change.removed, "red"), ("+", change.added, "green")):
            for line in lines[:_MOST_LINES]:
                click.echo(click.style(f"{sign} {line}", fg=colour))
            if len(lines) > _MOST_LINES:
                click.echo(f"{sign} … and {len(lines) - _MOST_LINES:,} more")


def _role(shadow: bool, canary: float | None) -> Activates:
    if shadow and canary is not None:
        raise click.UsageError("a pack is in shadow, or a canary: say one of them")
    return "shadow" if shadow else "canary" if canary is not None else "live"


def _who(by: str | None) -> str:
    return user_name() if by is None else by


def _asked(question: Callable[[], T]) -> T:
    """An answer of `streams.activating`. Raises Failure (2), and (1) when there is nothing to take back."""
    from streams.activating import ActivationError, NothingToTakeBackError

    try:
        return question()
    except ActivationError as error:
        raise Failure(str(error), 1 if isinstance(error, NothingToTakeBackError) else 2) from None


def _put(
    ctx: click.Context, settings: "Settings", archive: "Archive | None", record: Activation, as_json: bool
) -> None:
    from streams.activating import ActivationError, put

    try:
        offset, topic = asked(put(settings, archive, record))
    except ActivationError as error:
        raise Failure(str(error)) from None
    if as_json:
        write_json({"record": record, "offset": offset, "in_force": topic.log.standings[offset]})
    else:
        click.echo(_described(topic, topic.log.standings[offset]))


def _described(topic: "PackTopic", standing: Standing) -> str:
    labels = topic.log.labels()
    since = "from the start" if standing.at == CONFIGURED else f"since offset {standing.at}"
    lines = [f"live {since}: {labels[standing.live] if standing.live else 'the pack of the settings'}"]
    if standing.canary:
        lines.append(f"canary, {standing.percent:g}% of accounts: {labels[standing.canary]}")
    if standing.shadow:
        lines.append(f"shadow: {labels[standing.shadow]}")
    return "\n".join(lines)


def _check(folder: Path, settings: "Settings", known_good: Path | None, accept: Path | None) -> None:
    """Raises Failure (1, or 2 for a pack that cannot be loaded) with all that is wrong with the pack."""
    from streams.cli.check import checked, gated

    loaded, report = checked(folder, settings.lexicons)
    if not report.ok or loaded is None:
        found = "\n".join(map(str, report.findings))
        raise Failure(f"{folder} is not published: it is wrong\n{found}", 1 if loaded else 2)
    if known_good is None:
        return
    gate = gated(loaded, known_good, accept)
    if not gate.ok:
        hits = [f"{known_good}:{hit.line}: {hit.rule} hits known-good text {hit.key}: {hit.text}" for hit in gate.new]
        more = [f"and {gate.more:,} more hits"] if gate.more else []
        raise Failure("\n".join([f"{folder} is not published: its rules hit known-good text", *hits, *more]))


def _archived(folder: Path) -> "tuple[Archive, str]":
    """The pack's archive, and the label of what workers will read from it. Raises Failure (2)."""
    from rules.packs import InvalidPackError
    from rules.packs.archive import archived, unpacked

    try:
        archive = archived(folder)
        return archive, unpacked(archive.packed(), archive.digest).load().label
    except InvalidPackError as error:
        raise Failure(f"{folder} cannot be published\n{error}", 2) from None


def _pack(settings: "Settings", topic: "PackTopic | None", name: str) -> "Pack":
    """A folder's pack, or a published one. Raises Failure (2)."""
    from rules.packs import InvalidPackError, load_pack
    from streams.activating import ROLES

    folder = Path(name)
    digest = ""
    if topic is not None and (name in ROLES or not folder.is_dir()):
        digest = _digest(topic, name)
        if digest:
            return _published(topic, digest)[1]
        folder = settings.pack
    try:
        return load_pack(folder)
    except InvalidPackError as error:
        raise Failure(f"the pack {name} cannot be used\n{error}", 2) from None


def _published(topic: "PackTopic", digest: str) -> "tuple[Archive, Pack]":
    """Raises Failure (1) for a pack that this version cannot read."""
    from rules.packs import InvalidPackError
    from rules.packs.archive import ArchiveError

    try:
        archive = topic.archive(digest)
        return archive, archive.load()
    except (ArchiveError, InvalidPackError) as error:
        raise Failure(f"pack {digest[:_SHORT]} cannot be used: {error}") from None


def _digest(topic: "PackTopic", name: str) -> str:
    """The digest that a name stands for, empty for the pack of the settings. Raises Failure (2)."""
    from streams.activating import digest_of

    return _asked(lambda: digest_of(topic, name))


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


async def _current(settings: "Settings") -> "PackTopic":
    from streams.pack_topic import current_packs

    return await current_packs(settings)


async def _switches(settings: "Settings") -> "list[Switched]":
    from streams.pack_switches import current_switches

    return await current_switches(settings)
