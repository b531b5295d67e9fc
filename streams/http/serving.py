"""The process of `warden serve`: its parts, put together, from start to end."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiohttp import web

from streams.http.desk import desk
from streams.http.login import login_routes
from streams.http.pages import pages
from streams.http.routes import Call, Route
from streams.http.server import Doorkeeper, application
from streams.http.sessions import Sessions
from streams.http.tokens import Tokens, TokensError
from streams.settings import Settings

logger = logging.getLogger(__name__)

RELOAD_S = 2.0
"""How soon a token that was taken out of the file, or put into it, counts."""

Part = AbstractAsyncContextManager[Sequence[Route]]
"""What the process does besides logins: started on entry, which gives its routes, stopped on exit."""


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT. `announce` is called with the URL once it listens.

    Raises TokensError, JournalError, OSError for an address that is taken, and TopicsError.
    """
    if settings.http_tokens_file is None:
        raise TokensError(
            "no file of tokens: nobody could log in\n"
            "    warden tokens create --name you --role admin >> tokens.toml, and set WARDEN_HTTP_TOKENS_FILE"
        )
    doorkeeper = Doorkeeper(Tokens(settings.http_tokens_file), Sessions())
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        routes = [*login_routes(doorkeeper), *_probes()]
        for part in parts(settings, doorkeeper):
            routes += await stack.enter_async_context(part)
        runner = web.AppRunner(application(routes, doorkeeper), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        reloading = asyncio.create_task(_reload(doorkeeper.tokens))
        stack.callback(reloading.cancel)
        announce(_url(runner))
        await stopping.wait()


def parts(settings: Settings, doorkeeper: Doorkeeper) -> Sequence[Part]:
    """The parts, in the order in which they start."""
    return (pages(), desk(settings, doorkeeper))


def _probes() -> Sequence[Route]:
    async def alive(_: Call) -> web.Response:
        return web.json_response({"status": "ok"})

    return (
        Route(method="GET", path="/healthz", role=None, handler=alive, answer=dict[str, str], tag="operation",
              summary="Whether the process is alive"),
    )  # fmt: skip


async def _reload(tokens: Tokens) -> None:
    while True:
        await asyncio.sleep(RELOAD_S)
        with contextlib.suppress(asyncio.CancelledError):
            try:
                if tokens.reload():
                    logger.info("The file of tokens was read again: %d tokens", len(tokens))
            except TokensError as error:
                logger.error("The tokens of before stay in force: %s", error)


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
