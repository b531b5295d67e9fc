"""The shipped pack on landing pages that its learned lexicons were not learned from."""

from pathlib import Path

import pytest

from lab.corpus import read_rows
from lab.labelled import of_rows
from lab.recipes.landing_pages import CLAUSES, FIELDS, PAGES
from lab.score import Score, score
from rules.packs import SHIPPED, load_pack

UNSEEN = Path(__file__).parents[1] / "data" / "landing_pages.jsonl"
GROUPS = ["links.1", "links.2", "links.3", "links.4"]


@pytest.fixture(scope="module")
def judged() -> Score:
    return score(load_pack(SHIPPED), of_rows(read_rows(UNSEEN)))


@pytest.mark.parametrize("group", GROUPS)
def test_pages_that_lead_their_readers_hit(judged: Score, group: str) -> None:
    recall = judged.groups[group].recall
    assert recall is not None
    assert recall >= 0.85, [miss.text for miss in judged.misses[group]]


def test_pages_that_only_use_the_words_pass(judged: Score) -> None:
    assert [hit.text for hit in judged.false_hits] == []


def test_unseen_pages_are_not_learned_from() -> None:
    learned = {row.text for row in read_rows(PAGES)}
    assert [row.text for row in read_rows(UNSEEN) if row.text in learned] == []


@pytest.mark.parametrize("name", CLAUSES)
def test_lexicons_read_nothing_but_shared_pages(name: str) -> None:
    parts = load_pack(SHIPPED).learned[name].parts
    assert [part.fields for part in parts] == [FIELDS]
