"""What is the case against what a scenario says, in the words of its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.decisions import Action
from tests.scenarios.model import Check, Scenario, Until
from tests.scenarios.names import Names
from tests.scenarios.play import Played, Seen, Told

_DAY_MS, _MINUTE_MS = 86_400_000, 60_000


def wrong_in(scenario: Scenario, played: Played) -> list[str]:
    """Where a scenario and what was the case differ, one line each; an empty list when they agree."""
    names = Names(scenario.number)
    pairs = zip(scenario.checks, played.seen, strict=True)
    found = [line for check, seen in pairs for line in _check(check, seen, names)]
    return [*found, *_charges(scenario, played.told, names)]


def _check(check: Check, seen: Seen, names: Names) -> Iterator[str]:
    where = f"{check.place}: at {shown(check.at)}: "
    wanted = {names.subject(subject): actions for subject, actions in check.held.items()}
    for subject in sorted(wanted | seen.held):
        must, has = wanted.get(subject, {}), seen.held.get(subject, {})
        if must != has:
            yield f"{where}{names.written(subject)}: in force must be {_actions(must)}, is {_actions(has)}"
    reviews = {names.subject(subject): set(clauses) for subject, clauses in check.reviews.items()}
    for subject in sorted(reviews | seen.reviews):
        opened, open_ = reviews.get(subject, set()), seen.reviews.get(subject, set())
        if opened != open_:
            yield f"{where}{names.written(subject)}: reviews must be of {_list(opened)}, are of {_list(open_)}"
    if check.warned is not None:
        warned = {names.subject(subject) for subject in check.warned}
        for subject in sorted(warned ^ seen.warned):
            word = "must have been warned" if subject in warned else "must not have been warned"
            yield f"{where}{names.written(subject)}: {word}"


def _charges(scenario: Scenario, told: Told, names: Names) -> Iterator[str]:
    broken = {clause for clauses in told.charged.values() for clause in clauses}
    if broken != scenario.breaks:
        yield f"{scenario.place}: must break {_list(scenario.breaks)}, breaks {_list(broken)}"
    never = None if scenario.never is None else {names.subject(subject) for subject in scenario.never}
    for subject, clauses in sorted(told.charged.items()):
        if never is None or subject in never:
            yield f"{scenario.place}: {names.written(subject)} must never be charged, is with {_list(clauses)}"


def shown(time: int) -> str:
    """A time as scenario files write it."""
    days, rest = divmod(time, _DAY_MS)
    hours, rest = divmod(rest, 60 * _MINUTE_MS)
    minutes, rest = divmod(rest, _MINUTE_MS)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (rest // 1000, "s"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0h"


def _actions(actions: dict[Action, Until]) -> str:
    spans = {action: "for good" if end is None else f"until {shown(end)}" for action, end in actions.items()}
    return ", ".join(f"{action} {span}" for action, span in sorted(spans.items())) or "nothing"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
