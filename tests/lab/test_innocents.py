"""What the shipped pack lists as innocent is what its lexicons learn as benign."""

import pytest

from lab.corpus import Row
from lab.recipes.innocents import innocent_rows


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(innocent_rows())


def test_every_row_is_benign_and_there_once(rows: list[Row]) -> None:
    assert len(rows) > 200
    assert not any(row.clauses for row in rows)
    assert len({(row.title, row.text) for row in rows}) == len({row.id for row in rows}) == len(rows)
    assert {row.task for row in rows} == {"post", "message", "page"}


def test_a_text_is_taken_whatever_its_rule(rows: list[Row]) -> None:
    sources = {row.text: row.source for row in rows}
    assert sources["社区为独居老人提供理发上门服务"] == "passes/links.9.7"
    assert sources["骂人黑鬼是种族歧视"] == "passes/links.9.8"


def test_the_text_of_a_page_is_what_it_shows(rows: list[Row]) -> None:
    assert any(row.task == "page" and "周末去爬山" in row.text and "<" not in row.text for row in rows)


def test_what_passes_by_its_host_or_its_number_is_no_row(rows: list[Row]) -> None:
    texts = " ".join(f"{row.title} {row.text}" for row in rows)
    assert "点击领取优惠券" not in texts
    assert "{n}" not in texts
