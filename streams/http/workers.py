"""The workers, as their consumer group knows them: which one holds a subject, what it says of it, how far each is.

The group's members tell each other where they are reached (`Options.canonical_url`), and which partitions each has.
The brokers are asked for that at most every few seconds, and only while somebody looks. A worker is asked for a subject
at most once a second, whoever looks, with the token of `http_worker_token_file`.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code
from yarl import URL

from rules.subject_state import SubjectState, decode_subject
from streams.access.clients import client_options, started
from streams.held_subjects import FORMAT, FORMAT_NUMBER, PATH
from streams.http.tokens import MAX_TOKEN
from streams.rights import refused, say
from streams.sending import partition_of
from streams.settings import Settings
from streams.topics import enforce_topics, topic_names

logger = logging.getLogger(__name__)

MEMBERS_S = 3.0
"""How long the group's answer counts."""
LOOK_S = 10.0
"""Between two looks at whether workers are ready, and how far they are."""
METRICS_S = 15.0
"""How long what workers tell Prometheus counts: as often as Prometheus itself asks by default."""
HELD_S = 1.0
"""How long a worker's answer about a subject counts."""
ASK_S = 2.0
"""How long a worker is given to answer."""
MOST_HELD = 1_000
MOST_BYTES = 8 << 20
_LARGEST_METADATA = 4 << 20
_WHOLE_LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Member:
    """A worker of the group: its URL, empty when it tells none, and its partitions of each topic; None where the broker
    keeps to itself what members hold, as that of the demo does."""

    url: str
    partitions: Mapping[str, frozenset[int]] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker is: ready None where nobody can tell; partitions, lag (records that wait): None likewise."""

    url: str
    partitions: int | None
    ready: bool | None
    lag: int | None


@dataclass(frozen=True, slots=True)
class HeldState:
    """What the worker that holds a subject says of it. held_by: its URL, None where nobody holds it, or says so;
    problem: why there is no state, for a person."""

    held_by: str | None
    state: SubjectState | None
    problem: str = ""


@dataclass(slots=True)
class _Known:
    members: list[Member] = field(default_factory=list)
    at: float = float("-inf")


class Workers:
    """Asks the group and its members."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings, self._session = settings, session
        self._names = topic_names(settings)
        self._known = _Known()
        self._group = asyncio.Lock()
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._asked: OrderedDict[str, tuple[float, asyncio.Task[HeldState]]] = OrderedDict()
        self._standings: list[Standing] = []
        self._looked = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._metrics: list[str] = []
        self._scraped = float("-inf")
        self._scraping = asyncio.Lock()
        self._told = ""

    async def close(self) -> None:
        """Ends what is on its way, and the connections."""
        tasks = [task for _, task in self._asked.values()]
        if self._looking is not None:
            tasks.append(self._looking)  # type: ignore[arg-type]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._disconnect()

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
                    members = await self._members(fresh=False)
                except (KafkaError, OSError, TimeoutError):
                    members = []
                answers = await asyncio.gather(*(self._scrape(each.url) for each in members if each.url))
                self._metrics = [text for text in answers if text]
                self._scraped = time.monotonic()
            return self._metrics

    async def _scrape(self, url: str) -> str:
        try:
            async with self._session.get(URL(url) / "metrics", allow_redirects=False) as response:
                return (await _bounded(response)).decode("utf-8", "replace") if response.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return ""

    async def held(self, subject: str) -> HeldState:
        """What the worker that holds a subject says of it; never raises for what goes wrong on the way."""
        now = time.monotonic()
        known = self._asked.get(subject)
        if known is None or now - known[0] > HELD_S:
            known = now, asyncio.create_task(self._ask(subject))
            self._asked[subject] = known
            self._asked.move_to_end(subject)
            while len(self._asked) > MOST_HELD:
                self._asked.popitem(last=False)
        return await asyncio.shield(known[1])

    async def _ask(self, subject: str) -> HeldState:
        token = _token(self._settings.http_worker_token_file)
        if not token:
            return HeldState(None, None, "no token to ask workers with: set WARDEN_HTTP_WORKER_TOKEN_FILE")
        partition = partition_of(subject.encode(), self._settings.partitions)
        answer = HeldState(None, None, "no worker says that it holds it: they may be starting, or taking over")
        for fresh in (False, True):
            try:
                members = await self._members(fresh=fresh)
            except (KafkaError, OSError, TimeoutError) as error:
                return HeldState(None, None, f"the workers' group cannot be asked: {self._why(error)}")
            holder = next((each for each in members if self._holds(each, partition)), None)
            if holder is None:
                if any(each.partitions is None for each in members):
                    return HeldState(None, None, "the broker does not tell which worker holds what")
                continue
            if not holder.url:
                return HeldState(None, None, "the worker that holds it does not say where it is reached")
            answer, again = await self._ask_worker(holder.url, subject, token)
            if not again:
                break
        return answer

    def _why(self, error: BaseException) -> str:
        lacking = refused(self._settings, error)
        if lacking is None:
            return _said(error)
        say(lacking, "The workers cannot be looked at")
        return f"this server's login lacks {lacking.rights[0]}"

    def _holds(self, member: Member, partition: int) -> bool:
        return member.partitions is not None and partition in member.partitions.get(self._names.violations, ())

    async def _ask_worker(self, url: str, subject: str, token: str) -> tuple[HeldState, bool]:
        """What a worker answers, and whether another one should be asked."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            target = URL(url) / PATH.lstrip("/") % {"id": subject}
            async with self._session.get(target, headers=headers, allow_redirects=False) as response:
                body = await _bounded(response)
                if response.status == 421:
                    return HeldState(url, None, "the worker has given it up; another one is taking it over"), True
                if response.status != 200:
                    return HeldState(url, None, _refused(response.status)), False
                if response.headers.get(FORMAT) != FORMAT_NUMBER:
                    return HeldState(url, None, "the worker is of another version than this process"), False
                return HeldState(url, decode_subject(body)), False
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return HeldState(url, None, f"the worker that holds it does not answer: {_said(error)}"), True
        except msgspec.MsgspecError as error:
            return HeldState(url, None, f"the worker's record cannot be read: {error}"), False

    async def _members(self, *, fresh: bool) -> list[Member]:
        """The group's members. Raises KafkaError, OSError, TimeoutError."""
        async with self._group:
            age = time.monotonic() - self._known.at
            if age < (0.2 if fresh else MEMBERS_S):
                return self._known.members
            try:
                async with asyncio.timeout(5.0):
                    admin = await self._connected()
                    (answer,) = await admin.describe_consumer_groups([self._settings.app_id])
                    code = int(answer.groups[0][0])
                    if code:
                        raise for_code(code)
            except (KafkaError, OSError, TimeoutError):
                await self._disconnect()
                raise
            _, _, state, _, _, described = answer.groups[0]
            self._known = _Known(members_of(described, stable=state == "Stable"), time.monotonic())
            return self._known.members

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**client_options(self._settings), client_id="streamwarden-console")
            self._admin = admin
            await started(admin)
        return self._admin

    async def _disconnect(self) -> None:
        admin, self._admin = self._admin, None
        reader, self._reader = self._reader, None
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            if admin is not None:
                await admin.close()
            if reader is not None:
                await reader.stop()

    async def _look(self) -> None:
        """Looks at all workers; what cannot be found out stays unknown."""
        try:
            async with asyncio.timeout(_WHOLE_LOOK_S):
                members = await self._members(fresh=False)
                ready = await asyncio.gather(*(self._ready(each.url) for each in members))
                lags = await self._lags(members)
            self._standings = [
                Standing(
                    each.url,
                    None if each.partitions is None else len(each.partitions.get(self._names.violations, ())),
                    fine,
                    lag,
                )
                for each, fine, lag in zip(members, ready, lags, strict=True)
            ]
        except (KafkaError, OSError, TimeoutError) as error:
            why = self._why(error)
            if why != self._told:  # said once, not at each look
                logger.warning("The workers cannot be looked at: %s", why)
            self._told = why
            await self._disconnect()
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

    async def _lags(self, members: list[Member]) -> list[int | None]:
        """How many records wait for each member, of content and of what decisions are made from."""
        names = self._names
        topics = (names.posts, names.shares, names.mass_sends, names.sightings, *enforce_topics(names))
        tps = [
            TopicPartition(topic, number)
            for member in members
            for topic in topics
            for number in (member.partitions or {}).get(topic, ())
        ]
        if not tps:
            return [None for _ in members]
        admin = await self._connected()
        committed = await admin.list_consumer_group_offsets(self._settings.app_id, partitions=tps)
        if self._reader is None:
            reader = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False)
            self._reader = reader
            await started(reader)
        ends = await self._reader.end_offsets(tps)
        waiting = {tp: ends[tp] - max(0, committed[tp].offset if tp in committed else 0) for tp in tps}
        return [
            None
            if member.partitions is None
            else sum(
                max(0, waiting[TopicPartition(topic, n)]) for topic in topics for n in member.partitions.get(topic, ())
            )
            for member in members
        ]


def members_of(described: Any, *, stable: bool = False) -> list[Member]:
    """The members of a group that have an assignment, as a broker describes them; what cannot be read tells nothing.
    `stable`: that nothing is being assigned just now, so that a member without an assignment has one that is not told.
    """
    found: list[Member] = []
    for _, _, _, _, assignment in described:
        if not assignment:
            found += [Member("", None)] if stable else []
            continue
        try:
            decoded = ConsumerProtocolMemberAssignment.decode(assignment)
            partitions = {topic: frozenset(numbers) for topic, numbers in decoded.assignment}
        except Exception:  # whatever a broken assignment makes of aiokafka's decoder
            logger.warning("A member of the workers' group has an assignment that cannot be read")
            continue
        found.append(Member(_url_in(decoded.user_data), partitions))
    return sorted(found, key=lambda member: member.url)


class _Told(msgspec.Struct):
    url: str = ""


def _url_in(user_data: bytes | None) -> str:
    """The URL that Faust puts into an assignment; empty without one that can be asked."""
    if not user_data:
        return ""
    try:
        plain = zlib.decompressobj().decompress(user_data, _LARGEST_METADATA)
        url = URL(msgspec.json.decode(plain, type=_Told).url)
    except (zlib.error, msgspec.MsgspecError, UnicodeError, ValueError):
        return ""
    usable = url.scheme in {"http", "https"} and url.host is not None and url.user is None and url.path in {"", "/"}
    return str(url).rstrip("/") if usable else ""


def _token(path: Path | None) -> str:
    """The token of a file, read anew each time: it may have been replaced. Empty without one."""
    if path is None:
        return ""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_TOKEN + 2).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if text.isprintable() and " " not in text else ""


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises ValueError when it is longer than any record."""
    body = await response.content.read(MOST_BYTES + 1)
    while len(body) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES + 1 - len(body))):
        body += more
    if len(body) > MOST_BYTES:
        raise ValueError("its answer is longer than any record")
    return body


def _refused(status: int) -> str:
    match status:
        case 401 | 403:
            return "the worker does not take the token of WARDEN_HTTP_WORKER_TOKEN_FILE: put it into its file of tokens"
        case 404:
            return "the worker lets nobody see subjects: set WARDEN_HTTP_TOKENS_FILE for it, too"
        case 429:
            return "the worker is asked too often just now"
        case _:
            return f"the worker answers {status}"


def _said(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


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
