"""The reader of what people decide: appeals, reviews, orders, and the switch."""

from __future__ import annotations

from rules.decisions import Action
from rules.packs.source import Node
from tests.scenarios.model import ACTS, Act, ActKind
from tests.scenarios.read_values import sanction, subjects, time

_KEYS = {
    "appeal": ("against",),
    "approve": (),
    "reject": (),
    "impose": ("until",),
    "clear": ("until",),
    "halt": (),
    "resume": (),
}
_EVERYTHING = "everything"


def act_kinds(node: Node) -> list[ActKind]:
    """What kinds of act a line of `given` names."""
    body = node.mapping()
    return [kind for kind in ACTS if kind in body]


def read_act(kind: ActKind, node: Node) -> Act:
    """One line of `given` in which a person decides."""
    body = node.mapping()
    at, main = time(body.need("at")), body.need(kind)
    by, why = body.need("by").text(), body.need("why").text()
    given = {key: body.take(key) for key in _KEYS[kind]}
    body.done()
    subject, action, rule = "", None, ""
    match kind:
        case "halt" | "resume":
            rule = _rule(main)
        case "approve" | "reject":
            subject = _subject(main, main.text())
        case "appeal":
            main.choice(("overturned", "upheld"))
            against = given["against"]
            if against is None:
                raise node.error("'against' is missing", "against: block_access on domain site.example")
            action, subject = _sanction_on(against)
        case "impose":
            action, subject = _sanction_on(main)
        case "clear":
            action, subject = _sanction_on(main) if " on " in main.text() else (None, _subject(main, main.text()))
    ends = given.get("until")
    until = time(ends) if ends is not None else None
    if ends is not None and until is not None and until <= at:
        raise ends.error("it ends before it begins", "`until` counts from the scenario's begin, as `at` does")
    return Act(at, kind, subject, action, main.text() == "overturned", until, rule, by, why, node.place)


def _sanction_on(node: Node) -> tuple[Action, str]:
    name, on, rest = node.text().partition(" on ")
    if not on:
        raise node.error(f"{node.text()!r} is no sanction on a subject", "block_access on domain site.example")
    subject = _subject(node, rest)
    return sanction(subject, node, name, warning=True), subject


def _subject(node: Node, text: str) -> str:
    found = [*subjects(node, text)]
    if len(found) != 1:
        raise node.error("a person decides about one subject", "one line for each")
    return found[0]


def _rule(node: Node) -> str:
    """The rule that is halted; empty for all."""
    text = node.text()
    if text == _EVERYTHING:
        return ""
    word, _, rule = text.partition(" ")
    if word != "rule" or not rule:
        raise node.error(f"expected what to stop, found {text!r}", "`everything`, or a rule: rule spam.adverts")
    return rule
