"""The console's page and what it is made of, out of the package and from nowhere else.

Everybody may have them: they hold nothing but the program. What it shows comes from the API, which asks who calls.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files

from aiohttp import web

from streams.http.problems import Problem
from streams.http.routes import Call, Route

FOLDER = "console"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_CACHED = {"Cache-Control": "no-cache"}
"""Kept by browsers, and asked for again each time: a new release is there with the next page."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, its content type, and a tag that is another one when its content is."""

    body: bytes
    content_type: str
    etag: str


def static_files() -> dict[str, StaticFile]:
    """All files of the console by their names."""
    found: dict[str, StaticFile] = {}
    for entry in files("streams").joinpath(FOLDER).iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if suffix in TYPES:
            body = entry.read_bytes()
            found[entry.name] = StaticFile(body, TYPES[suffix], blake2b(body, digest_size=12).hexdigest())
    return found


@asynccontextmanager
async def pages() -> AsyncIterator[Sequence[Route]]:
    """The routes of the console's files."""
    yield page_routes(static_files())


def page_routes(kept: dict[str, StaticFile]) -> Sequence[Route]:
    """The routes of some files; `index.html` is the page itself."""

    def answer(call: Call, name: str) -> web.Response:
        file = kept.get(name)
        if file is None:
            raise Problem(404, "not_found", "Not Found")
        asked = call.request.if_none_match
        if asked is not None and any(tag.value in {file.etag, "*"} for tag in asked):
            response = web.Response(status=304, headers=_CACHED)
        else:
            response = web.Response(body=file.body, headers={**_CACHED, "Content-Type": file.content_type})
        response.etag = file.etag
        return response

    async def page(call: Call) -> web.Response:
        return answer(call, "index.html")

    async def part(call: Call) -> web.Response:
        return answer(call, call.path["file"])

    return (
        Route(method="GET", path="/", role=None, handler=page, answer=str, content="text/html", tag="pages",
              summary="The console"),
        Route(method="GET", path="/console/{file}", role=None, handler=part, answer=str, content="text/javascript",
              tag="pages", summary="What the console is made of", problems={404: "no such file"}),
    )  # fmt: skip
