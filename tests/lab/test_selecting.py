"""Conditions on rows, and the parts of the split."""

from __future__ import annotations

import pytest

from lab.corpus import part_of
from lab.selecting import read_condition, selected
from tests.lab.making import row

ROWS = [
    row("一", "links.4.1", id="1", source="sms/a", task="message"),
    row("二", id="2", source="sms/b", task="message"),
    row("三", "links.9.8", "links.7.2", id="3", source="web"),
    row("四", id="4", source="web", task="title"),
]


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ((), "1234"),
        (("source=sms/*",), "12"),
        (("task=message", "clause=benign"), "2"),
        (("clause=links.4",), "1"),
        (("clause=links.4.1",), "1"),
        (("clause=links.9*",), "3"),
        (("id=[34]", "source=web"), "34"),
        (("task=page",), ""),
    ],
)
def test_all_conditions_must_hold(conditions: tuple[str, ...], ids: str) -> None:
    assert "".join(found.id for found in selected(ROWS, map(read_condition, conditions))) == ids


@pytest.mark.parametrize("text", ["source", "=x", "source=", "text=x", "colour=red"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"FIELD=PATTERN; fields: id, task, source, clause"):
        read_condition(text)


def test_the_parts_are_the_whole() -> None:
    rows = [row(chr(0x4E00 + n) * 3) for n in range(200)]

    train, kept_out = list(selected(rows, part="train")), list(selected(rows, part="kept_out"))

    assert {found.text for found in train + kept_out} == {found.text for found in rows}
    assert {part_of(found) for found in train} == {"train"}
    assert kept_out
