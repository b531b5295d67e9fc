"""What can arrive: posts, shares, mass sends, reports, and what moderators decide, validated while they are decoded.

Promises that an event object is well-formed: required fields are there, times carry a zone, every
list and string is within its limit. Knows nothing of Kafka; `streams/codec.py` brings bytes and
headers here. One msgspec pass decodes and validates a 600-byte event in about 3.5 µs, against 4.5 µs
for orjson followed by `msgspec.convert` (`python -m benchmarks.decoding` prints both).
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, assert_never

import msgspec

from rules.decisions import Action

EventType = Literal["post", "share", "mass_send", "report", "appeal", "review_decision", "order"]
Scene = Literal["moments", "chat", "favourite"]
Channel = Literal["followers", "nearby", "drift_bottle"]
Verdict = Literal["overturned", "upheld"]
ReviewVerdict = Literal["approved", "rejected"]

MAX_TEXT = 200_000
"""Longest text of one field, in code points; a WeChat article body ends well below 50,000."""
MAX_HTML = 2_000_000
"""Longest HTML of one page, in code points."""
MAX_RECIPIENTS = 10**12
"""Most recipients of one mass send: above any platform, and sums of them stay exact as floats."""
MAX_FOLLOWERS = 10**12
"""Most followers of one account: above any platform."""
MAX_REDIRECTS = 20
"""Most redirects of one page: browsers give up after twenty."""
MAX_EVENT_BYTES = 4_000_000
"""Longest encoded event. Larger ones are refused before they are parsed."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Html = Annotated[str, msgspec.Meta(max_length=MAX_HTML)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Ip = Annotated[str, msgspec.Meta(min_length=2, max_length=45, pattern=r"^[0-9A-Fa-f.:]+$(?!\n)")]
Followers = Annotated[int, msgspec.Meta(ge=0, le=MAX_FOLLOWERS)]
"""How many follow the author, as the platform knows it; 0 where it does not say."""
Urls = Annotated[list[Url], msgspec.Meta(max_length=100)]
Subject = Annotated[
    str, msgspec.Meta(max_length=2048, pattern=r"^(account|link|domain|ip|app):[^\x00-\x1f\x7f]+$(?!\n)")
]
"""`kind:key`, for example `account:alice` or `domain:example.com`."""


class Page(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The landing page of a share, as the feed fetched it. This engine never fetches anything.

    `redirects`: the URLs that the shared link led through, in order; `final_url` is where they ended.
    """

    redirects: Annotated[list[Url], msgspec.Meta(max_length=MAX_REDIRECTS)] = []
    final_url: Url | None = None
    ip: Ip | None = None
    title: Text = ""
    text: Text = ""
    html: Html = ""


class Post(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """Something an account published. `app` is the open-platform application it came through."""

    type: ClassVar[EventType] = "post"
    id: Name
    account: Name
    time: Time
    title: Text = ""
    text: Text
    html: Html = ""
    links: Urls = []
    app: Name | None = None
    ip: Ip | None = None
    followers: Followers = 0


class Share(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A link passed on: to Moments, to a chat, or to the favourites."""

    type: ClassVar[EventType] = "share"
    id: Name
    account: Name
    time: Time
    url: Url
    title: Text = ""
    desc: Text = ""
    scene: Scene
    app: Name | None = None
    page: Page | None = None
    followers: Followers = 0


class MassSend(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """One message to many. `promotes` lists accounts it recommends, `copied_from` the original's author."""

    type: ClassVar[EventType] = "mass_send"
    id: Name
    account: Name
    time: Time
    title: Text = ""
    text: Text
    links: Urls = []
    channel: Channel
    recipients: Annotated[int, msgspec.Meta(ge=0, le=MAX_RECIPIENTS)]
    promotes: Annotated[list[Name], msgspec.Meta(max_length=100)] = []
    copied_from: Name | None = None
    followers: Followers = 0


class Report(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A user's complaint about a subject. `event` is the id of what was seen, when known.

    `ip`, `device`: what it was sent from, when known. Reporters who share one count as one; only hashes are kept.
    """

    type: ClassVar[EventType] = "report"
    id: Name
    subject: Subject
    reporter: Name
    category: Name
    event: Name | None = None
    time: Time
    comment: Text = ""
    ip: Ip | None = None
    device: Name | None = None


class Appeal(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A moderator's verdict on one enforcement of one subject."""

    type: ClassVar[EventType] = "appeal"
    id: Name
    subject: Subject
    enforcement: Name
    verdict: Verdict
    moderator: Name
    reason: Text
    time: Time


class ReviewDecision(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A moderator's decision on one review: what it proposes comes into force, or does not."""

    type: ClassVar[EventType] = "review_decision"
    id: Name
    subject: Subject
    review: Name
    verdict: ReviewVerdict
    moderator: Name
    reason: Text
    time: Time


class Order(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A sanction that a moderator imposes on a subject, or clears away.

    action: what is imposed; when clearing, what is cleared, None for all. until: when an imposed sanction ends, None
    for never; when clearing, until when the subject is exempt, None for only what is in force now.
    """

    type: ClassVar[EventType] = "order"
    id: Name
    subject: Subject
    do: Literal["sanction", "clear"]
    action: Action | None = None
    until: Time | None = None
    moderator: Name
    reason: Text
    time: Time


Content = Post | Share | MassSend
"""What SCREEN judges: keyed by account."""
Moderation = Appeal | ReviewDecision | Order
"""What moderators decide: keyed by subject."""
Event = Content | Report | Moderation
CONTENT_TYPES = (Post, Share, MassSend)
"""The structs of Content, for `isinstance` on the hot path: `A | B` there makes a new union at every call."""

STRUCTS: dict[EventType, type[Event]] = {
    "post": Post,
    "share": Share,
    "mass_send": MassSend,
    "report": Report,
    "appeal": Appeal,
    "review_decision": ReviewDecision,
    "order": Order,
}
_DECODERS = {name: msgspec.json.Decoder(struct) for name, struct in STRUCTS.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MILLIS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last instant a datetime holds


Refusal = Literal[
    "undecodable", "invalid", "oversize", "null", "missing_key", "key_mismatch", "unknown_type",
    "unknown_enforcement", "unknown_review", "final", "cannot_land", "future", "too_old",
]  # fmt: skip
"""Why input is not taken. `missing_key`, `key_mismatch` and `unknown_type`: its record's key or its line's type is
wrong. `future` and `too_old`: its time cannot be right. The others are moderators' decisions with nothing to decide:
the subject has no such enforcement, or no such review open; there is a final verdict already; the sanction is none for
that kind of subject."""


class InvalidEventError(ValueError):
    """The bytes are no valid event. `reason` is a bounded word for counting, the message says more."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reason: Refusal = reason


def decode_event(kind: EventType, body: bytes | None) -> Event:
    """The event in `body`, which is JSON in UTF-8.

    Raises InvalidEventError: `null` without a body, `oversize` past MAX_EVENT_BYTES, `undecodable`
    when it is no JSON, `invalid` when a field is missing, of a wrong type or outside its limits.
    """
    if body is None:
        raise InvalidEventError("null", "the record has no value")
    if len(body) > MAX_EVENT_BYTES:
        raise InvalidEventError("oversize", f"{len(body)} bytes; an event has at most {MAX_EVENT_BYTES} bytes")
    try:
        return _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("undecodable", str(error)) from None


def convert_event(kind: EventType, fields: object) -> Event:
    """The event in `fields`, a decoded JSON object. Raises InvalidEventError (`invalid`)."""
    try:
        return msgspec.convert(fields, STRUCTS[kind])
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", str(error)) from None


def millis(time: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC; `time` has a zone."""
    delta = time - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def from_millis(value: int) -> datetime:
    """The UTC time `value` milliseconds after 1970-01-01, clamped to what a datetime holds."""
    return _EPOCH + timedelta(milliseconds=value if 0 <= value <= _MAX_MILLIS else min(max(value, 0), _MAX_MILLIS))


def recipients_of(event: Content) -> int:
    """How many a mass send went to; 0 for what is none."""
    return event.recipients if isinstance(event, MassSend) else 0


def links_of(event: Content) -> list[str]:
    """The links an event carries, as written by its author."""
    match event:
        case Share():
            return [event.url]
        case Post() | MassSend():
            return event.links
        case _ as never:
            assert_never(never)
