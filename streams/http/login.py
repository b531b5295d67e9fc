"""Opening, showing and ending the session of a browser."""

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from streams.http.audit_log import CALLER
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.http.server import Doorkeeper
from streams.http.sessions import COOKIE, MARK, give_cookie
from streams.http.tokens import Role

FAILED_S = 0.5
"""How long a wrong token waits for its answer: guessing is hopeless anyway, and need not be cheap."""


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """A token, as `warden tokens create` printed it."""

    token: str


class Session(msgspec.Struct):
    """Who is logged in."""

    name: str
    role: Role


def login_routes(doorkeeper: Doorkeeper) -> Sequence[Route]:
    """The routes of sessions."""

    async def login(call: Call) -> web.Response:
        if MARK not in call.request.headers:
            raise Problem(403, "cross_site", "Not from this site", f"a login needs the header {MARK}")
        address = doorkeeper.address(call.request)
        if wait_s := doorkeeper.attempts.wait_s(address):
            raise Problem(429, "busy", "Too many failed logins", "wait a moment", retry_after_s=wait_s)
        identity = doorkeeper.tokens.identify(call.body.token.strip())
        if identity is None:
            doorkeeper.attempts.failed(address)
            doorkeeper.state.metrics.failed_logins.inc()
            await asyncio.sleep(FAILED_S)
            raise Problem(401, "unauthorized", "Unknown token", "it is not in the server's file, or has ended")
        call.request[CALLER] = identity
        if not identity.may("read"):
            raise Problem(
                403, "forbidden", "Not for your role", f"the console needs the role read; yours is {identity.role}"
            )
        answer = web.json_response(msgspec.to_builtins(Session(identity.name, identity.role)))
        give_cookie(answer, doorkeeper.sessions.open(identity), secure=doorkeeper.secure(call.request))
        return answer

    async def show(call: Call) -> Session:
        return Session(call.who.name, call.who.role)

    async def logout(call: Call) -> web.Response:
        doorkeeper.sessions.close(call.request.cookies.get(COOKIE, ""))
        answer = web.Response(status=204)
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return answer

    path = "/v1/session"
    return (
        Route(method="POST", path=path, role=None, handler=login, body=Login, answer=Session, tag="session",
              summary="Log in: a cookie stands for the token from then on",
              problems={401: "the token is unknown", 429: "too many logins from there failed"}),
        Route(method="GET", path=path, role="read", handler=show, answer=Session, tag="session",
              summary="Who is logged in"),
        Route(method="DELETE", path=path, role="read", handler=logout, status=204, tag="session",
              summary="Log out"),
    )  # fmt: skip
