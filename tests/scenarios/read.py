"""The reader of scenario files. Whatever is wrong in one is named with file, line, column and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from rules.decisions import SUBJECT_KINDS, Action
from rules.events import STRUCTS, EventType, InvalidEventError, Page, convert_event
from rules.links import parse_link
from rules.packs.source import (
    File,
    InvalidPackError,
    Mapping,
    Node,
    PackError,
    Place,
    did_you_mean,
    read_yaml,
    yaml_files,
)
from rules.subjects import LANDS_ON, kind_of, sanctions_for
from tests.scenarios.model import Check, Held, Scenario, Step, Until

FOLDER = Path(__file__).parent

_PART = re.compile(r"([0-9]{1,6})(s|m|h|d|w)")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LAST = 3650 * 86_400_000
"""Longest scenario, in ms."""
_RANGE = re.compile(r"\{(\d{1,3})-(\d{1,3})\}")
_MOST = 1000
"""Most events of one step, and names of one range."""
_TYPES: dict[str, str] = {"post": "text", "share": "url", "mass_send": "text", "report": "subject"}
"""The types of events, and the field that stands behind the type."""
_FILLED: dict[str, dict[str, object]] = {
    "post": {},
    "share": {"scene": "moments"},
    "mass_send": {"channel": "followers", "recipients": 1},
    "report": {"category": "spam"},
}
_OWN = {"at", "arrives", "times", "every", "by"}


def read_scenarios(folder: Path = FOLDER) -> list[Scenario]:
    """The scenarios of every `*.yaml` in `folder`, numbered. Raises InvalidPackError with all that is wrong."""
    errors: list[PackError] = []
    found: list[Scenario] = []
    for path, file in yaml_files(folder):
        try:
            found.extend(_read_file(path, file, errors))
        except PackError as error:
            errors.append(error)
    if errors:
        raise InvalidPackError(errors)
    return [replace(scenario, number=number) for number, scenario in enumerate(found)]


def unknown_clauses(scenarios: Iterable[Scenario], known: Iterable[str]) -> list[str]:
    """What the scenarios name as a clause and is none of the pack's, one line each."""
    names = set(known)
    return [
        f"{scenario.place}: unknown clause {clause!r}: {did_you_mean(clause, names)}"
        for scenario in scenarios
        for clause in sorted(scenario.clauses | scenario.breaks)
        if clause not in names
    ]


def _read_file(path: Path, file: File, errors: list[PackError]) -> Iterator[Scenario]:
    node = read_yaml(path, file)
    if node is None:
        raise PackError(Place(file.name, 1, 1), "the file is empty", "it has `about` and `scenarios`")
    body = node.mapping()
    body.need("about").text()
    scenarios = body.need("scenarios")
    body.done()
    for name, _, value in scenarios.items():
        try:
            yield _read_scenario(path.stem, name, value)
        except PackError as error:
            errors.append(error)


def _read_scenario(file: str, name: str, node: Node) -> Scenario:
    body = node.mapping()
    clauses = frozenset(body.need("clauses").texts())
    breaks = body.take("breaks")
    never = body.take("never")
    differs = body.take("differs")
    steps = [step for each in body.need("given").sequence() for step in _read_steps(each)]
    checks = [_read_check(each) for each in body.need("then").sequence()]
    about = body.need("about").text()
    body.done()
    if not steps or not checks:
        raise node.error("the scenario has no event, or no check", "`given` and `then` have at least one step each")
    for earlier, later in pairwise(checks):
        if later.at <= earlier.at:
            raise PackError(later.place, "a check is not later than the one before it", "put them in order of time")
    if checks[-1].at < max(step.arrives for step in steps):
        raise PackError(checks[-1].place, "events come after the last check", "let the last check be later than they")
    return Scenario(
        file=file,
        name=name,
        about=about,
        clauses=clauses,
        breaks=_clauses(breaks) if breaks is not None else clauses,
        steps=tuple(steps),
        checks=tuple(checks),
        never=_never(never),
        differs=differs.text() if differs is not None else "",
        place=node.place,
    )


def _clauses(node: Node) -> frozenset[str]:
    return frozenset() if node.is_scalar and node.choice(("nothing",)) else frozenset(node.texts())


def _never(node: Node | None) -> frozenset[str] | None:
    """Subjects that are never charged; none when nothing is said, None for everybody."""
    if node is None:
        return frozenset()
    if node.is_scalar:
        node.choice(("anybody",))
        return None
    return frozenset(subject for each in node.sequence() for subject in _subjects(each))


def _read_steps(node: Node) -> Iterator[Step]:
    """The events of one line of `given`: `times` of them, with `{n}` for the number of each."""
    body = node.mapping()
    at = _time(body.need("at"))
    kinds = [name for name in _TYPES if name in body]
    if len(kinds) != 1:
        raise node.error("the event has no type, or several", "it begins with one of " + ", ".join(_TYPES))
    kind = cast(EventType, kinds[0])
    times, every, arrives = body.take("times"), body.take("every"), body.take("arrives")
    count = _count(times) if times is not None else 1
    interval = _time(every) if every is not None else 0
    if (count > 1) != (every is not None):
        raise node.error("`times` and `every` stand together", "times: 5, every: 10m")
    late = _time(arrives) - at if arrives is not None else 0
    if late < 0:
        raise node.error("the event arrives before it happens", "`arrives` is no earlier than `at`")
    fields = _fields(kind, body, node)
    for turn in range(count):
        own = cast(dict[str, Any], _numbered(fields, turn + 1))
        try:
            convert_event(kind, {**own, "id": "x", "time": "2024-01-01T00:00:00Z"})
        except InvalidEventError as error:
            raise node.error(f"no valid {kind}: {error}") from None
        happens = at + turn * interval
        yield Step(happens, happens + late, kind, own, node.place)


def _fields(kind: EventType, body: Mapping, node: Node) -> dict[str, Any]:
    known = set(STRUCTS[kind].__struct_fields__) - {"id", "time", "account", "reporter"} | _OWN | {kind}
    known |= {"ip"} if kind == "share" else set()
    for name, key, _ in body.items():
        if name not in known:
            raise key.error(f"a {kind} has no field {name!r}", did_you_mean(name, known))
    plain = cast(dict[str, Any], node.plain())
    fields: dict[str, Any] = {**_FILLED[kind]}
    fields.update({name: value for name, value in plain.items() if name not in _OWN and name != kind})
    main = body.need(kind)
    fields[_TYPES[kind]] = next(_subjects(main)) if kind == "report" else main.text()
    fields["reporter" if kind == "report" else "account"] = body.need("by").text()
    if kind == "share":
        _complete_page(fields, body)
    for address in (fields.get("ip"), (fields.get("page") or {}).get("ip") if kind == "share" else None):
        if address is not None and not str(address).startswith("203.0.113."):
            raise node.error(f"{address!r} is no address of 203.0.113.0/24", "those are there for examples")
    return fields


def _complete_page(fields: dict[str, Any], body: Mapping) -> None:
    """A page may be given by its text, and its address beside the link."""
    page = body.take("page")
    if page is not None and page.is_mapping:
        for part, key, _ in page.items():
            if part not in Page.__struct_fields__:
                raise key.error(f"a page has no field {part!r}", did_you_mean(part, Page.__struct_fields__))
    elif page is not None:
        fields["page"] = {"text": page.text()}
    if "ip" in fields:
        fields["page"] = {**fields.get("page", {}), "ip": fields.pop("ip")}


def _read_check(node: Node) -> Check:
    body = node.mapping()
    at = _time(body.need("at"))
    warned, reviews, force = body.take("warned"), body.take("reviews"), body.take("in force")
    body.done()
    if force is None:
        raise node.error("'in force' is missing", "what is in force at this time, or `in force: nothing`")
    found: dict[str, frozenset[str]] = {}
    for _, key, value in reviews.items() if reviews is not None else ():
        found.update(dict.fromkeys(_subjects(key), frozenset(value.texts())))
    return Check(
        at=at,
        held=_held(force),
        reviews=found,
        warned=None if warned is None else frozenset(s for each in warned.sequence() for s in _subjects(each)),
        place=node.place,
    )


def _held(node: Node) -> Held:
    if node.is_scalar:
        node.choice(("nothing",))
        return {}
    held: Held = {}
    for _, key, value in node.items():
        for subject in _subjects(key):
            if subject in held:
                raise key.error(f"{subject!r} is given twice")
            actions = _actions(subject, value)
            if actions:
                held[subject] = actions
    return held


def _actions(subject: str, node: Node) -> dict[Action, Until]:
    if node.is_scalar:
        node.choice(("nothing",))
        return {}
    kind = kind_of(subject)
    known = [action for action in LANDS_ON if action != "warn" and sanctions_for(kind, (action,), True)]
    found: dict[Action, Until] = {}
    for name, key, value in node.items():
        if name not in known:
            raise key.error(f"no sanction {name!r} lands on this subject", did_you_mean(name, known))
        found[cast(Action, name)] = _until(value)
    return found


def _until(node: Node) -> Until:
    text = node.text()
    if text == "for good":
        return None
    if not text.startswith("until "):
        raise node.error(f"expected when it ends, found {text!r}", "`until 12h`, counted from the begin, or `for good`")
    return _time(node, text.removeprefix("until "))


def _time(node: Node, text: str | None = None) -> int:
    """A time since the scenario's begin, or an interval, in ms: `0h`, `90m`, `7d 1h`."""
    written = node.text() if text is None else text
    parts = [_PART.fullmatch(part) for part in written.split()]
    if not parts or None in parts:
        hint = "whole numbers, each with one of s, m, h, d, w: 0h, 90m, 7d 1h"
        raise node.error(f"expected a time, found {written!r}", hint)
    time = sum(int(part[1]) * _UNIT_MS[part[2]] for part in parts if part)
    if time > _LAST:
        raise node.error(f"{written!r} is too long", "a scenario lasts at most 10 years")
    return time


def _count(node: Node) -> int:
    value = node.number()
    if value != int(value) or not 2 <= value <= _MOST:
        raise node.error(f"expected a number of times, found {node.text()!r}", f"2 to {_MOST}")
    return int(value)


def _subjects(node: Node) -> Iterator[str]:
    """`kind:name` for each subject that `kind name` stands for: several with a range, `account seller{1-5}`."""
    kind, _, name = node.text().partition(" ")
    if kind not in SUBJECT_KINDS or not name:
        hint = did_you_mean(kind, SUBJECT_KINDS) + ", then a space and its name"
        raise node.error(f"{node.text()!r} is no subject", hint)
    span = _RANGE.search(name)
    numbers = range(int(span[1]), int(span[2]) + 1) if span else range(1)
    if span and (not numbers or len(numbers) > _MOST):
        raise node.error(f"{span[0]!r} is no range", "{1-5}")
    for number in numbers:
        own = _RANGE.sub(str(number), name, count=1) if span else name
        if kind == "link" and not (own.startswith(("http://", "https://")) and parse_link(own)):
            raise node.error(f"{own!r} is no link", "write it in full: link http://site.example/page")
        yield f"{kind}:{own}"


def _numbered(value: Any, number: int) -> Any:
    """`value` with a number for every `{n}` in its texts."""
    match value:
        case str():
            return value.replace("{n}", str(number))
        case list():
            return [_numbered(each, number) for each in value]
        case dict():
            return {key: _numbered(each, number) for key, each in value.items()}
        case _:
            return value
