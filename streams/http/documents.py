"""What the API and the topics are, for programs: `/v1/openapi.json` and `/v1/asyncapi.json`."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from streams import asyncapi
from streams.http import openapi
from streams.http.routes import Call, Route
from streams.settings import Settings


def document_routes(routes: Sequence[Route], settings: Settings) -> Sequence[Route]:
    """The routes of the documents: of all routes, and these."""

    async def api(_: Call) -> web.Response:
        return web.Response(body=of_api, content_type="application/json")

    async def topics(_: Call) -> web.Response:
        return web.Response(body=of_topics, content_type="application/json")

    found = (
        Route(method="GET", path="/v1/openapi.json", role=None, handler=api, answer=dict[str, Any], tag="operation",
              summary="This document"),
        Route(method="GET", path="/v1/asyncapi.json", role="read", handler=topics, answer=dict[str, Any],
              tag="operation", summary="The topics, as an AsyncAPI document"),
    )  # fmt: skip
    of_api = orjson.dumps(openapi.document((*routes, *found)))
    of_topics = orjson.dumps(asyncapi.document(settings))
    return found
