"""Runs the cases written beside a pack's rules: what must hit, and what must not, and what else they break.

A case says what one rule does with it. But an event is judged by all of them: what passes one rule as innocent must not
be convicted by the next one. So every case is held against every enforced rule, and one that breaks another is named:
`passes` by any other, `hits` by one of another clause. What its `also` names, it may break.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from rules.events import InvalidEventError, MassSend, Post, Share, convert_event
from rules.gathering import Gathering
from rules.packs.model import Case, Pack, Rule
from rules.packs.source import InvalidPackError, PackError, Place
from rules.screen import Arrival, Screen

_START = datetime(2026, 1, 1, tzinfo=UTC)
_APART = 1000
"""From the last event of one part of a case to the first of the next, in ms."""
_DEFAULTS: dict[str, dict[str, object]] = {
    "post": {"text": ""},
    "share": {"url": "https://shared.example/page", "scene": "moments"},
    "mass_send": {"text": "", "channel": "followers", "recipients": 1},
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went the wrong way. `fired` are the rules that did fire."""

    rule: str
    place: Place
    expected: bool
    text: str
    fired: tuple[str, ...]

    def __str__(self) -> str:
        verb = "must hit but does not" if self.expected else "must not hit but does"
        fired = f"; fired: {', '.join(self.fired)}" if self.fired else ""
        return f"{self.place}: {self.rule}: {verb}: {self.text!r}{fired}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A case of one rule and `others`, enforced ones: those that it breaks though its `also` does not name them, or
    those that its `also` names and that it does not break. `expected`: the case is one of the rule's `hits`."""

    rule: str
    place: Place
    expected: bool
    text: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many cases ran, and those that failed. `untested` rules have no hits, or no passes.

    innocents: cases that pass their own rule and break others. overlaps: cases that hit, and break other clauses as
    well. stale: cases whose `also` names what they do not break.
    """

    cases: int
    cases_of: dict[str, int]
    failures: list[Failure]
    untested: list[str]
    innocents: list[Crossing] = field(default_factory=list)
    overlaps: list[Crossing] = field(default_factory=list)
    stale: list[Crossing] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every case does with its own rule what it says."""
        return not self.failures and not self.untested


def check_pack(pack: Pack) -> CheckResult:
    """Runs every case of every rule that is not off. Raises InvalidPackError for a case that is no valid event."""
    expectations: list[tuple[Rule, Case, bool, str]] = []
    arrivals: list[Arrival] = []
    errors: list[PackError] = []
    rules = [rule for rule in pack.rules.values() if rule.mode != "off"]
    for rule, case, expected in _cases(rules):
        number = len(expectations)
        try:
            arrivals.extend(_arrivals(case, number))
            expectations.append((rule, case, expected, arrivals[-1].event.id))
        except InvalidEventError as error:
            errors.append(PackError(case.place, f"the case is no valid event: {error}"))
    if errors:
        raise InvalidPackError(errors)
    screened = Screen(pack, test_words=True).screen(arrivals, lambda _: None)
    crowds: dict[str, Gathering] = {}
    violations = list(screened.violations)
    for at, sighting in screened.sightings:  # cases do not meet
        violations.extend(crowds.setdefault(arrivals[at].stream, Gathering(pack)).take([sighting]))
    fired: dict[str, set[str]] = {}
    enforced: dict[str, set[str]] = {}
    for violation in violations:
        fired.setdefault(violation.event.id, set()).add(violation.rule)
        if violation.mode == "enforce":
            enforced.setdefault(violation.event.id, set()).add(violation.rule)
    failures = [
        Failure(rule.name, case.place, expected, _words(case), tuple(sorted(fired.get(event, ()))))
        for rule, case, expected, event in expectations
        if (rule.name in fired.get(event, ())) != expected
    ]
    result = CheckResult(
        cases=len(expectations),
        cases_of={rule.name: len(rule.hits) + len(rule.passes) for rule in rules},
        failures=failures,
        untested=[rule.name for rule in rules if not rule.hits or not rule.passes],
    )
    for rule, case, expected, event in expectations:
        broken = enforced.get(event, set()) - {rule.name}
        others = {name for name in broken if not expected or pack.rules[name].clause != rule.clause} - case.also
        if others:
            (result.overlaps if expected else result.innocents).append(_crossing(rule, case, expected, others))
        if stale := case.also - broken:
            result.stale.append(_crossing(rule, case, expected, stale))
    return result


def _crossing(rule: Rule, case: Case, expected: bool, others: Iterable[str]) -> Crossing:
    return Crossing(rule.name, case.place, expected, _words(case), tuple(sorted(others)))


def _cases(rules: list[Rule]) -> Iterator[tuple[Rule, Case, bool]]:
    for rule in rules:
        for case in rule.hits:
            yield rule, case, True
        for case in rule.passes:
            yield rule, case, False


def _arrivals(case: Case, number: int) -> Iterator[Arrival]:
    """The case's events, from accounts of its own. Raises InvalidEventError."""
    time, sent = _START, 0
    for part in (*case.before, case):
        time += timedelta(milliseconds=part.after)
        for turn in range(part.repeat):
            event = _event(part, turn, number, time, f"{number}.{sent}")
            yield Arrival(event, "case", f"case-{number}", sent)
            sent += 1
            time += timedelta(milliseconds=part.every if turn + 1 < part.repeat else _APART)


def _event(case: Case, turn: int, number: int, time: datetime, name: str) -> Post | Share | MassSend:
    kind = str(case.fields["type"])
    own = f"case-{number}"
    fields = dict(case.fields) if case.repeat == 1 else _numbered(dict(case.fields), turn)
    fields.pop("type")
    account = fields.pop("account", turn % case.accounts)
    event = convert_event(
        kind,  # type: ignore[arg-type]
        {**_DEFAULTS[kind], **fields, "account": f"{own}/{account}", "id": name, "time": time.isoformat()},
    )
    if not isinstance(event, Post | Share | MassSend):
        raise InvalidEventError("invalid", "a case is a post, a share or a mass send")
    if isinstance(event, MassSend) and event.promotes:  # the accounts it promotes are of this case as well
        return structs.replace(event, promotes=[f"{own}/{account}" for account in event.promotes])
    return event


def _numbered(value: Any, turn: int) -> Any:
    """`value` with the number of the turn for every `{n}` in its texts."""
    match value:
        case str():
            return value.replace("{n}", str(turn + 1))
        case list():
            return [_numbered(each, turn) for each in value]
        case dict():
            return {key: _numbered(each, turn) for key, each in value.items()}
        case _:
            return value


def _words(case: Case) -> str:
    return " | ".join(str(case.fields[name]) for name in case.fields if name != "type")[:100]
