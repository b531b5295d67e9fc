"""A scenario as its file tells it: names as they are written there, times in ms since the scenario's begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rules.decisions import Action
from rules.events import EventType
from rules.packs.source import Place

Until = int | None
"""When a sanction ends, in ms; None when it is for good."""
Held = dict[str, dict[Action, Until]]
"""Subject (`kind:name`) -> what is in force for it, and until when; without those that nothing is in force for."""


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
class Check:
    """What must hold at a time.

    held:    everything that is in force for subjects of the scenario, no more and no less.
    reviews: subject -> the clauses of the reviews opened so far.
    warned:  accounts warned so far; None when the file does not say.
    """

    at: int
    held: Held
    reviews: dict[str, frozenset[str]]
    warned: frozenset[str] | None
    place: Place


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story about the policy.

    number:  its place among all scenarios, from which its own names are made.
    clauses: what it is about. breaks: the clauses that its events break, all of them.
    never:   subjects that are charged with nothing; None for all.
    differs: why the engine is known to do something else than the policy asks for; empty when it does not.
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
    number: int = 0

    @property
    def id(self) -> str:
        """What a test run calls it: the file and the scenario's name."""
        return f"{self.file}:{self.name}"
