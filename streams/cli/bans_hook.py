"""`warden bans hook`: each change of the ban list as a signed POST."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from streams.cli.common import Failure, quiet_clients, settings_of
from streams.cli.consuming import announce_metrics, check_plaintext, metrics_option, plaintext_option, run_until_stopped

SECRET_VARIABLE = "STREAMWARDEN_HOOK_SECRET"  # noqa: S105 - the name of a variable
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("url")
@click.option("--group", metavar="NAME",
              help="Consumer group that remembers how far it is. Default: one of its own for each URL.")  # fmt: skip
@click.option("--attempts", default=10, show_default=True, type=click.IntRange(1, 1000), help="Then it is given up.")
@click.option("--timeout", default=10.0, show_default=True, type=click.FloatRange(0.1, 300), metavar="SECONDS",
              help="How long an answer may take.")  # fmt: skip
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(1, 256),
              help="Deliveries at the same time; those of one subject come one after the other.")  # fmt: skip
@click.option("--dead-letters", type=_FILE, metavar="FILE", help="Append what is given up to this file, JSON lines.")
@plaintext_option
@metrics_option
@click.pass_context
def hook(ctx: click.Context, /, url: str, **given: Any) -> None:
    """POST each change of the ban list to URL, signed, at least once, in order within a subject. It starts with all
    that is in force, and after a stop goes on where it was. The answer must be a status of 2xx; redirects are not
    followed. The secret, 16 bytes or more, is in STREAMWARDEN_HOOK_SECRET. docs/consumers.md shows how to verify.

    \b
    export STREAMWARDEN_HOOK_SECRET="$(openssl rand -hex 32)"
    warden bans hook https://gateway.example.com/bans --dead-letters given-up.jsonl
    """
    from rules.decisions import content_id
    from streams.bans.hooks.signing import MIN_SECRET

    settings = settings_of(ctx)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Failure(f"{url}: is no URL to post to\n    write it like https://gateway.example.com/bans", 2)
    if parts.username is not None:
        raise Failure("the URL holds a password\n    leave it out: receivers check the signature", 2)
    check_plaintext(url, "https", given["allow_plaintext"])
    secret = os.environ.get(SECRET_VARIABLE, "").encode()
    if len(secret) < MIN_SECRET:
        hint = f'export {SECRET_VARIABLE}="$(openssl rand -hex 32)"'
        raise Failure(f"{SECRET_VARIABLE} needs a secret of {MIN_SECRET} bytes or more\n    {hint}", 2)
    dead_letters = given["dead_letters"]
    if dead_letters is not None and not dead_letters.absolute().parent.is_dir():
        raise Failure(f"{dead_letters.parent}: there is no such folder", 2)
    from streams.bans.hooks.delivery import HookState, Policy
    from streams.bans.hooks.running import deliver_forever
    from streams.bans.metrics import hook_readings
    from streams.topics import TopicsError

    quiet_clients()
    state = HookState()
    announce_metrics(hook_readings(state), given["metrics_port"])
    group = given["group"] or f"{settings.app_id}-hook-{content_id(url)[:12]}"
    policy = Policy(attempts=given["attempts"], timeout_s=given["timeout"], at_once=given["at_once"])

    def tell(message: str) -> None:
        click.echo(f"warden: {message}", err=True)

    work = deliver_forever(settings, url, secret, group, state, policy=policy, dead_letters=dead_letters, tell=tell)
    try:
        run_until_stopped(work)
    except TopicsError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"cannot go on: {error}\n    what was not delivered comes again at the next start") from None
