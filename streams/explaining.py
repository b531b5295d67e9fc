"""What a pack makes of one event, step by step, as values: `warden explain` shows them.

There is no history: a behaviour signal counts this one event, and sanctions are those that this violation, and
then its repetitions, would lead to for a subject with a clean record.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.decisions import Action, Evidence, Severity, Violation
from rules.events import InvalidEventError, MassSend, Post, Share, convert_event, millis
from rules.packs.model import FIELDS, BehaviourSignal, Pack
from rules.sanctions import Offence, standing
from rules.screen import Arrival, Screen
from rules.subjects import kind_of

_FILLED: dict[str, dict[str, object]] = {
    "post": {"text": ""},
    "share": {"url": "https://shared.example/", "scene": "moments"},
    "mass_send": {"text": "", "channel": "followers", "recipients": 1},
}
_ALWAYS: dict[str, object] = {"id": "explained", "account": "someone", "time": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class FoldedText:
    """One text of the event: as written, and as it is matched."""

    field: str
    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class FiredSignal:
    """A signal that says something about the event. `needs_history`: other events of the account count as well."""

    name: str
    kind: str
    value: float
    needs_history: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One rung for one subject: what the n-th offence leads to. `lasts_ms` None: no end (or a warning)."""

    offence: int
    rung: int
    actions: list[Action]
    lasts_ms: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A subject that is charged, and how its sanctions would climb."""

    subject: str
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that fires. `by_report`: nothing is enforced before users report."""

    name: str
    clause: str
    title: dict[str, str]
    when: str
    mode: str
    severity: Severity
    by_report: bool
    evidence: list[Evidence]
    charges: list[Charge]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it."""

    pack: str
    type: str
    texts: list[FoldedText]
    signals: list[FiredSignal]
    rules: list[FiredRule]


def event_from(fields: dict[str, object]) -> Post | Share | MassSend:
    """The event of `fields`; `type` (a post without one), id, account, time and other required ones are filled in.

    Raises InvalidEventError.
    """
    kind = fields.get("type", "post")
    rest = {name: value for name, value in fields.items() if name != "type"}
    match kind:
        case "post" | "share" | "mass_send":
            event = convert_event(kind, {**_ALWAYS, **_FILLED[kind], **rest})
        case _:
            raise InvalidEventError("unknown_type", f"type {kind!r}: one of post, share, mass_send is judged")
    if not isinstance(event, Post | Share | MassSend):
        raise InvalidEventError("unknown_type", "only content is judged")
    return event


def explain(pack: Pack, event: Post | Share | MassSend) -> Explanation:
    """What `pack` makes of `event`."""
    screen = Screen(pack)
    facts = screen.facts(event)
    segments, folded = facts.scored.segments, facts.scored.folded
    texts = [
        FoldedText(FIELDS[field], text, folded.text(index))
        for index, (text, field) in enumerate(zip(segments.texts, segments.field, strict=True))
    ]
    signals = [
        FiredSignal(name, type(signal).__name__.removesuffix("Signal").lower(), value, False)
        for name, signal in pack.signals.items()
        if not isinstance(signal, BehaviourSignal) and (value := facts[name]) > 0
    ]
    signals += [FiredSignal(signal.name, "behaviour", 1.0, True) for signal in _counted(pack, event)]
    violations = screen.screen([Arrival(event, event.type, event.type, 0)], lambda _: None).violations
    return Explanation(pack.label, event.type, texts, signals, list(_rules(pack, violations)))


def _counted(pack: Pack, event: Post | Share | MassSend) -> Iterator[BehaviourSignal]:
    """The behaviour signals that count this event, 1 so far."""
    channel = event.channel if isinstance(event, MassSend) else None
    for signal in pack.signals.values():
        if not isinstance(signal, BehaviourSignal) or signal.of != event.type or signal.test != "count":
            continue
        if signal.channels is None or channel in signal.channels:
            yield signal


def _rules(pack: Pack, violations: list[Violation]) -> Iterator[FiredRule]:
    charged: dict[str, list[Violation]] = {}
    for violation in violations:
        charged.setdefault(violation.rule, []).append(violation)
    for name, found in charged.items():
        rule, first = pack.rules[name], found[0]
        clause = pack.clauses[rule.clause]
        yield FiredRule(
            name=name,
            clause=clause.id,
            title={"zh": clause.title.zh, "en": clause.title.en},
            when=rule.when.source,
            mode=rule.mode,
            severity=first.severity,
            by_report=clause.by_report,
            evidence=first.evidence,
            charges=[Charge(violation.subject, list(_steps(pack, violation))) for violation in found],
        )


def _steps(pack: Pack, violation: Violation) -> Iterator[Step]:
    """What the first offence, and each further one right after the last sanction's end, lead to."""
    ladder = pack.ladder_of[violation.clause]
    offences: list[Offence] = []
    time = millis(violation.time)
    for number in range(1, len(ladder.rungs) + 1):
        offences.append(
            Offence(
                time,
                str(number),
                violation.clause,
                violation.rule,
                violation.severity,
                violation.holds_share_api,
            )
        )
        held = standing(kind_of(violation.subject), offences, ladder, pack.clauses)
        if held is None or not held.actions:
            return
        yield Step(number, held.rung, list(held.actions), None if held.ends is None else held.ends - held.starts)
        if all(held.permanent(action) for action in held.actions):
            return
        time = max(held.ends or 0, time + ladder.grace)
