"""The listening socket: how many connections at a time, TLS, and the limits of what a request's head may be."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from streams.http.state import ProcessState
from streams.http.tokens import TokensError
from streams.loopback import is_loopback
from streams.settings import Settings

MAX_CONNECTIONS = 1000
IDLE_S = 75.0
"""How long a connection may say nothing, before its first request too; longer than proxies keep theirs."""
HEAD_LIMITS: dict[str, Any] = {"max_line_size": 16384, "max_field_size": 8190, "max_headers": 64}
"""Of a request's line, of a header, in bytes; and of the number of headers."""
STOP_S = 20.0
"""How long requests that change something have to end, when the process does."""
REST_S = 2.0
"""How long others have: readers of streams connect again."""


class ExposedError(TokensError):
    """It would listen where others could read tokens on the way."""


@asynccontextmanager
async def listening(app: web.Application, settings: Settings, state: ProcessState) -> AsyncIterator[str]:
    """Listens for the length of the block, which gets the URL. At its end nothing new is taken, and what is being
    acknowledged is finished.

    Raises ExposedError, OSError (ssl.SSLError among them).
    """
    context = tls(settings)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_protocol_logger(),
        shutdown_timeout=REST_S,
        keepalive_timeout=IDLE_S,
        auto_decompress=False,
        **HEAD_LIMITS,
    )
    await runner.setup()
    try:
        accept = _Gate(runner, state)
        server = await asyncio.get_running_loop().create_server(
            accept, settings.http_host, settings.http_port, ssl=context, reuse_address=True
        )
        try:
            yield _url(server, secure=context is not None)
        finally:
            server.close()
            await state.finish(STOP_S)
    finally:
        await runner.cleanup()


def tls(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer with the certificate of the settings; None without one. Raises ExposedError when others could
    read tokens on the way, or the certificate cannot be used."""
    certificate, key = settings.http_tls_cert_file, settings.http_tls_key_file
    if certificate is None:
        if is_loopback(settings.http_host) or settings.http_behind_proxy:
            return None
        raise ExposedError(
            f"{settings.http_host}: others could read tokens on the way there\n"
            "    set WARDEN_HTTP_TLS_CERT_FILE and WARDEN_HTTP_TLS_KEY_FILE, or WARDEN_HTTP_BEHIND_PROXY=true where "
            "a proxy with TLS is the only one that reaches it"
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ExposedError(_unusable(certificate, key, error)) from None
    return context


def _unusable(certificate: Path, key: Path | None, error: OSError) -> str:
    why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return (
        f"{certificate}, {key or 'no key file'}: no certificate with its key: {why}\n"
        "    WARDEN_HTTP_TLS_CERT_FILE is a PEM file of the certificate and those between it and its authority, "
        "WARDEN_HTTP_TLS_KEY_FILE of its key, without a password"
    )


def _protocol_logger() -> logging.Logger:
    """Where aiohttp says what it met, without what clients sent: it quotes wrong headers, tokens among them."""
    found = logging.getLogger("streams.http.protocol")
    if not any(isinstance(each, _Unquoted) for each in found.filters):
        found.addFilter(_Unquoted())
    return found


class _Unquoted(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Leaves requests that are no HTTP out: clients are told, and it is nothing that an operator could mend."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, HttpProcessingError)


class _Gate:
    """Makes the protocol of each connection, as asyncio asks; of one too many, none but its end."""

    def __init__(self, runner: web.AppRunner, state: ProcessState) -> None:
        self._runner, self._state = runner, state
        state.metrics.watch_connections(self._open)

    def __call__(self) -> asyncio.BaseProtocol:
        if self._open() >= MAX_CONNECTIONS:
            self._state.metrics.turned_away.inc()
            return _Closed()
        assert self._runner.server is not None  # noqa: S101 - it was set up
        return self._runner.server()

    def _open(self) -> int:
        server: Any = self._runner.server
        return 0 if server is None else len(server.connections)


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ends the connection."""
        transport.close()


def _url(server: asyncio.Server, *, secure: bool) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"http{'s' if secure else ''}://" + (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
