"""`warden bans export`: the ban list where other software reads it."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

import click

from rules.decisions import Action
from streams.cli.common import Failure, quiet_clients, settings_of, write_json
from streams.cli.consuming import announce_metrics, check_plaintext, metrics_option, plaintext_option, run_until_stopped

if TYPE_CHECKING:
    from streams.bans.export.targets import Published, Target
    from streams.settings import Settings

FORMATS = ("nginx", "rpz", "redis", "csv", "jsonl")
ACTIONS = tuple(action for action in get_args(Action) if action != "warn")
PASSWORD_VARIABLE = "STREAMWARDEN_REDIS_PASSWORD"  # noqa: S105 - the name of a variable
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--to", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option("--file", type=_FILE, help="The file to write; replaced as a whole, and only when it differs.")
@click.option("--once", is_flag=True, help="Write what is in force now and end, instead of following.")
@click.option("--every", default=1.0, show_default=True, type=click.FloatRange(0.05, 3600), metavar="SECONDS",
              help="At most one write in so many seconds.")  # fmt: skip
@click.option("--action", "actions", multiple=True, type=click.Choice(ACTIONS), metavar="ACTION",
              help="Only this sanction; may be repeated. Default: every one.")  # fmt: skip
@click.option("--kind", default="domain", show_default=True, type=click.Choice(["domain", "ip", "link"]),
              help="nginx: the subjects; keys of one block are of one kind.")  # fmt: skip
@click.option("--zone", default="rpz.local", show_default=True, metavar="NAME", help="rpz: name of the zone.")
@click.option("--redirect", metavar="HOST", help="rpz: answer with this host. Default: there is no such name.")
@click.option("--ttl", default=60, show_default=True, type=click.IntRange(1, 86400), metavar="SECONDS",
              help="rpz: how long answers may be kept.")  # fmt: skip
@click.option("--redis", "redis_url", default="redis://127.0.0.1:6379/0", show_default=True, metavar="URL",
              help=f"redis: the server; its password is in {PASSWORD_VARIABLE}.")  # fmt: skip
@click.option("--prefix", default="warden:", show_default=True,
              help="redis: start of every key; what else begins with it is removed.")  # fmt: skip
@plaintext_option
@metrics_option
@click.option("--json", "as_json", is_flag=True, help="With --once: say what was written as JSON.")
@click.pass_context
def export(ctx: click.Context, /, **given: Any) -> None:
    """Write the ban list where gateways read it, and keep it current until interrupted. When brokers or the target are
    away, what was written stays, and it tries again.

    \b
    warden bans export --to nginx --file /etc/nginx/warden/domains.map
    warden bans export --to nginx --kind ip --file /etc/nginx/warden/ips.map
    warden bans export --to rpz --zone rpz.example.com --file /var/lib/bind/rpz.example.com.zone
    warden bans export --to redis --redis rediss://cache.example.com:6379/0
    warden bans export --to csv --file bans.csv --once --json
    """
    settings = settings_of(ctx)
    if given["as_json"] and not given["once"]:
        raise click.UsageError("--json goes with --once; metrics of a running export: --metrics-port")
    target = _target(given)
    quiet_clients()
    try:
        if given["once"]:
            _once(settings, target, given["as_json"])
        else:
            _follow(settings, target, given["every"], given["metrics_port"])
    finally:
        target.close()


def _target(given: dict[str, Any]) -> "Target":
    """The target that the options name. Raises UsageError, Failure (2)."""
    form, file, actions = given["form"], given["file"], given["actions"] or ACTIONS
    if (file is None) != (form == "redis"):
        raise click.UsageError(f"--to {form} {'takes no' if form == 'redis' else 'needs'} --file")
    if file is not None and not file.absolute().parent.is_dir():
        raise Failure(f"{file.parent}: there is no such folder\n    make it, and let this user write in it", 2)
    from streams.bans.export import nginx, rpz, tables

    try:
        match form:
            case "nginx":
                return nginx.NginxMap(file, given["kind"], actions)
            case "rpz":
                return rpz.RpzZone(
                    file, zone=given["zone"], redirect=given["redirect"], ttl_s=given["ttl"], actions=actions
                )
            case "csv":
                return tables.CsvTable(file, actions)
            case "jsonl":
                return tables.JsonLines(file, actions)
            case _:
                return _redis(given, actions)
    except ValueError as error:
        raise Failure(str(error), 2) from None


def _redis(given: dict[str, Any], actions: "Iterable[Action]") -> "Target":
    try:
        from streams.bans.export.redis_keys import RedisKeys
    except ImportError:
        raise Failure("--to redis needs the Redis client: pip install 'streamwarden[consumers]'", 2) from None
    if urlsplit(given["redis_url"]).password is not None:
        raise Failure(
            f"the URL holds a password, for all who list processes to see\n    put it in {PASSWORD_VARIABLE}", 2
        )
    check_plaintext(given["redis_url"], "rediss", given["allow_plaintext"])
    return RedisKeys(given["redis_url"], given["prefix"], os.environ.get(PASSWORD_VARIABLE), tuple(actions))


def _once(settings: "Settings", target: "Target", as_json: bool) -> None:
    from streams.bans.export.running import export_once
    from streams.bans.export.targets import ExportError
    from streams.topics import TopicsError

    try:
        done, wrong = asyncio.run(export_once(settings, target))
    except (TopicsError, ExportError, TimeoutError) as error:
        raise Failure(str(error)) from None
    for message in wrong:
        click.echo(f"warden: {message}", err=True)
    if as_json:
        write_json(done._asdict())
    else:
        click.echo(_told(done))


def _told(done: "Published") -> str:
    skipped = f", {done.skipped} subjects cannot be written there" if done.skipped else ""
    entries = "1 entry" if done.entries == 1 else f"{done.entries} entries"
    return f"{entries}{skipped}; {'written' if done.changed else 'nothing had changed'}"


def _follow(settings: "Settings", target: "Target", every_s: float, port: int | None) -> None:
    from streams.bans.export.running import ExportState, export_forever
    from streams.bans.metrics import export_readings

    state = ExportState()
    announce_metrics(export_readings(state), port)

    def tell(message: str) -> None:
        click.echo(f"warden: {message}", err=True)

    run_until_stopped(export_forever(settings, target, state, every_s=every_s, tell=tell))
