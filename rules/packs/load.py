"""From a folder of YAML to a `Pack`: every name resolved, every error placed, nothing half-loaded."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from rules.conditions import Condition, ConditionError, compile_condition
from rules.decisions import SUBJECT_KINDS, SubjectKind
from rules.packs.bounds import Bounds
from rules.packs.include import SHIPPED_PACKS, Entries, Sections, collect, labels
from rules.packs.model import (
    Case,
    Clause,
    HostList,
    Ladder,
    LexiconSignal,
    Limits,
    Pack,
    PatternSignal,
    Rule,
    Signal,
    TextSignal,
)
from rules.packs.read import (
    read_clause,
    read_ladder,
    read_list,
    read_notice,
)
from rules.packs.read_case import read_case
from rules.packs.read_crowd import read_crowd
from rules.packs.read_learned import read_learned
from rules.packs.read_lexicon import read_lexicon
from rules.packs.read_limits import read_limits
from rules.packs.read_signals import read_signal
from rules.packs.source import InvalidPackError, Node, PackError, Place, did_you_mean
from rules.subjects import sanctions_for
from rules.words import Word

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RULE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_CLAUSE_NAME = re.compile(r"[a-z]+(\.\d+)+")
_TRIGGER_COST = {"learned": 0.2, "lexicon": 1.0, "behaviour": 2.0, "page": 5.0, "link": 20.0, "event": 100.0}
"""How often each kind of signal fires, roughly and relative to a lexicon."""

_MAX_CHAIN = 30
"""Longest chain of rules that refer to each other."""

T = TypeVar("T")


def load_pack(
    folder: Path,
    operator_words: Mapping[str, Iterable[Word | str]] | None = None,
    *,
    shipped: Path = SHIPPED_PACKS,
) -> Pack:
    """Reads, validates and compiles the pack in `folder`.

    `operator_words`: the operator's own words for lexicons marked `operator: true`, by lexicon name.
    `shipped`: where packs are that are included by name alone.
    Raises InvalidPackError with everything that is wrong.
    """
    pack = _Loader().load(folder, shipped)
    return pack.with_words(operator_words) if operator_words else pack


class _Loader:
    def __init__(self) -> None:
        self._errors: list[PackError] = []
        self._raw: dict[str, Entries] = {}

    def load(self, folder: Path, shipped: Path) -> Pack:
        sections = collect(folder, shipped)
        self._raw = sections.entries
        pack = self._build(folder, sections)
        if self._errors:
            raise InvalidPackError([error for error in self._errors if not self._follows(error)])
        return pack

    def _follows(self, error: PackError) -> bool:
        """Whether what an error finds unknown is defined, and has an error of its own."""
        return error.refers is not None and error.refers[1] in self._raw[error.refers[0]]

    def _build(self, folder: Path, sections: Sections) -> Pack:
        header = {name: self._guard(value.text) or "" for name, (_, value) in sections.header.items()}
        for name, (key, _) in sections.header.items():
            if name not in {"name", "version", "description"}:
                self._errors.append(key.error(f"unknown key {name!r}", "name, version, description"))
        if not header.get("name") or not header.get("version"):
            place = Place(str(folder), 1, 1)
            hint = "one file starts with `pack: {name: …, version: …}`"
            self._errors.append(PackError(place, "the pack has no name or no version", hint))
        clauses = self._section("clauses", _CLAUSE_NAME, read_clause)
        ladders = self._section("ladders", _NAME, read_ladder)
        lexicons = self._section("lexicons", _NAME, read_lexicon)
        lists = self._section("lists", _NAME, read_list)
        learned = self._section("learned", _NAME, read_learned)
        signals = self._section("signals", _NAME, lambda name, node: read_signal(name, node, lexicons, lists, learned))
        ladder_of = self._ladders_of_clauses(clauses, ladders)
        rules = _Rules(self._raw["rules"], signals, Bounds(signals, lexicons), clauses, self._errors).read()
        limits = self._guard(lambda: read_limits(self._raw["limits"], self._raw))
        return Pack(
            header.get("name", ""),
            header.get("version", ""),
            header.get("description", ""),
            clauses,
            ladders,
            lexicons,
            lists,
            signals,
            rules,
            ladder_of,
            learned,
            tuple(labels(sections.included)),
            limits=limits or Limits(),
        )

    def _section(self, section: str, pattern: re.Pattern[str], read: Callable[[str, Node], T]) -> dict[str, T]:
        found: dict[str, T] = {}
        for name, (key, value) in self._raw[section].items():
            if not pattern.fullmatch(name):
                hint = f"names look like {pattern.pattern}"
                self._errors.append(key.error(f"{name!r} is no name for one of the {section}", hint))
                continue
            entry = self._guard(lambda name=name, value=value: read(name, value))  # type: ignore[misc]
            if entry is not None:
                found[name] = entry
        return found

    def _guard(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except PackError as error:
            self._errors.append(error)
            return None

    def _ladders_of_clauses(self, clauses: Mapping[str, Clause], ladders: Mapping[str, Ladder]) -> dict[str, Ladder]:
        """Clause -> the ladder that names the longest start of it."""
        result: dict[str, Ladder] = {}
        for clause in clauses.values():
            best = max(
                (
                    (len(prefix), ladder)
                    for ladder in ladders.values()
                    for prefix in ladder.clauses
                    if clause.id == prefix or clause.id.startswith(prefix + ".")
                ),
                key=lambda found: found[0],
                default=None,
            )
            if best is not None:
                result[clause.id] = best[1]
            else:
                key = self._raw["clauses"][clause.id][0]
                self._errors.append(key.error(f"no ladder covers clause {clause.id!r}"))
        self._check_reach(clauses, ladders)
        return result

    def _check_reach(self, clauses: Mapping[str, Clause], ladders: Mapping[str, Ladder]) -> None:
        """Refuses a ladder's clause that no clause starts with, or that another ladder names as well."""
        named: dict[str, str] = {}
        for ladder in ladders.values():
            key = self._raw["ladders"][ladder.name][0]
            for prefix in ladder.clauses:
                if not any(clause == prefix or clause.startswith(prefix + ".") for clause in self._raw["clauses"]):
                    self._errors.append(key.error(f"no clause is {prefix!r}", did_you_mean(prefix, clauses)))
                if prefix in named:
                    other = f"ladder {named[prefix]!r} covers it as well"
                    self._errors.append(key.error(f"{prefix!r} is on two ladders", other))
                named[prefix] = ladder.name


class _Rules:
    """Reads rules in order of their references, so that each condition can be compiled at once."""

    def __init__(
        self,
        raw: dict[str, tuple[Node, Node]],
        signals: Mapping[str, Signal],
        bounds: Bounds,
        clauses: Mapping[str, Clause],
        errors: list[PackError],
    ) -> None:
        self._raw = raw
        self._signals = signals
        self._bounds = bounds
        self._clauses = clauses
        self._errors = errors
        self._rules: dict[str, Rule] = {}
        self._failed: set[str] = set()
        self._open: list[str] = []

    def read(self) -> dict[str, Rule]:
        for name in self._raw:
            self._read(name)
        return self._rules

    def _read(self, name: str) -> None:
        if name in self._rules or name in self._failed:
            return
        key, value = self._raw[name]
        self._open.append(name)
        try:
            if len(self._open) > _MAX_CHAIN:
                raise key.error(f"a chain of more than {_MAX_CHAIN} rules that refer to each other")
            if not _RULE_NAME.fullmatch(name):
                raise key.error(
                    f"{name!r} is no name for a rule", "small letters, digits, _ and dots: fraud.fake_packet"
                )
            self._rules[name] = self._rule(name, key, value)
        except PackError as error:
            self._errors.append(error)
            self._failed.add(name)
        finally:
            self._open.pop()

    def _rule(self, name: str, key: Node, value: Node) -> Rule:
        body = value.mapping()
        clause = self._clause(body.need("clause"))
        when_node = body.need("when")
        unless = body.take("unless")
        source = when_node.text()
        when = self._condition(when_node, source)
        if unless is not None:
            self._condition(unless, unless.text(), "unless")  # for its own errors, at its own place
            when = self._condition(when_node, f"({source}) and not ({unless.text()})")
        if when.triggers is None:
            raise when_node.error(
                "the rule could be true when nothing has fired",
                "add a signal that has to be there with `and`; patterns alone do not count",
            )
        egregious = body.take("egregious_when")
        mode = body.take("mode")
        charges = body.take("charges")
        notice = body.take("notice")
        hits, passes = body.take("hits"), body.take("passes")
        rule = Rule(
            name=name,
            clause=clause.id,
            when=when,
            egregious_when=self._condition(egregious, egregious.text(), "egregious_when") if egregious else None,
            mode=mode.choice(("enforce", "shadow", "off")) if mode else "enforce",  # type: ignore[arg-type]
            charges=_charges(charges) if charges else _default_charges(clause),
            notice=read_notice(notice) if notice else clause.title,
            hits=self._cases(hits),
            passes=self._cases(passes),
            place=key.place,
            crowd=read_crowd(body),
        )
        body.done()
        return rule

    def _cases(self, node: Node | None) -> tuple[Case, ...]:
        cases = tuple(read_case(case) for case in node.sequence()) if node else ()
        for case in cases:
            for name in sorted(case.also - self._raw.keys()):
                raise PackError(case.place, f"`also` names {name!r}, which is no rule", did_you_mean(name, self._raw))
        return cases

    def _clause(self, node: Node) -> Clause:
        name = node.text()
        if name not in self._clauses:
            raise node.unknown("clauses", self._clauses)
        return self._clauses[name]

    def _condition(self, node: Node, source: str, key: str = "when") -> Condition:
        try:
            return compile_condition(source, lambda name: self._known(name, node), self._cost, self._bounds)
        except ConditionError as error:
            hint = did_you_mean(error.word, self._names()) if error.word else ""
            message = str(error) if error.word else f"`{key}` {error}"
            refers = ("signals", error.word) if error.word else None
            raise PackError(node.place_within(error.offset), message, hint, refers) from None

    def _names(self) -> list[str]:
        return [*self._signals, *(f"rules.{name}" for name in self._raw)]

    def _known(self, name: str, node: Node) -> bool:
        """Whether `name` is a signal or a rule; reads the rule first, so that its triggers are known."""
        if not name.startswith("rules."):
            return name in self._signals
        rule = name.removeprefix("rules.")
        if rule in self._open:
            raise node.error("rules refer to each other in a circle", " → ".join([*self._open, rule]))
        if rule not in self._raw:
            return False
        self._read(rule)
        if rule in self._failed:
            raise PackError(node.place, f"refers to {name}, which is wrong itself", refers=("rules", rule))
        if self._rules[rule].crowd is not None:
            raise node.error(f"refers to {name}, which several events decide together", "refer to what its `when` says")
        return True

    def _cost(self, name: str) -> float | None:
        if name.startswith("rules."):
            triggers = self._rules[name.removeprefix("rules.")].when.triggers
            return sum(self._cost(trigger) or 0.0 for trigger in triggers or ())
        return signal_cost(self._signals[name])


def signal_cost(signal: Signal) -> float | None:
    """How often the signal fires, relative to a lexicon; None when it is only run on demand."""
    match signal:
        case PatternSignal() | TextSignal():
            return None
        case LexiconSignal():
            return _TRIGGER_COST["lexicon"]
        case _:
            return _TRIGGER_COST[type(signal).__name__.removesuffix("Signal").lower()]


def _charges(node: Node) -> frozenset[SubjectKind]:
    return frozenset(kind.choice(SUBJECT_KINDS) for kind in node.sequence())  # type: ignore[misc]


def _default_charges(clause: Clause) -> frozenset[SubjectKind]:
    """The account, and every kind that one of the clause's sanctions lands on."""
    actions = (*clause.first, *clause.egregious)
    landed = {kind for kind in SUBJECT_KINDS if sanctions_for(kind, actions, owns_share_api=False)}
    return frozenset({"account", *landed})


__all__ = ["HostList", "load_pack", "signal_cost"]
