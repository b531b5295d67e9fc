"""The worker's own small web server: `/metrics`, `/healthz`, `/readyz`, and the subjects that it holds, for
`warden serve`. Listens on loopback unless told otherwise.
"""

import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

from streams.held_subjects import PATH, SubjectReads
from streams.metrics import Metrics

_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - to be told apart, not to be listened on


def bound(host: str, port: int) -> socket.socket:
    """A socket with an address, that does not listen yet: its port, where 0 was asked for, is known before the worker
    tells others where it can be reached. Raises OSError when the address is taken, or none of this machine's."""
    family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
                                                            flags=socket.AI_PASSIVE)[0]  # fmt: skip
    found = socket.socket(family, kind, protocol)
    try:
        if port:  # whatever connections of before still linger there; of free ones the system gives nobody's
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


def url_of(address: Any, advertised: str = "") -> str:
    """Where an address of a socket is reached: at the name that is advertised, else at the address itself, else, where
    it stands for all, at this machine's name."""
    host, port = address[:2]
    if advertised or host in _EVERYWHERE:
        host = advertised or socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class WebServer(Service):  # type: ignore[misc]
    """Serves what operators, Prometheus and `warden serve` read, on a socket of `bound`; `url` says where."""

    def __init__(
        self,
        metrics: Metrics,
        ready: Callable[[], bool],
        place: socket.socket,
        subjects: SubjectReads,
        announce: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._metrics, self._ready, self._place, self._subjects = metrics, ready, place, subjects
        self._announce = announce
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def on_start(self) -> None:
        """Begins to listen."""
        application = web.Application()
        application.router.add_get("/metrics", self._serve_metrics)
        application.router.add_get("/healthz", self._serve_health)
        application.router.add_get("/readyz", self._serve_ready)
        application.router.add_get(PATH, self._subjects.handle)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._place).start()
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
