"""Delivers changes to one URL: in order within a subject, with retries, at least once, some at a time.

A change of a subject waits until the one before it is delivered or given up; other subjects go on. What is given up
after the last attempt goes to the dead-letter file, when there is one, and is counted.
"""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from streams.bans.hooks.body import Delivery
from streams.bans.hooks.signing import IDEMPOTENCY_KEY, signature_headers
from streams.codec import one_line


@dataclass(frozen=True, slots=True)
class Policy:
    """How deliveries are tried. Times in seconds; `waiting` and `waiting_bytes`: no more is taken beyond.

    Attempt n is followed by a wait of between half of and all of `first_wait_s` * 2^(n-1), at most `longest_wait_s`.
    At a stop what is under way has `grace_s` to be answered: so it need not be sent again.
    """

    attempts: int = 10
    timeout_s: float = 10.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    grace_s: float = 2.0
    at_once: int = 8
    waiting: int = 10_000
    waiting_bytes: int = 64 << 20

    def wait_s(self, attempt: int) -> float:
        """How long to wait after failed attempt `attempt`, which counts from 1."""
        longest = min(self.first_wait_s * 2.0 ** min(attempt - 1, 32), self.longest_wait_s)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


class HookState:
    """What has been delivered, for metrics."""

    def __init__(self) -> None:
        self.waiting = 0
        self.delivered = 0
        self.failures = 0
        self.dead = 0
        self.undecodable = 0


class Deliverer:
    """Takes deliveries and calls `done` for each once nothing remains to do for it, in no order across subjects.

    The caller stops giving more while `full`. `tell` is given troubles, a line each.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        secret: bytes,
        policy: Policy,
        state: HookState,
        done: Callable[[Delivery], None],
        dead_letters: Path | None = None,
        tell: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session, self._url, self._secret, self._policy, self._state = session, url, secret, policy, state
        self._done, self._dead_letters, self._tell, self._clock = done, dead_letters, tell, clock
        self._slots = asyncio.Semaphore(policy.at_once)
        self._bytes = 0
        self._lines: dict[str, deque[Delivery]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.failure: BaseException | None = None
        """Why no more can be delivered: a dead letter could not be written."""

    @property
    def full(self) -> bool:
        """Whether as many deliveries wait as may."""
        return self._state.waiting >= self._policy.waiting or self._bytes >= self._policy.waiting_bytes

    def put(self, delivery: Delivery) -> None:
        """Takes a delivery; it comes after all of its subject that were put before."""
        self._state.waiting += 1
        self._bytes += len(delivery.body)
        line = self._lines.setdefault(delivery.subject, deque())
        line.append(delivery)
        if delivery.subject not in self._tasks:
            task = asyncio.create_task(self._work(delivery.subject, line))
            task.add_done_callback(self._ended)
            self._tasks[delivery.subject] = task

    async def drop(self, partition: int) -> None:
        """Lets go of what waits of a partition that another process now has; returns when nothing of it is sent.

        What is under way and answered within the policy's grace is done.
        """
        gone = [subject for subject, line in self._lines.items() if line and line[0].partition == partition]
        tasks = [self._tasks[subject] for subject in gone]
        for subject, task in zip(gone, tasks, strict=True):
            line = self._lines.pop(subject)
            self._state.waiting -= len(line)
            self._bytes -= sum(len(delivery.body) for delivery in line)
            del self._tasks[subject]
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def drop_all(self) -> None:
        """Lets go of everything that waits."""
        await asyncio.gather(*map(self.drop, {line[0].partition for line in self._lines.values() if line}))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()

    async def _work(self, subject: str, line: deque[Delivery]) -> None:
        while line:
            await self._deliver(line[0])
            delivery = line.popleft()
            self._state.waiting -= 1
            self._bytes -= len(delivery.body)
            self._done(delivery)
        del self._lines[subject], self._tasks[subject]

    async def _deliver(self, delivery: Delivery) -> None:
        for attempt in range(1, self._policy.attempts + 1):
            async with self._slots:
                why = await self._answered(delivery)
            if not why:
                self._state.delivered += 1
                return
            self._state.failures += 1
            if attempt < self._policy.attempts:
                await asyncio.sleep(self._policy.wait_s(attempt))
        await asyncio.to_thread(self._bury, delivery, why)
        self._state.dead += 1
        self._tell(f"{delivery.key}: given up after {self._policy.attempts} attempts: {why}")

    async def _answered(self, delivery: Delivery) -> str:
        """An attempt that a stop does not cut off: the receiver may have taken it, and would get it twice."""
        attempt = asyncio.ensure_future(self._attempt(delivery))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                if not await asyncio.wait_for(attempt, self._policy.grace_s):
                    self._state.delivered += 1
                    self._done(delivery)
            raise

    async def _attempt(self, delivery: Delivery) -> str:
        """Why an attempt failed; empty when it was taken (a status of 2xx)."""
        headers = {
            "Content-Type": "application/json",
            IDEMPOTENCY_KEY: delivery.key,
            **signature_headers(self._secret, delivery.body, self._clock()),
        }
        timeout = aiohttp.ClientTimeout(total=self._policy.timeout_s)
        try:
            async with self._session.post(
                self._url, data=delivery.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return "" if 200 <= response.status < 300 else f"status {response.status}"
        except TimeoutError:
            return f"no answer within {self._policy.timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return one_line(f"{type(error).__name__}: {error}")

    def _bury(self, delivery: Delivery, why: str) -> None:
        """One JSON line in the dead-letter file. Raises OSError: then nothing is marked as done, and it comes again."""
        if self._dead_letters is None:
            return
        line = orjson.dumps(
            {"key": delivery.key, "why": why, "at": self._clock(), "body": delivery.body.decode()},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        descriptor = os.open(self._dead_letters, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
