"""The record of a user who reports: what became of earlier reports, and what a reported subject is told of it. Pure.

A reported subject asks about each report (`Inquiry`, to `reporter:NAME`); the reporter's state notes it and answers
with a `Testimony`; when a case is decided, the subject sends an `Outcome` to each reporter heard in it.

A testimony tells what was known when the report was made: outcomes and other reports of before it. What is learnt
later changes nothing about it; something from before it that arrives after it does, and then the testimony is sent
again. So what a subject knows in the end does not depend on the order of arrival, nor on repeats, as long as what comes
late concerns one of the newest MAX_ASKED reports and is among the newest MAX_OUTCOMES outcomes. The state, which holds
the newest of all that came, never depends on the order.
"""

from bisect import bisect_left
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from rules.decisions import content_id
from rules.events import from_millis, millis

PREFIX = "reporter:"
"""Before a reporter's name: the key of the reporter's state and mail. No subject begins with it."""
_DAY = 86_400_000
FORGET_AFTER = 180 * _DAY
"""ms without a message after which a reporter is forgotten: as far as a ladder of half a year looks back."""
COMPANY_WITHIN = 30 * _DAY
"""How long before a report the same person's other reports are its company, in ms."""
MAX_COMPANY = 6
"""Other subjects that a testimony names. Most people report less than that in a month; with three in common being
linked (`rules.reporter_groups`), six are enough to show it."""
MAX_ASKED = 16
"""Reports of one person that are remembered, the newest: for the company, and to correct what was said of them."""
MAX_OUTCOMES = 100
"""Outcomes of one person that are remembered, the newest: somebody long trusted who begins to lie is found out."""
MAX_NAMES = 1024
"""Bytes of the names of a report that is remembered with them; of a longer one only a hash is kept, so that what is
said of it is not corrected. Bounds a reporter's state to some 20 KB."""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="inquiry"):
    """A reported subject asks who its reporter is. `subject`: whom it goes to; `about`: the reported subject.

    `report`, `category` and `time` are the report's. `device`, `network`: see `rules.reports.StoredReport`.
    """

    id: str
    subject: str
    about: str
    report: str
    category: str
    time: datetime
    device: bytes = b""
    network: bytes = b""


class Testimony(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="testimony"):
    """What is known of the reporter of a report, as of the report's own time. Goes to the reported `subject`.

    report, category, time, device, network: the report's; reporter: who made it.
    known:            how many outcomes this rests on: of two testimonies the one with more knows better.
    upheld, rejected: in how many earlier cases the reporter was found right and wrong.
    first:            when the reporter is first known to have reported anything.
    company:          8-byte hashes of other subjects reported in the 30 days before: the MAX_COMPANY smallest, sorted.
    """

    id: str
    subject: str
    report: str
    reporter: str
    category: str
    time: datetime
    known: int
    upheld: int
    rejected: int
    first: datetime
    company: bytes = b""
    device: bytes = b""
    network: bytes = b""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="outcome"):
    """A case was decided in which a reporter was heard. `subject`: the reporter it goes to; `about`: the reported one.

    `upheld`: whether the reporter was right; `time`: when it was decided. `case`: what was decided; who reported it ten
    times was right, or wrong, once, and what is decided of a case later replaces what was decided before.
    """

    id: str
    subject: str
    about: str
    case: str
    upheld: bool
    time: datetime


class Asked(NamedTuple):
    """A report that a reporter was asked about. `key`: hash of the subject; names that are too long are ""."""

    time: int
    key: bytes
    report: str
    about: str
    category: str
    device: bytes
    network: bytes


class Learnt(NamedTuple):
    """An outcome as it is remembered. `case`: hash of the case and its subject."""

    time: int
    case: bytes
    upheld: bool


Kept = TypeVar("Kept", Asked, Learnt)


class ReporterState(msgspec.Struct, array_like=True):
    """All that is remembered of somebody who reports. `due` and `banned` stand where a subject's state has them.

    due:      ms; when the reporter may be forgotten.
    banned:   never; nobody is sanctioned for reporting.
    time:     ms; the newest message.
    first:    ms; the first report known; None before any.
    asked:    the newest reports, sorted.
    outcomes: the newest outcomes, sorted.
    """

    due: int = 0
    banned: bool = False
    time: int = 0
    first: int | None = None
    asked: list[Asked] = []
    outcomes: list[Learnt] = []


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(ReporterState)


def reporter_key(name: str) -> str:
    """The key of a reporter's state and mail."""
    return PREFIX + name


def is_reporter(key: str) -> bool:
    """Whether a key is a reporter's, and no subject's."""
    return key.startswith(PREFIX)


def short_hash(*parts: str) -> bytes:
    """8 bytes that stand for `parts`."""
    return bytes.fromhex(content_id(*parts)[:16])


def decode_reporter(data: bytes | None) -> ReporterState:
    """The state in `data`; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else ReporterState()


def encode_reporter(state: ReporterState) -> bytes:
    """A state as bytes; the same state gives the same bytes."""
    return _ENCODER.encode(state)


def forgotten(data: bytes, now: int) -> bool:
    """Whether the reporter of an encoded state is to be forgotten at `now` (ms)."""
    return now >= _DECODER.decode(data).due


def take(state: ReporterState, inquiry: Inquiry) -> list[Testimony]:
    """Notes a report in `state`. Returns what to send: the answer, to a repeated inquiry as well, and what was said of
    later reports and is corrected by this one."""
    asked = _asked(inquiry)
    later, said = _said_of_later(state, inquiry.subject, asked.time)
    _keep(state.asked, asked, MAX_ASKED)
    state.first = asked.time if state.first is None else min(state.first, asked.time)
    _touch(state, asked.time)
    whole = asked._replace(report=inquiry.report, about=inquiry.about, category=inquiry.category)
    return [_testimony(state, inquiry.subject, whole), *_corrected(state, inquiry.subject, later, said)]


def learn(state: ReporterState, outcome: Outcome) -> list[Testimony]:
    """Notes an outcome in `state`. Returns the corrected testimonies to send: of reports made after the outcome that
    were asked about before it arrived. Of several outcomes of one case the newest counts."""
    time = millis(outcome.time)
    later, said = _said_of_later(state, outcome.subject, time)
    learnt = Learnt(time, short_hash(outcome.about, outcome.case), outcome.upheld)
    _keep(state.outcomes, learnt, MAX_OUTCOMES)
    _touch(state, time)
    return _corrected(state, outcome.subject, later, said)


def _asked(inquiry: Inquiry) -> Asked:
    names = (inquiry.report, inquiry.about, inquiry.category)
    if sum(len(name.encode("utf-8", "surrogatepass")) for name in names) > MAX_NAMES:
        names = ("", "", "")
    return Asked(millis(inquiry.time), short_hash(inquiry.about), *names, inquiry.device, inquiry.network)


def _keep(kept: list[Kept], item: Kept, most: int) -> None:
    """Adds an item to a sorted list, of which the newest stay; once."""
    place = bisect_left(kept, item)
    if place == len(kept) or kept[place] != item:
        kept.insert(place, item)
        del kept[:-most]


def _touch(state: ReporterState, time: int) -> None:
    state.time = max(state.time, time)
    state.due = state.time + FORGET_AFTER


def _said_of_later(state: ReporterState, key: str, time: int) -> tuple[list[Asked], list[Testimony]]:
    """The remembered reports after `time`, and what is said of them now; none where messages come in order."""
    later = [asked for asked in state.asked if asked.time > time and asked.about]
    return later, _testimonies(state, key, later)


def _corrected(state: ReporterState, key: str, later: list[Asked], said: list[Testimony]) -> list[Testimony]:
    now = _testimonies(state, key, later)
    return [testimony for testimony, old in zip(now, said, strict=True) if testimony != old]


def _testimonies(state: ReporterState, key: str, reports: list[Asked]) -> list[Testimony]:
    return [_testimony(state, key, asked) for asked in reports]


def _testimony(state: ReporterState, key: str, asked: Asked) -> Testimony:
    verdicts: dict[bytes, bool] = {}
    known = 0
    for learnt in state.outcomes:
        if learnt.time >= asked.time:
            break
        known += 1
        verdicts[learnt.case] = learnt.upheld
    upheld = sum(verdicts.values())
    first = asked.time if state.first is None else min(state.first, asked.time)
    since = asked.time - COMPANY_WITHIN
    others = {old.key for old in state.asked if since <= old.time < asked.time and old.key != asked.key}
    company = b"".join(sorted(others)[:MAX_COMPANY])
    rests_on = (str(known), str(upheld), str(first), company.hex())
    return Testimony(
        id=content_id("testimony", key, asked.about, asked.report, asked.category, str(asked.time), *rests_on),
        subject=asked.about,
        report=asked.report,
        reporter=key.removeprefix(PREFIX),
        category=asked.category,
        time=from_millis(asked.time),
        known=known,
        upheld=upheld,
        rejected=len(verdicts) - upheld,
        first=from_millis(first),
        company=company,
        device=asked.device,
        network=asked.network,
    )
