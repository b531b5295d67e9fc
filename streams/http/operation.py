"""What operators and their tools read of the process, without a token: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Sequence

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from streams.http.routes import Call, Route
from streams.http.state import ProcessState


class Health(msgspec.Struct):
    """Whether all is well. `problems`: part of the process -> what it waits for."""

    status: str
    problems: dict[str, str] = {}


def operation_routes(state: ProcessState) -> Sequence[Route]:
    """The routes, of a process."""

    async def alive(_: Call) -> Health:
        return Health("ok")

    async def ready(_: Call) -> web.Response:
        problems = state.problems() | ({"process": "stopping"} if state.stopping else {})
        body = Health("not ready" if problems else "ok", problems)
        return web.Response(
            status=503 if problems else 200, body=msgspec.json.encode(body), content_type="application/json"
        )

    async def metrics(_: Call) -> web.Response:
        return web.Response(body=state.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return (
        Route(method="GET", path="/healthz", role=None, handler=alive, answer=Health, tag="operation",
              summary="Whether the process is alive"),
        Route(method="GET", path="/readyz", role=None, handler=ready, answer=Health, tag="operation",
              summary="Whether it can do all of its work", answers={503: Health}),
        Route(method="GET", path="/metrics", role=None, handler=metrics, answer=str, tag="operation",
              content="text/plain", summary="Metrics, for Prometheus"),
    )  # fmt: skip
