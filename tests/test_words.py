"""The operator's word lists: read, refused with a place, and wired into the pack."""

from pathlib import Path

import pytest

from rules.engine import Engine
from rules.events import convert_event
from rules.packs import InvalidPackError
from rules.packs.words import load_with_words, read_word_lists

PACK = """
pack: {name: p, version: "1"}
clauses: {links.9: {title: {zh: 九, en: nine}, first: [stop_spread]}}
ladders: {l: {clauses: [links.9], window: 180d, grace: 1h, rungs: [{apply: first}]}}
lexicons: {state_matters: {operator: true, test_words: [虚构词]}}
signals: {named: {lexicon: state_matters}}
rules: {nine: {clause: links.9, when: named, hits: [虚构词], passes: [你好]}}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(PACK, "utf-8")
    return tmp_path / "pack"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    return tmp_path / "lists"


def test_a_list_fills_the_lexicon_of_its_name(pack: Path, lists: Path) -> None:
    (lists / "state_matters.txt").write_text("\ufeff# made up\n\n 甲乙丙 \n甲乙丙\n", "utf-8")
    post = {"id": "1", "account": "a", "time": "2026-01-01T00:00:00Z", "text": "说甲 乙 丙"}

    engine = Engine(load_with_words(pack, lists))

    assert [*engine.judge([convert_event("post", post)])]
    assert not [*Engine(load_with_words(pack, None)).judge([convert_event("post", post)])]


def test_a_list_that_no_lexicon_asks_for_is_an_error_with_a_guess(pack: Path, lists: Path) -> None:
    (lists / "state_mater.txt").write_text("甲\n", "utf-8")

    with pytest.raises(InvalidPackError, match=r"no operator lexicon 'state_mater'\n +did you mean 'state_matters'\?"):
        load_with_words(pack, lists)


def test_every_wrong_word_is_reported_with_its_line(lists: Path) -> None:
    (lists / "a.txt").write_text("甲\n\u200b\n", "utf-8")
    (lists / "b.txt").write_text("x" * 100, "utf-8")
    (lists / "c.txt").write_bytes(b"\xff")

    with pytest.raises(InvalidPackError) as raised:
        read_word_lists(lists)

    assert [(Path(error.place.file).name, error.place.line) for error in raised.value.errors] == [
        ("a.txt", 2),
        ("b.txt", 1),
        ("c.txt", 1),
    ]


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackError, match="there is no such folder"):
        read_word_lists(tmp_path / "nowhere")
