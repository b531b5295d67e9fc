"""The operator's word lists: read, refused with a place, and wired into the pack."""

from pathlib import Path

import pytest

from rules.decisions import Violation
from rules.engine import Engine
from rules.events import convert_event
from rules.packs import SHIPPED, InvalidPackError, Pack
from rules.packs.words import load_with_words, read_word_lists
from rules.words import Word

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


def test_lists_are_text_tables_or_yaml_with_weights_and_options(lists: Path) -> None:
    (lists / "a.txt").write_text("甲\n乙\t2\n", "utf-8")
    (lists / "b.csv").write_text("word,weight,whole\n丙,3,true\n", "utf-8")
    (lists / "c.yaml").write_text("pinyin: true\nwords: [丁, {word: 戊, fold: false}]\nweighted: {己: 4}\n", "utf-8")
    (lists / "readme.md").write_text("no list", "utf-8")

    assert read_word_lists(lists) == {
        "a": [Word("甲"), Word("乙", 2.0)],
        "b": [Word("丙", 3.0, whole=True)],
        "c": [Word("丁", pinyin=True), Word("戊", pinyin=True, fold=False), Word("己", 4.0, pinyin=True)],
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yml", "words: [甲]", "a.yml:1:1: 'a.yml' is not read\n +lists are called .txt, .csv, .yaml"),
        ("A.TXT", "甲", "'A.TXT' is not read"),
        ("one.csv", "word\n甲", "'one' has a list already, one.csv"),
        ("b.yaml", "wrods: [甲]", "b.yaml:1:1: unknown key 'wrods'\n +did you mean 'words'"),
        ("b.yaml", "words: [甲, 甲]", "b.yaml:1:12: '甲' is in the lexicon twice"),
        ("b.yaml", "- 甲", "expected keys and values"),
        ("b.csv", "weight\n1", "the first line names the columns"),
    ],
)
def test_a_list_that_is_wrong_is_refused_at_its_place(lists: Path, name: str, text: str, message: str) -> None:
    (lists / "one.txt").write_text("乙", "utf-8")
    (lists / name).write_text(text, "utf-8")

    with pytest.raises(InvalidPackError, match=message):
        read_word_lists(lists)


OPERATORS_OWN = {
    "links.9.1": "constitution_words",
    "links.9.2": "state_security_words",
    "links.9.3": "state_honour_words",
    "links.9.4": "ethnic_hatred_words",
    "links.9.5": "religion_policy_words",
    "links.9.6": "order_rumour_words",
    "links.9.9": "assembly_words",
    "links.9.10": "unlawful_organisation_words",
}


@pytest.fixture(scope="module")
def without_words() -> Pack:
    """The shipped pack as it is; compiling it takes a second."""
    return load_with_words(SHIPPED, None)


@pytest.mark.parametrize("clause", OPERATORS_OWN)
def test_each_clause_on_matters_of_state_works_with_the_operators_own_words(
    lists: Path, without_words: Pack, clause: str
) -> None:
    """Words made up for this test, one of them with an option; evaded as people do; and nothing without them."""
    (lists / f"{OPERATORS_OWN[clause]}.csv").write_text("word,pinyin\n圆圈鸭梨,\n方块蘑菇,true\n", "utf-8")
    texts = ["这里有圆圈鸭梨", "圓圈·鴨梨", "fangkuaimogu 来了", "方块mogu", "圆的鸭梨和方的蘑菇"]
    posts = [
        convert_event("post", {"id": str(n), "account": f"a{n}", "time": "2026-01-01T00:00:00Z", "text": text})
        for n, text in enumerate(texts)
    ]
    pack = load_with_words(SHIPPED, lists)

    broken = [found for found in Engine(pack).judge(posts) if isinstance(found, Violation)]

    assert {(found.event.id, found.clause) for found in broken} == {(str(n), clause) for n in range(4)}
    assert {found.pack for found in broken} == {pack.label}
    assert pack.label.endswith(f"+words.{pack.revision}")
    assert not [*Engine(without_words).judge(posts)]
