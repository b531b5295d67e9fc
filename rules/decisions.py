"""What the engine says: violations, enforcements, bans, reviews and dead letters, as immutable values.

Ids are functions of content, so a replay makes the same ids again and a consumer can drop repeats.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Literal

import msgspec

SubjectKind = Literal["account", "link", "domain", "ip", "app"]
SUBJECT_KINDS: tuple[SubjectKind, ...] = ("account", "link", "domain", "ip", "app")

Mode = Literal["enforce", "shadow", "off"]
Severity = Literal["ordinary", "egregious"]
Action = Literal[
    "warn",
    "stop_spread",
    "block_access",
    "suspend_share_api",
    "suspend_account",
    "ban_account",
    "ban_domain",
    "ban_ip",
    "ban_share_api",
]
"""The sanctions of the source documents, and `warn`: the notice of a first rung that forbids nothing."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Why a rule fired: the `quote` stands at [start, end) in code points of the original `field`."""

    signal: str
    field: str
    quote: str
    start: int = 0
    end: int = 0


class EventRef(msgspec.Struct, frozen=True, gc=False):
    """Which event it was."""

    id: str
    type: str


class Violation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="violation"):
    """One rule broken by one event, charged to one subject.

    `holds_share_api`: the subject is an account, and the event named no application, so that the
    sanctions on share interfaces land on the account.
    """

    id: str
    event: EventRef
    subject: str
    clause: str
    rule: str
    mode: Mode
    severity: Severity
    evidence: list[Evidence]
    time: datetime
    pack: str
    holds_share_api: bool = False


class Notice(msgspec.Struct, frozen=True, gc=False):
    """What the sanctioned party is told."""

    zh: str
    en: str


class Enforcement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="enforcement"):
    """A sanction that now holds for a subject. `ends` is None when it is permanent, or a warning.

    `rung` counts from 1. `previous` is the enforcement of the same ladder and action that this one follows.
    """

    id: str
    subject: str
    action: Action
    ladder: str
    rung: int
    permanent: bool
    starts: datetime
    ends: datetime | None
    clauses: list[str]
    rule: str
    violations: list[str]
    evidence: list[Evidence]
    notice: Notice
    pack: str
    time: datetime
    previous: str | None


class BanEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One sanction in force. `ends` is None when it is permanent."""

    action: Action
    ladder: str
    rung: int
    permanent: bool
    starts: datetime
    ends: datetime | None
    clauses: list[str]
    enforcement: str


class Ban(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ban"):
    """Everything in force for one subject: the value of its record on the compacted `bans` topic."""

    subject: str
    sanctions: list[BanEntry]
    time: datetime


class Review(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review"):
    """A case for a person: `proposed` is what approving it would put in force.

    `reporters`: how many people reported the subject, where the clause waits for them. `evidence` is that of the
    violation that opened the case; one that a report opened has none, and names the violations that do.
    """

    id: str
    subject: str
    reason: Literal["by_report"]
    clauses: list[str]
    rule: str
    violations: list[str]
    evidence: list[Evidence]
    proposed: list[Action]
    pack: str
    time: datetime
    reporters: int = 0


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="dead_letter"):
    """Input that could not be taken. `reason` is a bounded word, `detail` one line for a person."""

    reason: str
    detail: str
    source: str
    position: int
    body: str


Decision = Violation | Enforcement | Review


def content_id(*parts: str) -> str:
    """A 128-bit BLAKE2b of `parts` in hex: the same content has the same id on every machine.

    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return blake2b(b"".join(len(data).to_bytes(4, "big") + data for data in encoded), digest_size=16).hexdigest()
