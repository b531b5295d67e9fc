"""The `when:` language means what Python means, its triggers are sound, and hostile sources are refused in place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.conditions import Condition, ConditionError, compile_condition

EAGER = ("a", "b", "rules.c")
LAZY = ("p", "q")
NAMES = EAGER + LAZY
COST = {"a": 1.0, "b": 20.0, "rules.c": 2.0, "p": None, "q": None}


BOUND = {"a": 3.0, "b": 1e15, "rules.c": 1.0, "p": 1e15, "q": 3.0}


def compiled(source: str) -> Condition:
    return compile_condition(source, lambda name: name in NAMES, lambda name: COST[name])


def bounded(source: str) -> Condition:
    """The same, with what the values cannot pass."""
    return compile_condition(source, lambda name: name in NAMES, lambda name: COST[name], lambda name: BOUND[name])


def refused(source: str, compile_: Callable[[str], Condition] = compiled) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        compile_(source)
    return caught.value


NUMBERS = st.sampled_from(["0", "1", "2", "-1", "0.5", "7"])
AMOUNTS = st.recursive(
    st.sampled_from(NAMES) | NUMBERS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        inner.map("sqrt({})".format),
        inner.map("-({})".format),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
    ),
    max_leaves=5,
)
RELATIONS = st.sampled_from([">=", ">", "<=", "<", "==", "!="])
COMPARISONS = st.builds("{} {} {}".format, st.sampled_from(NAMES), RELATIONS, NUMBERS) | st.builds(
    "{} {} {}".format, AMOUNTS, RELATIONS, AMOUNTS
)
EXPRESSIONS = st.recursive(
    st.sampled_from(NAMES) | COMPARISONS,
    lambda inner: st.one_of(
        st.builds("not {}".format, inner.map("({})".format)),
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        inner.map("({})".format),
    ),
    max_leaves=12,
)
VALUES = st.fixed_dictionaries(
    {
        "a": st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]),
        "b": st.sampled_from([0.0, 0.1, 1.0, 2.0, 100.0]),
        "rules.c": st.sampled_from([0.0, 1.0]),
        "p": st.sampled_from([0.0, 1.0, 2.0, 3.0, 1e6]),
        "q": st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]),
    }
)


class _Number(float):
    """A value as the language sees it: a name alone is true above 0, and what is divided by 0 is 0."""

    def __bool__(self) -> bool:
        return self > 0

    def __truediv__(self, other: float) -> _Number:
        return _Number(float(self) / other if float(other) else 0.0)

    def __rtruediv__(self, other: float) -> _Number:
        return _Number(other / float(self) if float(self) else 0.0)

    def __neg__(self) -> _Number:
        return _Number(-float(self))

    def __add__(self, other: float) -> _Number:
        return _Number(float(self) + other)

    def __sub__(self, other: float) -> _Number:
        return _Number(float(self) - other)

    def __mul__(self, other: float) -> _Number:
        return _Number(float(self) * other)

    def __radd__(self, other: float) -> _Number:
        return _Number(other + float(self))

    def __rsub__(self, other: float) -> _Number:
        return _Number(other - float(self))

    def __rmul__(self, other: float) -> _Number:
        return _Number(other * float(self))


FUNCTIONS = {"sqrt": lambda x: _Number(max(x, 0.0) ** 0.5), "min": min, "max": max, "number": _Number}


def meant(source: str, facts: dict[str, float]) -> bool:
    """What Python itself makes of the expression."""
    names = {name.replace(".", "_"): _Number(value) for name, value in facts.items()}
    text = re.sub(r"(?<![\w.])[0-9.]+", r"number(\g<0>)", source.replace("rules.c", "rules_c"))
    return bool(eval(text, {"__builtins__": {}, **FUNCTIONS}, names))  # noqa: S307 - the oracle


def kept(compile_: Callable[[str], Condition], source: str) -> Condition | None:
    """The condition; None for one that is refused because a comparison in it can never be true."""
    try:
        return compile_(source)
    except ConditionError as error:
        assert "can never be true" in str(error) or "multiplications" in str(error)  # noqa: PT017
        return None


@given(EXPRESSIONS, VALUES)
@example("a / b >= 1", {"a": 1.0, "b": 0.0, "rules.c": 0.0, "p": 0.0, "q": 0.0})
@example("sqrt(a - 1) == 0", {"a": 0.5, "b": 0.0, "rules.c": 0.0, "p": 0.0, "q": 0.0})
def test_an_expression_means_what_python_means(source: str, facts: dict[str, float]) -> None:
    condition = kept(bounded, source)
    if condition is not None:
        assert condition.evaluate(facts) == meant(source, facts)


@given(COMPARISONS, VALUES)
def test_a_comparison_that_is_refused_as_never_true_never_is(source: str, facts: dict[str, float]) -> None:
    try:
        bounded(source)
    except ConditionError as error:
        if "can never be true" in str(error):
            assert not meant(source, facts)


@given(EXPRESSIONS, VALUES)
@example("a and not b", {"a": 1.0, "b": 0.0, "rules.c": 0.0, "p": 0.0, "q": 0.0})
@example("a + 2 * b >= 5", {"a": 3.0, "b": 1.0, "rules.c": 0.0, "p": 0.0, "q": 0.0})
@example("a / sqrt(p) >= 2", {"a": 2.0, "b": 0.0, "rules.c": 0.0, "p": 1.0, "q": 0.0})
@example("not (a * b < 4)", {"a": 2.0, "b": 2.0, "rules.c": 0.0, "p": 1.0, "q": 0.0})
def test_where_an_expression_is_true_one_of_its_triggers_has_fired(source: str, facts: dict[str, float]) -> None:
    for compile_ in (compiled, bounded):
        condition = kept(compile_, source)
        if condition is not None and condition.triggers is not None and meant(source, facts):
            assert any(facts[name] > 0 and facts[name] >= least for name, least in (condition.least or {}).items())


@given(EXPRESSIONS)
def test_triggers_are_never_names_that_are_only_run_on_demand(source: str) -> None:
    condition = kept(compiled, source)
    assert condition is None or (condition.triggers or frozenset()).isdisjoint(LAZY)


READ_ONCE = st.recursive(
    st.just("{}") | st.sampled_from(["{} >= 1", "{} > 1", "{} < 1", "{} == 0", "{} != 0", "{} <= 2"]),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=4,
).filter(lambda form: form.count("{}") <= len(NAMES))


@given(READ_ONCE, st.permutations(NAMES))
def test_without_triggers_an_expression_can_be_true_though_no_trigger_fired(form: str, names: list[str]) -> None:
    """Of expressions that name nothing twice, so that no contradiction hides in them."""
    source = form.format(*names)
    if compiled(source).triggers is None:
        silent = dict.fromkeys(EAGER, 0.0)
        options = [{**silent, **dict(zip(LAZY, lazy, strict=True))} for lazy in product((0.0, 1.0, 2.0, 3.0), repeat=2)]
        assert any(meant(source, facts) for facts in options)


@pytest.mark.parametrize(
    ("source", "triggers"),
    [
        ("a", {"a"}),
        ("a and b", {"a"}),
        ("b and a", {"a"}),
        ("b and rules.c", {"rules.c"}),
        ("a or b", {"a", "b"}),
        ("a and p", {"a"}),
        ("a and not b", {"a"}),
        ("not (not a)", {"a"}),
        ("not (a < 2)", {"a"}),
        ("not (not a or not b)", {"a"}),
        ("a >= 2", {"a"}),
        ("a != 0", {"a"}),
        ("p", None),
        ("not a", None),
        ("a or p", None),
        ("a or not b", None),
        ("a < 5", None),
        ("a >= 0", None),
        ("a == 0", None),
        ("a > -1", None),
        ("not (a >= 2)", None),
    ],
)
def test_the_triggers_are_the_cheapest_names_that_must_have_fired(source: str, triggers: set[str] | None) -> None:
    assert compiled(source).triggers == triggers


def test_a_condition_knows_every_name_it_mentions() -> None:
    assert compiled("a and not (p or rules.c >= 2)").names == {"a", "p", "rules.c"}


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        ("a and f(b)", 6),
        ("lambda: a", 0),
        ("a or b[0]", 5),
        ("a and f'{b}'", 6),
        ("(a := b)", 1),
        ("a if b else p", 0),
        ("[a]", 0),
        ("a and 1", 6),
        ("a and 'b'", 6),
        ("-a", 0),
        ("a + b", 0),
        ("a and b().c", 6),
        ("a == 'x'", 5),
        ("a >= True", 5),
        ("a >= 1j", 5),
        ("a >= 1e999", 5),
        ("a >= 1" + "0" * 400, 5),
        ("a or 0 < a < 5", 5),
        ("a in b", 0),
        ("a is 1", 0),
        ("b and (a) + 1", 6),
        ("a + 'x' >= 1", 4),
        ("a ** 2 >= 1", 0),
        ("a % 2 >= 1", 0),
        ("a // 2 >= 1", 0),
        ("+a >= 1", 0),
        ("log(a) >= 1", 0),
        ("sqrt(a, b) >= 1", 0),
        ("sqrt() >= 1", 0),
        ("sqrt(x=a) >= 1", 0),
        ("a.b(1) >= 1", 0),
        ("min(a) >= 1", 0),
        ("min(*a) >= 1", 4),
        ("(a and b) + 1 >= 1", 1),
        ("a >= (b >= 1)", 6),
        ("  a and f(b)", 8),
    ],
)
def test_what_the_language_does_not_have_is_refused_where_it_stands(source: str, offset: int) -> None:
    assert refused(source).offset == offset


@pytest.mark.parametrize(
    "source",
    [
        "",
        "   ",
        "a and",
        "and a",
        "a b",
        "a = 1",
        "a; b",
        "import a",
        "a\x00",
        "\ud800",
        "a and\nb",
        "(" * 10_000 + "a" + ")" * 10_000,
        "not " * 100_000 + "a",
        "-" * 100_000 + "1",
        "a" + ".b" * 100_000,
        "a >= " + "9" * 5000,
    ],
    ids=lambda source: repr(source[:12]),
)
def test_what_is_no_expression_is_refused(source: str) -> None:
    assert 0 <= refused(source).offset <= len(source)


def test_an_unknown_name_is_named_and_placed() -> None:
    error = refused("a and (b or rules.zz >= 1)")
    assert (error.word, error.offset) == ("rules.zz", 12)


def test_an_offset_counts_characters_not_bytes() -> None:
    assert refused("a < 分享 + abc").offset == 4
    assert refused("'分享' >= a or abc").offset == 0
    known = compile_condition("分享 >= a", {"分享", "a"}.__contains__, lambda _: 1.0)
    assert known.names == {"分享", "a"}
    with pytest.raises(ConditionError) as caught:
        compile_condition("分享 >= abc", {"分享"}.__contains__, lambda _: 1.0)
    assert caught.value.offset == 6


def test_nesting_has_a_limit() -> None:
    source = "a"
    for _ in range(60):
        source = f"not ({source})"
    assert "nested" in str(refused(source))


def test_a_wide_expression_is_no_deep_one() -> None:
    assert compiled(" or ".join(["a"] * 5_000)).triggers == {"a"}


def test_a_name_that_did_not_fire_is_zero() -> None:
    assert not compiled("a or b >= 1").evaluate(defaultdict(float))
    assert compiled("not a and b < 1").evaluate(defaultdict(float))


@given(st.text("abpq().<>=!0123 notradlm:'[]", max_size=30))
def test_random_sources_raise_nothing_but_condition_error(source: str) -> None:
    try:
        compiled(source)
    except ConditionError as error:
        assert 0 <= error.offset <= len(source)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ("a >= 2.5", {"a": 2.5}),
        ("a > 2", {"a": 2}),
        ("a == 3", {"a": 3}),
        ("not (a < 4)", {"a": 4}),
        ("a", {"a": 0}),
        ("a != 0", {"a": 0}),
        ("a >= 3 or a >= 2 and b", {"a": 2}),
        ("a >= 3 or b", {"a": 3, "b": 0}),
    ],
)
def test_a_trigger_needs_the_least_value_that_could_do(source: str, least: dict[str, float]) -> None:
    assert compiled(source).least == least


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ("2 <= a", {"a": 2}),
        ("a + b >= 5", {"a": 2.5, "b": 2.5}),
        ("a + 2 * b >= 5", {"a": 2.5, "b": 1.25}),
        ("a - b >= 1", {"a": 1}),
        ("a - p >= 1", {"a": 1}),
        ("3 - a < 1", {"a": 2}),
        ("a * b >= 4", {"a": 0}),
        ("a * rules.c >= 2 and b", {"a": 0}),
        ("a / b >= 2", {"a": 0}),
        ("a / sqrt(p) >= 2", {"a": 0}),
        ("a / 4 >= 2", {"a": 8}),
        ("p / a >= 1", {"a": 0}),
        ("min(a, b) >= 3", {"a": 3}),
        ("max(a, b) >= 3", {"a": 3, "b": 3}),
        ("sqrt(a) >= 2", {"a": 4}),
        ("a >= b + 1", {"a": 1}),
        ("a > b", {"a": 0}),
        ("a >= 1 and a / sqrt(p) >= 2", {"a": 1}),
        ("not (a + b < 6)", {"a": 3, "b": 3}),
    ],
)
def test_arithmetic_needs_the_least_values_that_could_do(source: str, least: dict[str, float]) -> None:
    assert compiled(source).least == pytest.approx(least, abs=1e-8)


@pytest.mark.parametrize("source", ["a + p >= 1", "a >= b", "a - b < 1", "2 * p > a", "a + 1 >= 1"])
def test_arithmetic_that_can_hold_when_nothing_fired_has_no_triggers(source: str) -> None:
    assert compiled(source).least is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a >= 4", "can never be true: a is at most 3"),
        ("b and 3 < a", "can never be true: a is at most 3"),
        ("a + rules.c > 4", "can never be true"),
        ("rules.c == 2", "can never be true: rules.c is at most 1"),
        ("a < 0", "can never be true"),
        ("b / 0 >= 1", "can never be true"),
        ("1 > 2", "can never be true"),
    ],
)
def test_a_comparison_that_can_never_be_true_is_refused(source: str, message: str) -> None:
    assert str(refused(source, bounded)) == message


@pytest.mark.parametrize("source", ["a >= 3", "a + rules.c >= 4", "b >= 1000000", "a / b >= 50", "1 < 2 and a"])
def test_what_can_just_be_true_is_not_refused(source: str) -> None:
    assert bounded(source).triggers


def test_products_have_a_limit() -> None:
    assert compiled("a" + " * a" * 8 + " >= 1").triggers == {"a"}
    assert "multiplications" in str(refused("a" + " * a" * 9 + " >= 1"))
