"""How well a pack withstands evasion: what it hits, disguised and judged again; what it lets pass, likewise.

Rows are sampled per kind, which is the set of their clause groups, so that rare kinds are seen. Shares over all kinds
weigh each kind by its rows that hit: they are the shares to expect when any row that hits may be disguised.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import msgspec

from lab.corpus import Row, benign, event_of, group_of, groups_of
from lab.display import shown
from lab.evasions.techniques import TECHNIQUES, evade, evade_twice
from lab.judging import judged
from rules.decisions import Violation
from rules.packs.model import Pack

SHOWN_LENGTH = 240


class Disguise(NamedTuple):
    """One or two techniques, each with its strength."""

    steps: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """The techniques, joined by ` + `."""
        return " + ".join(name for name, _ in self.steps)

    @property
    def harsh(self) -> bool:
        """Whether one of the techniques is."""
        return any(TECHNIQUES[name].harsh for name, _ in self.steps)

    def apply(self, text: str, seed: int) -> str:
        """The text in disguise; unchanged if a technique finds nothing to change."""
        if len(self.steps) == 1:
            ((technique, strength),) = self.steps
            return evade(text, technique, strength, seed)
        first, second = self.steps
        return evade_twice(text, first, second, seed)


@dataclass(slots=True)
class Kept:
    """By kind, how many disguised rows were judged, and how many of them still hit."""

    tried: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, kept: bool) -> None:
        """Counts one row."""
        self.tried[kind] += 1
        self.kept[kind] += kept

    def share(self, weights: Counter[str]) -> float | None:
        """Share still hit, each kind weighed by `weights`; None without any row."""
        total = sum(weights[kind] for kind in self.tried)
        if not total:
            return None
        return sum(weights[kind] * self.kept[kind] / tried for kind, tried in self.tried.items()) / total


class Example(NamedTuple):
    """A decision that a disguise changed, made harmless to show. `rules` fired before for a loss, after for an added
    hit; `quotes` are what they fired on."""

    disguise: str
    strengths: tuple[float, ...]
    id: str
    source: str
    rules: list[str]
    quotes: list[str]
    before: str
    after: str


@dataclass(slots=True)
class Added:
    """False positives on benign rows: before any disguise and in disguise; `added` are those new in disguise."""

    tried: int = 0
    before: int = 0
    after: int = 0
    added: int = 0


@dataclass(slots=True)
class Resistance:
    """What came out. `weights`: rows that hit before, by kind."""

    rows: int = 0
    weights: Counter[str] = field(default_factory=Counter)
    kept: dict[Disguise, Kept] = field(default_factory=dict)
    benign: dict[Disguise, Added] = field(default_factory=dict)
    added_by_source: Counter[str] = field(default_factory=Counter)
    losses: list[Example] = field(default_factory=list)
    false_hits: list[Example] = field(default_factory=list)

    def share(self, disguises: Iterable[Disguise]) -> float | None:
        """Mean share still hit over some disguises; None without any."""
        shares = [share for one in disguises if (share := self.kept[one].share(self.weights)) is not None]
        return sum(shares) / len(shares) if shares else None

    def by_kind(self, disguises: Iterable[Disguise]) -> Kept:
        """Counts of some disguises together."""
        together = Kept()
        for one in disguises:
            together.tried.update(self.kept[one].tried)
            together.kept.update(self.kept[one].kept)
        return together


def singles(names: Sequence[str]) -> list[Disguise]:
    """Every technique at each of its strengths."""
    return [Disguise(((name, strength),)) for name in names for strength in TECHNIQUES[name].strengths]


def pairs(names: Sequence[str]) -> list[Disguise]:
    """Every two techniques together: both weak, both middling, both strong."""
    found = []
    for first, second in combinations(names, 2):
        one, other = TECHNIQUES[first].strengths, TECHNIQUES[second].strengths
        strengths = {(one[rank * (len(one) - 1) // 2], other[rank * (len(other) - 1) // 2]) for rank in range(3)}
        found += [Disguise(((first, weak), (second, strong))) for weak, strong in sorted(strengths)]
    return found


class Trial:
    """Rows with what fires on them undisguised, ready to be tried with any disguise."""

    def __init__(self, pack: Pack, rows: Iterable[Row], seed: int = 0) -> None:
        """Judges the rows once."""
        self._pack = pack
        self._seed = seed
        self._hits: dict[str, list[Row]] = {}
        self._benign: list[Row] = []
        self._fired: dict[str, list[Violation]] = {}
        self.result = Resistance()
        for row, _, violations in judged(pack, ((row, event_of(row)) for row in rows)):
            self.result.rows += 1
            enforced = _enforced(violations)
            self._fired[row.id] = enforced
            if benign(row):
                self._benign.append(row)
            elif _hits(row, enforced):
                self._hits.setdefault(_kind(row), []).append(row)
        self.result.weights.update({kind: len(found) for kind, found in self._hits.items()})

    def run(self, disguises: Iterable[Disguise], limit: int, benign_limit: int, examples: int = 8) -> None:
        """Tries each disguise on at most `limit` rows of each kind that hit and on `benign_limit` benign rows."""
        attempts = self._attempts(disguises, limit, benign_limit)
        events = (
            ((disguise, row, changed), event_of(changed, account=f"try-{number}"))
            for number, (disguise, row, changed) in enumerate(attempts)
        )
        examples_of: Counter[str] = Counter()
        for (disguise, row, changed), _, violations in judged(self._pack, events):
            enforced = _enforced(violations)
            before = self._fired[row.id]
            if benign(row):
                counts = self.result.benign.setdefault(disguise, Added())
                counts.tried += 1
                counts.before += bool(before)
                counts.after += bool(enforced)
                if enforced and not before:
                    counts.added += 1
                    self.result.added_by_source[row.source] += 1
                    self.result.false_hits.append(_example(disguise, row, changed, enforced))
                continue
            kept = _hits(row, enforced)
            self.result.kept.setdefault(disguise, Kept()).add(_kind(row), kept)
            if not kept and examples_of[disguise.name] < examples:
                examples_of[disguise.name] += 1
                self.result.losses.append(_example(disguise, row, changed, _of_groups(row, before)))

    def _attempts(
        self, disguises: Iterable[Disguise], limit: int, benign_limit: int
    ) -> Iterator[tuple[Disguise, Row, Row]]:
        for disguise in disguises:
            chance = random.Random(f"{disguise} {self._seed}")  # noqa: S311  (a reproducible sample, nothing secret)
            chosen = [row for found in self._hits.values() for row in _sample(found, limit, chance)]
            for row in chosen + _sample(self._benign, benign_limit, chance):
                changed = disguised(row, disguise, chance.randrange(1 << 30))
                if changed != row:
                    yield disguise, row, changed


def disguised(row: Row, disguise: Disguise, seed: int) -> Row:
    """The row with its title and text in disguise; the same row when nothing in them can be changed."""
    title = disguise.apply(row.title, seed) if row.title else ""
    return msgspec.structs.replace(row, title=title, text=disguise.apply(row.text, seed + 1))


def _sample(rows: list[Row], limit: int, chance: random.Random) -> list[Row]:
    return rows if len(rows) <= limit else chance.sample(rows, limit)


def _kind(row: Row) -> str:
    return " ".join(sorted(groups_of(row)))


def _enforced(violations: list[Violation]) -> list[Violation]:
    return [violation for violation in violations if violation.mode == "enforce"]


def _of_groups(row: Row, violations: list[Violation]) -> list[Violation]:
    groups = groups_of(row)
    return [violation for violation in violations if group_of(violation.clause) in groups]


def _hits(row: Row, violations: list[Violation]) -> bool:
    return bool(_of_groups(row, violations))


def _example(disguise: Disguise, row: Row, changed: Row, fired: list[Violation]) -> Example:
    quotes = {shown(evidence.quote, 40): None for violation in fired for evidence in violation.evidence}
    return Example(
        disguise=disguise.name,
        strengths=tuple(strength for _, strength in disguise.steps),
        id=row.id,
        source=row.source,
        rules=sorted({violation.rule for violation in fired}),
        quotes=list(quotes)[:12],
        before=shown(f"{row.title} {row.text}".strip(), SHOWN_LENGTH),
        after=shown(f"{changed.title} {changed.text}".strip(), SHOWN_LENGTH),
    )
