"""The process of `warden serve`: its parts, put together, from start to end."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from streams.http.desk import desk
from streams.http.documents import document_routes
from streams.http.ingest.route import door
from streams.http.listening import listening, tls
from streams.http.login import login_routes
from streams.http.operation import operation_routes
from streams.http.pages import pages
from streams.http.routes import Route
from streams.http.server import Doorkeeper, application
from streams.http.sessions import Sessions
from streams.http.state import ProcessState
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
    state = ProcessState()
    sessions = Sessions()
    doorkeeper = Doorkeeper(Tokens(settings.http_tokens_file), sessions, state, behind_proxy=settings.http_behind_proxy)
    if not len(doorkeeper.tokens):
        logger.warning("%s has no tokens: nobody can log in. Make one: warden tokens create", settings.http_tokens_file)
    state.metrics.watch_sessions(lambda: len(sessions))
    tls(settings)  # says what is wrong with it before anything is started
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        routes = [*login_routes(doorkeeper), *operation_routes(state)]
        for part in parts(settings, doorkeeper):
            routes += await stack.enter_async_context(part)
        routes += document_routes(routes, settings)
        url = await stack.enter_async_context(listening(application(routes, doorkeeper), settings, state))
        reloading = asyncio.create_task(_reload(doorkeeper.tokens))
        stack.callback(reloading.cancel)
        announce(url)
        await stopping.wait()
        logger.info("Stopping: what is being acknowledged is finished, nothing new is taken")


def parts(settings: Settings, doorkeeper: Doorkeeper) -> Sequence[Part]:
    """The parts, in the order in which they start."""
    return pages(), desk(settings, doorkeeper), door(settings, doorkeeper.state)


async def _reload(tokens: Tokens) -> None:
    while True:
        await asyncio.sleep(RELOAD_S)
        try:
            if tokens.reload():
                logger.info("The file of tokens was read again: %d tokens", len(tokens))
        except TokensError as error:
            logger.error("The tokens of before stay in force: %s", error)
