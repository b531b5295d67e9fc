"""Scenarios played in the offline engine: what is then the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from rules.controls import ControlLog, Controls
from rules.decisions import Action, BanEntry, Decision, Violation
from rules.engine import Engine
from rules.events import Event, convert_event, from_millis, millis
from rules.gathering import Gathering
from tests.scenarios.acts import acts_at, control_of, is_control, moderation_of
from tests.scenarios.model import Act, Held, Scenario, Until
from tests.scenarios.names import Names, owner
from tests.scenarios.start import START
from tests.scenarios.told import Played, Told, snapshot


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
    new.accounts, new.subjects, new.others, new.bans = {}, {}, {}, {}
    new.refused, new.controls = [], Controls()
    new._positions, new._newest = {}, 0
    new._gathering = Gathering(engine.pack)
    return new


def play(engine: Engine, scenario: Scenario) -> Played:
    """One scenario in an engine that has seen nothing."""
    return play_together(engine, [scenario])[scenario.number]


def play_together(engine: Engine, scenarios: Sequence[Scenario]) -> dict[int, Played]:
    """Several scenarios at once in an engine of their pack that has seen nothing; by number.

    Raises AssertionError when something is decided about a subject that is none of theirs, or when two of them break
    the rules on one host that is everybody's: such a host has one record, and they would meet in it.
    """
    return _Player(engine, scenarios).played()


class _Player:
    def __init__(self, engine: Engine, scenarios: Sequence[Scenario]) -> None:
        self._engine = engine
        self._scenarios = scenarios
        self._found = {scenario.number: Played([], Told()) for scenario in scenarios}
        self._public: dict[str, int] = {}
        self._log = ControlLog()

    def played(self) -> dict[int, Played]:
        events = [(arrives, event_of(body)) for arrives, body in merged(self._scenarios)]
        checks = {check.at for scenario in self._scenarios for check in scenario.checks}
        acts = {act.at for scenario in self._scenarios for act in scenario.acts}
        fed = 0
        for at in sorted(checks | acts):
            until = fed
            while until < len(events) and events[until][0] <= at:
                until += 1
            self._judge([event for _, event in events[fed:until]])
            fed = until
            for scenario in self._scenarios:
                for number, act in acts_at(scenario, at):
                    self._act(scenario, number, act)
            for scenario in self._scenarios:
                if any(check.at == at for check in scenario.checks):
                    self._look(scenario, at)
        return self._found

    def _judge(self, events: list[Event]) -> None:
        for decision in self._engine.judge(events):
            number = whose(decision, self._public)
            assert number in self._found, f"{decision.subject} belongs to no scenario: {decision}"
            self._found[number].told.add(decision)
            if decision.subject in self._found[number].told.charged:
                self._claim(decision.subject, number)

    def _act(self, scenario: Scenario, number: int, act: Act) -> None:
        if is_control(act):
            self._log.add(control_of(scenario, number))
            self._engine.controls = self._log.controls
            return
        told, before = self._found[scenario.number].told, len(self._engine.refused)
        body = moderation_of(scenario, number, told)
        self._claim(body["subject"], scenario.number)
        self._judge([event_of(body)])
        told.refused += [error.reason for error in self._engine.refused[before:]]

    def _claim(self, subject: str, number: int) -> None:
        assert self._public.setdefault(subject, number) == number, f"{subject} is of two scenarios"

    def _look(self, scenario: Scenario, at: int) -> None:
        subjects = [subject for subject in self._engine.subjects if self._public.get(subject) == scenario.number]
        played = self._found[scenario.number]
        played.seen.append(snapshot(played.told, held_by(self._engine, subjects, at)))


def whose(decision: Decision, public: Mapping[str, int]) -> int | None:
    """The number of the scenario that a decision belongs to, by its subject or its event; None when it is nobody's.

    public: subjects that violations were charged to, or people decided about -> the scenario.
    """
    number = owner(decision.subject)
    if number is None and isinstance(decision, Violation):
        number = owner(decision.event.id)
    return number if number is not None else public.get(decision.subject)
