"""Two packs on the same events: which decisions appear and vanish, and who stands differently in the end.

Both packs run as whole engines, with behaviour and enforcement, side by side in one pass over the events. Memory grows
with the accounts and subjects that the packs remember, as that of workers does, not with the events.

A decision that both packs make is *kept*. One of the old pack alone *vanishes*, one of the new pack alone *appears*.
Violations are the same when they are of the same event, subject, rule, mode and severity; sanctions when they are of
the same subject, ladder, action, rung and time. Verdicts on appeals name enforcements by their ids; one whose
enforcement a pack never made has no effect there.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from lab.display import shown, text_of
from rules.decisions import BanEntry, Decision, Enforcement, Review, Violation
from rules.engine import Engine
from rules.events import CONTENT_TYPES, Event, millis
from rules.packs.model import Pack

BATCH = 512
WAYS = ("sanctioned", "freed", "harsher", "milder", "otherwise")
"""How a subject can move: from nothing in force to something, back, to higher rungs or more sanctions, to lower ones
or fewer; otherwise: up on one ladder and down on another, or as many other sanctions."""
_MAX_QUOTES = 3

Outcome = Literal["kept", "vanished", "appeared"]
D = TypeVar("D", Violation, Enforcement, Review)


class Standing(NamedTuple):
    """What one ladder holds against a subject: the rung, and the sanctions in force, `+` for those without end."""

    ladder: str
    rung: int
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.ladder} rung {self.rung}: {', '.join(self.actions)}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A decision that only one pack makes, made harmless to show. `quotes`: its evidence; `text`: of the event."""

    what: str
    event: str
    subject: str
    clause: str
    rule: str
    mode: str
    quotes: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A subject that stands differently when the events end; `before` and `after` by ladder, `none` for nothing."""

    subject: str
    way: str
    before: str
    after: str


@dataclass(slots=True)
class Counts:
    """How many decisions both packs make, only the old one makes, only the new one makes."""

    kept: int = 0
    vanished: int = 0
    appeared: int = 0

    @property
    def changed(self) -> int:
        """How many only one of them makes."""
        return self.vanished + self.appeared


@dataclass(slots=True)
class RuleCounts(Counts):
    """The counts of one rule in one mode."""

    rule: str = ""
    clause: str = ""
    mode: str = ""


@dataclass(slots=True)
class Backtest:
    """What differs. `before` and `after` are the packs' labels; counts of violations by rule and mode, by clause and
    by mode; of sanctions by action; of reviews opened. Examples are bounded by `limit`, counts are not.
    """

    before: str
    after: str
    limit: int
    events: dict[str, int] = field(default_factory=dict)
    rules: list[RuleCounts] = field(default_factory=list)
    clauses: dict[str, Counts] = field(default_factory=dict)
    modes: dict[str, Counts] = field(default_factory=dict)
    sanctions: dict[str, Counts] = field(default_factory=dict)
    reviews: Counts = field(default_factory=Counts)
    subjects: dict[str, int] = field(default_factory=dict)
    """Way -> subjects that moved so: sanctioned, freed, harsher, milder, otherwise; and `same`."""
    appeared: dict[str, list[Changed]] = field(default_factory=dict)
    vanished: dict[str, list[Changed]] = field(default_factory=dict)
    """Rule -> examples of its violations."""
    moved: list[Moved] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether the packs decided alike in everything."""
        counts: list[Counts] = [*self.rules, *self.sanctions.values(), self.reviews]
        moved = any(way != "same" and count for way, count in self.subjects.items())
        return not moved and not any(count.changed for count in counts)


def backtest(before: Pack, after: Pack, events: Iterable[Event], examples: int = 5) -> Backtest:
    """Replays `events` through the old pack and the new one. `examples`: most that are kept of each rule, and most
    subjects of each way to move."""
    return _Replay(before, after, max(examples, 0)).run(events)


class _Replay:
    def __init__(self, before: Pack, after: Pack, examples: int) -> None:
        self._old, self._new = Engine(before), Engine(after)
        self._result = Backtest(before.label, after.label, examples)
        self._rules: dict[tuple[str, str, str], RuleCounts] = {}
        self._events: Counter[str] = Counter()
        self._end = 0

    def run(self, events: Iterable[Event]) -> Backtest:
        pending: list[Event] = []
        for event in events:
            pending.append(event)
            if len(pending) >= BATCH:
                self._batch(pending)
                pending = []
        if pending:
            self._batch(pending)
        self._compare_standings()
        result = self._result
        result.events = dict(sorted(self._events.items()))
        result.rules = sorted(self._rules.values(), key=lambda counts: (-counts.changed, counts.rule, counts.mode))
        result.clauses = dict(sorted(result.clauses.items()))
        return result

    def _batch(self, events: list[Event]) -> None:
        self._events.update(event.type for event in events)
        self._end = max(self._end, *(millis(event.time) for event in events))
        old, new = list(self._old.judge_batch(events)), list(self._new.judge_batch(events))
        self._compare_violations(old, new, {(event.type, event.id): event for event in events})
        result = self._result
        for enforcement, name in _compared(_of(old, Enforcement), _of(new, Enforcement), _sanction_key):
            _count(result.sanctions.setdefault(enforcement.action, Counts()), name)
        for _, name in _compared(_of(old, Review), _of(new, Review), _review_key):
            _count(result.reviews, name)

    def _compare_violations(
        self, old: Sequence[Decision], new: Sequence[Decision], events: dict[tuple[str, str], Event]
    ) -> None:
        result = self._result
        for found, name in _compared(_of(old, Violation), _of(new, Violation), _violation_key):
            key = (found.rule, found.clause, found.mode)
            if key not in self._rules:
                self._rules[key] = RuleCounts(rule=found.rule, clause=found.clause, mode=found.mode)
            _count(self._rules[key], name)
            _count(result.clauses.setdefault(found.clause, Counts()), name)
            _count(result.modes.setdefault(found.mode, Counts()), name)
            if name != "kept":
                examples = result.appeared if name == "appeared" else result.vanished
                kept = examples.setdefault(found.rule, [])
                if len(kept) < result.limit:
                    kept.append(_example(found, events.get((found.event.type, found.event.id))))

    def _compare_standings(self) -> None:
        """Who stands differently at the time of the newest event."""
        ways: Counter[str] = Counter()
        for subject in sorted(self._old.subjects.keys() | self._new.subjects.keys()):
            before = _standings(self._old.in_force(subject, self._end))
            after = _standings(self._new.in_force(subject, self._end))
            way = way_moved(before, after)
            ways[way] += 1
            if way != "same" and ways[way] <= self._result.limit:
                self._result.moved.append(Moved(shown(subject), way, _written(before), _written(after)))
        self._result.subjects = {way: ways[way] for way in (*WAYS, "same")}


def way_moved(before: Sequence[Standing], after: Sequence[Standing]) -> str:
    """How a subject moved: one of WAYS, or `same`."""
    if before == after:
        return "same"
    if not before or not after:
        return "sanctioned" if after else "freed"
    old, new = _severity(before), _severity(after)
    ladders = old.keys() | new.keys()
    nothing = (0, 0)
    if all(old.get(ladder, nothing) <= new.get(ladder, nothing) for ladder in ladders) and old != new:
        return "harsher"
    if all(old.get(ladder, nothing) >= new.get(ladder, nothing) for ladder in ladders) and old != new:
        return "milder"
    return "otherwise"


def _severity(standings: Sequence[Standing]) -> dict[str, tuple[int, int]]:
    """Ladder -> its rung, then how many sanctions hold, those without end counted twice."""
    return {
        held.ladder: (held.rung, sum(2 if action.endswith("+") else 1 for action in held.actions)) for held in standings
    }


def _standings(entries: Sequence[BanEntry]) -> list[Standing]:
    """The sanctions in force, by ladder."""
    found: dict[str, list[BanEntry]] = {}
    for entry in entries:
        found.setdefault(entry.ladder, []).append(entry)
    return [
        Standing(
            ladder,
            max(entry.rung for entry in held),
            tuple(sorted(entry.action + "+" * entry.permanent for entry in held)),
        )
        for ladder, held in sorted(found.items())
    ]


def _written(standings: Sequence[Standing]) -> str:
    return "; ".join(map(str, standings)) or "none"


def _of(decisions: Sequence[Decision], kind: type[D]) -> list[D]:
    return [decision for decision in decisions if isinstance(decision, kind)]


def _compared(old: Sequence[D], new: Sequence[D], key: Callable[[D], Hashable]) -> Iterator[tuple[D, Outcome]]:
    """Every decision of either pack, once, with what became of it; equal ones are matched one to one."""
    unmatched = Counter(map(key, new))
    for decision in old:
        matched = unmatched[key(decision)] > 0
        unmatched[key(decision)] -= matched
        yield decision, "kept" if matched else "vanished"
    known = Counter(map(key, old))
    for decision in new:
        if known[key(decision)] > 0:
            known[key(decision)] -= 1
        else:
            yield decision, "appeared"


def _violation_key(found: Violation) -> Hashable:
    return found.event.type, found.event.id, found.subject, found.rule, found.clause, found.mode, found.severity


def _sanction_key(found: Enforcement) -> Hashable:
    return found.subject, found.ladder, found.action, found.rung, found.permanent, found.time


def _review_key(found: Review) -> Hashable:
    return found.subject, tuple(found.clauses), tuple(found.proposed), found.time


def _count(counts: Counts, name: Outcome) -> None:
    match name:
        case "kept":
            counts.kept += 1
        case "vanished":
            counts.vanished += 1
        case "appeared":
            counts.appeared += 1


def _example(found: Violation, event: Event | None) -> Changed:
    quotes = dict.fromkeys(evidence.quote for evidence in found.evidence)
    return Changed(
        what=found.severity,
        event=shown(f"{found.event.type} {found.event.id}", 80),
        subject=shown(found.subject, 80),
        clause=found.clause,
        rule=found.rule,
        mode=found.mode,
        quotes=[shown(quote, 40) for quote in list(quotes)[:_MAX_QUOTES]],
        text=shown(text_of(event)) if isinstance(event, CONTENT_TYPES) else "",
    )
