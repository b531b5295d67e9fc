"""`warden serve` as a process on a real broker, with a token for each role."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from streams.http.tokens import Role, entry_of, new_token
from tests.kafka.system import System

_START_S = 40.0


@dataclass
class Door:
    """The process, where it listens, and the tokens."""

    process: subprocess.Popen[bytes]
    url: str
    tokens: dict[Role, str]
    log: Path

    def bearer(self, role: Role = "feed") -> dict[str, str]:
        """The header that lets a role in."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def stop(self) -> int:
        """Stops it as a service manager does; its exit code."""
        self.process.terminate()
        return self.process.wait(40)


@contextmanager
def door(system: System, *arguments: str, **environment: str) -> Iterator[Door]:
    """The process for the length of the block, from when it listens."""
    tokens = {role: new_token() for role in get_args(Role)}
    file, log = system.folder / "tokens.toml", system.folder / "serve.log"
    file.write_text("\n".join(entry_of(f"the {role}", role, token) for role, token in tokens.items()))
    given = {"WARDEN_HTTP_TOKENS_FILE": str(file), "WARDEN_HTTP_PORT": "0"} | environment
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "serve", *arguments],
            env=system.environment(**given),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Door(process, _listening(process, log), tokens, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("warden: listening on "):
                return line.rpartition(" ")[2]
        time.sleep(0.05)
    raise AssertionError(f"it does not listen:\n{log.read_text()[-4000:]}")
