"""Writing posted events to their topics: acknowledged by all copies before the post is, and not written twice.

`repeated` events are those that were acknowledged a moment ago, with the same bytes: a feed that heard no answer posts
again. They are remembered in bounds; what is forgotten is written again, and workers count a repeated id as nothing.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from typing import Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from rules.events import EventType
from streams.access.clients import started_producer
from streams.access.trouble import broker_trouble
from streams.feeding import check_inputs, producer_options, sequence
from streams.http.ingest.records import POSTED, Record
from streams.sending import Send, Sender
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

logger = logging.getLogger(__name__)

REMEMBERED = 200_000
"""Acknowledged events that are known again, about 25 MB of them."""
ACKNOWLEDGED_S = 15.0
"""How long brokers have for an acknowledgement: a restart of one takes less, and clients do not wait much longer."""
AGAIN_S = 2.0
"""Pause before the topics are looked for again."""

HOPELESS_S = 60.0
"""After so long without an acknowledgement the producer is made anew."""

Write = Callable[[Sequence[Send]], Any]


class UnavailableError(RuntimeError):
    """The brokers did not acknowledge, or are not there: what was to be written may be on the topics, or not."""


class Writer:
    """Writes events. It refuses at once while brokers are away: one attempt at a time finds out when they are back."""

    def __init__(
        self, topics: Mapping[EventType, str], write: Write | None = None, remembered: int = REMEMBERED
    ) -> None:
        """`topics`: where each type goes. `write`: returns once all is acknowledged, or raises KafkaError, OSError or
        TimeoutError; None as long as there is no connection."""
        self._topics = topics
        self.write = write
        self._most = remembered
        self._known: dict[bytes, None] = {}
        self._stamp = 0
        self._numbers = count(time.time_ns())  # goes on where the process before has been
        self._trouble_since: float | None = None
        self._trying = False
        self.written: Counter[EventType] = Counter()
        self.repeated = 0

    @property
    def ready(self) -> bool:
        """Whether there is a connection, and the last attempt succeeded."""
        return self.write is not None and self._trouble_since is None

    def hopeless(self) -> bool:
        """Whether nothing was acknowledged for so long that the connection had better be another."""
        return self._trouble_since is not None and time.monotonic() - self._trouble_since > HOPELESS_S

    async def send(self, records: Sequence[Record]) -> int:
        """Returns, once all are on their topics, how many were there before. Raises UnavailableError, and
        TopicAuthorizationFailedError where this login may not write."""
        fresh = {record.digest: record for record in records if record.digest not in self._known}
        if fresh:
            await self._send(list(fresh.values()))
            self._remember(fresh)
        repeated = len(records) - len(fresh)
        self.repeated += repeated
        return repeated

    async def _send(self, records: list[Record]) -> None:
        trouble = self._trouble_since is not None
        if self.write is None or (trouble and self._trying):
            raise UnavailableError
        self._stamp = max(self._stamp, time.time_ns() // 1_000_000)
        sends = [
            Send(
                self._topics[record.kind],
                record.key,
                record.value,
                [*record.headers, sequence(next(self._numbers))],
                timestamp_ms=self._stamp,
            )
            for record in records
        ]
        self._trying = self._trying or trouble
        try:
            await self.write(sends)
        except TopicAuthorizationFailedError:
            raise  # the brokers are there, and take what there is a right to
        except (KafkaError, OSError, TimeoutError) as error:
            if self._trouble_since is None:
                logger.error("Posted events are not acknowledged: %s", str(error) or type(error).__name__)
                self._trouble_since = time.monotonic()
            raise UnavailableError from error
        finally:
            if trouble:
                self._trying = False
        if self._trouble_since is not None:
            logger.info("Posted events are acknowledged again")
            self._trouble_since = None
        self.written.update(record.kind for record in records)

    def _remember(self, digests: Mapping[bytes, object]) -> None:
        self._known.update(dict.fromkeys(digests))
        for _ in range(len(self._known) - self._most):
            del self._known[next(iter(self._known))]


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Writer]:
    """A writer for the length of the block. It connects by itself, now or when there are brokers and topics."""
    names = topic_names(settings)
    writer = Writer({kind: names.input(kind) for kind in POSTED})
    connecting = asyncio.create_task(_connect(settings, writer))
    try:
        yield writer
    finally:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting


async def _connect(settings: Settings, writer: Writer) -> None:
    """Gives the writer its connection, as soon as there is one, until it is cancelled."""
    options = producer_options(settings)
    options["request_timeout_ms"] = int(min(settings.request_timeout_s, ACKNOWLEDGED_S) * 1000)
    told = ""
    while True:
        try:
            await check_inputs(settings)
            async with started_producer(settings, **options) as producer:
                writer.write = Sender(lambda: producer, max_record_bytes=settings.max_record_bytes).send_all
                logger.info("Events can be posted")
                while not writer.hopeless():
                    await asyncio.sleep(AGAIN_S)
        except (TopicsError, KafkaError, OSError, TimeoutError) as error:
            why = str(error) if isinstance(error, TopicsError) else await broker_trouble(settings, error)
            if why != told:  # said once, not every two seconds
                logger.error("No events can be posted yet: %s", why)
                told = why
        finally:
            writer.write = None
        await asyncio.sleep(AGAIN_S)
