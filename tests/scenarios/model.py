"""A scenario as its file tells it: names as they are written there, times in ms since the scenario's begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from rules.decisions import Action, ReviewReason, ReviewStatus
from rules.events import EventType
from rules.packs.source import Place

Until = int | None
"""When a sanction ends, in ms; None when it is for good."""
Held = dict[str, dict[Action, Until]]
"""Subject (`kind:name`) -> what is in force for it, and until when; without those that nothing is in force for."""

ActKind = Literal["appeal", "approve", "reject", "impose", "clear", "halt", "resume"]
ACTS: tuple[ActKind, ...] = get_args(ActKind)


@dataclass(frozen=True, slots=True)
class Step:
    """One event: `fields` are those of its type, without id and time.

    at: when it happened. arrives: when it is told, which is later for an event that is late.
    """

    at: int
    arrives: int
    kind: EventType
    fields: dict[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Act:
    """What a moderator decides, or that somebody halts or resumes enforcement: after all that happened until then.

    subject: whose enforcement, review or sanctions it is about; empty when it halts or resumes.
    action:  the sanction appealed against, imposed or cleared; None for a review, and for all that is cleared.
    overturns: whether the appeal is overturned. until: see `rules.events.Order`. rule: what is halted, empty for all.
    """

    at: int
    kind: ActKind
    subject: str
    action: Action | None
    overturns: bool
    until: Until
    rule: str
    by: str
    why: str
    place: Place


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a scenario says of the reviews of a subject.

    clauses: of all of them so far. reason, status, proposes: of the one that was told of last; None when not said.
    """

    clauses: frozenset[str]
    reason: ReviewReason | None = None
    status: ReviewStatus | None = None
    proposes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold at a time.

    held:    everything that is in force for subjects of the scenario, no more and no less.
    reviews: subject -> what is said of its reviews.
    lifted:  subject -> sanctions taken back so far. refused: why decisions of moderators were refused so far, in order.
    warned:  accounts warned so far; None when the file does not say.
    """

    at: int
    held: Held
    reviews: dict[str, Reviewed]
    warned: frozenset[str] | None
    place: Place
    lifted: dict[str, frozenset[str]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story about the policy.

    number:  its place among all scenarios, from which its own names are made.
    clauses: what it is about. breaks: the clauses that its events break, all of them.
    never:   subjects that are charged with nothing; None for all.
    differs: why the engine is known to do something else than the policy asks for; empty when it does not.
    pack:    the folder below `packs` of the pack that it is played with; empty for the shipped one.
    """

    file: str
    name: str
    about: str
    clauses: frozenset[str]
    breaks: frozenset[str]
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    never: frozenset[str] | None
    differs: str
    place: Place
    acts: tuple[Act, ...] = ()
    pack: str = ""
    number: int = 0

    @property
    def id(self) -> str:
        """What a test run calls it: the file and the scenario's name."""
        return f"{self.file}:{self.name}"
