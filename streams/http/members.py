"""The members of the workers' consumer group, as its broker knows them: where each is reached, and what it holds.

The group's members tell each other where they are reached (`Options.canonical_url`), and which partitions each has.
The brokers are asked for that at most every few seconds, and only while somebody looks.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code
from yarl import URL

from streams.access.clients import client_options, started
from streams.settings import Settings

logger = logging.getLogger(__name__)

MEMBERS_S = 3.0
"""How long the group's answer counts."""
_FRESH_S = 0.2
_LARGEST_METADATA = 4 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A worker of the group: its URL, empty when it tells none, and its partitions of each topic; None where the broker
    keeps to itself what members hold, as that of the demo does."""

    url: str
    partitions: Mapping[str, frozenset[int]] | None


@dataclass(slots=True)
class _Known:
    members: list[Member] = field(default_factory=list)
    at: float = float("-inf")


class Members:
    """Asks the brokers about the group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = _Known()
        self._group = asyncio.Lock()
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None

    async def now(self, *, fresh: bool) -> list[Member]:
        """The group's members. Raises KafkaError, OSError, TimeoutError."""
        async with self._group:
            age = time.monotonic() - self._known.at
            if age < (_FRESH_S if fresh else MEMBERS_S):
                return self._known.members
            try:
                async with asyncio.timeout(5.0):
                    admin = await self._connected()
                    (answer,) = await admin.describe_consumer_groups([self._settings.app_id])
                    code = int(answer.groups[0][0])
                    if code:
                        raise for_code(code)
            except (KafkaError, OSError, TimeoutError):
                await self.disconnect()
                raise
            _, _, state, _, _, described = answer.groups[0]
            self._known = _Known(members_of(described, stable=state == "Stable"), time.monotonic())
            return self._known.members

    async def lags(self, members: Sequence[Member], topics: Sequence[str]) -> list[int | None]:
        """How many records of these topics wait for each member; None where it does not tell what it holds. Raises
        KafkaError, OSError, TimeoutError."""
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

    async def disconnect(self) -> None:
        """Ends the connections; the next question opens them again."""
        admin, self._admin = self._admin, None
        reader, self._reader = self._reader, None
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            if admin is not None:
                await admin.close()
            if reader is not None:
                await reader.stop()

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**client_options(self._settings), client_id="streamwarden-console")
            self._admin = admin
            await started(admin)
        return self._admin


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
