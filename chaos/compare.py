"""What the workers left on the topics against what the offline engine says.

Compared are, for every subject: the violations on their topic, by id, and what they say; the offences that the table
of subjects remembers; what is in force at the end by that table; and the ban list. Every enforcement that is in force
must have been published. Dead letters must be the records that are no events, byte for byte, each at least once.
Each violation must be by the pack that was in force for its event by what is on record, and by no other; a shadow pack
must have found what it finds in the events that it was in force for, and nothing in others. Where an event stands on
its topic twice and fell to two packs, a violation that needs other events is by either of them, or both: what is held
of an event is held once.

A record that stands on a topic several times with the same id and content is a repeat, which every consumer can drop;
it is no difference. The enforcements on the way to where a subject ends are not compared: they depend on the order in
which partitions and topics met (docs/guarantee.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chaos.oracle import Place, Truth
from chaos.readback import records
from rules.decisions import BanEntry, Violation
from rules.enforce import Enforcer
from rules.events import millis
from rules.subject_state import SubjectState, decode_subject, is_other
from streams.codec import decode_ban, decode_enforcement
from streams.settings import Settings
from streams.stores import current_state
from streams.topics import topic_names

_VIOLATION = msgspec.json.Decoder(Violation)
SHOWN = 20
"""Differences of a kind that are shown one by one."""


@dataclass
class Differences:
    """What is missing, what counts more than once, and what is otherwise; each a line for a person."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    dead_letters: int = 0
    """Records of the input that are on the dead letters, each counted once."""
    repeats: int = 0
    """Records that repeat another: the cost of at-least-once delivery, and no difference."""
    compared: Counter[str] = field(default_factory=Counter)
    """How much was compared: violations, subjects, bans, enforcements."""

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.diverged)

    def lines(self) -> list[str]:
        """The differences, the first of each kind."""
        return [
            f"{kind}: {line}"
            for kind, found in (("lost", self.lost), ("duplicated", self.duplicated), ("diverged", self.diverged))
            for line in (*found[:SHOWN], *([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []))
        ]


@dataclass
class Outputs:
    """What the workers left: the records of each topic, by partition and offset."""

    violations: list[Any]
    subjects: list[Any]
    """The changelog of the table of subjects."""
    enforcements: list[Any]
    bans: list[Any]
    dead_letters: list[Any]


async def outputs(settings: Settings) -> Outputs:
    """Reads them back from the topics."""
    names = topic_names(settings)
    return Outputs(
        violations=await records(settings, names.violations),
        subjects=await records(settings, f"{settings.app_id}-subjects-changelog"),
        enforcements=await records(settings, names.enforcements),
        bans=await records(settings, names.bans),
        dead_letters=await records(settings, names.dead_letters),
    )


def compare(found: Outputs, expected: Truth, sent: int) -> Differences:
    """Compares what the workers left with `expected`; `sent`: records that the feed was told are written."""
    result = Differences()
    if expected.records < sent:
        result.lost.append(f"{sent - expected.records} records that the brokers acknowledged are not on the log")
    _compare_violations(found.violations, expected, result)
    states = {key.decode(): value for key, value in current_state(found.subjects).items()}
    states = {key: value for key, value in states.items() if not is_other(key)}
    published: set[str] = set()
    for record in found.enforcements:
        decision = decode_enforcement(record.value)
        if decision.pack not in expected.enforcing:
            result.diverged.append(f"enforcement {decision.id} is by {decision.pack}, which was not live there")
        result.repeats += decision.id in published
        published.add(decision.id)
    _compare_subjects(states, published, expected, result)
    _compare_bans(found.bans, expected, result)
    _compare_dead_letters(found.dead_letters, expected, result)
    return result


def _compare_violations(log: list[Any], expected: Truth, found: Differences) -> None:
    seen: dict[tuple[str, str], Violation] = {}
    for record in log:
        violation = _VIOLATION.decode(record.value)
        before = seen.setdefault((violation.id, violation.pack), violation)
        found.repeats += before is not violation
        if _charge(before) != _charge(violation):
            found.diverged.append(f"violation {violation.id} of {violation.subject} was judged twice, differently")
    _compare_shadow(seen, expected, found)
    found.compared["violations"] = len(seen)
    settled = _settle_repeated(seen, expected)
    others: dict[str, str] = {}
    for key in seen.keys() - expected.violations.keys():
        others[key[0]] = key[1]
    for (identity, pack), violation in expected.violations.items():
        if identity in settled:
            continue
        there = seen.pop((identity, pack), None)
        if there is None and identity in others:
            other = others.pop(identity)
            seen.pop((identity, other))
            found.diverged.append(f"{_violation_line(violation)}: judged by {other}, and {pack} was in force")
        elif there is None:
            found.lost.append(_violation_line(violation))
        elif _charge(there) != _charge(violation):
            found.diverged.append(f"{_violation_line(violation)}: {_charge(there)}, expected {_charge(violation)}")
    found.duplicated.extend(f"not due: {_violation_line(violation)}" for violation in seen.values())


def _settle_repeated(seen: dict[tuple[str, str], Violation], expected: Truth) -> set[str]:
    """Takes violations out of `seen` that may be by any of several packs; their ids."""
    settled: set[str] = set()
    for (identity, _), violation in expected.violations.items():
        labels = expected.repeated.get((violation.event.type, violation.event.id), ())
        if violation.rule not in expected.together or identity in settled:
            continue
        there = [seen.pop((identity, label), None) for label in labels]
        if any(each is not None and _charge(each) == _charge(violation) for each in there):
            settled.add(identity)
    return settled


def _compare_shadow(seen: dict[tuple[str, str], Violation], expected: Truth, found: Differences) -> None:
    """Takes what shadow packs found out of `seen`."""
    due = {(identity, violation.pack): violation for identity, violation in expected.shadow.items()}
    for key, violation in due.items():
        found.compared["violations in shadow"] += 1
        there = seen.pop(key, None)
        if there is None:
            found.lost.append(f"in shadow: {_violation_line(violation)} by {violation.pack}")
        elif _charge(there) != _charge(msgspec.structs.replace(violation, mode="shadow")):
            found.diverged.append(
                f"in shadow: {_violation_line(violation)}: {_charge(there)}, not {_charge(violation)}"
            )
    for key, violation in list(seen.items()):
        event = (violation.event.type, violation.event.id)
        labels = expected.beside.get(event, ())
        if violation.mode == "shadow" and violation.pack in labels and violation.rule in expected.asking_past:
            del seen[key]  # an account's past, as a shadow pack knows it, depends on where batches were cut


def _charge(violation: Violation) -> tuple[Any, ...]:
    return (
        violation.subject,
        violation.clause,
        violation.severity,
        violation.mode,
        violation.time,
        violation.holds_share_api,
    )


def _violation_line(violation: Violation) -> str:
    what = f"{violation.rule} by {violation.event.id}, against {violation.subject}"
    return f"violation {violation.id}: {what} ({violation.mode}, {violation.pack})"


def _compare_subjects(states: dict[str, bytes], published: set[str], expected: Truth, found: Differences) -> None:
    """The table: how often each subject offended, and what that puts in force, as of the newest event."""
    enforcer, at = Enforcer(expected.engine.pack), expected.newest
    for subject in sorted({*states, *expected.engine.subjects}):
        ours = _settled(enforcer, subject, states.get(subject), at)
        theirs = _settled(enforcer, subject, expected.engine.subjects.get(subject), at)
        found.compared["subjects"] += 1
        counted, due = _offences(ours), _offences(theirs)
        if missing := due - counted:
            found.lost.append(
                f"{subject} remembers {counted.total()} offences, not {due.total()}: {min(missing)} is missing"
            )
        if extra := counted - due:
            found.duplicated.append(
                f"{subject} remembers {counted.total()} offences, not {due.total()}: {min(extra)} is too many"
            )
        if ours.reports != theirs.reports:
            found.diverged.append(
                f"{subject} remembers {len(ours.reports)} reports, not {len(theirs.reports)}, or others"
            )
        held = enforcer.in_force(subject, states.get(subject), at)
        wanted = enforcer.in_force(subject, expected.engine.subjects.get(subject), at)
        if held != wanted:
            found.diverged.append(f"{subject} has in force {_entries(held)}, not {_entries(wanted)}")
        for entry in wanted:
            found.compared["enforcements"] += 1
            if entry.enforcement not in published:
                found.lost.append(f"enforcement {entry.enforcement} of {subject} ({entry.action}) was never published")


def _settled(enforcer: Enforcer, subject: str, data: bytes | None, at: int) -> SubjectState:
    """A state as the passing of time alone makes it by `at`: workers forget when they come to it."""
    if data is None:
        return SubjectState()
    passed = enforcer.expire(subject, data, at)
    return decode_subject(passed.states.get(subject, data))


def _offences(state: SubjectState) -> Counter[tuple[Any, ...]]:
    return Counter((ladder, *offence) for ladder, offences in state.offences.items() for offence in offences)


def _compare_bans(log: list[Any], expected: Truth, found: Differences) -> None:
    """The ban list: the newest record of each subject, without sanctions that have ended by the newest event."""
    newest: dict[str, bytes | None] = {record.key.decode(): record.value for record in log}
    for subject in sorted({*newest, *expected.engine.bans}):
        ban = decode_ban(newest.get(subject))
        wanted = expected.engine.in_force(subject, expected.newest)
        held = [] if ban is None else [entry for entry in ban.sanctions if _holds(entry, expected.newest)]
        found.compared["bans"] += bool(wanted)
        if held == wanted:
            continue
        listed = Counter((entry.action, entry.ladder) for entry in held)
        if not held:
            found.lost.append(f"{subject} is not on the ban list: {_entries(wanted)}")
        elif max(listed.values()) > 1:
            found.duplicated.append(f"{subject} is on the ban list twice: {_entries(held)}")
        else:
            found.diverged.append(f"{subject} is on the ban list with {_entries(held)}, not {_entries(wanted)}")


def _holds(entry: BanEntry, at: int) -> bool:
    return entry.ends is None or millis(entry.ends) > at


def _entries(entries: list[BanEntry]) -> str:
    return (
        "; ".join(
            f"{entry.action} ({entry.ladder}, rung {entry.rung}, until {entry.ends or 'for good'}, {entry.enforcement})"
            for entry in entries
        )
        or "nothing"
    )


def _compare_dead_letters(log: list[Any], expected: Truth, found: Differences) -> None:
    seen: set[Place] = set()
    for record in log:
        headers = dict(record.headers)
        place = (headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
        found.repeats += place in seen
        seen.add(place)
        if place not in expected.poison:
            found.diverged.append(f"{place} is on the dead letters and is an event: {headers['detail'].decode()}")
        elif expected.poison[place] != record.value:
            found.diverged.append(f"{place} is on the dead letters with other bytes")
    found.dead_letters = len(seen & expected.poison.keys())
    found.lost.extend(f"{place} is no event and not on the dead letters" for place in expected.poison.keys() - seen)
