"""A condition taken apart, to say which of its parts hold for an event, and what values they were looked at with."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.conditions import compile_condition


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts that must all hold. `values`: what the names in it were worth."""

    text: str
    holds: bool
    values: dict[str, float]


def parts_of(source: str, facts: Mapping[str, float]) -> list[Part]:
    """The parts of a valid condition that `and` joins at the top, evaluated on `facts`."""
    return [_part(node, facts) for node in _joined(ast.parse(source.strip(), mode="eval").body)]


def _joined(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _joined(value)
    else:
        yield node


def _part(node: ast.expr, facts: Mapping[str, float]) -> Part:
    text = ast.unparse(node)
    condition = compile_condition(text, lambda _: True, lambda _: None)
    return Part(text, condition.evaluate(facts), {name: facts[name] for name in sorted(condition.names)})
