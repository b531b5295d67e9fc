"""The reader of checks: what must be the case at a time."""

from __future__ import annotations

from typing import cast, get_args

from rules.decisions import Action, ReviewReason, ReviewStatus
from rules.events import Refusal
from rules.packs.source import Node
from tests.scenarios.model import Check, Held, Reviewed, Until
from tests.scenarios.read_values import sanction, subjects, time

REFUSALS: tuple[Refusal, ...] = ("unknown_enforcement", "unknown_review", "final")
"""Why a moderator's decision may be refused; that a sanction cannot land is an error of the file."""


def read_check(node: Node) -> Check:
    """One check of `then`."""
    body = node.mapping()
    at = time(body.need("at"))
    warned, reviews, force = body.take("warned"), body.take("reviews"), body.take("in force")
    lifted, refused = body.take("lifted"), body.take("refused")
    body.done()
    if force is None:
        raise node.error("'in force' is missing", "what is in force at this time, or `in force: nothing`")
    return Check(
        at=at,
        held=_held(force),
        reviews=_reviews(reviews),
        warned=None if warned is None else frozenset(s for each in warned.sequence() for s in subjects(each)),
        place=node.place,
        lifted=_lifted(lifted),
        refused=tuple(each.choice(REFUSALS) for each in refused.sequence()) if refused is not None else (),
    )


def _reviews(node: Node | None) -> dict[str, Reviewed]:
    found: dict[str, Reviewed] = {}
    for _, key, value in node.items() if node is not None else ():
        found.update(dict.fromkeys(subjects(key), _reviewed(value)))
    return found


def _reviewed(node: Node) -> Reviewed:
    """The clauses alone, or with how the review stands."""
    if not node.is_mapping:
        return Reviewed(frozenset(node.texts()))
    body = node.mapping()
    clauses, reason, status, proposes = (body.take(key) for key in ("of", "because", "status", "proposes"))
    body.done()
    if clauses is None:
        raise node.error("'of' is missing", "the clauses of the review: {of: [links.6], because: quota, status: open}")
    return Reviewed(
        frozenset(clauses.texts()),
        cast(ReviewReason, reason.choice(get_args(ReviewReason))) if reason is not None else None,
        cast(ReviewStatus, status.choice(get_args(ReviewStatus))) if status is not None else None,
        frozenset(each.choice(get_args(Action)) for each in proposes.sequence()) if proposes is not None else None,
    )


def _lifted(node: Node | None) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for _, key, value in node.items() if node is not None else ():
        for subject in subjects(key):
            found[subject] = frozenset(sanction(subject, each, each.text(), warning=True) for each in value.sequence())
    return found


def _held(node: Node) -> Held:
    if node.is_scalar:
        node.choice(("nothing",))
        return {}
    held: Held = {}
    for _, key, value in node.items():
        for subject in subjects(key):
            if subject in held:
                raise key.error(f"{subject!r} is given twice")
            actions = _actions(subject, value)
            if actions:
                held[subject] = actions
    return held


def _actions(subject: str, node: Node) -> dict[Action, Until]:
    if node.is_scalar:
        node.choice(("nothing",))
        return {}
    return {sanction(subject, key, name): _until(value) for name, key, value in node.items()}


def _until(node: Node) -> Until:
    text = node.text()
    if text == "for good":
        return None
    if not text.startswith("until "):
        raise node.error(f"expected when it ends, found {text!r}", "`until 12h`, counted from the begin, or `for good`")
    return time(node, text.removeprefix("until "))
