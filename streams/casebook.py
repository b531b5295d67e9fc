"""What moderators decide about, as the topics tell it: an enforcement by its id, and all reviews as they stand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from rules.decisions import BanEntry, Enforcement, Lift, Review
from rules.events import Appeal, InvalidEventError
from streams.codec import Record, decode_ban, decode_enforcement, decode_record
from streams.compacted import opened, until_now
from streams.refusals import refusal
from streams.settings import Settings
from streams.topics import TopicNames, topic_names

_REVIEW = msgspec.json.Decoder(Review)
Tell = Callable[[int], None]
_TELL_EVERY = 5_000
"""Records between two calls of `tell`."""


@dataclass(slots=True)
class EnforcementFile:
    """All that is known of one enforcement, by its id.

    subject: whose it is; None when nothing is known of it. `made` may be gone with age while `held`, its place on the
    ban list, says that it holds. appeals: the verdicts on it that workers took, or have not yet refused.
    """

    id: str
    subject: str | None = None
    made: Enforcement | None = None
    held: BanEntry | None = None
    lifted: Lift | None = None
    appeals: list[Appeal] = field(default_factory=list)

    def verdict(self, identity: str = "") -> Appeal | None:
        """The verdict on it, which is final; None without one, and when it is the appeal of this id, repeated."""
        if any(appeal.id == identity for appeal in self.appeals):
            return None
        return self.appeals[0] if self.appeals else None

    def in_force(self, at: datetime) -> bool:
        """Whether it is on the ban list."""
        return self.held is not None and (self.held.ends is None or self.held.ends > at)


@dataclass(slots=True)
class Reviews:
    """The newest record of every review, by id; `unreadable` counts records that are no reviews."""

    newest: dict[str, Review] = field(default_factory=dict)
    unreadable: int = 0


async def enforcement_file(settings: Settings, enforcement: str, tell: Tell = lambda _read: None) -> EnforcementFile:
    """What the topics know of an enforcement. `tell(read)`: how many records were read. Raises TopicsError."""
    names = topic_names(settings)
    found = EnforcementFile(enforcement)
    appeals: dict[str, Appeal] = {}
    refused: set[str] = set()
    wanted = enforcement.encode()
    async with opened(settings, names.enforcements, names.appeals, names.dead_letters, names.bans) as reader:
        read = 0
        async for record in until_now(reader):
            read += 1
            if read % _TELL_EVERY == 0:
                tell(read)
            if record.topic == names.bans or (record.value is not None and wanted in record.value):
                try:
                    _file(found, record, names, appeals, refused)
                except (InvalidEventError, UnicodeDecodeError):
                    continue
        tell(read)
    found.appeals = [appeal for identity, appeal in appeals.items() if identity not in refused]
    return found


def _file(
    found: EnforcementFile, record: Record, names: TopicNames, appeals: dict[str, Appeal], refused: set[str]
) -> None:
    """Takes in what a record says of the enforcement. Raises InvalidEventError, UnicodeDecodeError."""
    if record.topic == names.enforcements:
        said = decode_enforcement(record.value)
        if isinstance(said, Lift) and said.enforcement == found.id:
            found.lifted = said
        elif isinstance(said, Enforcement) and said.id == found.id:
            found.made, found.lifted, found.subject = said, None, said.subject
    elif record.topic == names.bans:
        _file_ban(found, record)
    elif record.topic == names.appeals:
        event, _ = decode_record("appeal", record.key, record.value, record.headers)
        if isinstance(event, Appeal) and event.enforcement == found.id:
            appeals.setdefault(event.id, event)
    elif (letter := refusal(record, {names.appeals: "appeal"})) is not None:
        refused.add(letter.event.id)


def _file_ban(found: EnforcementFile, record: Record) -> None:
    """The newest record of a subject says what is on the ban list."""
    subject = (record.key or b"").decode()
    named = record.value is not None and found.id.encode() in record.value
    if not named:
        if subject == found.subject:
            found.held = None
        return
    ban = decode_ban(record.value)
    for entry in ban.sanctions if ban is not None else ():
        if entry.enforcement == found.id:
            found.held, found.subject = entry, subject


async def current_reviews(settings: Settings, tell: Tell = lambda _read: None) -> Reviews:
    """The reviews as of now. `tell(read)`: how many records were read. Raises TopicsError."""
    found = Reviews()
    async with opened(settings, topic_names(settings).reviews) as reader:
        read = 0
        async for record in until_now(reader):
            read += 1
            if read % _TELL_EVERY == 0:
                tell(read)
            try:
                review = _REVIEW.decode(record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError):
                found.unreadable += 1
                continue
            if review.subject.encode("utf-8", "replace") != record.key:
                found.unreadable += 1
                continue
            found.newest[review.id] = review
        tell(read)
    return found
