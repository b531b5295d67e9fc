"""The demo: an embedded broker, the topics, one real worker, the console, and realistic traffic, watched from outside.

Worker and console are those of production, in processes of their own; the demo only feeds the input topics and reads
the output topics, as a feed and a ban consumer would.
"""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from rules.packs import Pack
from streams.access.clients import started_consumer, started_producer
from streams.access.settings import AccessSettings
from streams.demo.tally import Tally
from streams.demo.traffic import traffic
from streams.embedded import SESSION_TIMEOUT_SECONDS, EmbeddedBroker, end, free_port, log_tail
from streams.http.tokens import entry_of, new_token
from streams.settings import Settings
from streams.topics import Role, create_topics, topic_names
from streams.worker_process import start_serve, start_worker

_OUTPUTS: tuple[Role, ...] = ("violations", "enforcements", "bans", "reviews", "dead_letters")
_TICK_S = 0.05
_READY_S = 60.0
_STOP_S = 15.0
_QUIET_S = 1.0
"""The outputs count as complete when nothing new came for this long after the last event was judged."""


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why, and shows the end of the worker's log."""


@dataclass
class Demo:
    """One run. `events` None feeds until stopped; `rate` is in events a second.

    Of `settings` the pack and the partitions count; broker, port and folder are the demo's own.
    """

    settings: Settings
    pack: Pack
    events: int | None = None
    rate: float = 1000.0
    seed: int = 1
    linger: bool = True
    """Whether to stay, idle, once `events` are judged."""
    console: bool = True
    """Whether to serve the console as well."""
    tally: Tally = field(default_factory=Tally)
    url: str = ""
    console_url: str = ""
    token: str = ""
    """Logs in to the console, as long as the demo runs."""
    _worker: subprocess.Popen[bytes] | None = None
    _log: Path = Path()
    _console: subprocess.Popen[bytes] | None = None
    _console_log: Path = Path()

    def run(self, show: Callable[[str], None]) -> None:
        """Runs to the end, or until cancelled. `show` is told what is being waited for. Raises DemoError."""
        with tempfile.TemporaryDirectory(prefix="streamwarden-demo-") as folder:
            show("starting the broker")
            with EmbeddedBroker() as broker:
                settings = self.settings.model_copy(
                    update={
                        **dict(AccessSettings()),  # the broker is this demo's own: it has no TLS and no login
                        "bootstrap": broker.bootstrap,
                        "web_host": "127.0.0.1",
                        "web_port": free_port(),
                        "session_timeout_s": SESSION_TIMEOUT_SECONDS,
                        "data_dir": Path(folder),
                    }
                )
                self.url = f"http://{settings.web_host}:{settings.web_port}"
                self._log = Path(folder, "worker.log")
                show("creating the topics")
                asyncio.run(create_topics(settings))
                tokens = self._tokens(settings) if self.console else {}
                given = settings.model_copy(update=tokens)
                with self._worker_process(given), self._console_process(given):
                    asyncio.run(self._drive(settings, show))

    @contextmanager
    def _worker_process(self, settings: Settings) -> Iterator[None]:
        self._worker = start_worker(settings, self._log)
        try:
            yield
        finally:
            end(self._worker, _STOP_S)

    def _tokens(self, settings: Settings) -> dict[str, Path]:
        """Files of the tokens of this run: who may log in, and what the console shows to the worker."""
        self.token, asks = new_token(), new_token()
        entries, own = settings.data_dir / "tokens.toml", settings.data_dir / "console-token"
        entries.write_text(entry_of("demo", "admin", self.token) + entry_of("console", "read", asks), "utf-8")
        own.write_text(asks, "utf-8")
        own.chmod(0o600)
        return {"http_tokens_file": entries, "http_worker_token_file": own}

    @contextmanager
    def _console_process(self, settings: Settings) -> Iterator[None]:
        if not self.console:
            yield
            return
        folder = settings.data_dir / "console"
        folder.mkdir()
        port = free_port()
        given = settings.model_copy(update={"data_dir": folder, "http_host": "127.0.0.1", "http_port": port})
        self._console_log = settings.data_dir / "console.log"
        self._console = start_serve(given, self._console_log)
        self.console_url = f"http://{given.http_host}:{port}"
        try:
            yield
        finally:
            end(self._console, _STOP_S)

    async def _drive(self, settings: Settings, show: Callable[[str], None]) -> None:
        show("waiting for the worker")
        await self._until(f"{self.url}/readyz", "worker", self._check_worker, self._log)
        if self.console:
            show("waiting for the console")
            await self._until(f"{self.console_url}/healthz", "console", self._check_console, self._console_log)
        show("")
        self.tally.started = time.monotonic()
        watch = asyncio.create_task(self._watch(settings))
        scrape = asyncio.create_task(self._scrape(settings))
        try:
            await asyncio.gather(self._feed(settings), self._finish(watch, scrape))
        finally:
            for task in (watch, scrape):
                task.cancel()
            await asyncio.gather(watch, scrape, return_exceptions=True)

    async def _until(self, url: str, what: str, check: Callable[[], None], log: Path) -> None:
        """Returns once a page answers with 200."""
        deadline = time.monotonic() + _READY_S
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                check()
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        raise DemoError(f"The {what} was not ready within {_READY_S:.0f} s. {log_tail(log)}")

    def _check_worker(self) -> None:
        _check(self._worker, "worker", self._log)

    def _check_console(self) -> None:
        _check(self._console, "console", self._console_log)

    async def _feed(self, settings: Settings) -> None:
        """Sends at a steady rate: what is due by the clock, tick by tick."""
        names = topic_names(settings)
        async with started_producer(settings, linger_ms=5, max_batch_size=1 << 18) as producer:
            items = traffic(self.seed, per_second=self.rate)
            began = time.monotonic()
            while self.events is None or self.tally.sent < self.events:
                due = int((time.monotonic() - began) * self.rate) - self.tally.sent
                if self.events is not None:
                    due = min(due, self.events - self.tally.sent)
                for _ in range(max(due, 0)):
                    item = next(items)
                    value = item.raw if item.body is None else orjson.dumps(item.body)
                    await producer.send(names.input(item.kind), value, item.key.encode())
                    self.tally.sent += 1
                await asyncio.sleep(_TICK_S)
            await producer.flush()

    async def _watch(self, settings: Settings) -> None:
        names = topic_names(settings)
        outputs = {getattr(names, role): role for role in _OUTPUTS}
        async with started_consumer(settings, *outputs) as consumer:
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        self.tally.take(outputs[tp.topic], record.key, record.value)

    async def _scrape(self, settings: Settings) -> None:
        names = topic_names(settings)
        inputs = frozenset((names.posts, names.shares, names.mass_sends))
        async with aiohttp.ClientSession() as session:
            while True:
                self._check_worker()
                try:
                    async with session.get(f"{self.url}/metrics") as response:
                        self.tally.scrape(await response.text(), inputs)
                except aiohttp.ClientError:
                    pass  # the worker is going down: the next look at it says how
                await asyncio.sleep(0.25)

    async def _finish(self, *watchers: asyncio.Task[None]) -> None:
        """Returns when all that was sent is judged and the outputs have come; fails when a watcher does."""
        seen, since = None, time.monotonic()
        while True:
            for task in watchers:
                if task.done():
                    task.result()
            now = time.monotonic()
            state = (self.tally.judged, self.tally.lag, sum(self.tally.violations.values()), len(self.tally.bans))
            if state != seen:
                seen, since = state, now
            complete = self.events is not None and self.tally.judged >= self.events and self.tally.lag == 0
            if complete and not self.linger and now - since >= _QUIET_S:
                return
            await asyncio.sleep(0.1)


def _check(process: subprocess.Popen[bytes] | None, what: str, log: Path) -> None:
    """Raises DemoError when a process has ended."""
    if process is not None and (code := process.poll()) is not None:
        raise DemoError(f"The {what} ended with code {code}. {log_tail(log)}")
