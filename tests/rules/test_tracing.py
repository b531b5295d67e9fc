"""Conditions taken apart: each part that must hold, and the values it was looked at with."""

from __future__ import annotations

import pytest

from rules.tracing import parts_of


class Facts(dict[str, float]):
    def __missing__(self, name: str) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("a", [("a", True)]),
        ("a and b", [("a", True), ("b", False)]),
        ("(a and (b and not c))", [("a", True), ("b", False), ("not c", True)]),
        ("a or b", [("a or b", True)]),
        ("a >= 2 and (b or c.d) and not (a and b)", [("a >= 2", False), ("b or c.d", True), ("not (a and b)", True)]),
    ],
)
def test_the_parts_are_those_that_must_all_hold(source: str, parts: list[tuple[str, bool]]) -> None:
    facts = Facts({"a": 1.0, "c.d": 3.0})

    assert [(part.text, part.holds) for part in parts_of(source, facts)] == parts


def test_each_part_has_the_values_of_its_names() -> None:
    (first, second) = parts_of("a >= 2 and not (b or rules.x.y)", Facts({"a": 4.0, "rules.x.y": 1.0}))

    assert first.values == {"a": 4.0}
    assert second.values == {"b": 0.0, "rules.x.y": 1.0}
    assert (first.holds, second.holds) == (True, False)
