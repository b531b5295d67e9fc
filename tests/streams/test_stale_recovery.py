"""A recovery that goes on though its assignment is gone sets no positions, and nothing is read before they are set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from streams.transport import BatchConsumer

POSTS, CHANGELOG = TP("posts", 0), TP("app-table-changelog", 0)


class Consumer(BatchConsumer):
    """A consumer whose client says what is committed once `answer` is set."""

    answer: asyncio.Event

    async def seek_to_committed(self) -> dict[TP, int]:
        await self.answer.wait()
        return {POSTS: 7}


def recovering() -> Any:
    """A consumer whose recovery, of generation 5, is current."""
    consumer: Any = Consumer.__new__(Consumer)
    recovery = SimpleNamespace(_generation_id=5, signal_recovery_start=asyncio.Event())
    tables = SimpleNamespace(recovery=recovery, changelog_topics={CHANGELOG.topic})
    app = SimpleNamespace(
        tables=tables, consumer_generation_id=5, group_of={"posts": object()}, should_stop=False, vitals=None
    )
    vars(consumer).update(
        app=app, answer=asyncio.Event(), epoch=1, draining=True, _generation=5, _lanes={}, _committed={}, _done={},
        _busy=set(), _positioned=False, _recovering=False, _fetch_idle=asyncio.Event(),
        _active_partitions={POSTS, CHANGELOG}, _lane=lambda *_: SimpleNamespace(hungry=lambda _topic: True),
    )  # fmt: skip
    consumer._fetch_idle.set()
    return consumer


def revoked(consumer: Any) -> None:
    consumer._generation = None
    consumer._forget()


def assigned(consumer: Any) -> None:
    """The callback of the next assignment has begun; Faust's recovery is told at its end."""
    revoked(consumer)
    consumer._generation = 6


def known_to_the_app(consumer: Any) -> None:
    assigned(consumer)
    consumer.app.consumer_generation_id = 6


def known_to_the_recovery(consumer: Any) -> None:
    known_to_the_app(consumer)
    consumer.app.tables.recovery._generation_id = 6
    consumer.app.tables.recovery.signal_recovery_start.set()


STAGES = [revoked, assigned, known_to_the_app, known_to_the_recovery]


def test_a_current_recovery_sets_positions() -> None:
    async def run() -> None:
        consumer = recovering()
        assert consumer._wanted() == set()
        consumer._recovering = True
        assert consumer._wanted() == {CHANGELOG}
        consumer.answer.set()
        await consumer.perform_seek()
        assert (consumer._positioned, consumer.draining, consumer._committed) == (True, False, {POSTS: 7})
        assert consumer._wanted() == {POSTS, CHANGELOG}

    asyncio.run(run())


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("begun", [False, True])
def test_one_whose_assignment_is_gone_sets_none(stage: Callable[[Any], None], begun: bool) -> None:
    async def run() -> None:
        consumer = recovering()
        if begun:
            seeking = asyncio.ensure_future(consumer.perform_seek())
            await asyncio.sleep(0)
            stage(consumer)
        else:
            stage(consumer)
            seeking = asyncio.ensure_future(consumer.perform_seek())
        consumer.answer.set()
        with pytest.raises(RebalanceAgain):
            await seeking
        assert (consumer._positioned, consumer.draining, consumer._committed) == (False, True, {})
        with pytest.raises(RebalanceAgain):
            await consumer.seek_wait({CHANGELOG: 3})
        assert consumer._wanted() == set()

    asyncio.run(run())
