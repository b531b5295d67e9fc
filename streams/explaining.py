"""What a pack makes of one event, step by step, as values: `warden explain` shows them.

The steps are those of the judgement: texts are folded, words are found in them, signals are worked out, rules are
looked at, and subjects are charged. There is no history: a behaviour signal counts this one event, a crowd is as large
as this event alone makes it, and sanctions are those that this violation, and then its repetitions, would lead to for
a subject with a clean record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.crowd_tracing import CrowdTrace, trace_crowd
from rules.decisions import Action, Evidence, Severity, Violation
from rules.events import InvalidEventError, MassSend, Post, Share, convert_event, millis
from rules.facts import EventFacts
from rules.gathering import Gathering
from rules.offences import Offence
from rules.packs.model import BehaviourSignal, Pack, Rule
from rules.protection import Protection
from rules.screen import Arrival, Screen
from rules.sightings import Sighting
from rules.standing import standing
from rules.subjects import kind_of
from rules.tracing import Part, parts_of
from rules.wording import FoldedText, FoundWord, folded_texts, found_words, reached

_FILLED: dict[str, dict[str, object]] = {
    "post": {"text": ""},
    "share": {"url": "https://shared.example/", "scene": "moments"},
    "mass_send": {"text": "", "channel": "followers", "recipients": 1},
}
_ALWAYS: dict[str, object] = {"id": "explained", "account": "someone", "time": "2026-01-01T00:00:00Z"}
MAX_CONSIDERED = 50
"""Most rules told of that were looked at and do not fire; the nearest to it come first."""


@dataclass(frozen=True, slots=True)
class FiredSignal:
    """A signal that says something about the event, or would with more words.

    value: what it is worth; 0 when it does not fire. reached and needs: of signals over words, what the words found
    add up to, and what they have to. needs_history: other events of the account count as well.
    """

    name: str
    kind: str
    value: float
    needs_history: bool
    reached: float | None = None
    needs: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rung for one subject: what the n-th offence leads to. `lasts_ms` None: no end (or a warning)."""

    offence: int
    rung: int
    actions: list[Action]
    lasts_ms: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A subject that is charged, and how its sanctions would climb. `waits`: why each would wait for a person."""

    subject: str
    steps: list[Step]
    waits: str = ""


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that fires. `parts`: of its condition.

    `by_report`: nothing is enforced, a review is opened for a person, who may apply the sanctions of `charges`.
    `reporters`: how many must have reported the subject before it is; None where it is opened at once.
    `crowd`: of a rule that several events decide together, when this one is a crowd by itself.
    """

    name: str
    clause: str
    title: dict[str, str]
    when: str
    parts: list[Part]
    mode: str
    severity: Severity
    by_report: bool
    reporters: int | None
    evidence: list[Evidence]
    charges: list[Charge]
    crowd: CrowdTrace | None


@dataclass(frozen=True, slots=True)
class ConsideredRule:
    """A rule that was looked at, because one of its triggers says something, and does not fire.

    `parts`: of its condition, those that do not hold say why. Where all hold, the rule has a `crowd`, and waits for
    others that do the same unless the event cannot be counted.
    """

    name: str
    clause: str
    title: dict[str, str]
    mode: str
    when: str
    parts: list[Part]
    waits_for_others: bool
    crowd: CrowdTrace | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it, in the order in which it is worked out."""

    pack: str
    type: str
    texts: list[FoldedText]
    words: list[FoundWord]
    signals: list[FiredSignal]
    rules: list[FiredRule]
    considered: list[ConsideredRule]


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


def explain(pack: Pack, event: Post | Share | MassSend, screen: Screen | None = None) -> Explanation:
    """What `pack` makes of `event`. `screen`: the pack compiled, which takes seconds, where somebody has done it."""
    screen = Screen(pack) if screen is None else screen
    facts = screen.facts(event)
    for signal in _counted(pack, event):
        facts[signal.name] = 1.0
    sums = reached(pack, facts)
    signals = list(_signals(pack, facts, sums))
    screened = screen.screen([Arrival(event, event.type, event.type, 0)], lambda _: None)
    sightings: dict[str, list[Sighting]] = {}
    for _, sighting in screened.sightings:
        sightings.setdefault(sighting.rule, []).append(sighting)
    together = Gathering(pack).take(sighting for _, sighting in screened.sightings)
    violations = [*screened.violations, *together]
    fired = list(dict.fromkeys(violation.rule for violation in violations))
    facts.update({f"rules.{name}": 1.0 for name in fired})
    crowds = {
        rule.name: trace_crowd(
            pack, rule.crowd, event, facts.scored, sightings.get(rule.name, ()), holds=rule.when.evaluate(facts)
        )
        for rule in pack.rules.values()
        if rule.crowd is not None
    }
    return Explanation(
        pack.label,
        event.type,
        folded_texts(facts.scored),
        found_words(pack, facts.scored, sums),
        signals,
        list(_fired_rules(pack, violations, facts, crowds)),
        _considered(pack, facts, sums, set(fired), crowds),
    )


def _signals(pack: Pack, facts: EventFacts, sums: Mapping[str, float]) -> Iterator[FiredSignal]:
    for name, signal in pack.signals.items():
        value = facts[name]
        if value <= 0 and sums.get(name, 0) <= 0:
            continue
        kind = type(signal).__name__.removesuffix("Signal").lower()
        needs = getattr(signal, "at_least", None)
        yield FiredSignal(name, kind, value, isinstance(signal, BehaviourSignal), sums.get(name), needs)


def _counted(pack: Pack, event: Post | Share | MassSend) -> Iterator[BehaviourSignal]:
    """The behaviour signals that count this event, 1 so far."""
    channel = event.channel if isinstance(event, MassSend) else None
    for signal in pack.signals.values():
        if not isinstance(signal, BehaviourSignal) or signal.of != event.type or signal.test != "count":
            continue
        if signal.channels is None or channel in signal.channels:
            yield signal


def _fired_rules(
    pack: Pack, violations: list[Violation], facts: EventFacts, crowds: Mapping[str, CrowdTrace]
) -> Iterator[FiredRule]:
    charged: dict[str, list[Violation]] = {}
    for violation in violations:
        charged.setdefault(violation.rule, []).append(violation)
    protection = Protection(pack)
    for name, found in charged.items():
        rule, first = pack.rules[name], found[0]
        clause = pack.clauses[rule.clause]
        yield FiredRule(
            name=name,
            clause=clause.id,
            title=_title(pack, rule),
            when=rule.when.source,
            parts=parts_of(rule.when.source, facts),
            mode=rule.mode,
            severity=first.severity,
            by_report=clause.by_report,
            reporters=clause.reports.reporters if clause.reports is not None else None,
            evidence=first.evidence,
            charges=[_charge(pack, protection, violation) for violation in found],
            crowd=crowds.get(name),
        )


def _considered(
    pack: Pack, facts: EventFacts, sums: Mapping[str, float], fired: set[str], crowds: Mapping[str, CrowdTrace]
) -> list[ConsideredRule]:
    """The rules of which a trigger says something and that do not fire, the nearest to firing first."""
    found = [
        ConsideredRule(
            name=rule.name,
            clause=rule.clause,
            title=_title(pack, rule),
            mode=rule.mode,
            when=rule.when.source,
            parts=parts_of(rule.when.source, facts),
            waits_for_others=rule.name in crowds and bool(crowds[rule.name].counted),
            crowd=crowds.get(rule.name),
        )
        for rule in pack.rules.values()
        if rule.mode != "off" and rule.name not in fired and _is_triggered(pack, rule, facts, sums)
    ]
    found.sort(key=lambda rule: (sum(not part.holds for part in rule.parts), -sum(part.holds for part in rule.parts)))
    return found[:MAX_CONSIDERED]


def _is_triggered(pack: Pack, rule: Rule, facts: EventFacts, sums: Mapping[str, float]) -> bool:
    """Whether one of the names that must have fired says something, be it less than the rule needs."""
    for name in rule.when.least or ():
        if name.startswith("rules."):
            if _is_triggered(pack, pack.rules[name.removeprefix("rules.")], facts, sums):
                return True
        elif facts[name] > 0 or sums.get(name, 0) > 0:
            return True
    return False


def _charge(pack: Pack, protection: Protection, violation: Violation) -> Charge:
    waits = protection.reason(violation.subject, violation) or ""
    return Charge(violation.subject, list(_steps(pack, violation)), waits)


def _title(pack: Pack, rule: Rule) -> dict[str, str]:
    title = pack.clauses[rule.clause].title
    return {"zh": title.zh, "en": title.en}


def _steps(pack: Pack, violation: Violation) -> Iterator[Step]:
    """What the first offence, and each further one right after the last sanction's end, lead to."""
    ladder = pack.ladder_of[violation.clause]
    offences: list[Offence] = []
    time = millis(violation.time)
    for number in range(1, len(ladder.rungs) + 1):
        offences.append(
            Offence(
                time,
                number.to_bytes(16),
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
