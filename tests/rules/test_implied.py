"""Which conditions are never true, and which follow from others."""

from __future__ import annotations

import pytest

from rules.conditions import Condition, compile_condition
from rules.packs.implied import implies, satisfiable

NOTHING: dict[str, float] = {}


def condition(source: str) -> Condition:
    return compile_condition(source, lambda _: True, lambda _: 1.0)


@pytest.mark.parametrize(
    ("source", "true"),
    [
        ("a", True),
        ("a and not a", False),
        ("a >= 3 and a < 3", False),
        ("a > 3 and a < 3.5", True),
        ("a >= 3 and not (a >= 2)", False),
        ("a == 2 and a != 2", False),
        ("(a or b) and not a and not b", False),
        ("(a or b) and not a", True),
        ("a.b and not a.c", True),
        ("a < 5 and b", True),
        ("sqrt(a) > 3 and not a", True),
    ],
)
def test_conditions_that_are_never_true(source: str, true: bool) -> None:
    assert satisfiable(condition(source), NOTHING) is true


@pytest.mark.parametrize(
    ("narrow", "wide", "follows"),
    [
        ("a", "a", True),
        ("a and b", "a", True),
        ("a", "a and b", False),
        ("a", "a or b", True),
        ("a or b", "a", False),
        ("a >= 3", "a >= 2", True),
        ("a >= 2", "a >= 3", False),
        ("a > 2", "a >= 2", True),
        ("a >= 2", "a > 2", False),
        ("3 <= a", "a >= 2", True),
        ("a == 4", "a >= 2 and a <= 4", True),
        ("a and not b", "a and not (b and c)", True),
        ("a and not (b and c)", "a and not b", False),
        ("a and b", "b or c", True),
        ("a", "b", False),
        ("a and not a", "b", False),
        ("a * b > 3", "a", False),
        ("a", "a + b > 0", False),
    ],
)
def test_what_follows_from_what(narrow: str, wide: str, follows: bool) -> None:
    assert implies(condition(narrow), condition(wide), NOTHING) is follows


def test_a_signal_with_a_threshold_is_never_below_it() -> None:
    assert implies(condition("a"), condition("a >= 2"), {"a": 2.0})
    assert not implies(condition("a"), condition("a >= 3"), {"a": 2.0})
    assert not satisfiable(condition("a and a < 2"), {"a": 2.0})


def test_conditions_too_wide_to_try_are_left_alone() -> None:
    many = " and ".join(f"a{n} >= {n + 1}" for n in range(20))

    assert satisfiable(condition(f"{many} and not a1"), NOTHING)
    assert not implies(condition(many), condition("a1"), NOTHING)
