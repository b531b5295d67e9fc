"""Reviews: the cases that a person decides. What approving one would do, and how one opens, changes and ends. Pure.

At most one case is open for a subject, ladder and way of waiting. What a person approves counts from the approval on:
earlier offences of the case are history, the last burst is as if committed then.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.decisions import Evidence, Review, ReviewReason, ReviewStatus, content_id
from rules.events import from_millis
from rules.holdings import forgiven_until
from rules.offences import Offence
from rules.packs.model import Ladder, Pack
from rules.remembering import remembered_after
from rules.standing import Standing, standing
from rules.subject_state import Case, Record, ladder_name
from rules.subjects import kind_of


@dataclass(frozen=True, slots=True)
class Occasion:
    """What led to a record of a review: of which rule, with which evidence, when (ms); `because` of which decision."""

    rule: str
    evidence: list[Evidence]
    time: int
    because: str = ""
    reporters: int = 0


def approved(waits: Iterable[Offence], time: int, ladder: Ladder) -> list[Offence]:
    """Offences as they count once they are approved at `time` ms: those of the last burst as if committed then."""
    ordered = sorted(waits)
    burst = max((offence.time for offence in ordered), default=0) - ladder.grace
    return sorted(
        offence._replace(time=max(offence.time, time)) if offence.time > burst else offence for offence in ordered
    )


def proposal(of: Record, waits: Iterable[Offence], ladder: Ladder, pack: Pack) -> Standing | None:
    """What would hold against the subject if these offences were approved soon, when what it has just done is a burst
    of its own; None for nothing."""
    soon = approved(waits, of.state.time + ladder.grace, ladder)
    offences = remembered_after(of, [*of.state.enforced(ladder.name), *soon], ladder)
    since = forgiven_until(of.state.orders)
    known = [offence for offence in offences if offence.clause in pack.clauses and offence.time > since]
    return standing(kind_of(of.subject), known, ladder, pack.clauses)


def opened(
    of: Record, key: str, waits: list[Offence], pack: Pack, *, why: tuple[ReviewReason, str], occasion: Occasion
) -> Review | None:
    """The review of offences that wait, brought up to date in the state; None when it says nothing new.

    key: of the offences, in `SubjectState.offences`. why: the reason, and a line about it for a person.
    """
    ladder = pack.ladders[ladder_name(key)]
    subject, state = of
    held = proposal(of, waits, ladder, pack)
    if held is None:
        return None
    clauses = sorted({offence.clause for offence in waits})
    case = state.cases.get(key)
    identity = case.id if case is not None else content_id("review", subject, key, waits[0].cause.hex())
    told = Case(identity, *why, held.rung, held.actions, tuple(clauses))
    if told == case:
        return None
    state.cases[key] = told
    lasts = ladder.rungs[held.rung - 1].duration
    return Review(
        id=identity,
        subject=subject,
        reason=why[0],
        detail=why[1],
        status="open",
        clauses=clauses,
        rule=occasion.rule,
        violations=_violations(waits, subject),
        evidence=occasion.evidence,
        proposed=list(held.actions),
        ladder=ladder.name,
        rung=held.rung,
        lasts=None if lasts is None or held.actions == ("warn",) else lasts // 1000,
        pack=pack.label,
        time=from_millis(occasion.time),
        reporters=occasion.reporters,
        because=occasion.because,
    )


def ended(
    of: Record,
    key: str,
    status: ReviewStatus,
    pack: Pack,
    *,
    about: list[Offence],
    detail: str,
    occasion: Occasion,
) -> Review:
    """The last record of the review that is open for `key`, which is taken out of the state."""
    subject, state = of
    case = state.cases.pop(key)
    return Review(
        id=case.id,
        subject=subject,
        reason=case.reason,
        detail=detail,
        status=status,
        clauses=list(case.clauses),
        rule=occasion.rule or (about[-1].rule if about else ""),
        violations=_violations(about, subject),
        evidence=[],
        proposed=list(case.proposed),
        ladder=ladder_name(key),
        rung=case.rung,
        lasts=None,
        pack=pack.label,
        time=from_millis(occasion.time),
        because=occasion.because,
    )


def violation_id(cause: bytes, subject: str) -> str:
    """The id of the violation that charges a subject with a cause."""
    return content_id(cause.hex(), subject)


def _violations(offences: Iterable[Offence], subject: str) -> list[str]:
    return [violation_id(offence.cause, subject) for offence in offences]
