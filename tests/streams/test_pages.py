"""The console's files over HTTP: from the package only, asked for again by their tags."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from streams.http.pages import page_routes, static_files
from streams.http.server import Doorkeeper, application
from streams.http.sessions import Sessions
from streams.http.tokens import Tokens


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[ClientSession, str]]:
    tokens = folder / "tokens.toml"
    tokens.write_text("")
    app = application(page_routes(static_files()), Doorkeeper(Tokens(tokens), Sessions()))
    async with TestServer(app) as server, ClientSession() as session:
        yield session, str(server.make_url("/")).rstrip("/")


def run(coroutine: object) -> None:
    import asyncio

    asyncio.run(coroutine)  # type: ignore[arg-type]


def test_the_page_needs_no_token_and_may_run_its_own_scripts_alone(tmp_path: Path) -> None:
    async def check() -> None:
        async with served(tmp_path) as (session, url), session.get(url + "/") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-cache"

    run(check())


def test_a_file_is_sent_again_only_when_it_is_another_one(tmp_path: Path) -> None:
    async def check() -> None:
        async with served(tmp_path) as (session, url):
            async with session.get(url + "/console/main.js") as answer:
                assert answer.content_type == "text/javascript"
                tag = answer.headers["ETag"]
            async with session.get(url + "/console/main.js", headers={"If-None-Match": tag}) as answer:
                assert answer.status == 304
                assert answer.headers["ETag"] == tag
                assert await answer.read() == b""
            async with session.get(url + "/console/main.js", headers={"If-None-Match": '"other"'}) as answer:
                assert answer.status == 200

    run(check())


@pytest.mark.parametrize("path", ["/console/none.js", "/console/..%2fapp.py", "/console/__init__.py", "/console/"])
def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    async def check() -> None:
        async with served(tmp_path) as (session, url), session.get(url + path) as answer:
            assert answer.status == 404

    run(check())
