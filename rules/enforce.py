"""ENFORCE: violations, reports and appeals of subjects in, sanctions and new states out. Pure.

One state per subject. Each violation is applied by itself, so what is announced does not depend on how
a stream is cut into batches. Replays change nothing: the decision is a function of the set of violations.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from rules.decisions import (
    Action,
    Ban,
    BanEntry,
    Enforcement,
    Evidence,
    Notice,
    Review,
    SubjectKind,
    Violation,
    content_id,
)
from rules.events import Appeal, Report, from_millis, millis
from rules.packs.model import Ladder, Pack
from rules.reports import StoredReport, reported_times, reporters
from rules.sanctions import Offence, Standing, matters, remembered, standing, waiting
from rules.subjects import kind_of

MAX_REPORTS = 200
MAX_APPEALS = 50
"""Reports and appeals remembered for one subject; the newest stay."""
_PENDING = "?"
"""Marks the ladder of violations that open a review, apart from the same ladder's enforced ones."""
_WAITING = "??"
"""Marks the ladder of violations that open one only once enough people have reported."""


class StoredAppeal(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An appeal as a subject remembers it."""

    time: int
    id: str
    enforcement: str
    verdict: str
    moderator: str


class SubjectState(msgspec.Struct, array_like=True):
    """All that is remembered of a subject.

    due:       ms; when time alone next changes something: a sanction ends, or all may be forgotten.
    banned:    whether a sanction was in force at `time`.
    time:      ms; the newest event seen for the subject.
    offences:  by ladder; a `?` behind the name marks those that wait for reports.
    announced: ladder -> action -> id of the enforcement (or review) last published.
    """

    due: int = 0
    banned: bool = False
    time: int = 0
    offences: dict[str, list[Offence]] = {}
    announced: dict[str, dict[str, str]] = {}
    reports: list[StoredReport] = []
    appeals: list[StoredAppeal] = []


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SubjectState)
SubjectInput = Violation | Report | Appeal


@dataclass(slots=True)
class Enforced:
    """What a batch led to. `bans` and `states`: a value of None means there is nothing any more."""

    decisions: list[Enforcement | Review] = field(default_factory=list)
    bans: dict[str, Ban | None] = field(default_factory=dict)
    states: dict[str, bytes | None] = field(default_factory=dict)


class Enforcer:
    """A pack's ladders, applied to subjects. Keeps no state itself."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._clauses = pack.clauses
        self._rules = pack.rules

    def enforce(self, inputs: Sequence[SubjectInput], state_of: Callable[[str], bytes | None]) -> Enforced:
        """Applies `inputs` in order. `state_of(subject)` is its encoded state, None without one."""
        result = Enforced()
        states: dict[str, SubjectState] = {}
        changed: dict[str, None] = {}
        for item in inputs:
            subject = item.subject
            if subject not in states:
                states[subject] = decode_subject(state_of(subject))
            if self._apply(states[subject], item, result.decisions):
                changed[subject] = None
        for subject in changed:
            state = states[subject]
            before = self._in_force(subject, decode_subject(state_of(subject)))
            entries = self._in_force(subject, state)
            state.due, state.banned = self._due(state, kind_of(subject)), bool(entries)
            result.states[subject] = _ENCODER.encode(state)
            if entries != before:
                result.bans[subject] = _ban(subject, entries, state.time)
        return result

    def expire(self, subject: str, data: bytes, now: int) -> Enforced:
        """What the passing of time alone changes by `now` (ms): ended sanctions leave the ban list, and a
        subject that nothing is held against any more is forgotten."""
        result = Enforced()
        state = decode_subject(data)
        if state.due == 0 or now < state.due:
            return result
        before = self._in_force(subject, state)
        state.time = max(state.time, now)
        entries = self._in_force(subject, state)
        if entries != before:
            result.bans[subject] = _ban(subject, entries, state.time)
        state.due, state.banned = self._due(state, kind_of(subject)), bool(entries)
        result.states[subject] = _ENCODER.encode(state) if state.due else None
        return result

    def in_force(self, subject: str, data: bytes | None, at: int) -> list[BanEntry]:
        """The sanctions in force for a subject `at` ms, by its encoded state."""
        state = decode_subject(data)
        state.time = at
        return self._in_force(subject, state)

    def _apply(self, state: SubjectState, item: SubjectInput, decisions: list[Enforcement | Review]) -> bool:
        match item:
            case Violation():
                return self._add_violation(state, item, decisions)
            case Report():
                report = StoredReport(millis(item.time), item.id, item.reporter, item.category)
                if any(old.id == report.id for old in state.reports):
                    return False
                state.reports = sorted([*state.reports, report], key=_time_and_id)[-MAX_REPORTS:]
                decisions.extend(self._reviews_of(state, item))
            case Appeal():
                appeal = StoredAppeal(millis(item.time), item.id, item.enforcement, item.verdict, item.moderator)
                if any(old.id == appeal.id for old in state.appeals):
                    return False
                state.appeals = sorted([*state.appeals, appeal], key=_time_and_id)[-MAX_APPEALS:]
            case _ as never:
                assert_never(never)
        state.time = max(state.time, millis(item.time))
        return True

    def _add_violation(self, state: SubjectState, violation: Violation, out: list[Enforcement | Review]) -> bool:
        """Adds a violation to the record and announces what it newly leads to."""
        clause = self._clauses.get(violation.clause)
        if violation.mode != "enforce" or clause is None:
            return False
        ladder = self.pack.ladder_of[clause.id]
        waits = clause.reports is not None
        key = ladder.name + (_WAITING if waits else _PENDING if clause.by_report else "")
        offence = Offence(
            millis(violation.time),
            violation.id,
            violation.clause,
            violation.rule,
            violation.severity,
            violation.holds_share_api,
        )
        old = state.offences.get(key, [])
        if not waits and not matters(old, offence, ladder):
            return False
        kept = (waiting if waits else remembered)([*old, offence], ladder)
        if kept == old:
            return False
        state.offences[key] = kept
        state.time = max(state.time, offence.time)
        held = standing(kind_of(violation.subject), self._ripe(state, key, ladder), ladder, self._clauses)
        if held is None:
            return True
        if not clause.by_report:
            out.extend(self._announce(violation, ladder, held, state.announced.setdefault(key, {})))
        else:
            review = self._review(violation, key, held, state, rule=violation.rule, evidence=violation.evidence)
            out.extend([review] if review is not None else [])
        return True

    def _ripe(self, state: SubjectState, key: str, ladder: Ladder) -> list[Offence]:
        """The offences of a ladder that may lead to something: of those that wait, the ones with enough reports."""
        known = [offence for offence in state.offences.get(key, ()) if offence.clause in self._clauses]
        if not key.endswith(_WAITING):
            return known
        times: dict[str, list[int]] = {}
        for offence in known:
            times.setdefault(offence.clause, []).append(offence.time)
        ripe: dict[str, Container[int]] = {}
        for clause, found in times.items():
            wanted = self._clauses[clause].reports
            ripe[clause] = found if wanted is None else reported_times(found, wanted, state.reports)
        return remembered((offence for offence in known if offence.time in ripe[offence.clause]), ladder)

    def _reviews_of(self, state: SubjectState, report: Report) -> Iterator[Review]:
        """The reviews that a report opens, of violations that had waited for it."""
        for key in state.offences:
            ladder = self.pack.ladders.get(key.removesuffix(_WAITING))
            if not key.endswith(_WAITING) or ladder is None:
                continue
            held = standing(kind_of(report.subject), self._ripe(state, key, ladder), ladder, self._clauses)
            if held is not None:
                review = self._review(report, key, held, state, rule=held.spell[-1].rule, evidence=[])
                if review is not None:
                    yield review

    def _announce(
        self, violation: Violation, ladder: Ladder, held: Standing, announced: dict[str, str]
    ) -> Iterator[Enforcement]:
        """The decisions of a standing that were not published yet; `announced` is brought up to date."""
        for action in held.actions:
            identity = _identity("enforcement", violation.subject, ladder.name, held, action)
            if announced.get(action) != identity:
                yield self._enforcement(violation, ladder, held, action, announced.get(action))
                announced[action] = identity

    def _enforcement(
        self,
        violation: Violation,
        ladder: Ladder,
        held: Standing,
        action: Action,
        previous: str | None,
    ) -> Enforcement:
        return Enforcement(
            id=_identity("enforcement", violation.subject, ladder.name, held, action),
            subject=violation.subject,
            action=action,
            ladder=ladder.name,
            rung=held.rung,
            permanent=held.permanent(action),
            starts=from_millis(held.starts),
            ends=None if held.ends is None or action == "warn" else from_millis(held.ends),
            clauses=_clauses_of(held),
            rule=violation.rule,
            violations=_violations_of(held),
            evidence=violation.evidence,
            notice=self._notice(violation),
            pack=self.pack.label,
            time=violation.time,
            previous=previous,
        )

    def _review(
        self,
        cause: Violation | Report,
        key: str,
        held: Standing,
        state: SubjectState,
        *,
        rule: str,
        evidence: list[Evidence],
    ) -> Review | None:
        """The review of what is held against a subject, on the ladder `key`; None when it is open already."""
        identity = _identity("review", cause.subject, key.removesuffix(_PENDING), held, "")
        announced = state.announced.setdefault(key, {})
        if announced.get("review") == identity:
            return None
        announced["review"] = identity
        heard: set[str] = set()
        for offence in held.spell:
            if (wanted := self._clauses[offence.clause].reports) is not None:
                heard |= reporters(offence.time, wanted, state.reports)
        return Review(
            id=identity,
            subject=cause.subject,
            reason="by_report",
            clauses=_clauses_of(held),
            rule=rule,
            violations=_violations_of(held),
            evidence=evidence,
            proposed=list(held.actions),
            pack=self.pack.label,
            time=cause.time,
            reporters=len(heard),
        )

    def _notice(self, violation: Violation) -> Notice:
        rule = self._rules.get(violation.rule)
        return rule.notice if rule is not None else self._clauses[violation.clause].title

    def _standings(self, state: SubjectState, kind: SubjectKind) -> Iterator[tuple[str, Ladder, Standing]]:
        for key, offences in state.offences.items():
            ladder = self.pack.ladders.get(key.removesuffix(_PENDING))
            known = [offence for offence in offences if offence.clause in self._clauses]
            if ladder is None:
                continue
            held = standing(kind, known, ladder, self._clauses)
            if held is not None:
                yield key, ladder, held

    def _in_force(self, subject: str, state: SubjectState) -> list[BanEntry]:
        """The sanctions in force at the state's own time; warnings forbid nothing and are left out."""
        entries = [
            BanEntry(
                action=action,
                ladder=ladder.name,
                rung=held.rung,
                permanent=held.permanent(action),
                starts=from_millis(held.starts),
                ends=None if held.ends is None else from_millis(held.ends),
                clauses=_clauses_of(held),
                enforcement=_identity("enforcement", subject, ladder.name, held, action),
            )
            for key, ladder, held in self._standings(state, kind_of(subject))
            for action in held.actions
            if not key.endswith(_PENDING) and action != "warn" and (held.ends is None or held.ends > state.time)
        ]
        return sorted(entries, key=lambda entry: (entry.action, entry.ladder))

    def _due(self, state: SubjectState, kind: SubjectKind) -> int:
        """When time alone next changes something; 0 when nothing is left to remember."""
        due: list[int] = []
        for _, ladder, held in self._standings(state, kind):
            if any(held.permanent(action) for action in held.actions):
                continue
            if held.ends is not None and held.ends > state.time:
                due.append(held.ends)
            forget = held.spell[-1].time + 2 * ladder.window
            if forget > state.time:
                due.append(forget)
        due += [forget for forget in self._waiting_until(state) if forget > state.time]
        if due:
            return min(due)
        keeps_for_good = any(
            held.permanent(action) for _, _, held in self._standings(state, kind) for action in held.actions
        )
        return _NEVER if keeps_for_good or state.reports or state.appeals else 0

    def _waiting_until(self, state: SubjectState) -> Iterator[int]:
        """When offences that wait for reports are forgotten."""
        for key, offences in state.offences.items():
            ladder = self.pack.ladders.get(key.removesuffix(_WAITING))
            if key.endswith(_WAITING) and ladder is not None:
                yield offences[-1].time + 2 * ladder.window


_NEVER = 253_402_300_799_999
"""9999-12-31, in ms: nothing is due."""


def decode_subject(data: bytes | None) -> SubjectState:
    """The state in `data`; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else SubjectState()


def _identity(kind: str, subject: str, ladder: str, held: Standing, action: str) -> str:
    """The id of a decision: a function of what holds, for whom, and from when to when."""
    ends = "" if held.ends is None else str(held.ends)
    return content_id(kind, subject, ladder, action, str(held.rung), str(held.starts), ends)


def _ban(subject: str, entries: list[BanEntry], time: int) -> Ban | None:
    return Ban(subject=subject, sanctions=entries, time=from_millis(time)) if entries else None


def _clauses_of(held: Standing) -> list[str]:
    return sorted({offence.clause for offence in held.spell})


def _violations_of(held: Standing) -> list[str]:
    return list(dict.fromkeys(offence.id for offence in (*held.led, *held.spell)))


def _time_and_id(stored: StoredReport | StoredAppeal) -> tuple[int, str]:
    return stored.time, stored.id
