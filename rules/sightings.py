"""What travels between SCREEN and the stage that judges events of several accounts together: immutable values.

A rule with a `crowd` or a `ring` charges nobody for one event. Where its `when` holds SCREEN sends a `Sighting`, with
all that a charge would need; the other messages are what the stage tells itself, from key to key. Every message is
about one key, a hash of what its events have in common, and repeats of it change nothing.

Time is cut into *panes* of half a window. A *bucket* is two neighbouring panes, named by the first: buckets are one
window long and overlap by half, so every event lies in two of them.
"""

from datetime import datetime

import msgspec

from rules.decisions import EventRef, Evidence, Severity, Violation, content_id, linked
from rules.packs.model import Crowd, Ring, Rule

MAX_SUBJECTS = 32
"""Subjects that one event in waiting can be charged to: the account, domains, IPs and the application before links."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule charges one event with, once it is a violation. `source` and the event's id make the ids.

    `followers` and `recipients`: how many follow the event's account, and how many its mass send went to.
    """

    source: str
    event: EventRef
    severity: Severity
    evidence: list[Evidence]
    time: datetime
    pack: str
    subjects: list[str]
    holds_share_api: bool = False
    followers: int = 0
    recipients: int = 0


class Sighting(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="sighting"):
    """One event for which a rule's `when` holds, and which is a violation if enough others have the same `key`.

    members: who is counted, as hashes. groups: for near copies, the keys under which copies of it meet.
    ring:    for a ring, hashes of the account that promotes and the one that is promoted.
    """

    key: str
    rule: str
    members: list[str]
    charge: Charge
    groups: list[str] = []
    ring: tuple[str, str] | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="mark"):
    """To a group's key: `member` was sighted under the key `home` in `pane`."""

    key: str
    rule: str
    pane: int
    member: str
    home: str


class Release(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="release"):
    """To a sighting's key: what was and will be sighted under it in `bucket` is a violation."""

    key: str
    rule: str
    bucket: int


class Hop(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="hop"):
    """To an account's key: in `pane` it was promoted by `other`, or, when `outward`, promoted `other`."""

    key: str
    rule: str
    pane: int
    account: str
    other: str
    outward: bool


class Path(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="path"):
    """To a pair's key: within `bucket` `start` promoted `middle`, and `middle` promoted `end`."""

    key: str
    rule: str
    bucket: int
    start: str
    middle: str
    end: str


Message = Sighting | Mark | Release | Hop | Path


def hashed(text: str) -> str:
    """64 bits of a hash in hex: how members and accounts are told apart."""
    return content_id(text)[:16]


def key_of(rule: str, crowd: Crowd | Ring, *parts: str) -> str:
    """The key of what `parts` say, for one rule. Another window makes other panes, and so other keys."""
    return content_id("crowd", rule, str(crowd.within), *parts)


def pair_key(rule: str, ring: Ring, first: str, second: str) -> str:
    """The key of two accounts, by their hashes, whichever comes first."""
    return key_of(rule, ring, "pair", *sorted((first, second)))


def account_key(rule: str, ring: Ring, account: str) -> str:
    """The key of one account, by its hash."""
    return key_of(rule, ring, "account", account)


def violations_of(charge: Charge, rule: Rule) -> list[Violation]:
    """The violations of an event that has turned out to be one, with the reason among the evidence."""
    evidence = [*charge.evidence, Evidence("crowd", "crowd", describe(rule.crowd))]
    cause = content_id(charge.source, charge.event.id, rule.name)
    return [
        Violation(
            id=content_id(cause, subject),
            cause=cause,
            event=charge.event,
            subject=subject,
            clause=rule.clause,
            rule=rule.name,
            mode=rule.mode,
            severity=charge.severity,
            evidence=evidence,
            time=charge.time,
            pack=charge.pack,
            holds_share_api=charge.holds_share_api and subject.startswith("account:"),
            linked=linked(subject, charge.subjects),
            followers=charge.followers if subject.startswith("account:") else 0,
            recipients=charge.recipients if subject.startswith("account:") else 0,
        )
        for subject in charge.subjects
    ]


def describe(crowd: Crowd | Ring | None) -> str:
    """What has come together, for a person; the same whoever came first."""
    match crowd:
        case Crowd():
            return f"the same {crowd.same} from {crowd.at_least} or more of {crowd.distinct}{_span(crowd.within)}"
        case Ring():
            return f"a ring of at most {crowd.longest} accounts that promote each other{_span(crowd.within)}"
        case None:
            return ""


def _span(millis: int) -> str:
    return f" within {millis / 3_600_000:g} h"
