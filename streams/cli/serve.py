"""`warden serve`: the console and the HTTP door, in a process of their own."""

import asyncio

import click

from streams.cli.common import Failure, settings_of


@click.command()
@click.option(
    "--host", "http_host", metavar="ADDRESS", help="Address to listen on. Default: WARDEN_HTTP_HOST, else loopback."
)
@click.option(
    "--port",
    "http_port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="Port; 0 for a free one. Default: WARDEN_HTTP_PORT, else 6070.",
)
@click.option("--tokens", "http_tokens_file", metavar="FILE", help="File of tokens. Default: WARDEN_HTTP_TOKENS_FILE.")
@click.pass_context
def serve(ctx: click.Context, http_host: str | None, http_port: int | None, http_tokens_file: str | None) -> None:
    """Serve the moderators' console, its API, and POST /v1/events for feeds that do not speak Kafka.

    \b
    warden tokens create --name lin --role moderate >> tokens.toml
    warden serve --tokens tokens.toml
    """
    from streams.http.serving import serve as run
    from streams.http.tokens import TokensError
    from streams.journal.file import JournalError
    from streams.logs import set_up_logging
    from streams.topics import TopicsError

    settings = settings_of(ctx, http_host=http_host, http_port=http_port, http_tokens_file=http_tokens_file)
    set_up_logging(settings)
    try:
        asyncio.run(run(settings, lambda url: click.echo(f"warden: listening on {url}", err=True)))
    except (TokensError, JournalError, TopicsError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        place = f"{settings.http_host}:{settings.http_port}"
        raise Failure(
            f"{place}: cannot listen there: {error.strerror}\n    choose another --port, or stop what has it"
        ) from None
