"""The topics: their names, keys, cleanup and limits as specs; creating them, and verifying that they are right.

    in        posts, shares, mass_sends (keyed by account); reports (keyed by subject)
              appeals, review_decisions, orders (keyed by subject): what moderators decide
    internal  violations, relays (keyed by subject); sightings (keyed by what events have in common)
    out       enforcements, reviews, dead_letters; bans (compacted: what is in force for a subject now)
    policy    operator_words (compacted: the operator's own words, keyed by lexicon and word)
              controls (who halted or resumed automatic enforcement; kept for good, in one partition: order counts)
              packs (compacted: published packs, and which of them are in force; in one partition: order counts)

All others share one partition count, so a subject has one partition number wherever it occurs. Faust creates
the changelogs of its tables itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from rules.events import EventType
from streams.access.clients import client_options, started
from streams.access.trouble import broker_trouble
from streams.settings import Settings

Role = Literal[
    "posts",
    "shares",
    "mass_sends",
    "reports",
    "appeals",
    "review_decisions",
    "orders",
    "violations",
    "relays",
    "sightings",
    "enforcements",
    "bans",
    "reviews",
    "dead_letters",
    "operator_words",
    "controls",
    "packs",
]
Cleanup = Literal["delete", "compact"]
Key = Literal["account", "subject", "content", "as it came", "lexicon/word", "target", "pack or activation"]

INPUTS: dict[EventType, Role] = {
    "post": "posts",
    "share": "shares",
    "mass_send": "mass_sends",
    "report": "reports",
    "appeal": "appeals",
    "review_decision": "review_decisions",
    "order": "orders",
}
"""The topic of each type of event."""
_BY_ACCOUNT: frozenset[EventType] = frozenset({"post", "share", "mass_send"})

_OUTPUT_BYTES = 4_000_000
"""Largest decision. An enforcement cites every violation of its spell, and a spell may last for months."""
_WORD_BYTES = 65_536
"""Largest record of an operator's word, and of a control."""
PACK_BYTES = 1_000_000
"""Largest record of a pack, which goes in pieces."""
_HEADER_BYTES = 65_536
"""Room for the headers that a dead letter has besides its original record."""
_HOUR_MS = 3_600_000
_READY_SECONDS = 30.0


class TopicNames(NamedTuple):
    """The name of each topic on the broker: its role, behind the configured prefix."""

    posts: str
    shares: str
    mass_sends: str
    reports: str
    appeals: str
    review_decisions: str
    orders: str
    violations: str
    relays: str
    sightings: str
    enforcements: str
    bans: str
    reviews: str
    dead_letters: str
    operator_words: str
    controls: str
    packs: str

    def input(self, kind: EventType) -> str:
        """The topic that events of `kind` go to."""
        return str(getattr(self, INPUTS[kind]))


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it should be. `retention_ms` None: for good. `key` says whose name its records are keyed by."""

    role: Role
    name: str
    key: Key
    partitions: int
    replication: int
    min_insync_replicas: int
    cleanup: Cleanup
    retention_ms: int | None
    max_message_bytes: int

    def configs(self) -> dict[str, str]:
        """Kafka's own names and values for the topic."""
        configs = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(self.min_insync_replicas),
        }
        if self.cleanup == "compact":
            # Only closed segments are compacted: one an hour, so that reading the ban list from its start stays short.
            return configs | {"segment.ms": str(_HOUR_MS)}
        return configs | {"retention.ms": str(-1 if self.retention_ms is None else self.retention_ms)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a topic, and what to do about it."""

    topic: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.message}\n    {self.hint}"


@dataclass(frozen=True, slots=True)
class Created:
    """Names of the topics that were created, and of those that were there before."""

    created: list[str] = field(default_factory=list)
    existed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verified:
    """What is wrong, and notes on what this broker does not let anybody find out."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class TopicsError(RuntimeError):
    """The broker did not answer, or refused; the message says what to do."""


def topic_names(settings: Settings) -> TopicNames:
    """The names of all topics on the broker."""
    return TopicNames(*(settings.topic_prefix + role for role in TopicNames._fields))


def enforce_topics(names: TopicNames) -> tuple[str, ...]:
    """What ENFORCE reads; at the same timestamp in this order."""
    return names.violations, names.relays, names.reports, names.appeals, names.review_decisions, names.orders


def topic_specs(settings: Settings) -> dict[Role, TopicSpec]:
    """All topics, inputs first."""
    decisions = settings.retention_output_hours
    specs = [
        *(_spec(settings, role, "account" if kind in _BY_ACCOUNT else "subject") for kind, role in INPUTS.items()),
        _spec(settings, "violations", "subject", hours=decisions, size=_OUTPUT_BYTES),
        _spec(settings, "relays", "subject", hours=decisions, size=_OUTPUT_BYTES),
        _spec(settings, "sightings", "content", hours=settings.retention_sightings_hours, size=_OUTPUT_BYTES),
        _spec(settings, "enforcements", "subject", hours=decisions, size=_OUTPUT_BYTES),
        _spec(settings, "bans", "subject", cleanup="compact", size=_OUTPUT_BYTES),
        _spec(settings, "reviews", "subject", hours=decisions, size=_OUTPUT_BYTES),
        _spec(
            settings,
            "dead_letters",
            "as it came",
            hours=settings.retention_dead_letters_hours,
            size=dead_letter_bytes(settings),
        ),
        _spec(settings, "operator_words", "lexicon/word", cleanup="compact", size=_WORD_BYTES),
        _spec(settings, "controls", "target", hours=0, size=_WORD_BYTES, partitions=1),
        _spec(settings, "packs", "pack or activation", cleanup="compact", size=PACK_BYTES, partitions=1),
    ]
    return {spec.role: spec for spec in specs}


def dead_letter_bytes(settings: Settings) -> int:
    """Largest record of the dead letters, in bytes: whatever an input topic takes fits, with its headers."""
    return settings.max_record_bytes + _HEADER_BYTES


async def create_topics(settings: Settings) -> Created:
    """Creates the topics that are missing, and waits until each has its leaders. Raises TopicsError.

    Topics that exist are left as they are; `verify_topics` says whether they are right.
    """
    specs = {spec.name: spec for spec in topic_specs(settings).values()}
    async with _admin(settings) as admin:
        before = await _existing(admin, specs)
        wanted = [
            NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=spec.configs())
            for spec in specs.values()
            if spec.name not in before
        ]
        result = Created(existed=sorted(before))
        if wanted:
            answer = await admin.create_topics(wanted)
            for name, code, *message in answer.topic_errors:
                _sort_answer(result, specs[name], code, str(message[0]) if message and message[0] else "")
            await _await_leaders(admin, specs)
        return result


async def verify_topics(settings: Settings) -> Verified:
    """Compares the broker's topics with the specs. Raises TopicsError when it cannot be asked at all."""
    specs = {spec.name: spec for spec in topic_specs(settings).values()}
    result = Verified()
    async with _admin(settings) as admin:
        found = await _existing(admin, specs)
        configs = await _configs(admin, found, result.notes)
    for name, spec in specs.items():
        if name not in found:
            result.problems.append(Problem(name, "does not exist", "create it: warden topics create"))
            continue
        if found[name] != spec.partitions:
            result.problems.append(_wrong_partitions(spec, found[name]))
        if name in configs:
            result.problems.extend(_wrong_configs(spec, configs[name]))
    return result


def _spec(
    settings: Settings,
    role: Role,
    key: Key,
    *,
    cleanup: Cleanup = "delete",
    hours: int | None = None,
    size: int | None = None,
    partitions: int | None = None,
) -> TopicSpec:
    """The spec of a topic; an input's retention and size, and the partitions of all, when none are given."""
    kept = settings.retention_input_hours if hours is None else hours
    return TopicSpec(
        role=role,
        name=settings.topic_prefix + role,
        key=key,
        partitions=settings.partitions if partitions is None else partitions,
        replication=settings.replication,
        min_insync_replicas=settings.min_insync_replicas,
        cleanup=cleanup,
        retention_ms=kept * _HOUR_MS if kept and cleanup == "delete" else None,
        max_message_bytes=settings.max_record_bytes if size is None else size,
    )


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client; everything that goes wrong in its block is a TopicsError."""
    try:
        admin = AIOKafkaAdminClient(**client_options(settings), client_id="streamwarden-topics")
        try:
            await started(admin)
            yield admin
        finally:
            await admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        raise TopicsError(await broker_trouble(settings, error)) from error


async def _existing(admin: AIOKafkaAdminClient, wanted: Iterable[str]) -> dict[str, int]:
    """Partitions of those of `wanted` that exist. All topics are listed: asking for one could create it."""
    names = set(wanted)
    found = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in found if topic["topic"] in names}


def _sort_answer(result: Created, spec: TopicSpec, code: int, message: str) -> None:
    if code == 0:
        result.created.append(spec.name)
        return
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        result.existed.append(spec.name)
        return
    why = message or getattr(error, "description", "") or error.__name__
    if error in (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
        hint = "docs/security.md lists the rights that each task needs"
        raise TopicsError(f"the broker refuses topic {spec.name}: this login may not create it ({why})\n    {hint}")
    raise TopicsError(
        f"the broker refuses topic {spec.name} ({spec.partitions} partitions, {spec.replication} copies): {why}\n"
        "    check WARDEN_PARTITIONS and WARDEN_REPLICATION against the number of brokers, and the client's rights"
    )


async def _await_leaders(admin: AIOKafkaAdminClient, specs: Mapping[str, TopicSpec]) -> None:
    """Returns once every partition of every topic has a leader. Raises TopicsError after 30 s."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        waiting = [
            name for name in specs if not found.get(name) or any(partition["error_code"] for partition in found[name])
        ]
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise TopicsError(
                f"{', '.join(waiting)}: created, but without a leader after {_READY_SECONDS:g} s\n"
                "    look at the brokers' logs"
            )
        await asyncio.sleep(0.1)


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str], notes: list[str]) -> dict[str, dict[str, str]]:
    """Topic -> its configuration. A broker that does not say adds a note instead."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    try:
        answers = await admin.describe_configs(resources)
    except Exception as error:  # whatever a broker without this request makes of it: it is no reason to stop
        notes.append(f"this broker does not tell topics' settings ({type(error).__name__}): cleanup is not verified")
        return {}
    result: dict[str, dict[str, str]] = {}
    for answer in answers:
        for code, message, _, name, entries, *_ in answer.resources:
            if code or not entries:
                why = f" ({message or for_code(code).__name__})" if code else ""
                notes.append(f"{name}: this broker does not tell its settings{why}: cleanup is not verified")
            else:
                result[name] = {entry[0]: _text(entry[1]) for entry in entries}
    return result


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _wrong_partitions(spec: TopicSpec, count: int) -> Problem:
    if spec.role in {"controls", "packs"}:
        hint = "delete the topic and create it anew: its records have one order"
        return Problem(spec.name, f"has {count} partitions, not {spec.partitions}", hint)
    return Problem(
        spec.name,
        f"has {count} partitions, not {spec.partitions}",
        f"set WARDEN_PARTITIONS={count} if all topics have that many; else delete the topic and create it anew",
    )


def _wrong_configs(spec: TopicSpec, configs: Mapping[str, str]) -> Iterable[Problem]:
    cleanup = configs.get("cleanup.policy", spec.cleanup)
    if cleanup != spec.cleanup:
        why = "what still holds would be deleted with age" if spec.cleanup == "compact" else "records would vanish"
        hint = f"set its cleanup.policy to {spec.cleanup}: {why} otherwise"
        yield Problem(spec.name, f"has cleanup.policy {cleanup}, not {spec.cleanup}", hint)
    size = configs.get("max.message.bytes", "")
    if size.isdecimal() and int(size) < spec.max_message_bytes:
        hint = f"set its max.message.bytes to {spec.max_message_bytes} or more: what it must hold would be refused"
        yield Problem(spec.name, f"takes records of {size} bytes, not {spec.max_message_bytes}", hint)
