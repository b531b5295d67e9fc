"""A Streamwarden with its console on a real broker: a worker, `warden serve`, and traffic as long as it is wanted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson

from rules.packs import SHIPPED
from streams.access.clients import started_producer
from streams.demo.traffic import traffic
from streams.embedded import end, free_port
from streams.http.tokens import Role, entry_of, new_token
from streams.settings import Settings
from streams.topics import topic_names
from tests.kafka.system import System, Worker

T = TypeVar("T")
_READY_S = 90.0


@dataclass
class Site:
    """What runs. `tokens`: role -> token; the names are those of `NAMES`."""

    system: System
    url: str
    tokens: dict[Role, str]
    worker: Worker
    serve: subprocess.Popen[bytes]
    log: Path
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def aside(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Calls what needs an event loop of its own, which the thread of a browser cannot have."""
        return self._threads.submit(call, *arguments, **named).result(120)

    def api(self, path: str, role: Role = "admin", body: Any = None) -> Any:
        """What the API answers. Raises HTTPError."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url + path,
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            return orjson.loads(response.read())

    def produce(self, topic: str, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Produces raw records to a topic, by its name without prefix."""
        self.aside(self.system.produce, topic, records)

    def feed(self, events: Sequence[dict[str, Any]]) -> None:
        """Feeds events of accounts."""
        for event in events:
            kind = event["type"]
            body = {name: value for name, value in event.items() if name != "type"}
            topic = {"post": "posts", "share": "shares", "mass_send": "mass_sends", "report": "reports"}[kind]
            key = str(event.get("account") or event["subject"])
            self.produce(topic, [(key.encode(), orjson.dumps(body))])

    def until(self, holds: Callable[[], T], what: str, seconds: float = 60.0) -> T:
        """What `holds` returns, as soon as that is something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.2)
        tail = self.log.read_text()[-2000:]
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{tail}")


TRIAL = """\
include: wechat
pack: {name: trial, version: "1", description: for tests}
override:
  rules:
    induced_sharing.unlock: {mode: "off"}
lexicons:
  sunset: {words: [今天的晚霞太好看了]}
signals:
  sunset: {lexicon: sunset}
rules:
  trial.sunset:
    clause: links.1.1
    mode: shadow
    when: sunset
    hits: [今天的晚霞太好看了，公园全是拍照的人。]
    passes: [今天去公园散步]
"""

NAMES: dict[Role, str] = {"admin": "ada", "moderate": "lin", "read": "reader"}


@contextmanager
def site(bootstrap: str, prefix: str, folder: Path) -> Iterator[Site]:
    """A site for the length of the block."""
    tokens: dict[Role, str] = {role: new_token() for role in NAMES}
    asks = new_token()
    file, own = folder / "tokens.toml", folder / "worker-token"
    entries = [entry_of(NAMES[role], role, token) for role, token in tokens.items()]
    file.write_text("".join([*entries, entry_of("console", "read", asks)]))
    own.write_text(asks)
    own.chmod(0o600)
    system = System.create(
        bootstrap, prefix, folder, pack=SHIPPED, partitions=2, http_tokens_file=file, http_worker_token_file=own
    )
    with (
        ThreadPoolExecutor(1) as beside,
        system.worker(ready=False) as worker,
        _serve(system, folder) as (url, process, log),
    ):
        published = beside.submit(_publish_trial, system)  # while the others start
        worker.await_ready(_READY_S)
        made = Site(system, url, tokens, worker, process, log)
        made.until(lambda: _answers(url), "the console answers", _READY_S)
        published.result(_READY_S)
        yield made


def _publish_trial(system: System) -> None:
    """Has another pack judge beside the live one, so that there is something to compare, to activate and to roll back.
    It has a rule of its own, which harmless texts of the traffic break, and one rule fewer."""
    folder = system.folder / "trial"
    folder.mkdir()
    (folder / "pack.yaml").write_text(TRIAL, "utf-8")
    given = ("--shadow", "--no-known-good", "--why", "tried beside the live one", "--by", "ada")
    done = system.warden("packs", "publish", str(folder), *given)
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def _serve(system: System, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    port, log = free_port(), folder / "serve.log"
    given = {"WARDEN_HTTP_PORT": str(port), "WARDEN_DATA_DIR": str(folder / "serve-data")}
    (folder / "serve-data").mkdir()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "serve"],
            env=system.environment(**given),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{port}", process, log
    finally:
        end(process, 20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Traffic(threading.Thread):
    """The demo's traffic: some events at once, then at a steady rate until `stop`."""

    def __init__(self, settings: Settings, first: int, per_second: float) -> None:
        super().__init__(daemon=True)
        self._settings, self._first, self._rate = settings, first, per_second
        self._done = threading.Event()
        self.sent = 0

    def run(self) -> None:
        """Feeds."""
        asyncio.run(self._feed())

    async def _feed(self) -> None:
        names = topic_names(self._settings)
        began = time.monotonic()
        async with started_producer(self._settings, linger_ms=5) as producer:
            for item in traffic(7, datetime.now(UTC) - timedelta(seconds=self._first / self._rate), self._rate):
                while self.sent >= self._first + (time.monotonic() - began) * self._rate:
                    if self._done.is_set():
                        return
                    await asyncio.sleep(0.05)
                value = item.raw if item.body is None else orjson.dumps(item.body)
                await producer.send(names.input(item.kind), value, item.key.encode())
                self.sent += 1

    def stop(self) -> None:
        """Ends it."""
        self._done.set()
        self.join(10)
