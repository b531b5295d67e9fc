"""Scenarios played in the offline engine, and what is then the case compared with what the file says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rules.decisions import BanEntry, Decision, Enforcement, Review, Violation
from rules.engine import Engine
from rules.events import Event, convert_event, from_millis, millis
from rules.gathering import Gathering
from tests.scenarios.model import Check, Held, Scenario, Until
from tests.scenarios.names import Names

START = millis(datetime(2024, 1, 1, tzinfo=UTC))
"""When every scenario begins, in ms: long past, so that workers take its times for what they are."""
_DAY_MS, _MINUTE_MS = 86_400_000, 60_000


@dataclass(slots=True)
class Told:
    """What has been decided so far, with the engine's names: enforced violations, reviews and warnings."""

    charged: dict[str, set[str]] = field(default_factory=dict)
    reviews: dict[str, set[str]] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)

    def add(self, decision: Decision) -> None:
        """Takes in one decision of the engine, or of a topic."""
        match decision:
            case Violation(subject=subject, clause=clause, mode="enforce"):
                self.charged.setdefault(subject, set()).add(clause)
            case Review(subject=subject, clauses=clauses):
                self.reviews.setdefault(subject, set()).update(clauses)
            case Enforcement(subject=subject, action="warn"):
                self.warned.add(subject)
            case _:
                pass


def bodies_of(scenario: Scenario) -> list[dict[str, Any]]:
    """Its events as JSON has them, in order of time, with names and ids of its own."""
    names = Names(scenario.number)
    ordered = sorted(enumerate(scenario.steps), key=lambda step: (step[1].at, step[0]))
    return [
        {
            "type": step.kind,
            **names.fields(step.fields),
            "id": f"sc{scenario.number:04}-{index}",
            "time": from_millis(START + step.at).isoformat(),
        }
        for index, step in ordered
    ]


def event_of(body: dict[str, Any]) -> Event:
    """The event that `bodies_of` writes."""
    return convert_event(body["type"], {name: value for name, value in body.items() if name != "type"})


def events_of(scenario: Scenario) -> list[Event]:
    """Its events, in order of time."""
    return [event_of(body) for body in bodies_of(scenario)]


def in_force(entries: Iterable[BanEntry], at: int) -> dict[Any, Until]:
    """What ban entries forbid at a time (ms since START), and until when; the longest where several do the same."""
    found: dict[Any, Until] = {}
    for entry in entries:
        end = None if entry.ends is None else millis(entry.ends) - START
        if end is not None and end <= at:
            continue
        before = found.get(entry.action, 0)
        found[entry.action] = None if end is None or before is None else max(end, before)
    return found


def held_by(engine: Engine, at: int) -> Held:
    """What is in force in an engine at a time (ms since START), with the engine's names."""
    held = {subject: in_force(engine.in_force(subject, START + at), at) for subject in engine.subjects}
    return {subject: actions for subject, actions in held.items() if actions}


def emptied(engine: Engine) -> Engine:
    """An engine of the same pack that has seen nothing. Compiling a pack takes a second; this takes none."""
    new = copy(engine)
    new.accounts, new.subjects, new.bans, new._positions, new._newest = {}, {}, {}, {}, 0
    new._gathering = Gathering(engine.pack)
    return new


def play(engine: Engine, scenario: Scenario) -> list[str]:
    """What is not as the scenario says, in an engine that has seen nothing; an empty list when all is."""
    told, names = Told(), Names(scenario.number)
    events, wrong = events_of(scenario), []
    fed = 0
    for check in scenario.checks:
        until = fed
        while until < len(events) and millis(events[until].time) <= START + check.at:
            until += 1
        for decision in engine.judge(events[fed:until]):
            told.add(decision)
        fed = until
        wrong.extend(differences(check, held_by(engine, check.at), told, names))
    return [*wrong, *charges(scenario, told, names)]


def differences(check: Check, held: Held, told: Told, names: Names) -> Iterator[str]:
    """Where a check and what is the case differ, one line each, in the words of the file."""
    where = f"{check.place}: at {shown(check.at)}: "
    wanted = {names.subject(subject): actions for subject, actions in check.held.items()}
    for subject in sorted(wanted | held):
        if wanted.get(subject, {}) != held.get(subject, {}):
            yield (
                f"{where}{names.written(subject)}: in force must be {_actions(wanted.get(subject))}"
                f", is {_actions(held.get(subject))}"
            )
    reviews = {names.subject(subject): set(clauses) for subject, clauses in check.reviews.items()}
    for subject in sorted(reviews | told.reviews):
        if reviews.get(subject, set()) != told.reviews.get(subject, set()):
            yield (
                f"{where}{names.written(subject)}: reviews must be of {_list(reviews.get(subject, ()))}"
                f", are of {_list(told.reviews.get(subject, ()))}"
            )
    if check.warned is not None:
        warned = {names.subject(subject) for subject in check.warned}
        for subject in sorted(warned ^ told.warned):
            word = "must have been warned" if subject in warned else "must not have been warned"
            yield f"{where}{names.written(subject)}: {word}"


def charges(scenario: Scenario, told: Told, names: Names) -> Iterator[str]:
    """Where the clauses broken, or the subjects charged, are not those of the scenario."""
    broken = set().union(*told.charged.values())
    if broken != scenario.breaks:
        yield f"{scenario.place}: must break {_list(scenario.breaks)}, breaks {_list(broken)}"
    never = None if scenario.never is None else {names.subject(subject) for subject in scenario.never}
    for subject, clauses in sorted(told.charged.items()):
        if never is None or subject in never:
            yield f"{scenario.place}: {names.written(subject)} must never be charged, is with {_list(clauses)}"


def shown(time: int) -> str:
    """A time as scenario files write it."""
    days, rest = divmod(time, _DAY_MS)
    hours, minutes = divmod(rest // _MINUTE_MS, 60)
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if number]
    return " ".join(parts) or "0h"


def _actions(actions: dict[Any, Until] | None) -> str:
    if not actions:
        return "nothing"
    return ", ".join(
        f"{action} {'for good' if end is None else f'until {shown(end)}'}" for action, end in sorted(actions.items())
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def merged(scenarios: Sequence[Scenario]) -> list[tuple[int, dict[str, Any]]]:
    """(time in ms since START, event) of all scenarios together, in order of time."""
    found = [
        (millis(event_time(body)) - START, number, index, body)
        for number, scenario in enumerate(scenarios)
        for index, body in enumerate(bodies_of(scenario))
    ]
    return [(at, body) for at, _, _, body in sorted(found, key=lambda each: each[:3])]


def event_time(body: dict[str, Any]) -> datetime:
    """The time of an event in JSON."""
    return datetime.fromisoformat(body["time"])
