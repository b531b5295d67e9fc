"""What is remembered of a subject between events, and how it is stored. Values and bytes only."""

from typing import NamedTuple

import msgspec

from rules.decisions import Action, ReviewReason
from rules.offences import Offence
from rules.reporters import is_reporter
from rules.reports import StoredReport

MAX_DECIDED = 50
"""Appeals, and orders, remembered for one subject; the newest stay."""
MAX_EVADING = 200
"""Violations remembered of a domain as coming from an IP that was punished; the newest stay."""
MAX_RETRACTED = 200
"""Retracted offences remembered of one subject; the newest stay."""
MAX_TRAIL = 12
"""Announcements remembered of one subject: those that stand, and the newest."""
CAUSE = 4
"""Bytes of a cause that tell it apart in an announcement."""
QUOTAS = "quotas:"
"""The key of what the quotas of a partition have granted, beside those of subjects and reporters."""

PENDING = "?"
"""Behind a ladder's name: its violations that a person must approve, because the clause asks for it."""
WAITING = "??"
"""The same, once enough people have reported the subject."""
HELD = "!"
"""The same, because a safety limit keeps them from being enforced."""
_MARKS = ("", PENDING, WAITING, HELD)
VOID = "void"
"""What an order does that an appeal has overturned: nothing."""
NEVER = 253_402_300_799_999
"""9999-12-31, in ms: nothing is due."""


class StoredAppeal(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An appeal as a subject remembers it."""

    time: int
    id: str
    enforcement: str
    verdict: str


class StoredOrder(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A moderator's order as a subject remembers it. Times in ms; `until` None for never. `do` is VOID once an appeal
    has overturned it."""

    time: int
    id: str
    do: str
    action: Action | None
    until: int | None


class Announced(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An enforcement as it was announced. `ends` in ms, None for never; `causes`: the first CAUSE bytes of those of the
    offences behind it. `stands`: it is the last of its ladder and action, and was not lifted."""

    id: bytes
    ladder: str
    action: Action
    ends: int | None
    causes: list[bytes]
    stands: bool = True


class Case(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The review that is open for a ladder, with what its newest record says."""

    id: str
    reason: ReviewReason
    detail: str
    rung: int
    proposed: tuple[Action, ...]
    clauses: tuple[str, ...]


class SubjectState(msgspec.Struct, array_like=True):
    """All that is remembered of a subject.

    due:       ms; when time alone next changes something: a sanction ends, or something may be forgotten.
    banned:    whether a sanction was in force at `time`.
    time:      ms; the newest event seen for the subject.
    offences:  by ladder; PENDING, WAITING or HELD behind the name marks those that lead to nothing yet.
    retracted: offences that count no more, and (with empty names) causes retracted before they arrived.
    evading:   (ms, cause) of violations of a domain that was new on a punished IP.
    orders:    in the order they came, which is that of their topic.
    cases:     the open reviews, by the key of the offences they are about.
    trail:     what was announced, the newest last: a record may no longer show what once followed from it.
    """

    due: int = 0
    banned: bool = False
    time: int = 0
    offences: dict[str, list[Offence]] = {}
    reports: list[StoredReport] = []
    appeals: list[StoredAppeal] = []
    retracted: list[Offence] = []
    evading: list[tuple[int, bytes]] = []
    orders: list[StoredOrder] = []
    cases: dict[str, Case] = {}
    trail: list[Announced] = []

    def enforced(self, ladder: str) -> list[Offence]:
        """The offences of a ladder that count."""
        return self.offences.get(ladder, [])

    def told(self, ladder: str, action: str) -> Announced | None:
        """The announcement that stands for a ladder and action."""
        for old in self.trail:
            if old.stands and old.action == action and old.ladder == ladder:
                return old
        return None

    def tell(self, announced: Announced) -> None:
        """Adds an announcement, which takes the place of the one that stood."""
        self.untell(announced.ladder, announced.action)
        kept = [old for old in self.trail if old.id != announced.id]
        spare = len(kept) + 1 - MAX_TRAIL
        for old in kept.copy() if spare > 0 else ():
            if spare > 0 and not old.stands:
                kept.remove(old)
                spare -= 1
        self.trail = [*kept, announced]

    def untell(self, ladder: str, action: str) -> None:
        """Marks the announcement that stands for a ladder and action as one that does no more."""
        standing = self.told(ladder, action)
        if standing is not None:
            over = msgspec.structs.replace(standing, stands=False)
            self.trail = [over if old is standing else old for old in self.trail]

    def knows(self, cause: bytes, ladder: str) -> bool:
        """Whether an offence of a ladder is remembered already, or retracted."""
        for key, offences in self.offences.items():
            if key.startswith(ladder) and key[len(ladder) :] in _MARKS:
                for offence in offences:
                    if offence.cause == cause:
                        return True
        return bool(self.retracted) and any(offence.cause == cause for offence in self.retracted)


class Record(NamedTuple):
    """A subject with its state."""

    subject: str
    state: SubjectState


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SubjectState)


def encode_subject(state: SubjectState) -> bytes:
    """The state as bytes."""
    return _ENCODER.encode(state)


def decode_subject(data: bytes | None) -> SubjectState:
    """The state in `data`; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else SubjectState()


def is_other(key: str) -> bool:
    """Whether what is kept under a key is the record of no subject: a reporter's, or the quotas'."""
    return key == QUOTAS or is_reporter(key)


def ladder_name(key: str) -> str:
    """The ladder of a key of `SubjectState.offences`."""
    return key.rstrip(PENDING + HELD)


def is_enforced(key: str) -> bool:
    """Whether the offences of a key count, rather than wait for a person."""
    return not key.endswith((PENDING, HELD))
