"""What an export target is."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from rules.decisions import Ban


class Snapshot(NamedTuple):
    """The ban list for a target. `bans`: every subject that it wants and that has a sanction, ended ones included;
    `at`: the time for which to say what is in force. `changed`: the subjects that may differ from what was published
    last; None means all, and that the target may hold anything. `as_of`: when the list was last known to hold all that
    is on the topic, in seconds since 1970."""

    bans: Mapping[str, Ban]
    at: datetime
    changed: Collection[str] | None
    as_of: float


class Published(NamedTuple):
    """What publishing did. `entries`: how many were written or stood already; `skipped`: subjects that the target
    cannot express; `changed`: whether anything was written."""

    entries: int
    skipped: int
    changed: bool


class ExportError(Exception):
    """The target could not be written; the message says what, why and what to do. It is tried again."""


class Target(Protocol):
    """Where the ban list goes. Called from one thread at a time."""

    @property
    def heartbeat_s(self) -> float | None:
        """How often to publish though nothing changed, in seconds; None: never."""

    @property
    def ends_by_itself(self) -> bool:
        """Whether sanctions end there on time without being published again."""

    def wants(self, subject: str) -> bool:
        """Whether a subject can be of use here; the others are not kept in memory."""

    def publish(self, snapshot: Snapshot) -> Published:
        """Makes the target say what is in force. Raises ExportError."""

    def close(self) -> None:
        """Lets go of connections."""
