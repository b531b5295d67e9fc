"""`warden serve` as a process, and its API as a test calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.http.tokens import Role, entry_of, new_token
from tests.kafka.system import System

ROLES: tuple[Role, ...] = ("read", "moderate", "admin", "feed")


@dataclass
class Answered:
    """An answer: its status, its JSON, and its headers in lower case."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Desk:
    """A process, and a token of each role; tokens are called after their roles."""

    process: subprocess.Popen[bytes]
    url: str
    tokens: dict[Role, str]
    log: Path

    def get(self, path: str, role: Role | None = "read", **query: Any) -> Answered:
        """GET."""
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._call(urllib.request.Request(self.url + path + asked), role)  # noqa: S310 - loopback

    def post(self, path: str, body: Any, role: Role | None = "moderate") -> Answered:
        """POST of JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self._call(urllib.request.Request(self.url + path, data, headers), role)  # noqa: S310 - loopback

    def until(self, path: str, wanted: Any, seconds: float = 20.0, **query: Any) -> Any:
        """The body of a GET, once `wanted(body)` holds."""
        deadline = time.monotonic() + seconds
        while True:
            answered = self.get(path, **query)
            if answered.status == 200 and wanted(answered.body):
                return answered.body
            assert time.monotonic() < deadline, f"{path}: {answered}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def stream(self, after: int | None = None, seconds: float = 20.0) -> Generator[dict[str, Any], None, None]:
        """The events of the live feed: name, id and data of each."""
        headers = {"Authorization": f"Bearer {self.tokens['read']}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        request = urllib.request.Request(self.url + "/v1/feed/stream", headers=headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
            fields: dict[str, Any] = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    yield {"event": fields["event"], "id": fields.get("id"), "data": json.loads(fields["data"])}
                    fields = {}

    def stop(self) -> int:
        """Stops it as a service manager does."""
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"serve did not stop:\n{self.log.read_text()[-4000:]}") from None

    def _call(self, request: urllib.request.Request, role: Role | None) -> Answered:
        if role is not None:
            request.add_header("Authorization", f"Bearer {self.tokens[role]}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return Answered(answer.status, _decoded(answer.read()), _lower(answer.headers.items()))
        except urllib.error.HTTPError as error:
            return Answered(error.code, _decoded(error.read()), _lower(error.headers.items()))


def write_tokens(folder: Path) -> tuple[Path, Path, dict[Role, str]]:
    """A file of tokens, a file with the token by which workers are asked, and a token of each role."""
    tokens = {role: new_token() for role in ROLES}
    own = new_token()
    entries = [entry_of(role, role, token) for role, token in tokens.items()]
    file, worker = folder / "tokens.toml", folder / "worker-token"
    file.write_text("\n".join([*entries, entry_of("serve", "read", own)]))
    worker.write_text(own + "\n")
    return file, worker, tokens


@contextmanager
def serving(system: System, tokens: dict[Role, str], *arguments: str, **environment: str) -> Iterator[Desk]:
    """`warden serve` on a free port, for the length of the block."""
    log = system.folder / "serve.log"
    with log.open("ab") as out:
        start = out.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "serve", "--port", "0", *arguments],
            env=system.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    desk = Desk(process, "", tokens, log)
    try:
        desk.url = _url(process, log, start)
        yield desk
    finally:
        if process.poll() is None:
            desk.stop()


def _url(process: subprocess.Popen[bytes], log: Path, start: int) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_bytes()[start:].decode().splitlines():
            if "listening on " in line:
                return line.partition("listening on ")[2].strip()
        time.sleep(0.05)
    raise AssertionError(f"serve did not start:\n{log.read_text()[-4000:]}")


def _decoded(body: bytes) -> Any:
    return json.loads(body) if body else None


def _lower(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
