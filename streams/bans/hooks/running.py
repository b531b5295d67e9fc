"""Reads the `bans` topic in a consumer group and delivers each change; offsets are committed once delivered.

So a process that comes back goes on where it stopped, and repeats what it cannot know to have arrived: at least once.
A new group begins with everything that is in force. Several processes of one group share the partitions.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.access.clients import AccessError, started_consumer
from streams.access.trouble import broker_trouble
from streams.bans.hooks.body import Delivery, delivery_of
from streams.bans.hooks.delivery import Deliverer, HookState, Policy
from streams.bans.hooks.progress import Progress
from streams.bans.records import change_in
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

COMMIT_S = 1.0
"""Seconds between commits: so much may come again after a crash."""
_POLL_MS = 200
_RECORDS = 500


async def deliver_forever(
    settings: Settings,
    url: str,
    secret: bytes,
    group: str,
    state: HookState,
    *,
    policy: Policy | None = None,
    dead_letters: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Delivers until cancelled. Raises TopicsError when the topic is missing or no broker answers at the start, and
    OSError when a dead letter cannot be written."""
    topic = topic_names(settings).bans
    session_ms = int(settings.session_timeout_s * 1000)
    options = {"group_id": group, "session_timeout_ms": session_ms, "heartbeat_interval_ms": session_ms // 4}
    try:
        async with started_consumer(settings, **options) as consumer:
            if topic not in await consumer.topics():  # subscribing to it could create it
                raise TopicsError(f"{topic}: does not exist\n    create it: warden topics create")
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
                await _Hook(consumer, topic, state, tell).run(session, url, secret, policy or Policy(), dead_letters)
    except (KafkaError, AccessError) as error:
        raise TopicsError(await broker_trouble(settings, error)) from error


class _Hook(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that this process has, and how far each is done."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, state: HookState, tell: Callable[[str], None]) -> None:
        self._consumer, self._topic, self._state, self._tell = consumer, topic, state, tell
        self._progress: dict[TopicPartition, Progress] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._deliverer: Deliverer | None = None

    async def run(
        self, session: aiohttp.ClientSession, url: str, secret: bytes, policy: Policy, dead_letters: Path | None
    ) -> None:
        self._deliverer = Deliverer(
            session,
            url=url,
            secret=secret,
            policy=policy,
            state=self._state,
            done=self._done,
            dead_letters=dead_letters,
            tell=self._tell,
        )
        self._consumer.subscribe([self._topic], listener=self)
        committed = time.monotonic()
        try:
            while True:
                await self._read(self._deliverer)
                if self._deliverer.failure is not None:
                    raise self._deliverer.failure
                if time.monotonic() - committed >= COMMIT_S:
                    await self._commit()
                    committed = time.monotonic()
        finally:
            await self._deliverer.drop_all()
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._commit(), 5)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing of a partition that another process may get is sent any more, and what was is committed.

        The client gives out no record between this call and the next assignment, so nothing old is taken after it.
        """
        if self._deliverer is not None:
            await asyncio.gather(*(self._deliverer.drop(partition.partition) for partition in revoked))
        await self._commit()
        self._progress.clear()
        self._committed.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Each starts from its committed offset."""

    async def _read(self, deliverer: Deliverer) -> None:
        """Takes what came; while as many wait as may, nothing, but the group still sees this process alive."""
        if deliverer.full:
            self._consumer.pause(*self._consumer.assignment())
        elif paused := self._consumer.paused():
            self._consumer.resume(*paused)
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS)
        for partition, records in fetched.items():
            progress = self._progress.setdefault(partition, Progress())
            for record in records:
                progress.take(record.offset)
                change = change_in(record)
                if change.wrong:
                    self._state.undecodable += 1
                    self._tell(change.wrong)
                    progress.finish(record.offset)
                else:
                    deliverer.put(delivery_of(self._topic, change))

    def _done(self, delivery: Delivery) -> None:
        progress = self._progress.get(TopicPartition(self._topic, delivery.partition))
        if progress is not None:
            progress.finish(delivery.offset)

    async def _commit(self) -> None:
        """Commits what grew; a commit that comes too late is no matter, its changes come again elsewhere."""
        offsets: Mapping[TopicPartition, int] = {
            partition: progress.position
            for partition, progress in self._progress.items()
            if progress.position is not None and progress.position != self._committed.get(partition)
        }
        if not offsets:
            return
        try:
            await self._consumer.commit(dict(offsets))
        except (CommitFailedError, IllegalStateError):
            return
        except KafkaError as error:
            self._tell(f"offsets are not committed: {error}")
            return
        self._committed.update(offsets)
