"""The reader of inline cases: events that must fire a rule, or must not."""

from dataclasses import replace

from rules.events import STRUCTS, Page
from rules.packs.model import Case
from rules.packs.source import Node, did_you_mean

_MAX_REPEAT = 1000
_MAX_SPAN = 3650 * 86_400_000
"""Longest time from the first to the last event of a case, in ms."""
_OWN_KEYS = ("repeat", "every", "accounts", "after", "also")


def read_case(node: Node) -> Case:
    """A case of a rule: a text, the fields of an event, or a list of such, of which the last one decides."""
    if not node.is_sequence:
        return _event(node)
    cases = [_event(each) for each in node.sequence()]
    if not cases:
        raise node.error("the case is empty", "a text, the fields of an event, or a list of events")
    for each, case in zip(node.sequence()[:-1], cases, strict=False):
        if case.also:
            raise each.error("`also` stands with an event that does not decide", "write it with the last one")
    if sum(case.repeat * case.every + case.after for case in cases) > _MAX_SPAN:
        raise node.error("the case lasts more than 10 years")
    return replace(cases[-1], before=tuple(cases[:-1]), place=node.place)


def _event(node: Node) -> Case:
    if not node.is_mapping:
        return Case({"type": "post", "text": node.text()}, 1, 0, node.place)
    fields = node.plain()
    if not isinstance(fields, dict):
        raise node.error("a case is a text or the fields of an event")
    body = node.mapping()
    repeat, every, accounts, after, also = (body.take(name) for name in _OWN_KEYS)
    kind = ((found := body.take("type")) is not None and found.choice(("post", "share", "mass_send"))) or "post"
    known = set(STRUCTS[kind].__struct_fields__)  # type: ignore[index]
    for name, key, value in body.items():
        if name not in known | {*_OWN_KEYS, "type"}:
            raise key.error(f"a {kind} has no field {name!r}", did_you_mean(name, known))
        if name == "page" and value.is_mapping:
            for part, part_key, _ in value.items():
                if part not in Page.__struct_fields__:
                    raise part_key.error(f"a page has no field {part!r}", did_you_mean(part, Page.__struct_fields__))
    count = _times(repeat) if repeat else 1
    interval = every.duration() if every else 0
    if every is not None and interval * count > _MAX_SPAN:
        raise every.error("the case lasts more than 10 years")
    return Case(
        {**{name: value for name, value in fields.items() if name not in _OWN_KEYS}, "type": kind},
        count,
        interval,
        node.place,
        accounts=_times(accounts) if accounts else 1,
        after=after.duration() if after else 0,
        also=frozenset(also.texts()) if also else frozenset(),
    )


def _times(node: Node) -> int:
    value = node.number()
    if value != int(value) or not 1 <= value <= _MAX_REPEAT:
        raise node.error(f"expected a whole number of times, found {node.text()!r}", f"1 to {_MAX_REPEAT}")
    return int(value)
