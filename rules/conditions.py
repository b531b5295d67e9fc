"""The `when:` language: a boolean expression over signals, compiled to closures.

Python's own parser reads it and a short list of node types is allowed, so precedence and columns are
the ones people know. Compiling also finds the *triggers*: a set of signals of which at least one must
have fired for the expression to be true. Rules are only looked at where a trigger fired, so a pack's
cost grows with what it hits, not with how many rules it has.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Facts = Mapping[str, float]
"""Signal or rule name -> its value for one event; `facts[name]` is 0 for one that did not fire."""
Evaluate = Callable[[Facts], bool]

_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_MAX_DEPTH = 50
_MAX_NUMBER = 1e15
"""Larger than any value; and every smaller whole number is a float without loss."""


class ConditionError(ValueError):
    """The expression is wrong at `offset` (in characters); `word` is an unknown name, when that is why."""

    def __init__(self, message: str, offset: int, word: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.word = word


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression.

    names: every name it mentions.
    least: name -> value: for it to be true, one of these names must have at least its value, and more than 0; None
           when nothing has to.
    """

    source: str
    names: frozenset[str]
    least: Mapping[str, float] | None
    evaluate: Evaluate

    @property
    def triggers(self) -> frozenset[str] | None:
        """The names of `least`: one of them must have fired."""
        return None if self.least is None else frozenset(self.least)


def compile_condition(
    source: str, known: Callable[[str], bool], trigger_cost: Callable[[str], float | None]
) -> Condition:
    """Compiles `source`.

    `known` says whether a name exists. `trigger_cost` is how often, relatively, a name fires, None for
    one that cannot serve as a trigger; of the operands of `and` the cheapest are taken.
    Raises ConditionError.
    """
    text = source.strip()
    indent = len(source) - len(source.lstrip())
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        offset = (getattr(error, "offset", None) or 1) - 1
        raise ConditionError("cannot be read as an expression", indent + offset) from None
    compiler = _Compiler(known, trigger_cost, lambda column: indent + len(text.encode()[:column].decode()))
    evaluate = compiler.build(tree.body, 0)
    return Condition(source, frozenset(compiler.names), compiler.least(tree.body, True), evaluate)


class _Compiler:
    def __init__(
        self,
        known: Callable[[str], bool],
        cost: Callable[[str], float | None],
        offset_of: Callable[[int], int],
    ) -> None:
        """`offset_of`: characters into the source for a column of the tree, which counts bytes of UTF-8."""
        self._offset_of = offset_of
        self._known = known
        self._cost = cost
        self.names: set[str] = set()

    def build(self, node: ast.expr, depth: int) -> Evaluate:
        """The closure that evaluates `node`."""
        if depth > _MAX_DEPTH:
            raise self._error("is nested too deeply", node)
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                parts = [self.build(value, depth + 1) for value in values]
                return _all_of(parts)
            case ast.BoolOp(values=values):
                options = [self.build(value, depth + 1) for value in values]
                return _any_of(options)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.build(operand, depth + 1)
                return lambda facts: not inner(facts)
            case ast.Compare():
                return self._comparison(node)
            case ast.Name() | ast.Attribute():
                name = self._name(node)
                return lambda facts: facts[name] > 0
            case _:
                raise self._error("only names, numbers, and, or, not, comparisons and parentheses are allowed", node)

    def _comparison(self, node: ast.Compare) -> Evaluate:
        name, compare, number = self._compared(node)
        return lambda facts: compare(facts[name], number)

    def _compared(self, node: ast.Compare) -> tuple[str, Callable[[float, float], bool], float]:
        compare = _COMPARE.get(type(node.ops[0]))
        if len(node.ops) != 1 or compare is None:
            raise self._error("compare one name with one number", node)
        right = node.comparators[0]
        sign = 1.0
        if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
            sign, right = -1.0, right.operand
        value = right.value if isinstance(right, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error("the right side of a comparison is a number", right)
        if not abs(value) < _MAX_NUMBER:
            raise self._error("the number is too large", right)
        if not isinstance(node.left, ast.Name | ast.Attribute):
            raise self._error("the left side of a comparison is a name", node.left)
        return self._name(node.left), compare, sign * value

    def _name(self, node: ast.expr) -> str:
        parts: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self._error("expected a name", node)
        name = ".".join([inner.id, *reversed(parts)])
        if not self._known(name):
            raise self._error(f"unknown name {name!r}", node, name)
        self.names.add(name)
        return name

    def _error(self, message: str, node: ast.expr, word: str | None = None) -> ConditionError:
        return ConditionError(message, self._offset_of(node.col_offset), word)

    def least(self, node: ast.expr, wanted: bool) -> dict[str, float] | None:
        """What must have fired, and how strongly, for `node` to be `wanted`; see `Condition.least`."""
        match node:
            case ast.UnaryOp(operand=operand):
                return self.least(operand, not wanted)
            case ast.BoolOp(op=op, values=values):
                found = [self.least(value, wanted) for value in values]
                usable = [needs for needs in found if needs is not None]
                if isinstance(op, ast.And) == wanted:  # all must hold: the cheapest will do
                    return min(usable, key=self._total, default=None)
                return _either(usable) if len(usable) == len(found) else None
            case ast.Compare():
                name, compare, number = self._compared(node)
                if compare(0.0, number) == wanted:
                    return None
                bounded = number > 0 and compare(number / 2, number) != wanted  # nothing smaller will do
                return self._single(name, number if bounded else 0.0)
            case _:
                return self._single(self._name(node), 0.0) if wanted else None

    def _single(self, name: str, value: float) -> dict[str, float] | None:
        return None if self._cost(name) is None else {name: value}

    def _total(self, needs: Mapping[str, float]) -> float:
        return sum(self._cost(name) or 0.0 for name in needs)


def _either(options: list[dict[str, float]]) -> dict[str, float]:
    """What is needed when any of `options` will do: of a name in several the smallest value."""
    needs: dict[str, float] = {}
    for option in options:
        for name, value in option.items():
            needs[name] = min(value, needs.get(name, value))
    return needs


def _all_of(parts: list[Evaluate]) -> Evaluate:
    def evaluate(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - a generator in all() costs as much as the parts
            if not part(facts):
                return False
        return True

    return evaluate


def _any_of(parts: list[Evaluate]) -> Evaluate:
    def evaluate(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110
            if part(facts):
                return True
        return False

    return evaluate
