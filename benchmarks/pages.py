"""Open pages of the console, many in one process: each has a stream of the live feed, and asks something now and then.

`python -m benchmarks.pages PORT COUNT`, with the token in BENCH_TOKEN; prints `open` when all are, closes them or opens
them again with SIGUSR1, ends with SIGTERM, and prints what they saw.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from datetime import datetime

import aiohttp

ASK_EVERY_S = 5.0


class Pages:
    """What all pages saw: decisions, how late each came, requests, and how long each took, in seconds."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        self.late: list[float] = []
        self.took: list[float] = []
        self.failed = 0
        self.reconnected = -1
        self.subjects = ["account:alice"]
        self.open = asyncio.Semaphore(0)

    async def page(self, number: int) -> None:
        """One page, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stream(number == 0))
            tasks.create_task(self._ask())

    async def _stream(self, notes: bool) -> None:
        last = ""
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            self.reconnected += 1
            try:
                async with self.client.get("/v1/feed/stream", headers=headers) as answer:
                    async for line in answer.content:
                        if line.startswith(b"id: "):
                            if not last:
                                self.open.release()
                            last = line[4:].decode().strip()
                        elif line.startswith(b'data: {"seq"'):
                            self._seen(line, notes)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(1)

    def _seen(self, line: bytes, notes: bool) -> None:
        told = json.loads(line[6:])
        self.late.append(time.time() - datetime.fromisoformat(told["at"]).timestamp())
        if notes:
            self.subjects = [*self.subjects, told["item"]["subject"]][-100:]

    async def _ask(self) -> None:
        await asyncio.sleep(random.uniform(0, ASK_EVERY_S))
        while True:
            path, query = random.choice((
                ("/v1/subject", {"id": random.choice(self.subjects)}),
                ("/v1/subject", {"id": random.choice(self.subjects)}),
                ("/v1/reviews", {}), ("/v1/feed", {}), ("/v1/now", {}),
            ))  # fmt: skip
            began = time.monotonic()
            try:
                async with self.client.get(path, params=query) as answer:
                    await answer.read()
                    self.failed += answer.status != 200
                self.took.append(time.monotonic() - began)
            except (aiohttp.ClientError, TimeoutError):
                self.failed += 1
            await asyncio.sleep(ASK_EVERY_S)


def share(values: list[float], of: float) -> float | None:
    """A quantile, in ms."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(of * len(ordered)))], 1) if ordered else None


async def close(tasks: list[asyncio.Task[None]]) -> None:
    """Closes pages."""
    for task in tasks:
        task.cancel()
    with contextlib.suppress(Exception):
        await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    """Opens the pages."""
    port, count = sys.argv[1:3]
    headers = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
    timeout = aiohttp.ClientTimeout(total=None, connect=30)
    ended = asyncio.Event()
    turned = asyncio.Event()
    opened = int(count)

    def end() -> None:
        ended.set()
        turned.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, turned.set)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", headers=headers, timeout=timeout, connector=aiohttp.TCPConnector(limit=0)
    ) as client:
        pages = Pages(client)
        tasks = [asyncio.create_task(pages.page(number)) for number in range(int(count))]
        for _ in range(int(count)):
            await pages.open.acquire()
        sys.stdout.write("open\n")
        sys.stdout.flush()
        while not ended.is_set():
            await turned.wait()
            turned.clear()
            if tasks:
                await close(tasks)
                tasks = []
            elif not ended.is_set():
                opened += int(count)
                tasks = [asyncio.create_task(pages.page(number)) for number in range(int(count))]
        await close(tasks)
    sys.stdout.write(json.dumps({
        "decisions_seen": len(pages.late), "late_ms": {"half": share(pages.late, 0.5), "p99": share(pages.late, 0.99)},
        "requests": len(pages.took), "request_ms": {"half": share(pages.took, 0.5), "p99": share(pages.took, 0.99)},
        "failed": pages.failed, "reconnected": pages.reconnected - opened + 1,
    }))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
