"""What is valid in a pack but hardly meant: parts that nothing uses, words not found, rules that add nothing.

Remarks are warnings, not errors: the pack works.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.packs.implied import implies, satisfiable
from rules.packs.model import LearnedSignal, LexiconSignal, LinkSignal, Pack, Rule
from rules.packs.source import Place, read_yaml, yaml_files
from rules.text import fold_batch

_MAX_WORDS_NAMED = 5
"""Words named in one remark; more are counted."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning, something to look at: where, what, and what to do."""

    place: Place
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.place}: warning: {self.message}\n    {self.hint}"


def lint(pack: Pack, folder: Path) -> list[Remark]:
    """Every remark on what `folder` itself says of `pack`, which was loaded from it, in order of place.

    What only an included pack says is left to its own author.
    """
    places = _places(folder)
    files = {place.file for place in places.values()}
    named = [*_unused(pack), *_words(pack), *_out_of_reach(pack)]
    found = [
        Remark(places[section, name], what, hint) for section, name, what, hint in named if (section, name) in places
    ]
    found += [Remark(rule.place, what, hint) for rule, what, hint in _idle_rules(pack) if rule.place.file in files]
    return sorted(found, key=lambda remark: (remark.place.file, remark.place.line, remark.place.column))


def _places(folder: Path) -> dict[tuple[str, str], Place]:
    """(section, name) -> where the files of `folder` define it."""
    found: dict[tuple[str, str], Place] = {}
    for path, file in yaml_files(folder):
        document = read_yaml(path, file)
        if document is None:
            continue
        body = document.mapping()
        for section in ("lexicons", "learned", "lists", "signals", "rules"):
            if (entries := body.take(section)) is not None:
                found.update({(section, name): key.place for name, key, _ in entries.items()})
    return found


def _unused(pack: Pack) -> Iterator[tuple[str, str, str, str]]:
    """(section, name, message, hint) of what nothing uses."""
    signals = pack.signals.values()
    lexicons = {signal.lexicon for signal in signals if isinstance(signal, LexiconSignal)}
    learned = {signal.lexicon for signal in signals if isinstance(signal, LearnedSignal)}
    lists = {signal.hosts.name for signal in signals if isinstance(signal, LinkSignal) and signal.hosts}
    lists |= {hosts.name for hosts in pack.lists.values() if hosts.brands or hosts.protected or hosts.shared}
    lists |= set(pack.limits.protected.hosts)
    mentioned = {name for rule in pack.rules.values() for name in _names(rule)}
    for name in pack.lexicons:
        if name not in lexicons:
            yield "lexicons", name, f"lexicon {name!r} is used by no signal", "write a signal over it, or remove it"
    for name in pack.learned:
        if name not in learned:
            yield (
                "learned",
                name,
                f"learned lexicon {name!r} is used by no signal",
                "write a signal over it, or remove it",
            )
    for name in pack.lists:
        if name not in lists:
            yield "lists", name, f"list {name!r} is used by no signal", "write a signal over it, or remove it"
    for name in pack.signals:
        if name not in mentioned:
            yield "signals", name, f"signal {name!r} is used by no rule", "name it in a rule's condition, or remove it"


def _names(rule: Rule) -> frozenset[str]:
    return rule.when.names | (rule.egregious_when.names if rule.egregious_when else frozenset())


def _words(pack: Pack) -> Iterator[tuple[str, str, str, str]]:
    """(section, lexicon, message, hint) of words that fold alike, and of those that Chinese text around them hides."""
    for lexicon in pack.lexicons.values():
        words = [word for word in lexicon.entries if word.fold]
        alone = _folded([word.text for word in words])
        within = _folded([f"一{word.text}一" for word in words])
        alike: dict[tuple[str, str], list[str]] = {}
        for word, form in zip(words, alone, strict=True):
            alike.setdefault((word.group, form), []).append(word.text)
        twice = [" = ".join(same) for same in alike.values() if len(same) > 1]
        if twice:
            message = f"words that fold alike: {_listed(twice)}"
            yield "lexicons", lexicon.name, message, "keep one of each: only the heaviest counts"
        hidden = [word.text for word, form, inside in zip(words, alone, within, strict=True) if form not in inside]
        if hidden:
            message = f"words that match only at the start or the end of a text: {_listed(hidden)}"
            hint = "leave out the separators at their ends: folding drops them beside Chinese"
            yield "lexicons", lexicon.name, message, hint


def _folded(texts: list[str]) -> list[str]:
    folded = fold_batch(texts)
    return [folded.text(index) for index in range(len(texts))]


def _listed(words: list[str]) -> str:
    more = len(words) - _MAX_WORDS_NAMED
    return ", ".join(words[:_MAX_WORDS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _out_of_reach(pack: Pack) -> Iterator[tuple[str, str, str, str]]:
    """(section, signal, message, hint) of lexicon signals whose words cannot reach their threshold."""
    for signal in pack.signals.values():
        if not isinstance(signal, LexiconSignal) or pack.lexicons[signal.lexicon].operator:
            continue
        counted = [word.weight for word in pack.lexicons[signal.lexicon].entries if signal.counts(word)]
        most = sum(weight for weight in counted if weight > 0)
        if most < signal.at_least:
            message = f"signal {signal.name!r} never fires: all its words together weigh {most:g}"
            yield "signals", signal.name, message, f"it asks for at least {signal.at_least:g}"


def _idle_rules(pack: Pack) -> Iterator[tuple[Rule, str, str]]:
    """(rule, message, hint) of rules that are never true, or never without another one that does the same."""
    over_words = [signal for signal in pack.signals.values() if isinstance(signal, LexiconSignal | LearnedSignal)]
    least = {signal.name: signal.at_least for signal in over_words if signal.at_least > 0}
    on = [rule for rule in pack.rules.values() if rule.mode != "off"]
    referred = {name.removeprefix("rules.") for rule in on for name in _names(rule) if name.startswith("rules.")}
    idle: set[str] = set()
    for rule in on:
        if not satisfiable(rule.when, least):
            idle.add(rule.name)
            yield rule, f"{rule.name}: the condition is never true", "its parts exclude each other"
    for rule in on:
        if rule.name in referred or rule.name in idle:
            continue
        for other in on:
            if other.name not in idle and _does_as_much(other, rule, least):
                idle.add(rule.name)
                message = f"{rule.name} adds nothing: {other.name} is true whenever it is, for the same clause"
                yield rule, message, f"remove it, or narrow {other.name} ({other.place})"
                break


def _does_as_much(other: Rule, rule: Rule, least: Mapping[str, float]) -> bool:
    """Whether `other` leads to all that `rule` leads to."""
    if other is rule or other.clause != rule.clause or not rule.charges <= other.charges:
        return False
    if other.crowd is not None:
        return False
    if other.mode != "enforce" and rule.mode == "enforce":
        return False
    if rule.egregious_when is not None and (
        other.egregious_when is None or other.egregious_when.source != rule.egregious_when.source
    ):
        return False
    return implies(rule.when, other.when, least)
