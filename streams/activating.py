"""Putting a published pack in force, and taking that back: what `warden packs` and the API share."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from rules.activations import Activates, Activation
from rules.decisions import content_id
from rules.packs.archive import Archive
from rules.packs.source import did_you_mean
from streams.pack_topic import PackTopic, current_packs, publish
from streams.settings import Settings

ROLES = ("live", "canary", "shadow")
"""Names that stand for the pack that is in force so."""


class ActivationError(ValueError):
    """A pack cannot be put in force so; the message says why and what to do. `overtaken`: somebody else was faster."""

    def __init__(self, message: str, *, overtaken: bool = False) -> None:
        super().__init__(message)
        self.overtaken = overtaken


class NothingToTakeBackError(ActivationError):
    """No activation stands: workers judge by the pack of their settings."""


def digest_of(topic: PackTopic, name: str) -> str:
    """The digest that a name stands for, empty for the pack of the settings. Raises ActivationError."""
    standing = topic.log.newest
    if name in ROLES:
        digest = {"live": standing.live, "canary": standing.canary, "shadow": standing.shadow}[name]
        if not digest and name != "live":
            raise ActivationError(f"no pack is {name} now\n    look: warden packs history")
        return digest
    labels = topic.log.labels()
    found = [digest for digest, label in labels.items() if label == name]
    found = found or [digest for digest, label in labels.items() if label.startswith(f"{name}+")]
    found = found or [digest for digest in labels if len(name) >= 4 and digest.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ActivationError(
            f"{name!r} may be any of {len(found)} packs\n    name one by its digest: warden packs history"
        )
    raise ActivationError(f"no published pack is called {name!r}\n    {did_you_mean(name, labels.values())}")


def activation(do: Activates, digest: str, label: str, *, why: str, by: str, **more: Any) -> Activation:
    """The record to write; its id is its own, so doing the same twice is two records. Raises ActivationError for what
    workers would refuse."""
    who, reason, now = by.strip(), why.strip(), datetime.now(UTC)
    identity = content_id("activation", do, digest, who, reason, now.isoformat())
    record = Activation(id=identity, do=do, pack=digest, label=label, by=who, why=reason, time=now, **more)
    try:
        return msgspec.convert(msgspec.to_builtins(record), Activation)
    except msgspec.ValidationError as error:
        hint = "give a name in one line, and a reason"
        raise ActivationError(f"workers would refuse the record: {error}\n    {hint}") from None


def to_activate(topic: PackTopic, pack: str, do: Activates, *, why: str, by: str, **more: Any) -> Activation:
    """The record that puts a published pack in force. Raises ActivationError."""
    digest = digest_of(topic, pack)
    if not digest:
        raise ActivationError("the pack of the settings is no published pack: warden packs rollback leads back to it")
    return activation(do, digest, topic.log.labels()[digest], why=why, by=by, **more)


def to_roll_back(topic: PackTopic, *, why: str, by: str) -> Activation:
    """The record that takes the newest activation back. Raises ActivationError when there is none."""
    before = topic.log.rolled_back()
    if before is None:
        raise NothingToTakeBackError("there is nothing to take back: workers judge by the pack of their settings")
    label = topic.log.labels().get(before.live, "")
    return activation("rollback", before.live, label, why=why, by=by, of=topic.log.newest.at)


async def put(settings: Settings, archive: Archive | None, record: Activation) -> tuple[int, PackTopic]:
    """Writes a record, and before it a pack that the topic does not have; its offset, and what the topic says then.

    Raises ActivationError when somebody else was faster, and TopicsError.
    """
    offset = await publish(settings, archive, record)
    topic = await current_packs(settings)
    if offset not in topic.log.standings:
        raise ActivationError(
            "somebody else has activated a pack meanwhile, and this changed nothing\n    look: warden packs history",
            overtaken=True,
        )
    return offset, topic
