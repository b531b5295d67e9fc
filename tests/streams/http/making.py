"""A server on loopback for tests: real sockets, real tokens, and topics that are a list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import aiohttp
import orjson

from rules.events import STRUCTS
from streams.http.documents import document_routes
from streams.http.ingest.room import Bounds, Room
from streams.http.ingest.route import events_route
from streams.http.ingest.writer import Writer
from streams.http.listening import listening
from streams.http.login import login_routes
from streams.http.operation import operation_routes
from streams.http.routes import Route
from streams.http.server import Doorkeeper, application
from streams.http.sessions import Sessions
from streams.http.state import ProcessState
from streams.http.tokens import Role, Tokens, entry_of, new_token
from streams.sending import Send
from streams.settings import Settings

ROLES: tuple[Role, ...] = get_args(Role)
SETTINGS = Settings(http_port=0)


@dataclass
class Topics:
    """Where a writer writes. `fail`: what the next writes raise; `hold`: what they wait for."""

    sent: list[Send] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    fail: Exception | None = None
    hold: Callable[[], Awaitable[object]] | None = None

    async def write(self, sends: Sequence[Send]) -> None:
        """As `Sender.send_all`."""
        if self.hold is not None:
            await self.hold()
        if self.fail is not None:
            raise self.fail
        self.sent += sends
        self.batches.append(len(sends))

    def values(self) -> list[Any]:
        """What was written, decoded."""
        return [orjson.loads(send.value or b"") for send in self.sent]


@dataclass
class Server:
    """One that runs, and a client of it."""

    url: str
    tokens: dict[Role, str]
    file: Path
    doorkeeper: Doorkeeper
    state: ProcessState
    writer: Writer
    topics: Topics
    routes: Sequence[Route]
    client: aiohttp.ClientSession

    def bearer(self, role: Role | None) -> dict[str, str]:
        """The header that lets a role in; none for None."""
        return {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}

    async def call(
        self, method: str, path: str, role: Role | None = None, *, data: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        """Status, body (decoded where it is JSON) and headers of an answer. `_` in names of headers stands for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, self.url + path, data=data, headers=self.bearer(role) | given) as answer:
            body = await answer.read()
            if "json" in answer.content_type:
                return answer.status, orjson.loads(body), answer.headers
            return answer.status, body.decode(), answer.headers

    async def post(
        self, data: Any, media: str = "application/x-ndjson", role: Role | None = "feed", **headers: str
    ) -> tuple[int, Any, Any]:
        """An answer to posted events."""
        return await self.call("POST", "/v1/events", role, data=data, Content_Type=media, **headers)


@asynccontextmanager
async def serving(
    folder: Path, extra: Callable[[Doorkeeper], Sequence[Route]] | None = None, bounds: Bounds | None = None,
    settings: Settings = SETTINGS, remembered: int = 10_000,
) -> AsyncIterator[Server]:  # fmt: skip
    """A server with a token for each role, and routes of the test's own."""
    tokens = {role: new_token() for role in ROLES}
    file = folder / "tokens.toml"
    file.write_text("\n".join(entry_of(f"the {role}", role, token) for role, token in tokens.items()))
    state = ProcessState()
    doorkeeper = Doorkeeper(Tokens(file), Sessions(), state, behind_proxy=settings.http_behind_proxy)
    topics = Topics()
    writer = Writer({kind: f"{kind}s" for kind in STRUCTS}, topics.write, remembered)
    state.checks["events"] = lambda: "" if writer.ready else "Kafka does not take events"
    routes = [
        *login_routes(doorkeeper),
        *operation_routes(state),
        events_route(settings, writer, Room(bounds), state),
        *(extra(doorkeeper) if extra else ()),
    ]
    routes += document_routes(routes, settings)
    async with (
        listening(application(routes, doorkeeper), settings, state) as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        yield Server(url, tokens, file, doorkeeper, state, writer, topics, routes, client)


def run(test: Callable[[Server], Awaitable[None]], folder: Path, **options: Any) -> None:
    """Runs a test before a server."""

    async def main() -> None:
        async with serving(folder, **options) as server:
            await test(server)

    asyncio.run(main())
