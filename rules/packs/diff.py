"""What differs between two packs, entry by entry: clauses, ladders, words, lists, signals, rules and limits. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import msgspec

from rules.conditions import Condition
from rules.packs.model import Case, HostList, Pack
from rules.words import Word

SECTIONS = ("clauses", "ladders", "lexicons", "learned", "lists", "signals", "rules")
_OMITTED = frozenset({"name", "id", "place", "evaluate"})
_ONE_EACH = frozenset({"entries", "hosts", "hits", "passes", "ngrams", "accounts", "networks", "quotas"})
"""Fields whose members are compared one by one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a section that one pack has and the other has not, or has otherwise.

    removed, added: lines of the old and the new one, `field: value`, that the other does not have.
    """

    section: str
    name: str
    how: Literal["added", "removed", "changed"]
    removed: tuple[str, ...]
    added: tuple[str, ...]


def differences(old: Pack, new: Pack) -> list[Change]:
    """Every entry that differs, in order of section and name. Cases beside rules count; places in files do not."""
    found = [
        change for section in SECTIONS for change in _section(section, getattr(old, section), getattr(new, section))
    ]
    found += _section("limits", {"limits": old.limits}, {"limits": new.limits})
    return found


def _section(section: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before = list(_lines(old[name])) if name in old else []
        after = list(_lines(new[name])) if name in new else []
        removed, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
        if name not in new:
            yield Change(section, name, "removed", tuple(before), ())
        elif name not in old:
            yield Change(section, name, "added", (), tuple(after))
        elif removed or added:
            gone = tuple(line for line in before if line in removed)
            come = tuple(line for line in after if line in added)
            yield Change(section, name, "changed", gone, come)


def _lines(entry: Any, within: str = "") -> Iterator[str]:
    """The fields of an entry, one a line."""
    for each in fields(entry):
        value, name = getattr(entry, each.name), within + each.name
        if each.name in _OMITTED or value is None:
            continue
        if isinstance(value, HostList):  # compared where it stands
            yield f"{name}: {value.name}"
        elif each.name in _ONE_EACH:
            items = value.items() if isinstance(value, Mapping) else value
            yield from (
                f"{name}: {_shown(item)}" for item in (sorted(items) if isinstance(items, frozenset) else items)
            )
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            for index, item in enumerate(value, 1):
                yield from _lines(item, f"{name}[{index}].")
        elif is_dataclass(value) and not isinstance(value, Condition):
            yield from _lines(value, f"{name}.")
        else:
            yield f"{name}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, Case):
        return " then ".join(msgspec.json.encode(case.fields, enc_hook=str).decode() for case in (*value.before, value))
    if isinstance(value, Word):
        options = {name: item for name, item in value._asdict().items() if item != Word._field_defaults.get(name)}
        return " ".join([options.pop("text"), *(f"{name}={item}" for name, item in options.items())])
    if isinstance(value, frozenset) or (isinstance(value, tuple) and all(isinstance(item, str) for item in value)):
        return ", ".join(sorted(map(str, value)) if isinstance(value, frozenset) else value)
    if is_dataclass(value):
        return value.source if isinstance(value, Condition) else ", ".join(_lines(value))
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
