"""Webhook deliveries to a receiver that fails, is slow, or sends elsewhere; and how far a partition is done."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from streams.bans.hooks import verify
from streams.bans.hooks.body import Delivery, delivery_of
from streams.bans.hooks.delivery import Deliverer, HookState, Policy
from streams.bans.hooks.progress import Progress
from streams.bans.records import Change
from tests.streams.making_bans import ban

SECRET = b"0123456789abcdef"
QUICK = Policy(attempts=3, timeout_s=0.3, first_wait_s=0.01, longest_wait_s=0.02, at_once=4)
Answer = Callable[[dict[str, object]], Awaitable[web.Response]]


class Receiver:
    """Notes each request that is rightly signed, and answers as it is told."""

    def __init__(self, answer: Answer) -> None:
        self.seen: list[tuple[str, int]] = []
        self._answer = answer

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        verify(SECRET, request.headers, body, time.time())
        change = json.loads(body)
        assert request.headers["Idempotency-Key"] == change["id"]
        self.seen.append((change["subject"], change["offset"]))
        return await self._answer(change)


def delivery(subject: str, offset: int) -> Delivery:
    return delivery_of("bans", Change(subject, ban(subject, "ban_account"), "", 0, offset))


async def fine(_: dict[str, object]) -> web.Response:
    return web.Response(status=204)


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver(answer)
    application = web.Application()
    application.router.add_post("/", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield receiver, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def delivered(
    url: str, deliveries: list[Delivery], policy: Policy = QUICK, dead_letters: Path | None = None
) -> tuple[HookState, list[int]]:
    """Delivers all; the state, and the offsets in the order they were done."""
    state, done = HookState(), []
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        deliverer = Deliverer(
            session,
            url=url,
            secret=SECRET,
            policy=policy,
            state=state,
            done=lambda each: done.append(each.offset),
            dead_letters=dead_letters,
        )
        for each in deliveries:
            deliverer.put(each)
        while len(done) < len(deliveries) and deliverer.failure is None:
            await asyncio.sleep(0.005)
        if deliverer.failure is not None:
            raise deliverer.failure
    return state, done


def test_changes_of_a_subject_arrive_in_order_and_no_more_at_once_than_may() -> None:
    busy, most = 0, 0

    async def slow(_: dict[str, object]) -> web.Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return web.Response()

    async def run() -> None:
        async with served(slow) as (receiver, url):
            state, _ = await delivered(url, [delivery(f"account:{n % 5}", n) for n in range(40)])
        for number in range(5):
            offsets = [offset for subject, offset in receiver.seen if subject == f"account:{number}"]
            assert offsets == sorted(offsets)
        assert (state.delivered, state.waiting, most) == (40, 0, 4)

    asyncio.run(run())


def test_a_subject_that_fails_is_tried_again_in_order_while_others_go_on() -> None:
    failures = {0: 2}

    async def at_first_not(change: dict[str, object]) -> web.Response:
        left = failures.get(change["offset"], 0)  # type: ignore[call-overload]
        failures[change["offset"]] = left - 1  # type: ignore[index]
        return web.Response(status=503 if left > 0 else 200)

    async def run() -> None:
        async with served(at_first_not) as (receiver, url):
            policy = Policy(attempts=5, first_wait_s=0.2, longest_wait_s=0.2, at_once=1)
            state, done = await delivered(
                url, [delivery("account:a", 0), delivery("account:a", 1), delivery("b:b", 2)], policy
            )
        assert receiver.seen == [("account:a", 0), ("b:b", 2), ("account:a", 0), ("account:a", 0), ("account:a", 1)]
        assert done == [2, 0, 1]
        assert (state.delivered, state.failures, state.dead) == (3, 2, 0)

    asyncio.run(run())


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302])
def test_what_is_never_taken_becomes_a_dead_letter_and_the_next_goes_on(status: int, tmp_path: Path) -> None:
    async def refuses(change: dict[str, object]) -> web.Response:
        if change["offset"] == 0:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        return web.Response()

    async def run() -> None:
        dead = tmp_path / "dead.jsonl"
        async with served(refuses) as (receiver, url):
            state, done = await delivered(url, [delivery("account:a", 0), delivery("account:a", 1)], dead_letters=dead)
        assert [offset for _, offset in receiver.seen] == [0, 0, 0, 1]
        assert (done, state.dead, state.failures) == ([0, 1], 1, 3)
        letter = json.loads(dead.read_text())
        assert (letter["key"], letter["why"]) == ("bans-0-0", f"status {status}")
        assert json.loads(letter["body"])["subject"] == "account:a"
        assert dead.stat().st_mode & 0o777 == 0o600

    asyncio.run(run())


def test_a_receiver_that_never_answers_is_given_up_in_time() -> None:
    async def never(_: dict[str, object]) -> web.Response:
        await asyncio.sleep(1.2)
        return web.Response()

    async def run() -> None:
        async with served(never) as (_, url):
            began = time.monotonic()
            state, _ = await delivered(url, [delivery("account:a", 0)])
            assert time.monotonic() - began < 3
        assert (state.dead, state.failures) == (1, 3)

    asyncio.run(run())


def test_a_dead_letter_that_cannot_be_written_is_an_error_and_nothing_is_done(tmp_path: Path) -> None:
    async def refuses(_: dict[str, object]) -> web.Response:
        return web.Response(status=500)

    async def run() -> None:
        async with served(refuses) as (_, url):
            with pytest.raises(IsADirectoryError):
                await delivered(url, [delivery("account:a", 0)], dead_letters=tmp_path)

    asyncio.run(run())


def test_what_is_dropped_is_neither_sent_nor_done() -> None:
    async def run() -> None:
        started = asyncio.Event()

        async def hangs(_: dict[str, object]) -> web.Response:
            started.set()
            await asyncio.sleep(1.2)
            return web.Response()

        state, done = HookState(), []
        async with served(hangs) as (receiver, url), aiohttp.ClientSession() as session:
            deliverer = Deliverer(
                session, url=url, secret=SECRET, policy=Policy(waiting=2, grace_s=0.05), state=state, done=done.append
            )
            deliverer.put(delivery("account:a", 0))
            deliverer.put(delivery("account:a", 1))
            assert deliverer.full
            await asyncio.wait_for(started.wait(), 5)
            await deliverer.drop(0)
            await asyncio.sleep(0.05)
        assert (len(receiver.seen), done, state.waiting) == (1, [], 0)

    asyncio.run(run())


def test_it_is_full_by_bytes_as_well() -> None:
    async def run() -> None:
        one = delivery("account:a", 0)
        async with served(fine) as (_, url), aiohttp.ClientSession() as session:
            done: list[Delivery] = []
            deliverer = Deliverer(
                session,
                url=url,
                secret=SECRET,
                policy=Policy(waiting_bytes=2 * len(one.body)),
                state=HookState(),
                done=done.append,
            )
            deliverer.put(one)
            assert not deliverer.full
            deliverer.put(delivery("account:b", 1))
            assert deliverer.full
            async with asyncio.timeout(10):
                while len(done) < 2:
                    await asyncio.sleep(0.005)
            assert not deliverer.full

    asyncio.run(run())


@given(st.permutations(range(8)), st.integers(0, 8))
def test_a_partition_is_done_up_to_the_first_that_is_not(order: list[int], count: int) -> None:
    progress = Progress()
    assert progress.position is None
    for offset in range(8):
        progress.take(10 + 2 * offset)  # compaction leaves gaps
    finished = set(order[:count])
    for offset in order[:count]:
        progress.finish(10 + 2 * offset)

    first_open = next((offset for offset in range(8) if offset not in finished), 8)
    expected = 10 + 2 * first_open if first_open == 0 else 10 + 2 * (first_open - 1) + 1
    assert progress.position == expected


def test_waits_double_up_to_a_limit() -> None:
    policy = Policy(first_wait_s=1, longest_wait_s=8)

    for attempt, longest in ((1, 1), (2, 2), (4, 8), (1000, 8)):
        assert longest / 2 <= policy.wait_s(attempt) <= longest


@pytest.mark.parametrize(("answer_s", "status", "done"), [(0.1, 204, [0]), (0.1, 503, []), (30.0, 204, [])])
def test_a_stop_gives_what_is_under_way_its_grace_and_sends_nothing_more(
    answer_s: float, status: int, done: list[int]
) -> None:
    """What the receiver took and could say so is not sent again by the next process."""
    under_way = asyncio.Event()

    async def slow(_: dict[str, object]) -> web.Response:
        under_way.set()
        await asyncio.sleep(answer_s)
        return web.Response(status=status)

    async def run() -> None:
        finished: list[int] = []
        state = HookState()
        async with served(slow) as (receiver, url), aiohttp.ClientSession() as session, asyncio.timeout(10):
            deliverer = Deliverer(
                session,
                url=url,
                secret=SECRET,
                policy=Policy(grace_s=0.5, first_wait_s=0.01),
                state=state,
                done=lambda each: finished.append(each.offset),
            )
            deliverer.put(delivery("account:a", 0))
            deliverer.put(delivery("account:a", 1))
            await under_way.wait()
            await deliverer.drop_all()
            await asyncio.sleep(0.1)
        assert (finished, receiver.seen, state.waiting) == (done, [("account:a", 0)], 0)
        assert state.delivered == len(done)

    asyncio.run(run())
