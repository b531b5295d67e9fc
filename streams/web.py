"""The worker's own small web server: `/metrics`, `/healthz`, `/readyz`. Listens on loopback unless told otherwise."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

from streams.metrics import Metrics


class WebServer(Service):  # type: ignore[misc]
    """Serves what operators and Prometheus read. `port` 0 takes a free one; `url` says which."""

    def __init__(
        self, metrics: Metrics, ready: Callable[[], bool], host: str, port: int, announce: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._metrics, self._ready, self._host, self._port = metrics, ready, host, port
        self._announce = announce
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def on_start(self) -> None:
        """Opens the socket. Raises OSError when the address is taken: the worker then ends."""
        application = web.Application()
        application.router.add_get("/metrics", self._serve_metrics)
        application.router.add_get("/healthz", self._serve_health)
        application.router.add_get("/readyz", self._serve_ready)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._announce(self.url)

    async def on_stop(self) -> None:
        """Closes the socket."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        self._metrics.ready.set(self._ready())
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _serve_health(self, _: web.Request) -> web.Response:
        return _status(True)

    async def _serve_ready(self, _: web.Request) -> web.Response:
        return _status(self._ready())


def _status(good: bool) -> web.Response:
    body: dict[str, Any] = {"status": "ok" if good else "not ready"}
    return web.json_response(body, status=200 if good else 503)
