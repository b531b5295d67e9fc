"""The `when:` language: a boolean expression over signals, compiled to closures.

Python's own parser reads it and a short list of node types is allowed, so precedence and columns are
the ones people know. Values may be added, subtracted, multiplied and divided, and compared with each other.
Compiling also finds the *triggers*: a set of signals of which at least one must have fired, with a least value, for
the expression to be true. Rules are only looked at where a trigger fired, so a pack's cost grows with what it hits,
not with how many rules it has. Where arithmetic is compared, the triggers come from interval arithmetic: values that
cannot make the comparison true are no reason to look.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.intervals import (
    Interval,
    added,
    divide,
    divided,
    largest,
    least_of,
    most_of,
    multiplied,
    root,
    rooted,
    subtracted,
)

Facts = Mapping[str, float]
"""Signal or rule name -> its value for one event; `facts[name]` is 0 for one that did not fire."""
Evaluate = Callable[[Facts], bool]
Number = Callable[[Facts], float]

_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_REVERSED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.LtE,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.Lt: ast.Gt,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
"""`a op b` is `b reversed a`."""
_POSSIBLE: dict[type[ast.cmpop], Callable[[Interval, Interval], bool]] = {
    ast.GtE: lambda left, right: left.high >= right.low,
    ast.Gt: lambda left, right: left.high > right.low,
    ast.LtE: lambda left, right: left.low <= right.high,
    ast.Lt: lambda left, right: left.low < right.high,
    ast.Eq: lambda left, right: left.low <= right.high and right.low <= left.high,
    ast.NotEq: lambda left, right: not left.low == left.high == right.low == right.high,
}
"""Whether a comparison can be true of two numbers in these intervals."""
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Lt: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_ARITHMETIC: dict[
    type[ast.operator], tuple[Callable[[float, float], float], Callable[[Interval, Interval], Interval]]
] = {
    ast.Add: (operator.add, added),
    ast.Sub: (operator.sub, subtracted),
    ast.Mult: (operator.mul, multiplied),
    ast.Div: (divide, divided),
}
"""Operator -> on numbers, on intervals."""
_FUNCTIONS = ("sqrt", "min", "max")
_MAX_DEPTH = 50
_MAX_PRODUCTS = 8
"""Most multiplications and divisions of one expression: no value of signals comes near to overflow."""
_MAX_NUMBER = 1e15
"""Larger than any value; and every smaller whole number is a float without loss."""
_NOT_SAID = "only names, numbers, and, or, not, comparisons, + - * /, sqrt, min, max and parentheses are allowed"


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
    needs: name -> value, several times: for it to be true, of each one name must have at least its value, and more
           than 0. The first is met least often; there is none when nothing has to fire.
    """

    source: str
    names: frozenset[str]
    needs: Sequence[Mapping[str, float]]
    evaluate: Evaluate

    @property
    def least(self) -> Mapping[str, float] | None:
        """The first of `needs`; None when there is none."""
        return self.needs[0] if self.needs else None

    @property
    def triggers(self) -> frozenset[str] | None:
        """The names of `least`: one of them must have fired."""
        return None if self.least is None else frozenset(self.least)


def compile_condition(
    source: str,
    known: Callable[[str], bool],
    trigger_cost: Callable[[str], float | None],
    bound: Callable[[str], float] = lambda _: _MAX_NUMBER,
) -> Condition:
    """Compiles `source`.

    `known` says whether a name exists. `trigger_cost` is how often, relatively, a name fires, None for
    one that cannot serve as a trigger; of the operands of `and` the cheapest are taken. `bound` is the largest
    value a name can have; a comparison that can never be true is an error.
    Raises ConditionError.
    """
    text = source.strip()
    indent = len(source) - len(source.lstrip())
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        offset = (getattr(error, "offset", None) or 1) - 1
        raise ConditionError("cannot be read as an expression", indent + offset) from None
    compiler = _Compiler(known, trigger_cost, bound, lambda column: indent + len(text.encode()[:column].decode()))
    evaluate = compiler.build(tree.body, 0)
    needs = sorted(compiler.needs(tree.body, True), key=compiler.total)
    return Condition(source, frozenset(compiler.names), needs, evaluate)


class _Compiler:
    def __init__(
        self,
        known: Callable[[str], bool],
        cost: Callable[[str], float | None],
        bound: Callable[[str], float],
        offset_of: Callable[[int], int],
    ) -> None:
        """`offset_of`: characters into the source for a column of the tree, which counts bytes of UTF-8."""
        self._offset_of = offset_of
        self._known = known
        self._cost = cost
        self._bound = bound
        self._products = 0
        self.names: set[str] = set()

    def build(self, node: ast.expr, depth: int) -> Evaluate:
        """The closure that evaluates `node`."""
        if depth > _MAX_DEPTH:
            raise self._error("is nested too deeply", node)
        match node:
            case ast.BoolOp(op=ast.And()):
                return _all_of(self._cheapest_first(list(_conjuncts(node, depth))))
            case ast.BoolOp(values=values):
                return _any_of(self._cheapest_first([(value, depth + 1) for value in values]))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.build(operand, depth + 1)
                return lambda facts: not inner(facts)
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Name() | ast.Attribute():
                name = self._name(node)
                return lambda facts: facts[name] > 0
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                raise self._error("arithmetic says nothing alone: compare it with a number", node)
            case _:
                raise self._error(_NOT_SAID, node)

    def _cheapest_first(self, operands: list[tuple[ast.expr, int]]) -> list[Evaluate]:
        """The closures of operands and their depths: those that ask for nothing that is only run on demand (patterns)
        come first, as the answer is often known without the others."""
        built = [(self.build(operand, depth), operand) for operand, depth in operands]
        built.sort(key=lambda each: any(self._cost(name) is None for name in _names_in(each[1])))
        return [evaluate for evaluate, _ in built]

    def _comparison(self, node: ast.Compare, depth: int) -> Evaluate:
        compare = _COMPARE.get(type(node.ops[0]))
        if len(node.ops) != 1 or compare is None:
            raise self._error("compare two values at a time, by >=, >, <=, <, == or !=", node)
        left, right = self._number(node.left, depth + 1), self._number(node.comparators[0], depth + 1)
        if not self._possible(node, True, self._anything):
            raise self._error(self._never(node), node)
        if (simple := self._simple(node)) is not None:
            name, kind, number = simple
            against = _COMPARE[kind]
            return lambda facts: against(facts[name], number)
        return lambda facts: compare(left(facts), right(facts))

    def _never(self, node: ast.Compare) -> str:
        simple = self._simple(node)
        why = f": {simple[0]} is at most {self._bound(simple[0]):g}" if simple and simple[2] > 0 else ""
        return f"can never be true{why}"

    def _number(self, node: ast.expr, depth: int) -> Number:
        """The closure that works out `node`, a number."""
        if depth > _MAX_DEPTH:
            raise self._error("is nested too deeply", node)
        match node:
            case ast.Constant():
                value = self._constant(node)
                return lambda _: value
            case ast.Name() | ast.Attribute():
                name = self._name(node)
                return lambda facts: facts[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._number(operand, depth + 1)
                return lambda facts: -inner(facts)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _ARITHMETIC:
                self._products += isinstance(op, ast.Mult | ast.Div)
                if self._products > _MAX_PRODUCTS:
                    raise self._error(f"more than {_MAX_PRODUCTS} multiplications and divisions", node)
                combine = _ARITHMETIC[type(op)][0]
                first, second = self._number(left, depth + 1), self._number(right, depth + 1)
                return lambda facts: combine(first(facts), second(facts))
            case ast.Call():
                return self._call(node, depth)
            case _:
                raise self._error("only names, numbers, + - * /, sqrt, min and max can be compared", node)

    def _call(self, node: ast.Call, depth: int) -> Number:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS or node.keywords:
            raise self._error(f"the functions are {', '.join(_FUNCTIONS)}", node)
        parts = [self._number(argument, depth + 1) for argument in node.args]
        if name == "sqrt":
            if len(parts) != 1:
                raise self._error("sqrt has one operand", node)
            inner = parts[0]
            return lambda facts: root(inner(facts))
        if len(parts) < 2:
            raise self._error(f"{name} has two operands or more", node)
        choose: Callable[[Iterable[float]], float] = min if name == "min" else max
        return lambda facts: choose([part(facts) for part in parts])

    def _constant(self, node: ast.Constant) -> float:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error("only numbers can be compared", node)
        if not abs(value) < _MAX_NUMBER:
            raise self._error("the number is too large", node)
        return float(value)

    def _simple(self, node: ast.Compare) -> tuple[str, type[ast.cmpop], float] | None:
        """A comparison of one name with one number, the name on the left; None when it is another."""
        left, kind, right = node.left, type(node.ops[0]), node.comparators[0]
        if isinstance(right, ast.Name | ast.Attribute):
            left, kind, right = right, _REVERSED[kind], left
        negative = isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub)
        constant = right.operand if isinstance(right, ast.UnaryOp) and negative else right
        if not isinstance(left, ast.Name | ast.Attribute) or not isinstance(constant, ast.Constant):
            return None
        number = self._constant(constant)
        return self._name(left), kind, -number if negative else number

    def _name(self, node: ast.expr) -> str:
        parts: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self._error("expected a name", node)
        name = ".".join([inner.id, *reversed(parts)])
        if name not in self.names and not self._known(name):
            raise self._error(f"unknown name {name!r}", node, name)
        self.names.add(name)
        return name

    def _error(self, message: str, node: ast.expr, word: str | None = None) -> ConditionError:
        return ConditionError(message, self._offset_of(node.col_offset), word)

    def needs(self, node: ast.expr, wanted: bool) -> list[dict[str, float]]:
        """What must have fired, and how strongly, for `node` to be `wanted`; see `Condition.needs`."""
        match node:
            case ast.UnaryOp(operand=operand):
                return self.needs(operand, not wanted)
            case ast.BoolOp(op=op, values=values):
                found = [self.needs(value, wanted) for value in values]
                if isinstance(op, ast.And) == wanted:  # all must hold
                    return [needs for each in found for needs in each]
                # One of them must hold: of each, the one that is met least often.
                return [_either([min(each, key=self.total) for each in found])] if all(found) else []
            case ast.Compare():
                needs = self._least_of_comparison(node, wanted)
            case _:
                needs = self._single(self._name(node), 0.0) if wanted else None
        return [] if needs is None else [needs]

    def _least_of_comparison(self, node: ast.Compare, wanted: bool) -> dict[str, float] | None:
        if (simple := self._simple(node)) is None:
            return self._least_of_arithmetic(node, wanted)
        name, kind, number = simple
        compare = _COMPARE[kind]
        if compare(0.0, number) == wanted:
            return None
        bounded = number > 0 and compare(number / 2, number) != wanted  # nothing smaller will do
        return self._single(name, number if bounded else 0.0)

    def _least_of_arithmetic(self, node: ast.Compare, wanted: bool) -> dict[str, float] | None:
        """The cheapest names without which the comparison cannot be `wanted`, and how far each may go unnoticed."""
        costs = {name: cost for name in _names_in(node) if (cost := self._cost(name)) is not None}
        needed = dict.fromkeys(sorted(costs, key=lambda name: (-costs[name], name)), 0.0)
        if self._possible(node, wanted, self._within(needed)):
            return None
        for name in list(needed):
            fewer = {other: 0.0 for other in needed if other != name}
            if not self._possible(node, wanted, self._within(fewer)):
                needed = fewer

        def cannot(limits: Mapping[str, float]) -> bool:
            return not self._possible(node, wanted, self._within({**needed, **limits}))

        alone = {name: largest(lambda x, name=name: cannot({name: x}), self._bound(name)) for name in needed}  # type: ignore[misc]
        share = largest(lambda x: cannot({name: x * value for name, value in alone.items()}), 1.0)
        return {name: share * value for name, value in alone.items()}

    def _within(self, limits: Mapping[str, float]) -> Callable[[str], Interval]:
        """Every name from 0 to its limit, or to its bound without one."""
        return lambda name: Interval(0.0, limits[name] if name in limits else self._bound(name))

    def _anything(self, name: str) -> Interval:
        return Interval(0.0, self._bound(name))

    def _possible(self, node: ast.Compare, wanted: bool, values: Callable[[str], Interval]) -> bool:
        """False when the comparison cannot be `wanted` with these values."""
        kind = type(node.ops[0]) if wanted else _NEGATED[type(node.ops[0])]
        return _POSSIBLE[kind](self._interval(node.left, values), self._interval(node.comparators[0], values))

    def _interval(self, node: ast.expr, values: Callable[[str], Interval]) -> Interval:
        """What a number that `_number` has compiled can be."""
        match node:
            case ast.Constant():
                value = self._constant(node)
                return Interval(value, value)
            case ast.UnaryOp(operand=operand):
                inner = self._interval(operand, values)
                return Interval(-inner.high, -inner.low)
            case ast.BinOp(op=op, left=left, right=right):
                return _ARITHMETIC[type(op)][1](self._interval(left, values), self._interval(right, values))
            case ast.Call(func=ast.Name(id=function), args=arguments):
                parts = [self._interval(argument, values) for argument in arguments]
                if function == "sqrt":
                    return rooted(parts[0])
                return least_of(parts) if function == "min" else most_of(parts)
            case _:
                return values(self._name(node))

    def _single(self, name: str, value: float) -> dict[str, float] | None:
        return None if self._cost(name) is None else {name: value}

    def total(self, needs: Mapping[str, float]) -> tuple[float, float]:
        """How often these needs are met, roughly: what fires less often, then what has to be stronger, is less."""
        return sum(self._cost(name) or 0.0 for name in needs), -sum(needs.values())


def _conjuncts(node: ast.expr, depth: int) -> Iterator[tuple[ast.expr, int]]:
    """What must hold for `node`, at this depth, to hold, one by one with their depths: `a and not (b or c)` is a, not b
    and not c."""
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _conjuncts(value, depth + 1)
        case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(op=ast.Or(), values=values)):
            for value in values:
                yield ast.copy_location(ast.UnaryOp(ast.Not(), value), node), depth + 1
        case _:
            yield node, depth


def _names_in(node: ast.expr) -> set[str]:
    """The names below `node`, in which every name was found to be known."""
    match node:
        case ast.Name() | ast.Attribute():
            return {ast.unparse(node)}
        case ast.Call(args=arguments):
            return set().union(*map(_names_in, arguments))
        case _:
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return set().union(*map(_names_in, parts))


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
