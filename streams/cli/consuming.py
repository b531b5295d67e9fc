"""What commands that go on until they are stopped share: stopping cleanly, metrics, and plain text to strangers."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from streams.cli.common import Failure
from streams.loopback import is_loopback

if TYPE_CHECKING:
    from streams.bans.metrics import Reading

metrics_option = click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve Prometheus metrics on this port of 127.0.0.1; 0: a free one. Default: none are served.",
)
plaintext_option = click.option(
    "--allow-plaintext", is_flag=True, help="Connect to another machine without TLS; without this it is refused."
)


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` until it ends, or SIGINT or SIGTERM comes: then it is cancelled and may clean up."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def announce_metrics(readings: "list[Reading]", port: int | None) -> None:
    """Serves metrics when a port is given, and says where. Raises Failure (1) when the port is taken."""
    from streams.bans.metrics import serve_metrics

    if port is None:
        return
    try:
        served = serve_metrics(readings, port)
    except OSError as error:
        raise Failure(f"--metrics-port {port}: {error.strerror}\n    choose another one, or 0 for a free one") from None
    click.echo(f"warden: metrics at http://127.0.0.1:{served}/metrics", err=True)


def check_plaintext(url: str, secure: str, allowed: bool) -> None:
    """Raises Failure (2) for a URL that would go to another machine unencrypted, unless that is allowed.

    `secure`: the scheme with TLS.
    """
    parts = urlsplit(url)
    if parts.scheme in {secure, "unix"} or allowed or is_loopback(parts.hostname or ""):
        return
    hint = f"use {secure}://, or say --allow-plaintext if the network is yours"
    raise Failure(f"{parts.scheme}://{parts.hostname}: everybody on the way could read and change it\n    {hint}", 2)
