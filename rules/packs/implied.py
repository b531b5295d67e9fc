"""Whether one condition is true whenever another is, found by trying all values that make a difference.

Where a condition compares names with numbers, only those numbers, and what lies just beside them, can matter. Names
of rules and signals are taken as independent of each other. Conditions that reckon with values are left alone.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice, product
from math import prod

from rules.conditions import Condition

_MAX_TRIALS = 20_000
"""Combinations tried; a condition with more is taken to be satisfiable, and to imply nothing."""
_STEP = 1e-6


def satisfiable(condition: Condition, least: Mapping[str, float]) -> bool:
    """Whether some values make `condition` true.

    `least`: smallest value above 0 that a name can have, for those that have one.
    """
    if _numbers(condition.source) is None:
        return True
    values = _values(condition.names, [condition], least)
    if _size(values) > _MAX_TRIALS:
        return True
    return any(condition.evaluate(_Facts(facts)) for facts in _combinations(values))


def implies(condition: Condition, other: Condition, least: Mapping[str, float]) -> bool:
    """Whether `other` is true whenever `condition` is; `least` as for `satisfiable`.

    False as well where there are too many combinations to tell, or where one of them reckons.
    """
    if _numbers(condition.source) is None or _numbers(other.source) is None:
        return False
    own = _values(condition.names, [condition, other], least)
    extra = _values(other.names - condition.names, [other], least)
    if _size(own) * _size(extra) > _MAX_TRIALS:
        return False
    true = (facts for facts in _combinations(own) if condition.evaluate(_Facts(facts)))
    # Most conditions are told apart by the first values that make the one true.
    first = list(islice(true, 1))
    if not first or not other.evaluate(_Facts(first[0])):
        return False
    return all(
        other.evaluate(_Facts({**facts, **more})) for facts in _chain(first, true) for more in _combinations(extra)
    )


class _Facts(dict[str, float]):
    def __missing__(self, name: str) -> float:
        return 0.0


def _chain(first: Iterable[dict[str, float]], rest: Iterable[dict[str, float]]) -> Iterator[dict[str, float]]:
    yield from first
    yield from rest


def _values(
    names: frozenset[str], conditions: Iterable[Condition], least: Mapping[str, float]
) -> dict[str, list[float]]:
    """Name -> the values of it that can make a difference to one of `conditions`."""
    numbers: dict[str, set[float]] = {name: {1.0} for name in names}
    for condition in conditions:
        for name, number in _numbers(condition.source) or ():
            if name in numbers:
                numbers[name] |= {number - _STEP, number, number + _STEP}
    return {
        name: [0.0, *sorted(value for value in {*found, least.get(name, _STEP)} if value >= least.get(name, _STEP))]
        for name, found in numbers.items()
    }


@cache
def _numbers(source: str) -> tuple[tuple[str, float], ...] | None:
    """(name, number) of each comparison in a condition, which is known to be valid; None where one is of more than a
    name with a number."""
    found: list[tuple[str, float]] = []
    for node in ast.walk(ast.parse(source.strip(), mode="eval")):
        if not isinstance(node, ast.Compare):
            continue
        sides = (node.left, node.comparators[0])
        names = [side for side in sides if isinstance(side, ast.Name | ast.Attribute)]
        numbers = [number for side in sides if (number := _literal(side)) is not None]
        if len(names) != 1 or len(numbers) != 1:
            return None
        found.append((ast.unparse(names[0]), numbers[0]))
    return tuple(found)


def _literal(node: ast.expr) -> float | None:
    try:
        return float(ast.literal_eval(node))
    except (ValueError, TypeError):
        return None


def _size(values: Mapping[str, list[float]]) -> int:
    return prod(map(len, values.values()))


def _combinations(values: Mapping[str, list[float]]) -> Iterator[dict[str, float]]:
    names = list(values)
    for chosen in product(*values.values()):
        yield dict(zip(names, chosen, strict=True))
