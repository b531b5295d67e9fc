"""`warden tokens`: who may log in to `warden serve`."""

import sys
from datetime import UTC, datetime, timedelta
from typing import get_args

import click

from streams.http.tokens import Role


@click.group()
def tokens() -> None:
    """Make tokens for `warden serve`.

    \b
    warden tokens create --name lin --role moderate >> tokens.toml
    """


@tokens.command()
@click.option(
    "--name", metavar="WHO", required=True, help="Who will have it: the name is written into what they decide."
)
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    required=True,
    help="read: sees everything; moderate: decides, too; admin: also halts and changes packs; feed: posts events.",
)
@click.option(
    "--days", type=click.IntRange(min=1), metavar="N", help="End by itself after so many days. Default: never."
)
def create(name: str, role: Role, days: int | None) -> None:
    """Make a token: the entry for the file on standard output, the token itself, once, on standard error.

    \b
    warden tokens create --name lin --role moderate --days 90 >> tokens.toml
    """
    from streams.http.tokens import entry_of, new_token

    token = new_token()
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    try:
        entry = entry_of(name, role, token, expires)
    except ValueError as error:
        raise click.UsageError(f"--name: {error}") from None
    click.echo(entry)
    click.echo(f"warden: the token of {name}, shown this once: {token}", err=True)
    if sys.stdout.isatty():
        click.echo("    put the lines above into the file that WARDEN_HTTP_TOKENS_FILE names", err=True)
