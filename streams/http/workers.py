"""The workers, as whoever looks at the console sees them: how each is, what it counts, what it says of a subject."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiokafka.errors import KafkaError
from yarl import URL

from streams.http.bounded import bounded
from streams.http.holders import HeldState, Holders, why
from streams.http.members import Members
from streams.settings import Settings
from streams.topics import enforce_topics, topic_names

logger = logging.getLogger(__name__)

LOOK_S = 10.0
"""Between two looks at whether workers are ready, and how far they are."""
METRICS_S = 15.0
"""How long what workers tell Prometheus counts: as often as Prometheus itself asks by default."""
ASK_S = 2.0
"""How long a worker is given to answer."""
_WHOLE_LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker is: ready None where nobody can tell; partitions, lag (records that wait): None likewise."""

    url: str
    partitions: int | None
    ready: bool | None
    lag: int | None


class Workers:
    """Asks the group and its members."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        names = topic_names(settings)
        self._settings, self._session = settings, session
        self._members = Members(settings)
        self._holders = Holders(settings, session, self._members)
        self._held_with = names.violations
        self._read = (names.posts, names.shares, names.mass_sends, names.sightings, *enforce_topics(names))
        """Content, and what decisions are made from."""
        self._standings: list[Standing] = []
        self._looked = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._metrics: list[str] = []
        self._scraped = float("-inf")
        self._scraping = asyncio.Lock()
        self._told = ""

    async def close(self) -> None:
        """Ends what is on its way, and the connections."""
        await self._holders.close()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._members.disconnect()

    async def held(self, subject: str) -> HeldState:
        """What the worker that holds a subject says of it; never raises for what goes wrong on the way."""
        return await self._holders.held(subject)

    def standings(self) -> list[Standing]:
        """How the workers were when somebody last looked; looks again, beside, when that is long ago."""
        if time.monotonic() - self._looked >= LOOK_S and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        return self._standings

    async def metrics(self) -> list[str]:
        """What each worker tells Prometheus, METRICS_S old at most; nothing of those that do not answer."""
        async with self._scraping:
            if time.monotonic() - self._scraped >= METRICS_S:
                try:
                    members = await self._members.now(fresh=False)
                except (KafkaError, OSError, TimeoutError):
                    members = []
                answers = await asyncio.gather(*(self._scrape(each.url) for each in members if each.url))
                self._metrics = [text for text in answers if text]
                self._scraped = time.monotonic()
            return self._metrics

    async def _scrape(self, url: str) -> str:
        try:
            async with self._session.get(URL(url) / "metrics", allow_redirects=False) as response:
                return (await bounded(response)).decode("utf-8", "replace") if response.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return ""

    async def _look(self) -> None:
        """Looks at all workers; what cannot be found out stays unknown."""
        try:
            async with asyncio.timeout(_WHOLE_LOOK_S):
                members = await self._members.now(fresh=False)
                ready = await asyncio.gather(*(self._ready(each.url) for each in members))
                lags = await self._members.lags(members, self._read)
            self._standings = [
                Standing(
                    each.url,
                    None if each.partitions is None else len(each.partitions.get(self._held_with, ())),
                    fine,
                    lag,
                )
                for each, fine, lag in zip(members, ready, lags, strict=True)
            ]
        except (KafkaError, OSError, TimeoutError) as error:
            reason = why(self._settings, error)
            if reason != self._told:  # said once, not at each look
                logger.warning("The workers cannot be looked at: %s", reason)
            self._told = reason
            await self._members.disconnect()
            self._standings = []
        except Exception:
            logger.exception("The workers cannot be looked at")
            self._standings = []
        self._looked = time.monotonic()

    async def _ready(self, url: str) -> bool | None:
        if not url:
            return None
        try:
            async with self._session.get(URL(url) / "readyz", allow_redirects=False) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False


@asynccontextmanager
async def workers(settings: Settings) -> AsyncIterator[Workers]:
    """The workers, for the length of the block."""
    limits = aiohttp.ClientTimeout(total=ASK_S)
    connector = aiohttp.TCPConnector(limit=20, limit_per_host=4)
    async with aiohttp.ClientSession(
        timeout=limits, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        found = Workers(settings, session)
        try:
            yield found
        finally:
            await found.close()
