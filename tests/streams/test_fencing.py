"""Membership in the group, and what may be produced under it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    IllegalGenerationError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

from streams.fencing import LostMembershipError, Membership

TIMEOUT = 10.0
HEARTBEAT = HeartbeatRequest("group", 3, "member")
JOINED = SyncGroupRequest("group", 3, "member", "", [])
COMMIT = OffsetCommitRequest("group", 3, "member", -1, [("posts", [(0, 7, "")])])
PRODUCE = ProduceRequest(None, -1, 1000, [])


class World:
    """A clock, a coordinator that answers with `answer` after `delay` seconds, and a broker that takes records."""

    def __init__(self, *, joined: bool = True) -> None:
        self.now = 100.0
        self.answer: type[Any] = NoError
        self.delay = 0.0
        self.produced = 0
        self.failures: list[LostMembershipError] = []
        self.membership = Membership(TIMEOUT, lambda: self.now)
        self.ask = self.membership.watched(self._coordinator)
        self.produce = self.membership.guarded(self._broker, self._ready, self.failures.append)
        if joined:
            self.says(JOINED)

    def says(self, request: Any, answer: type[Any] = NoError, delay: float = 0.0) -> None:
        """The coordinator answers a request of the consumer."""
        self.answer, self.delay = answer, delay
        asyncio.run(self.ask(1, request))  # type: ignore[arg-type]

    def heartbeat(self, answer: type[Any] = NoError, delay: float = 0.0) -> None:
        self.says(HEARTBEAT, answer, delay)

    async def _coordinator(self, node_id: int, request: Any) -> Any:
        self.now += self.delay
        return SimpleNamespace(error_code=self.answer.errno, topics=[("posts", [(0, self.answer.errno)])])

    async def _broker(self, node_id: int, request: Any) -> None:
        self.produced += 1

    async def _ready(self, node_id: int) -> bool:
        return True


def test_a_member_that_was_confirmed_within_the_session_timeout_produces() -> None:
    world = World()
    world.heartbeat()
    world.now += TIMEOUT - 0.1
    asyncio.run(world.produce(1, PRODUCE))  # type: ignore[arg-type]
    assert world.produced == 1


def test_the_session_counts_from_when_the_heartbeat_was_sent() -> None:
    world = World()
    world.heartbeat(delay=6)
    world.now += 5
    assert not world.membership.certain()


def test_a_worker_that_stood_still_waits_for_the_coordinator_and_then_produces() -> None:
    world = World()
    world.heartbeat()
    world.now += TIMEOUT + 1

    async def when() -> int:
        sending = asyncio.ensure_future(world.produce(1, PRODUCE))
        await asyncio.sleep(0.1)
        held_back = world.produced
        await world.ask(1, COMMIT)
        await sending
        return held_back

    assert asyncio.run(when()) == 0
    assert (world.produced, world.failures) == (1, [])


@pytest.mark.parametrize("answer", [UnknownMemberIdError, IllegalGenerationError])
def test_what_waits_is_never_sent_once_the_membership_is_gone(answer: type[Any]) -> None:
    world = World()
    world.heartbeat()
    world.heartbeat(answer)
    with pytest.raises(LostMembershipError):
        asyncio.run(world.produce(1, PRODUCE))  # type: ignore[arg-type]
    assert (world.produced, len(world.failures)) == (0, 1)


def test_a_member_that_joins_anew_produces_again() -> None:
    world = World()
    world.heartbeat(UnknownMemberIdError)
    world.says(JOINED)
    assert world.membership.certain()


@pytest.mark.parametrize("lapse", [0.0, 3 * TIMEOUT])
def test_a_coordinator_that_loads_its_groups_and_answers_blindly_confirms_nothing_that_was_in_doubt(
    lapse: float,
) -> None:
    world = World()
    world.now += lapse
    world.heartbeat()
    assert world.membership.certain() == (lapse < TIMEOUT)
    assert world.membership.lapsed == (lapse > TIMEOUT)
    world.says(COMMIT)
    assert world.membership.certain()
    assert not world.membership.lapsed


@pytest.mark.parametrize("answer", [UnknownMemberIdError, IllegalGenerationError])
def test_a_refused_commit_says_that_the_membership_is_gone_and_no_heartbeat_brings_it_back(answer: type[Any]) -> None:
    world = World()
    world.says(COMMIT, answer)
    world.heartbeat()
    world.says(COMMIT)
    with pytest.raises(LostMembershipError):
        world.membership.certain()


def test_a_commit_that_could_not_be_checked_confirms_nothing() -> None:
    world = World()
    world.now += TIMEOUT + 1
    world.says(COMMIT, CoordinatorLoadInProgressError)
    assert world.membership.lapsed


def test_an_answer_to_what_was_asked_before_joining_anew_says_nothing_of_the_new_membership() -> None:
    world = World()

    async def late() -> None:
        release = asyncio.Event()

        async def slow(node_id: int, request: Any) -> Any:
            await release.wait()
            return SimpleNamespace(topics=[("posts", [(0, IllegalGenerationError.errno)])])

        committing = asyncio.ensure_future(world.membership.watched(slow)(1, COMMIT))
        await asyncio.sleep(0)
        world.now += 1
        await world.ask(1, JOINED)
        release.set()
        await committing

    asyncio.run(late())
    assert world.membership.certain()


def test_a_rebalance_that_begins_leaves_the_membership_certain() -> None:
    world = World()
    world.heartbeat()
    world.now += TIMEOUT - 1
    world.heartbeat(RebalanceInProgressError)
    world.now += TIMEOUT - 1
    assert world.membership.certain()


def test_other_requests_and_workers_that_never_owned_anything_are_not_held_back() -> None:
    world = World(joined=False)
    asyncio.run(world.produce(1, PRODUCE))  # type: ignore[arg-type]
    world.says(JOINED)
    world.now += TIMEOUT + 1
    asyncio.run(world.produce(1, HEARTBEAT))  # type: ignore[arg-type]
    assert world.produced == 2
