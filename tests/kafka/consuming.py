"""A `bans` topic and consumer commands as processes, for tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rules.decisions import Ban
from streams.codec import encode
from tests.kafka.broker import Broker, create_topic, produce

SECONDS = 40.0


def put(broker: Broker, topic: str, *bans: Ban | tuple[str, bytes | None]) -> None:
    """Writes bans, or (subject, value), in order."""
    records = [
        (each[0].encode(), each[1]) if isinstance(each, tuple) else (each.subject.encode(), encode(each))
        for each in bans
    ]
    asyncio.run(produce(broker.bootstrap, topic, records))


def create(broker: Broker, topic: str, partitions: int = 3) -> None:
    """A compacted topic."""
    settings = {"cleanup.policy": "compact"}
    asyncio.run(create_topic(broker.bootstrap, topic, partitions=partitions, settings=settings))


def becomes(true: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Whether `true()` holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def running(folder: Path, environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`warden` with arguments for the length of the block; its messages in `folder/messages`."""
    with (folder / "messages").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *arguments], stderr=out, env={**os.environ, **environment}
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
