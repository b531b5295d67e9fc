"""Scenarios played in the offline engine: what is then the case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rules.decisions import Action, BanEntry, Decision, Enforcement, Review, Violation
from rules.engine import Engine
from rules.events import Event, convert_event, from_millis, millis
from rules.gathering import Gathering
from tests.scenarios.model import Held, Scenario, Until
from tests.scenarios.names import Names, owner

START = millis(datetime(2024, 1, 1, tzinfo=UTC))
"""When every scenario begins, in ms: long past, so that workers take its times for what they are."""


@dataclass(slots=True)
class Told:
    """What has been decided so far, with the engine's names.

    charged: subject -> clauses of its violations, those recorded in shadow left out. reviews: subject -> clauses of
    its reviews. warned: subjects. rungs: (ladder, rung) of what was announced.
    """

    charged: dict[str, set[str]] = field(default_factory=dict)
    reviews: dict[str, set[str]] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    rungs: set[tuple[str, int]] = field(default_factory=set)

    def add(self, decision: Decision) -> None:
        """Takes in one decision, of the engine or of a topic."""
        match decision:
            case Violation():
                if decision.mode == "enforce":
                    self.charged.setdefault(decision.subject, set()).add(decision.clause)
            case Review():
                self.reviews.setdefault(decision.subject, set()).update(decision.clauses)
            case Enforcement():
                self.rungs.add((decision.ladder, decision.rung))
                if decision.action == "warn":
                    self.warned.add(decision.subject)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is the case at one check, with the engine's names."""

    held: Held
    reviews: dict[str, set[str]]
    warned: set[str]


@dataclass(frozen=True, slots=True)
class Played:
    """What was the case at each check of a scenario, and what was told in the end."""

    seen: list[Seen]
    told: Told


def bodies_of(scenario: Scenario) -> list[tuple[int, dict[str, Any]]]:
    """(when it arrives, in ms since START; the event as JSON has it) in order of arrival, with names of its own."""
    names = Names(scenario.number)
    ordered = sorted(enumerate(scenario.steps), key=lambda step: (step[1].arrives, step[0]))
    return [
        (
            step.arrives,
            {
                "type": step.kind,
                **names.fields(step.fields),
                "id": f"sc{scenario.number:04}-{index}",
                "time": from_millis(START + step.at).isoformat(),
            },
        )
        for index, step in ordered
    ]


def merged(scenarios: Iterable[Scenario]) -> list[tuple[int, dict[str, Any]]]:
    """The same of all scenarios together."""
    return sorted((each for scenario in scenarios for each in bodies_of(scenario)), key=lambda each: each[0])


def event_of(body: dict[str, Any]) -> Event:
    """The event that JSON with a type says."""
    return convert_event(body["type"], {name: value for name, value in body.items() if name != "type"})


def in_force(entries: Iterable[BanEntry], at: int) -> dict[Action, Until]:
    """What ban entries forbid at a time (ms since START), and until when; the longest where several do the same."""
    found: dict[Action, Until] = {}
    for entry in entries:
        end = None if entry.ends is None else millis(entry.ends) - START
        if end is not None and end <= at:
            continue
        before = found.get(entry.action, 0)
        found[entry.action] = None if end is None or before is None else max(end, before)
    return found


def held_by(engine: Engine, subjects: Iterable[str], at: int) -> Held:
    """What is in force in an engine at a time (ms since START) for some subjects, with the engine's names."""
    held = {subject: in_force(engine.in_force(subject, START + at), at) for subject in subjects}
    return {subject: actions for subject, actions in held.items() if actions}


def emptied(engine: Engine) -> Engine:
    """An engine of the same pack that has seen nothing. Compiling a pack takes a second; this takes none."""
    new = copy(engine)
    new.accounts, new.subjects, new.others, new.bans, new.refused, new._positions, new._newest = (
        {},
        {},
        {},
        {},
        [],
        {},
        0,
    )
    new._gathering = Gathering(engine.pack)
    return new


def play(engine: Engine, scenario: Scenario) -> Played:
    """One scenario in an engine that has seen nothing."""
    return play_together(engine, [scenario])[scenario.number]


def play_together(engine: Engine, scenarios: Sequence[Scenario]) -> dict[int, Played]:
    """Several scenarios at once in an engine that has seen nothing; by number.

    Raises AssertionError when something is decided about a subject that is none of theirs, or when two of them break
    the rules on one host that is everybody's: such a host has one record, and they would meet in it.
    """
    events = [(arrives, event_of(body)) for arrives, body in merged(scenarios)]
    found = {scenario.number: Played([], Told()) for scenario in scenarios}
    public: dict[str, int] = {}
    fed = 0
    for at in sorted({check.at for scenario in scenarios for check in scenario.checks}):
        until = fed
        while until < len(events) and events[until][0] <= at:
            until += 1
        for decision in engine.judge([event for _, event in events[fed:until]]):
            number = whose(decision, public)
            assert number in found, f"{decision.subject} belongs to no scenario: {decision}"
            found[number].told.add(decision)
            if decision.subject in found[number].told.charged:
                assert public.setdefault(decision.subject, number) == number, f"{decision.subject} is of two scenarios"
        fed = until
        for scenario in scenarios:
            if any(check.at == at for check in scenario.checks):
                subjects = [subject for subject in engine.subjects if public.get(subject) == scenario.number]
                played = found[scenario.number]
                played.seen.append(snapshot(played.told, held_by(engine, subjects, at)))
    return found


def whose(decision: Decision, public: Mapping[str, int]) -> int | None:
    """The number of the scenario that a decision belongs to, by its subject or its event; None when it is nobody's.

    public: subjects that violations were charged to -> the scenario of their events.
    """
    number = owner(decision.subject)
    if number is None and isinstance(decision, Violation):
        number = owner(decision.event.id)
    return number if number is not None else public.get(decision.subject)


def snapshot(told: Told, held: Held) -> Seen:
    """What is the case now; what is told later changes nothing about it."""
    return Seen(held, {subject: set(clauses) for subject, clauses in told.reviews.items()}, set(told.warned))


def ends(seen: Seen) -> Iterator[int]:
    """When the sanctions of a moment end, in ms since START."""
    for actions in seen.held.values():
        yield from (end for end in actions.values() if end is not None)
