"""How an endpoint is declared: its method, path, role and the types of what it takes and answers, in one place.

The server checks callers and decodes by it, and the OpenAPI document is made from it, so neither can say otherwise.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from streams.http.tokens import Identity, Role

Method = Literal["GET", "POST", "DELETE"]
MAX_BODY_BYTES = 64 << 10
"""Most of a body, where a route does not say more."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in. `query`, `body`: of the types that the route declares, None where it declares none;
    `path`: the variables in it. `identity` is None on routes that everybody may call."""

    request: web.Request
    identity: Identity | None
    query: Any
    body: Any
    path: Mapping[str, str]

    @property
    def who(self) -> Identity:
        """Who calls, on a route with a role."""
        assert self.identity is not None  # noqa: S101 - the server lets nobody else in
        return self.identity


Answer = Any
"""A msgspec struct, which is sent as JSON; None for 204; or a response of aiohttp's, which is sent as it is."""
Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """An endpoint. `path` has variables in braces, as aiohttp and OpenAPI write them.

    role:     who may call it; None: everybody, without a token.
    query:    a msgspec struct of the parameters after `?`; lists take a parameter several times.
    body:     what the JSON of a POST is decoded as; None with `raw`: the handler reads the request itself.
    answer:   what is answered with `status`; None for no content.
    content:  content types of the answer, where it is not JSON; `takes`: those of a raw body.
    answers:  other statuses that are no problems -> the type of what is answered with them.
    problems: status -> when, of those beyond 400, 401, 403, 408, 413, 500 and the 503 of a server that stops.
    """

    method: Method
    path: str
    role: Role | None
    handler: Handler
    summary: str
    description: str = ""
    tag: str = "console"
    query: type[Any] | None = None
    body: Any = None
    raw: bool = False
    takes: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = None
    status: int = 200
    content: str = "application/json"
    answers: Mapping[int, Any] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    max_body_bytes: int = MAX_BODY_BYTES
