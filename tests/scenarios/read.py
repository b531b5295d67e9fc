"""The reader of scenario files. Whatever is wrong in one is named with file, line, column and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from rules.events import STRUCTS, EventType, InvalidEventError, Page, convert_event
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
from tests.scenarios.model import ACTS, Act, Scenario, Step
from tests.scenarios.read_acts import act_kinds, read_act
from tests.scenarios.read_checks import read_check
from tests.scenarios.read_values import MOST, subjects, time
from tests.scenarios.shipped import variants

FOLDER = Path(__file__).parent

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


def by_pack(scenarios: Iterable[Scenario]) -> dict[str, list[Scenario]]:
    """The scenarios by the pack that they are played with, the shipped one (without a name) first."""
    found: dict[str, list[Scenario]] = {}
    for scenario in sorted(scenarios, key=lambda scenario: (scenario.pack, scenario.number)):
        found.setdefault(scenario.pack, []).append(scenario)
    return found


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
    scenarios, pack = body.need("scenarios"), body.take("pack")
    if pack is not None:
        pack.choice(variants())
    body.done()
    for name, _, value in scenarios.items():
        try:
            yield _read_scenario(path.stem, name, value, pack.text() if pack is not None else "")
        except PackError as error:
            errors.append(error)


def _read_scenario(file: str, name: str, node: Node, pack: str) -> Scenario:
    body = node.mapping()
    clauses = frozenset(body.need("clauses").texts())
    breaks = body.take("breaks")
    never = body.take("never")
    differs = body.take("differs")
    steps: list[Step] = []
    acts: list[Act] = []
    for each in body.need("given").sequence():
        if kinds := act_kinds(each):
            acts.append(read_act(kinds[0], each))
        else:
            steps.extend(_read_steps(each))
    checks = [read_check(each) for each in body.need("then").sequence()]
    about = body.need("about").text()
    body.done()
    if not (steps or acts) or not checks:
        raise node.error("the scenario has no event, or no check", "`given` and `then` have at least one step each")
    for earlier, later in pairwise(checks):
        if later.at <= earlier.at:
            raise PackError(later.place, "a check is not later than the one before it", "put them in order of time")
    if checks[-1].at < max([*(step.arrives for step in steps), *(act.at for act in acts)]):
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
        acts=tuple(sorted(acts, key=lambda act: act.at)),
        pack=pack,
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
    return frozenset(subject for each in node.sequence() for subject in subjects(each))


def _read_steps(node: Node) -> Iterator[Step]:
    """The events of one line of `given`: `times` of them, with `{n}` for the number of each."""
    body = node.mapping()
    at = time(body.need("at"))
    kinds = [name for name in _TYPES if name in body]
    if len(kinds) != 1:
        raise node.error("the event has no type, or several", "it begins with one of " + ", ".join((*_TYPES, *ACTS)))
    kind = cast(EventType, kinds[0])
    times, every, arrives = body.take("times"), body.take("every"), body.take("arrives")
    count = _count(times) if times is not None else 1
    interval = time(every) if every is not None else 0
    if (count > 1) != (every is not None):
        raise node.error("`times` and `every` stand together", "times: 5, every: 10m")
    late = time(arrives) - at if arrives is not None else 0
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
    fields[_TYPES[kind]] = next(subjects(main)) if kind == "report" else main.text()
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


def _count(node: Node) -> int:
    value = node.number()
    if value != int(value) or not 2 <= value <= MOST:
        raise node.error(f"expected a number of times, found {node.text()!r}", f"2 to {MOST}")
    return int(value)


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
