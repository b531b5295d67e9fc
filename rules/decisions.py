"""What the engine says: violations, enforcements, bans, reviews and dead letters, as immutable values.

Ids are functions of content, so a replay makes the same ids again and a consumer can drop repeats.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Literal

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


Cause = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
"""An id as `content_id` makes them."""


class EventRef(msgspec.Struct, frozen=True, gc=False):
    """Which event it was."""

    id: str
    type: str


class Violation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="violation"):
    """One rule broken by one event, charged to one subject.

    `cause` is the id that the charges of one rule and event have in common; `linked` are the other subjects that it is
    charged to, MAX_LINKED at most: what is retracted from one is retracted from all.
    `holds_share_api`: the subject is an account, and the event named no application, so that the
    sanctions on share interfaces land on the account.
    `followers` and `recipients`: of an account, how many follow it and how many this mass send went to, so that a
    sanction that would reach so many can wait for a person; 0 for other subjects and where nothing is known.
    """

    id: str
    cause: Cause
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
    linked: list[str] = []
    followers: int = 0
    recipients: int = 0


class Notice(msgspec.Struct, frozen=True, gc=False):
    """What the sanctioned party is told."""

    zh: str
    en: str


class Enforcement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="enforcement"):
    """A sanction that now holds for a subject. `ends` is None when it is permanent, or a warning.

    `rung` counts from 1; it is 0, and the ladder BY_HAND, for what a moderator ordered. `previous` is the enforcement
    of the same ladder and action that this one follows, or takes the place of. `because`: the id of the appeal, order
    or decision of a moderator that led to it; empty for what violations alone led to.
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
    because: str = ""


class Lift(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="lift"):
    """A sanction that no longer holds before its time: the compensation of `enforcement`.

    `because` is the id of the appeal or order behind it, `moderator` and `reason` are its own. `rules` are those whose
    violations were retracted, where some were: feedback against them.
    """

    id: str
    subject: str
    action: Action
    ladder: str
    enforcement: str
    because: str
    moderator: str
    reason: str
    rules: list[str]
    pack: str
    time: datetime


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


ReviewReason = Literal["by_report", "brigade", "quota", "protected"]
"""Why a person decides: the clause asks for it; reports that look like a campaign; a quota is used up; too many others
would be hit."""
ReviewStatus = Literal["open", "approved", "rejected", "closed"]


class Review(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review"):
    """A case for a person. Its newest record says how it stands: while it is open, a violation that changes what
    approving would do is told under the same id.

    proposed:  what approving it would put in force, on `rung` of `ladder`, for `lasts` seconds from the approval on,
               None for good (or for a warning, which forbids nothing).
    detail:    why it is held, in a line for a person.
    reporters: how many people reported the subject, where the clause waits for them.
    evidence:  that of the violation that opened or changed the case; one that a report opened has none, and names the
               violations that do.
    status:    `closed` when what it was about is gone: retracted, forgotten, or decided by hand.
    because:   the id of the decision, appeal or order that ended it.
    """

    id: str
    subject: str
    reason: ReviewReason
    detail: str
    status: ReviewStatus
    clauses: list[str]
    rule: str
    violations: list[str]
    evidence: list[Evidence]
    proposed: list[Action]
    ladder: str
    rung: int
    lasts: int | None
    pack: str
    time: datetime
    reporters: int = 0
    because: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="dead_letter"):
    """Input that could not be taken. `reason` is a bounded word, `detail` one line for a person."""

    reason: str
    detail: str
    source: str
    position: int
    body: str


Decision = Violation | Enforcement | Lift | Review

BY_HAND = "by_hand"
"""The ladder of what moderators order."""
MAX_LINKED = 16
"""Other subjects that a violation names: the account, domains, IPs and the application before links."""


def linked(subject: str, charged: Iterable[str]) -> list[str]:
    """Of the subjects that are charged with the same, those other than `subject`."""
    others = [other for other in charged if other != subject]
    return others if len(others) <= MAX_LINKED else sorted(others, key=_is_link)[:MAX_LINKED]


def _is_link(subject: str) -> bool:
    return subject.startswith("link:")


def content_id(*parts: str) -> str:
    """A 128-bit BLAKE2b of `parts` in hex: the same content has the same id on every machine.

    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    text = "".join([_LENGTHS[len(part)] + part if len(part) < _SHORT else _LONG for part in parts])
    if text.isascii():  # as mostly: all parts are, and short
        return blake2b(text.encode("ascii"), digest_size=16).hexdigest()
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return blake2b(b"".join([len(data).to_bytes(4, "big") + data for data in encoded]), digest_size=16).hexdigest()


_SHORT = 128
_LENGTHS = [f"\0\0\0{chr(length)}" for length in range(_SHORT)]
"""Prefixes of parts shorter than _SHORT, four bytes in ASCII."""
_LONG = "\x80"
"""Stands for a longer part, and is no ASCII."""
