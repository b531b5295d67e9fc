"""The `when:` language means what Python means, its triggers are sound, and hostile sources are refused in place."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.conditions import Condition, ConditionError, compile_condition

EAGER = ("a", "b", "rules.c")
LAZY = ("p", "q")
NAMES = EAGER + LAZY
COST = {"a": 1.0, "b": 20.0, "rules.c": 2.0, "p": None, "q": None}


def compiled(source: str) -> Condition:
    return compile_condition(source, lambda name: name in NAMES, lambda name: COST[name])


def refused(source: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        compiled(source)
    return caught.value


COMPARISONS = st.builds(
    "{} {} {}".format,
    st.sampled_from(NAMES),
    st.sampled_from([">=", ">", "<=", "<", "==", "!="]),
    st.sampled_from(["0", "1", "2", "-1", "0.5"]),
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
VALUES = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]) for name in NAMES})


class _Number(float):
    """A value as Python sees it: a name alone is true above 0."""

    def __bool__(self) -> bool:
        return self > 0


def meant(source: str, facts: dict[str, float]) -> bool:
    """What Python itself makes of the expression."""
    names = {name.replace(".", "_"): _Number(value) for name, value in facts.items()}
    return bool(eval(source.replace("rules.c", "rules_c"), {"__builtins__": {}}, names))  # noqa: S307 - the oracle


@given(EXPRESSIONS, VALUES)
def test_an_expression_means_what_python_means(source: str, facts: dict[str, float]) -> None:
    assert compiled(source).evaluate(facts) == meant(source, facts)


@given(EXPRESSIONS, VALUES)
@example("a and not b", {"a": 1.0, "b": 0.0, "rules.c": 0.0, "p": 0.0, "q": 0.0})
def test_where_an_expression_is_true_one_of_its_triggers_has_fired(source: str, facts: dict[str, float]) -> None:
    condition = compiled(source)
    if condition.triggers is not None and meant(source, facts):
        assert any(facts[name] > 0 for name in condition.triggers)
        assert any(facts[name] > 0 and facts[name] >= least for name, least in (condition.least or {}).items())


@given(EXPRESSIONS)
def test_triggers_are_never_names_that_are_only_run_on_demand(source: str) -> None:
    assert (compiled(source).triggers or frozenset()).isdisjoint(LAZY)


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
        ("a >= b", 5),
        ("a >= 1e999", 5),
        ("a >= 1" + "0" * 400, 5),
        ("1 <= a", 5),
        ("a or 0 < a < 5", 5),
        ("a in b", 0),
        ("a is 1", 0),
        ("b and (a) + 1 >= 2", 6),
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
    assert refused("分享 >= abc").offset == 6


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
