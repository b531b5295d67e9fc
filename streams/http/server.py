"""The application: routes behind roles, inputs decoded, errors as problem details, and headers that browsers heed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from streams.http.attempts import Attempts
from streams.http.audit_log import CALLER, CASE, audit
from streams.http.problems import Problem, response
from streams.http.routes import Call, Route
from streams.http.sessions import COOKIE, MARK, Sessions
from streams.http.state import ProcessState
from streams.http.tokens import MAX_TOKEN, Identity, Role, Tokens

logger = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
}
"""With every answer; a handler that sets one of its own keeps it."""

_BEARER = "bearer "
METHODS = frozenset({"GET", "POST", "DELETE"})
CHANGING = frozenset({"POST", "DELETE"})
CLOSED = 499
"""Status in metrics and the audit log where there was no answer: the client went away."""
STREAM = "text/event-stream"
STREAMED = web.RequestKey("streamed", bool)
"""Set on a request whose answer is a stream: how long it lasts says nothing."""
BODY_S = 30.0
"""How long the whole of a body may take that is kept in memory."""
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorkeeper:
    """Finds out who calls: a bearer token, or the cookie of a session."""

    def __init__(
        self, tokens: Tokens, sessions: Sessions, state: ProcessState | None = None, *, behind_proxy: bool = False
    ) -> None:
        """`behind_proxy`: every request comes through a proxy of ours, and has its word for where it came from."""
        self.tokens, self.sessions = tokens, sessions
        self.state = state or ProcessState()
        self.attempts = Attempts()
        self._behind_proxy = behind_proxy

    def address(self, request: web.Request) -> str:
        """Where a request comes from."""
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() if self._behind_proxy else ""
        return told[:64] or request.remote or ""

    def secure(self, request: web.Request) -> bool:
        """Whether a request came over TLS, as far as its browser is concerned."""
        told = request.headers.get("X-Forwarded-Proto", "") if self._behind_proxy else ""
        return request.secure or told.strip().lower() == "https"

    def admit(self, request: web.Request, role: Role) -> Identity:
        """Who calls, if the role may. Raises Problem (401, 403)."""
        identity = self._identity(request)
        if not identity.may(role):
            raise Problem(
                403, "forbidden", "Not for your role", f"this needs the role {role}; yours is {identity.role}"
            )
        return identity

    def _identity(self, request: web.Request) -> Identity:
        given = request.headers.get("Authorization")
        if given is not None:
            token = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
            identity = self.tokens.identify(token)
            if identity is None:
                self.state.metrics.failed_logins.inc()
                raise Problem(401, "unauthorized", "Unknown token", "it is not in the server's file, or has ended")
            return identity
        secret = request.cookies.get(COOKIE, "")
        identity = self.sessions.identity(secret) if 0 < len(secret) <= MAX_TOKEN else None
        if identity is None or not self.tokens.still(identity):
            self.sessions.close(secret)
            raise Problem(401, "unauthorized", "Log in", "send Authorization: Bearer and a token, or open a session")
        if request.method not in {"GET", "HEAD"} and MARK not in request.headers:
            raise Problem(403, "cross_site", "Not from this site", f"a call with a cookie needs the header {MARK}")
        return identity


def application(routes: Iterable[Route], doorkeeper: Doorkeeper) -> web.Application:
    """The application of all routes."""
    state = doorkeeper.state

    @web.middleware
    async def watched(request: web.Request, handler: Next) -> web.StreamResponse:
        """Counts what is answered, and keeps account of what changes something."""
        start, changes = time.perf_counter(), request.method in CHANGING
        state.changing += changes
        status = CLOSED
        try:
            answer = await _guard(request, handler, state)
            status = answer.status
            return answer
        finally:
            state.changing -= changes
            method = request.method if request.method in METHODS else "other"
            seconds = None if request.get(STREAMED) else time.perf_counter() - start
            state.metrics.answered(method, route_of(request), status, seconds)
            if changes:
                audit(request, route_of(request), status)

    app = web.Application(middlewares=[watched], client_max_size=1 << 20)
    for route in routes:
        app.router.add_route(route.method, route.path, _entry(route, doorkeeper))
    return app


async def _guard(request: web.Request, handler: Next, state: ProcessState) -> web.StreamResponse:
    """Errors as problem details; security headers on every answer."""
    try:
        answer = await handler(request)
    except Problem as problem:
        state.metrics.problem(problem.details.code)
        answer = response(problem)
    except web.HTTPException as error:
        answer = response(Problem(error.status, _code(error), error.reason))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception:
        logger.exception("%s %s failed", request.method, route_of(request))
        answer = response(Problem(500, "failed", "The server failed", "its log says why"))
    if not answer.prepared:
        add_headers(answer)
    return answer


def add_headers(answer: web.StreamResponse) -> None:
    """The security headers; for streams, before they are prepared."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)


def route_of(request: web.Request) -> str:
    """The route, with its variables in braces, not the path: paths name accounts, and logs do not."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _code(error: web.HTTPException) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "http")


def _entry(route: Route, doorkeeper: Doorkeeper) -> Next:
    async def entry(request: web.Request) -> web.StreamResponse:
        identity = None if route.role is None else doorkeeper.admit(request, route.role)
        if identity is not None:
            request[CALLER] = identity
        if doorkeeper.state.stopping and request.method in CHANGING:
            raise Problem(503, "stopping", "The server is stopping", "try again in a moment", retry_after_s=2)
        if route.raw and route.takes and request.content_type not in route.takes:
            raise Problem(415, "media_type", "Unknown Content-Type", f"send one of {', '.join(route.takes)}")
        query = None if route.query is None else _query(request, route.query)
        body = None if route.body is None or route.raw else await _body(request, route)
        request[CASE] = str(getattr(body, "id", None) or request.match_info.get("id", ""))
        call = Call(request, identity, query, body, request.match_info)
        if route.content == STREAM:
            request[STREAMED] = True
            with doorkeeper.state.metrics.streams.track_inprogress():
                return await route.handler(call)  # type: ignore[no-any-return]
        answer = await route.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204 if route.answer is None else route.status)
        return web.Response(status=route.status, body=msgspec.json.encode(answer), content_type=route.content)

    return entry


def _query(request: web.Request, kind: type[Any]) -> Any:
    """The parameters. Raises Problem (400)."""
    lists = {field.encode_name for field in msgspec.structs.fields(kind) if _is_list(field.type)}
    given: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        if name not in lists and len(values) > 1:
            raise Problem(400, "invalid", "Bad parameter", f"{name[:100]}: given {len(values)} times")
        given[name] = values if name in lists else values[0]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid", "Bad parameter", str(error)[:300]) from None


def _is_list(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is list


async def _body(request: web.Request, route: Route) -> Any:
    """The body. Raises Problem (400, 408, 413, 415)."""
    if request.content_type != "application/json":
        raise Problem(415, "media_type", "Not JSON", "send Content-Type: application/json")
    data = await read(request, route.max_body_bytes)
    try:
        return msgspec.json.decode(data, type=route.body)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid", "Bad body", str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, "undecodable", "No JSON", "the body cannot be decoded as JSON") from None


async def read(request: web.Request, most: int) -> bytes:
    """The whole body. Raises Problem (400, 408, 415; 413 before more than `most` bytes are kept)."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Problem(415, "media_type", "Unknown Content-Encoding", "send the body as it is here")
    if (request.content_length or 0) > most:
        raise Problem(413, "too_large", "Too large", f"at most {most} bytes are taken here")
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > most:
                    raise Problem(413, "too_large", "Too large", f"at most {most} bytes are taken here")
    except TimeoutError:
        raise Problem(408, "timeout", "Too slow", f"a body has {BODY_S:g} s to come") from None
    except web.RequestPayloadError:
        raise Problem(400, "broken_off", "The body breaks off", "its chunks are wrong, or not all came") from None
    return bytes(data)
