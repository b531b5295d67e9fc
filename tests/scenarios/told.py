"""What has been decided so far, and what is the case at a moment; with the engine's names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.decisions import Action, Decision, Enforcement, Lift, Review, ReviewReason, ReviewStatus, Violation
from tests.scenarios.model import Held


@dataclass(frozen=True, slots=True)
class Case:
    """A review as its newest record has it; `clauses` are those of all its records."""

    clauses: frozenset[str]
    reason: ReviewReason
    status: ReviewStatus
    proposes: frozenset[str]


Reviews = dict[str, dict[str, Case]]
"""Subject -> id of each of its reviews -> the review; the one told of last is the last."""


@dataclass(slots=True)
class Told:
    """What has been decided so far.

    charged: subject -> clauses of its violations, those recorded in shadow left out. warned: subjects.
    rungs:   (ladder, rung) of what was announced. egregious: clauses broken so.
    evasions: (ladder, kind of the subject) of what went straight to the last rung without an egregious violation.
    enforced: (subject, sanction) -> id of the enforcement last announced. lifted: subject -> sanctions taken back.
    refused: why decisions of moderators were refused, in order.
    """

    charged: dict[str, set[str]] = field(default_factory=dict)
    reviews: Reviews = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    rungs: set[tuple[str, int]] = field(default_factory=set)
    egregious: set[str] = field(default_factory=set)
    evasions: set[tuple[str, str]] = field(default_factory=set)
    enforced: dict[tuple[str, Action], str] = field(default_factory=dict)
    lifted: dict[str, set[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _grave: set[str] = field(default_factory=set)
    """Ids of egregious violations."""
    _highest: dict[tuple[str, str], int] = field(default_factory=dict)
    """(subject, ladder) -> the highest rung announced."""

    def add(self, decision: Decision) -> None:
        """Takes in one decision, of the engine or of a topic."""
        match decision:
            case Violation():
                if decision.mode == "enforce":
                    self.charged.setdefault(decision.subject, set()).add(decision.clause)
                    if decision.severity == "egregious":
                        self.egregious.add(decision.clause)
                        self._grave.add(decision.id)
            case Review():
                cases = self.reviews.setdefault(decision.subject, {})
                old = cases.pop(decision.id, None)
                clauses = frozenset(decision.clauses) | (old.clauses if old is not None else frozenset())
                cases[decision.id] = Case(clauses, decision.reason, decision.status, frozenset(decision.proposed))
            case Lift():
                self.lifted.setdefault(decision.subject, set()).add(decision.action)
            case Enforcement():
                self._climb(decision)
                self.enforced[decision.subject, decision.action] = decision.id
                if decision.action == "warn":
                    self.warned.add(decision.subject)

    def _climb(self, decision: Enforcement) -> None:
        """A rung that was announced: above the next one only egregious violations and evasions lead."""
        self.rungs.add((decision.ladder, decision.rung))
        before = self._highest.get((decision.subject, decision.ladder), 0)
        self._highest[decision.subject, decision.ladder] = max(before, decision.rung)
        if decision.rung > before + 1 and not self._grave.intersection(decision.violations):
            self.evasions.add((decision.ladder, decision.subject.partition(":")[0]))


@dataclass(frozen=True, slots=True)
class Seen:
    """What is the case at one check. Reviews without their ids: those tell which violation came first, and violations of
    several accounts come in any order."""

    held: Held
    reviews: dict[str, list[Case]]
    warned: set[str]
    lifted: dict[str, set[str]]
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Played:
    """What was the case at each check of a scenario, and what was told in the end."""

    seen: list[Seen]
    told: Told


def snapshot(told: Told, held: Held) -> Seen:
    """What is the case now; what is told later changes nothing about it."""
    return Seen(
        held,
        {subject: [*cases.values()] for subject, cases in told.reviews.items()},
        set(told.warned),
        {subject: set(actions) for subject, actions in told.lifted.items()},
        list(told.refused),
    )


def ends(seen: Seen) -> Iterator[int]:
    """When the sanctions of a moment end, in ms since START."""
    for actions in seen.held.values():
        yield from (end for end in actions.values() if end is not None)
