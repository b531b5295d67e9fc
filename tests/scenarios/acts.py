"""What people decide in a scenario, as the events and records of the engine: what they mean is looked up in what was
told so far."""

from __future__ import annotations

from typing import Any

from rules.controls import ControlRecord
from rules.events import from_millis
from tests.scenarios.model import Act, Scenario
from tests.scenarios.names import Names
from tests.scenarios.start import START
from tests.scenarios.told import Told


def acts_at(scenario: Scenario, at: int) -> list[tuple[int, Act]]:
    """(number, act) of a scenario's acts of one instant, in the order of the file."""
    return [(number, act) for number, act in enumerate(scenario.acts) if act.at == at]


def is_control(act: Act) -> bool:
    """Whether it halts or resumes enforcement, rather than decides about a subject."""
    return act.kind in {"halt", "resume"}


def moderation_of(scenario: Scenario, number: int, told: Told) -> dict[str, Any]:
    """The event, as JSON has it, that an act is. Raises AssertionError when there is nothing to decide about."""
    act, names = scenario.acts[number], Names(scenario.number)
    subject = names.subject(act.subject)
    body: dict[str, Any] = {
        "id": _identity(scenario, number),
        "subject": subject,
        "moderator": act.by,
        "reason": act.why,
        "time": from_millis(START + act.at).isoformat(),
    }
    match act.kind:
        case "appeal":
            assert act.action is not None, "an appeal is against a sanction"
            found = told.enforced.get((subject, act.action))
            assert found, f"{act.place}: {act.action} on {names.written(subject)} was never announced"
            return {
                **body,
                "type": "appeal",
                "enforcement": found,
                "verdict": "overturned" if act.overturns else "upheld",
            }
        case "approve" | "reject":
            reviews = told.reviews.get(subject)
            assert reviews, f"{act.place}: {names.written(subject)} has no review"
            verdict = "approved" if act.kind == "approve" else "rejected"
            return {**body, "type": "review_decision", "review": [*reviews][-1], "verdict": verdict}
        case "impose" | "clear":
            until = {} if act.until is None else {"until": from_millis(START + act.until).isoformat()}
            action = {} if act.action is None else {"action": act.action}
            return {**body, **until, **action, "type": "order", "do": "sanction" if act.kind == "impose" else "clear"}
        case _:
            raise AssertionError(f"{act.place}: {act.kind} decides about no subject")


def control_of(scenario: Scenario, number: int) -> ControlRecord:
    """The record that halts or resumes."""
    act = scenario.acts[number]
    return ControlRecord(
        id=_identity(scenario, number),
        do="halt" if act.kind == "halt" else "resume",
        rule=act.rule or None,
        by=act.by,
        why=act.why,
        time=from_millis(START + act.at),
    )


def _identity(scenario: Scenario, number: int) -> str:
    return f"sc{scenario.number:04}-act{number}"
