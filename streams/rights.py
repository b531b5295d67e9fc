"""What a login has no right to on the brokers: which rights it lacks, and the command that grants them.

A broker that refuses is no broker that is away: nothing changes before somebody grants the right, so whoever asks is
told which one it is, and the log has the command once.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from streams.access.trouble import broker_trouble
from streams.settings import Settings
from streams.topics import TopicsError

logger = logging.getLogger(__name__)

Operation = Literal["Read", "Write", "Describe"]

_OTHERS_S = 1.0
"""How long other topics are looked at, once one may not be read."""
_told: set["Right"] = set()


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """An operation on a topic or a group, in the words of `kafka-acls.sh`."""

    operation: Operation
    kind: Literal["topic", "group"]
    name: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.kind} {self.name}"


class RightsError(TopicsError):
    """The brokers refuse because this login lacks `rights`; `grant`: the commands that an administrator gives."""

    def __init__(self, settings: Settings, rights: Iterable[Right]) -> None:
        self.rights = tuple(sorted(set(rights)))
        self.grant = "; ".join(_commands(settings, self.rights))
        super().__init__(
            f"Kafka at {settings.bootstrap}: this login has no right to it: {', '.join(map(str, self.rights))}\n"
            f"    grant it: {self.grant} (docs/security.md lists the rights that each task needs)"
        )


def refused(settings: Settings, error: BaseException, operation: Operation = "Read") -> RightsError | None:
    """The right that an error of aiokafka's is about; None when it is about none. `operation`: what was tried, of a
    topic; of a group it is always to look at it."""
    match error:
        case TopicAuthorizationFailedError(args=(str() as topic, *_)):
            return RightsError(settings, [Right(operation, "topic", topic)])
        case GroupAuthorizationFailedError():
            return RightsError(settings, [Right("Describe", "group", settings.app_id)])
    return None


async def kafka_error(settings: Settings, error: BaseException, operation: Operation = "Read") -> TopicsError:
    """What is to be raised for a KafkaError, OSError or TimeoutError of a client; `operation`: see `refused`."""
    return refused(settings, error, operation) or TopicsError(await broker_trouble(settings, error))


async def unreadable(settings: Settings, reader: AIOKafkaConsumer, first: KafkaError) -> RightsError:
    """All that a consumer may not read of what it is assigned, once it was refused `first`: whoever grants rights does
    it once. The consumer is of no use afterwards."""
    found = {str(first.args[0])}
    deadline = time.monotonic() + _OTHERS_S
    while time.monotonic() < deadline:
        try:
            await reader.getmany(timeout_ms=100)
        except TopicAuthorizationFailedError as error:
            found.add(str(error.args[0]))
    return RightsError(settings, [Right("Read", "topic", name) for name in found])


def say(error: RightsError, consequence: str) -> None:
    """Logs what to grant: each right once in a process, however often it is missed. `consequence`: what does not work
    without it."""
    if _told.issuperset(error.rights):
        return
    _told.update(error.rights)
    logger.error("%s: %s", consequence, error)


def _commands(settings: Settings, rights: Sequence[Right]) -> list[str]:
    """One for each operation and kind."""
    start = f"kafka-acls.sh --bootstrap-server {settings.bootstrap} --add"
    start += f" --allow-principal User:{settings.sasl_user or 'LOGIN'}"
    kinds = sorted({(right.operation, right.kind) for right in rights})
    return [
        f"{start} --operation {operation} "
        + " ".join(f"--{kind} {right.name}" for right in rights if (right.operation, right.kind) == (operation, kind))
        for operation, kind in kinds
    ]
