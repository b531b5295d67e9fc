"""Runs the cases written beside a pack's rules: what must hit, and what must not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.events import InvalidEventError, MassSend, Post, Share, convert_event
from rules.packs.model import Case, Pack, Rule
from rules.packs.source import InvalidPackError, PackError, Place
from rules.screen import Arrival, Screen

_START = datetime(2026, 1, 1, tzinfo=UTC)
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
class CheckResult:
    """How many cases ran, and those that failed. `untested` rules have no hits, or no passes."""

    cases: int
    cases_of: dict[str, int]
    failures: list[Failure]
    untested: list[str]

    @property
    def ok(self) -> bool:
        """Whether the pack may be used."""
        return not self.failures and not self.untested


def check_pack(pack: Pack) -> CheckResult:
    """Runs every case of every rule that is not off. Raises InvalidPackError for a case that is no valid event."""
    expectations: list[tuple[Rule, Case, bool, str]] = []
    arrivals: list[Arrival] = []
    errors: list[PackError] = []
    rules = [rule for rule in pack.rules.values() if rule.mode != "off"]
    for rule, case, expected in _cases(rules):
        number = len(expectations)
        expectations.append((rule, case, expected, f"{number}.{case.repeat - 1}"))
        try:
            arrivals.extend(_arrivals(case, number))
        except InvalidEventError as error:
            errors.append(PackError(case.place, f"the case is no valid event: {error}"))
    if errors:
        raise InvalidPackError(errors)
    fired: dict[str, set[str]] = {}
    for violation in Screen(pack, test_words=True).screen(arrivals, lambda _: None).violations:
        fired.setdefault(violation.event.id, set()).add(violation.rule)
    failures = [
        Failure(rule.name, case.place, expected, _words(case), tuple(sorted(fired.get(event, ()))))
        for rule, case, expected, event in expectations
        if (rule.name in fired.get(event, ())) != expected
    ]
    untested = [rule.name for rule in rules if not rule.hits or not rule.passes]
    cases_of = {rule.name: len(rule.hits) + len(rule.passes) for rule in rules}
    return CheckResult(len(expectations), cases_of, failures, untested)


def _cases(rules: list[Rule]) -> Iterator[tuple[Rule, Case, bool]]:
    for rule in rules:
        for case in rule.hits:
            yield rule, case, True
        for case in rule.passes:
            yield rule, case, False


def _arrivals(case: Case, number: int) -> Iterator[Arrival]:
    """The case's events, from an account of their own. Raises InvalidEventError."""
    kind = str(case.fields["type"])
    fields = {name: value for name, value in case.fields.items() if name != "type"}
    for turn in range(case.repeat):
        time = _START + timedelta(milliseconds=case.every * turn)
        event = convert_event(
            kind,  # type: ignore[arg-type]
            {
                "account": f"case-{number}",
                **_DEFAULTS[kind],
                **fields,
                "id": f"{number}.{turn}",
                "time": time.isoformat(),
            },
        )
        if not isinstance(event, Post | Share | MassSend):
            raise InvalidEventError("invalid", "a case is a post, a share or a mass send")
        yield Arrival(event, "case", f"case-{number}", turn)


def _words(case: Case) -> str:
    return " | ".join(str(case.fields[name]) for name in case.fields if name != "type")[:100]
