"""What is the case against what a scenario says, in the words of its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.decisions import Action
from tests.scenarios.model import Check, Reviewed, Scenario, Until
from tests.scenarios.names import Names
from tests.scenarios.told import Case, Played, Seen, Told

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
    reviews = {names.subject(subject): reviewed for subject, reviewed in check.reviews.items()}
    for subject in sorted(reviews | seen.reviews):
        for line in _reviews(reviews.get(subject, Reviewed(frozenset())), seen.reviews.get(subject, [])):
            yield f"{where}{names.written(subject)}: {line}"
    lifted = {names.subject(subject): actions for subject, actions in check.lifted.items()}
    for subject in sorted(lifted | seen.lifted):
        must_be, are = lifted.get(subject, frozenset()), seen.lifted.get(subject, set())
        if must_be != are:
            yield f"{where}{names.written(subject)}: lifted must be {_list(must_be)}, is {_list(are)}"
    if list(check.refused) != seen.refused:
        wants, is_ = " and ".join(check.refused) or "nothing", " and ".join(seen.refused) or "nothing"
        yield f"{where}refused must be {wants}, is {is_}"
    if check.warned is not None:
        warned = {names.subject(subject) for subject in check.warned}
        for subject in sorted(warned ^ seen.warned):
            word = "must have been warned" if subject in warned else "must not have been warned"
            yield f"{where}{names.written(subject)}: {word}"


def _reviews(wanted: Reviewed, cases: list[Case]) -> Iterator[str]:
    clauses = {clause for case in cases for clause in case.clauses}
    if wanted.clauses != clauses:
        yield f"reviews must be of {_list(wanted.clauses)}, are of {_list(clauses)}"
    if not cases:
        return
    last = cases[-1]
    for word, must, is_ in (("reason", wanted.reason, last.reason), ("status", wanted.status, last.status)):
        if must is not None and must != is_:
            yield f"the {word} of its review must be {must}, is {is_}"
    if wanted.proposes is not None and wanted.proposes != last.proposes:
        yield f"its review must propose {_list(wanted.proposes)}, proposes {_list(last.proposes)}"


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
