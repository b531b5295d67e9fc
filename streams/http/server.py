"""The application: routes behind roles, inputs decoded, errors as problem details, and headers that browsers heed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from streams.http.problems import Problem, response
from streams.http.routes import Call, Route
from streams.http.sessions import COOKIE, MARK, Sessions
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
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorkeeper:
    """Finds out who calls: a bearer token, or the cookie of a session."""

    def __init__(self, tokens: Tokens, sessions: Sessions) -> None:
        self.tokens, self.sessions = tokens, sessions

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
    app = web.Application(middlewares=[_guard], client_max_size=1 << 20)
    for route in routes:
        app.router.add_route(route.method, route.path, _entry(route, doorkeeper))
    return app


@web.middleware
async def _guard(request: web.Request, handler: Next) -> web.StreamResponse:
    """Errors as problem details; security headers on every answer."""
    try:
        answer = await handler(request)
    except Problem as problem:
        answer = response(problem)
    except web.HTTPException as error:
        answer = response(Problem(error.status, _code(error), error.reason))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception:
        logger.exception("%s %s failed", request.method, _route_of(request))
        answer = response(Problem(500, "failed", "The server failed", "its log says why"))
    if not answer.prepared:
        add_headers(answer)
    return answer


def add_headers(answer: web.StreamResponse) -> None:
    """The security headers; for streams, before they are prepared."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)


def _route_of(request: web.Request) -> str:
    """The route, not the path: paths name accounts, and logs do not."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown path"


def _code(error: web.HTTPException) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "http")


def _entry(route: Route, doorkeeper: Doorkeeper) -> Next:
    async def entry(request: web.Request) -> web.StreamResponse:
        identity = None if route.role is None else doorkeeper.admit(request, route.role)
        query = None if route.query is None else _query(request, route.query)
        body = None if route.body is None or route.raw else await _body(request, route)
        answer = await route.handler(Call(request, identity, query, body, request.match_info))
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
    """The body. Raises Problem (400, 413, 415)."""
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
    """The whole body. Raises Problem (413) before more than `most` bytes are kept."""
    if (request.content_length or 0) > most:
        raise Problem(413, "too_large", "Too large", f"at most {most} bytes are taken here")
    data = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > most:
            raise Problem(413, "too_large", "Too large", f"at most {most} bytes are taken here")
    return bytes(data)
