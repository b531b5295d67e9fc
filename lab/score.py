"""How good a pack's decisions are on labelled events: recall, precision and false positives, by clause group.

What counts:

- A row is *hit for a group* when a rule of the group in mode `enforce` fires. Rules in shadow mode never count.
- A row may name several clauses, and any one of them counts as a hit. So each of its groups has the row in its `n`,
  and the row is recalled for all of them as soon as one of them is hit.
- The precision of a group is the share of the rows it hits that name one of its clauses. A row of another clause is
  not benign, but it is no right hit either; `Group` tells both kinds of wrong hits apart.
- A benign row is a false positive when any rule in mode `enforce` fires, of whatever clause.
- F1 is the harmonic mean of this precision and this recall. What would divide by nothing is None.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.corpus import group_of
from lab.display import MAX_SHOWN, shown
from lab.judging import judged
from lab.labelled import Labelled
from rules.decisions import Violation
from rules.packs.model import Pack

MAX_EXAMPLES = 1000


@dataclass(slots=True)
class Group:
    """The counts of one clause group.

    n: rows that name it; recalled: those hit; hits: rows its rules hit; right: those of them that name it;
    on_benign: those that are benign; the remaining ones belong to other clauses.
    """

    n: int = 0
    recalled: int = 0
    hits: int = 0
    right: int = 0
    on_benign: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the rows of the group that are hit; None without any."""
        return self.recalled / self.n if self.n else None

    @property
    def precision(self) -> float | None:
        """Share of the rows hit that name the group; None when nothing is hit."""
        return self.right / self.hits if self.hits else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None without rows or without hits."""
        recall, precision = self.recall, self.precision
        if recall is None or precision is None:
            return None if recall is None else 0.0
        return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


@dataclass(slots=True)
class Source:
    """The counts of one source: its benign rows and those of them hit, its other rows and those hit rightly.

    `unknown` rows have no label to judge by; `unknown_hit` are those that any enforced rule hits.
    """

    benign: int = 0
    false_hits: int = 0
    labelled: int = 0
    recalled: int = 0
    unknown: int = 0
    unknown_hit: int = 0

    def __add__(self, other: "Source") -> "Source":
        """Both together."""
        return Source(
            self.benign + other.benign,
            self.false_hits + other.false_hits,
            self.labelled + other.labelled,
            self.recalled + other.recalled,
            self.unknown + other.unknown,
            self.unknown_hit + other.unknown_hit,
        )


@dataclass(slots=True)
class RuleCounts:
    """What one rule hit: rows of its own group, benign rows, rows of other clauses."""

    clause: str
    mode: str
    right: int = 0
    on_benign: int = 0
    on_others: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A row that went wrong, made harmless to show. `groups`: what it is; `rules`: what fired, shadow rules marked;
    `quotes`: what they fired on."""

    id: str
    source: str
    groups: list[str]
    text: str
    rules: list[str]
    quotes: list[str]


@dataclass(slots=True)
class Score:
    """All figures of one labelled set."""

    groups: dict[str, Group] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    rules: dict[str, RuleCounts] = field(default_factory=dict)
    misses: dict[str, list[Example]] = field(default_factory=dict)
    """By group, the worst first."""
    false_hits: list[Example] = field(default_factory=list)
    """On benign rows, the worst first."""

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return sum(source.benign + source.labelled + source.unknown for source in self.sources.values())

    @property
    def benign(self) -> int:
        """How many of them are benign."""
        return sum(source.benign for source in self.sources.values())

    @property
    def false_positive_rate(self) -> float | None:
        """Share of the benign rows that an enforced rule hits; None without any."""
        hit = sum(source.false_hits for source in self.sources.values())
        return hit / self.benign if self.benign else None

    def false_positive_rates(self) -> dict[str, float]:
        """Source -> the share of its benign rows that an enforced rule hits."""
        return {
            name: source.false_hits / source.benign for name, source in sorted(self.sources.items()) if source.benign
        }

    def recall_by_source(self) -> dict[str, float]:
        """Source -> the share of its rows with a clause that are hit under one of their clauses."""
        return {
            name: source.recalled / source.labelled for name, source in sorted(self.sources.items()) if source.labelled
        }

    def figures(self) -> dict[str, object]:
        """The figures as plain values: of each clause group n, precision, recall and f1; of benign rows n, the
        false-positive rate, and the rate by source."""
        return {
            "clauses": {
                name: {"n": group.n, "precision": group.precision, "recall": group.recall, "f1": group.f1}
                for name, group in self.groups.items()
            },
            "benign": {
                "n": self.benign,
                "false_positive_rate": self.false_positive_rate,
                "by_source": self.false_positive_rates(),
            },
        }


def score(pack: Pack, items: Iterable[Labelled], examples: int = 5) -> Score:
    """Judges `items`, one by one, and counts. `examples`: most misses kept of a group, and most false hits of all.

    Memory does not grow with the number of items.
    """
    counting = _Counting(pack, min(max(examples, 0), MAX_EXAMPLES))
    for item, _, violations in judged(pack, ((item, item.event) for item in items)):
        counting.add(item, violations)
    return counting.result()


class _Counting:
    def __init__(self, pack: Pack, examples: int) -> None:
        self._examples = examples
        self._group_of_rule = {rule.name: group_of(rule.clause) for rule in pack.rules.values()}
        self._score = Score(
            rules={rule.name: RuleCounts(rule.clause, rule.mode) for rule in pack.rules.values() if rule.mode != "off"}
        )
        self._misses: dict[str, _Worst] = {}
        self._false_hits = _Worst(examples)

    def add(self, item: Labelled, violations: list[Violation]) -> None:
        source = self._score.sources.setdefault(item.source, Source())
        fired = {violation.rule: violation for violation in violations}
        enforced = {name for name, violation in fired.items() if violation.mode == "enforce"}
        if item.groups is None:
            source.unknown += 1
            source.unknown_hit += bool(enforced)
            return
        hit = {self._group_of_rule[name] for name in enforced}
        self._count_groups(item.groups, hit)
        self._count_rules(item.groups, fired)
        if not item.groups:
            source.benign += 1
            source.false_hits += bool(enforced)
            if enforced:
                self._false_hits.add(_badness(violations), item, fired)
            return
        source.labelled += 1
        if item.groups & hit:
            source.recalled += 1
            return
        for group in item.groups:
            # The worst miss is one of which nothing at all was seen, though there was much to see.
            worst = self._misses.setdefault(group, _Worst(self._examples))
            worst.add((-len(enforced), -len(fired), min(len(item.text), MAX_SHOWN)), item, fired)

    def result(self) -> Score:
        self._score.misses = {group: worst.examples() for group, worst in sorted(self._misses.items())}
        self._score.false_hits = self._false_hits.examples()
        self._score.groups = dict(sorted(self._score.groups.items(), key=lambda entry: _order(entry[0])))
        return self._score

    def _count_groups(self, named: frozenset[str], hit: set[str]) -> None:
        groups = self._score.groups
        for name in named:
            group = groups.setdefault(name, Group())
            group.n += 1
            group.recalled += bool(named & hit)
        for name in hit:
            group = groups.setdefault(name, Group())
            group.hits += 1
            group.right += name in named
            group.on_benign += not named

    def _count_rules(self, named: frozenset[str], fired: dict[str, Violation]) -> None:
        for name in fired:
            counts = self._score.rules[name]
            if self._group_of_rule[name] in named:
                counts.right += 1
            elif named:
                counts.on_others += 1
            else:
                counts.on_benign += 1


class _Worst:
    """The few worst of many rows: those of the highest badness, of equals the first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._heap: list[tuple[tuple[int, ...], int, Labelled, dict[str, Violation]]] = []

    def add(self, badness: tuple[int, ...], item: Labelled, fired: dict[str, Violation]) -> None:
        if not self._most:
            return
        self._count += 1
        entry = (badness, -self._count, item, fired)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        elif badness > self._heap[0][0]:
            heapq.heapreplace(self._heap, entry)

    def examples(self) -> list[Example]:
        return [_example(item, fired) for _, _, item, fired in sorted(self._heap, key=lambda entry: entry[:2])[::-1]]


def _badness(violations: list[Violation]) -> tuple[int, ...]:
    """How bad a false hit is: egregious before ordinary, then by how many enforced rules agree, then by evidence."""
    enforced = [violation for violation in violations if violation.mode == "enforce"]
    rules = {violation.rule for violation in enforced}
    egregious = any(violation.severity == "egregious" for violation in enforced)
    return egregious, len(rules), max((len(violation.evidence) for violation in enforced), default=0)


def _example(item: Labelled, fired: dict[str, Violation]) -> Example:
    quotes = Counter(evidence.quote for violation in fired.values() for evidence in violation.evidence)
    return Example(
        shown(item.id, 80),
        shown(item.source, 80),
        sorted(item.groups or (), key=_order),
        shown(item.text),
        [name if violation.mode == "enforce" else f"{name} (shadow)" for name, violation in sorted(fired.items())],
        [shown(quote, 40) for quote in list(quotes)[:8]],
    )


def _order(group: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts links.9.2 before links.9.10."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in group.split("."))
