"""Words of a pack: entries with options, groups, and lists in files beside it; what is wrong is said at its place."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.packs import InvalidPackError, Pack, load_pack
from rules.packs.model import FIELDS, FIELDS_BY_DEFAULT, LexiconSignal
from rules.packs.source import depth_bound
from rules.words import Word
from tests.rules.conftest import WritePack

BASE = """
    pack: {name: p, version: "1"}
    clauses: {links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}}
    ladders: {all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}}
    """


def entries(write_pack: WritePack, lexicon: str, **files: str | bytes) -> tuple[Word, ...]:
    """The entries of the lexicon that the YAML in `lexicon` describes; `files` stand beside it, `_` for the dot."""
    folder = write_pack(base=BASE, words=f"lexicons: {{l: {lexicon}}}")
    for name, data in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load_pack(folder).lexicons["l"].entries


def errors(write_pack: WritePack, lexicon: str, **files: str | bytes) -> list[str]:
    with pytest.raises(InvalidPackError) as caught:
        entries(write_pack, lexicon, **files)
    return [str(error).removeprefix("pack/") for error in caught.value.errors]


def test_an_entry_has_its_options(write_pack: WritePack) -> None:
    lexicon = "{words: [红包, {word: 微信, weight: 2, whole: true, pinyin: true, initials: true, fold: false}]}"
    assert entries(write_pack, lexicon) == (Word("红包"), Word("微信", 2.0, "", True, True, True, False))


def test_options_of_a_lexicon_hold_for_its_words_unless_they_say_otherwise(write_pack: WritePack) -> None:
    lexicon = """{pinyin: true, words: [a, {word: b, pinyin: false}], weighted: {c: 2},
                  groups: {g: {whole: true, pinyin: false, words: [d, {word: e, whole: false}]}}}"""
    assert entries(write_pack, lexicon) == (
        Word("a", pinyin=True),
        Word("b"),
        Word("c", 2.0, pinyin=True),
        Word("d", 1.0, "g", whole=True),
        Word("e", 1.0, "g"),
    )


def test_a_word_of_weight_0_is_for_an_entry_only(write_pack: WritePack) -> None:
    assert entries(write_pack, "{words: [{word: a, weight: 0}]}") == (Word("a", 0.0),)


def test_words_come_from_files_beside_the_pack(write_pack: WritePack) -> None:
    plain = "\ufeff# a list\n\n 甲 \n乙\t2.5\n甲\n"
    table = 'word,weight,group,pinyin\n丙,3,g,\n\n# no row,,,\n"丁,戊",,,true\n'
    found = entries(write_pack, "{file: [one.txt, two.csv], words: [己], whole: true}", one_txt=plain, two_csv=table)
    assert found == (
        Word("己", whole=True),
        Word("甲", whole=True),
        Word("乙", 2.5, whole=True),
        Word("丙", 3.0, "g", whole=True),
        Word("丁,戊", whole=True, pinyin=True),
    )


def test_files_of_a_group_belong_to_it(write_pack: WritePack) -> None:
    assert entries(write_pack, "{groups: {g: {file: one.txt}}}", one_txt="甲") == (Word("甲", 1.0, "g"),)


ERRORS = [
    ("{words: [{weight: 2}]}", "words.yaml:1:24: 'word' is missing", ""),
    ("{words: [{word: a, weigth: 2}]}", "words.yaml:1:34: unknown key 'weigth'", "did you mean 'weight'?"),
    ("{words: [{word: a, whole: yes}]}", "words.yaml:1:41: unknown value 'yes'", "true"),
    ("{words: [{word: a, weight: 1001}]}", "words.yaml:1:42: weights lie between", ""),
    ("{words: [a, {word: a}]}", "words.yaml:1:34: 'a' is in the lexicon twice", "first at pack/words.yaml:1:24"),
    ("{words: [a], groups: {g: {words: [a]}}}", "words.yaml:1:49: 'a' is in the lexicon twice", "first at"),
    ("{groups: {Banks: {words: [a]}}}", "words.yaml:1:25: 'Banks' is no name for a group", "a small letter"),
    ("{groups: {g: {}}}", "words.yaml:1:28: the group is empty", "`words:`"),
    ("{groups: {g: {wrods: [a]}}}", "words.yaml:1:29: unknown key 'wrods'", "did you mean 'words'?"),
    ("{groups: [a]}", "words.yaml:1:24: expected keys and values, found a list", ""),
    ("{file: none.txt}", "words.yaml:1:22: there is no file 'none.txt'", "looked for"),
    ("{file: /etc/passwd}", "words.yaml:1:22: '/etc/passwd' is on one machine only", "WARDEN_LEXICONS"),
    ("{file: words.yaml}", "words.yaml:1:22: 'words.yaml' is no list of words", ".txt"),
    ("{file: bad.txt}", "bad.txt:2:1: '\\u200b' has no character that folding keeps", "1 to 60"),
    ("{file: heavy.txt}", "heavy.txt:1:1: expected a weight, found 'x'", "between 0 and 1000"),
    ("{file: bytes.txt}", "bytes.txt:2:1: not UTF-8", ""),
    ("{file: head.csv}", "head.csv:1:1: unknown column 'wrod'", "did you mean 'word'?"),
    ("{file: none.csv}", "none.csv:1:1: the first line names the columns", "word, weight"),
    ("{file: cells.csv}", "cells.csv:2:1: 3 cells under 1 columns", "in quotes"),
    ("{file: flag.csv}", "flag.csv:3:1: whole: expected true or false, found 'ja'", ""),
    ("{file: gap.csv}", "gap.csv:2:1: the line has no word", ""),
    ("{file: group.csv}", "group.csv:2:1: 'A b' is no name for a group", "a small letter"),
    ("{file: quote.csv}", "quote.csv:2:1: no CSV", ""),
    ("{file: [two.txt], words: [甲]}", "two.txt:1:1: '甲' is in the lexicon twice", "first at pack/words.yaml:1:41"),
]
FILES: dict[str, str | bytes] = {
    "bad_txt": "a\n\u200b\n",
    "heavy_txt": "甲\tx",
    "bytes_txt": b"a\n\xff\n",
    "head_csv": "wrod\na\n",
    "none_csv": "weight\n1\n",
    "cells_csv": "word\na,b,c\n",
    "flag_csv": "word,whole\na,TRUE\nb,ja\n",
    "gap_csv": "word,weight\n,2\n",
    "group_csv": "word,group\na,A b\n",
    "quote_csv": 'word\n"a\n',
    "two_txt": "甲",
}


@pytest.mark.parametrize(("lexicon", "message", "hint"), ERRORS, ids=[row[0] for row in ERRORS])
def test_what_is_wrong_with_words_is_said_where_it_stands(
    write_pack: WritePack, lexicon: str, message: str, hint: str
) -> None:
    (found,) = errors(write_pack, lexicon, **FILES)
    assert found.startswith(message)
    assert hint in found


def signals(write_pack: WritePack, text: str) -> Pack:
    return load_pack(write_pack(base=BASE, words="lexicons: {l: {words: [a], groups: {g: {words: [b]}}}}", s=text))


def test_a_signal_names_groups(write_pack: WritePack) -> None:
    pack = signals(write_pack, "signals: {s: {lexicon: l, groups: [g]}, t: {lexicon: l, except_groups: g}}")
    assert pack.signals["s"] == LexiconSignal("s", "l", FIELDS_BY_DEFAULT, 0.0, frozenset("g"))
    assert pack.signals["t"] == LexiconSignal("t", "l", FIELDS_BY_DEFAULT, 0.0, None, frozenset("g"))


def test_a_group_that_is_not_there_is_refused(write_pack: WritePack) -> None:
    with pytest.raises(InvalidPackError, match=r"s.yaml:1:36: lexicon 'l' has no group 'gg'\n +did you mean 'g'"):
        signals(write_pack, "signals: {s: {lexicon: l, groups: [gg]}}")


def test_groups_of_an_operators_lexicon_are_the_operators_to_name(write_pack: WritePack) -> None:
    text = "lexicons: {o: {operator: true, test_words: [a]}}\nsignals: {s: {lexicon: o, groups: [banks]}}"
    assert load_pack(write_pack(base=BASE, s=text)).signals


def test_the_text_of_urls_is_read_only_by_signals_that_name_it(write_pack: WritePack) -> None:
    pack = signals(write_pack, "signals: {s: {lexicon: l}, t: {lexicon: l, fields: [link, text]}}")
    assert [getattr(pack.signals[name], "fields", None) for name in "st"] == [
        frozenset(FIELDS) - {"link"},
        {"link", "text"},
    ]


@given(
    st.lists(
        st.sampled_from(["- ", "  ", "? ", ": ", "a", "a: ", "[", "]", "{", "}", ",", "\n", "\n  ", "\r"]), max_size=40
    )
)
def test_no_yaml_is_nested_more_deeply_than_its_bound(parts: list[str]) -> None:
    text = "".join(parts)
    depth = deepest = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            deepest = max(deepest, depth)
    except yaml.YAMLError:
        pass
    assert deepest <= depth_bound(text)


def test_the_revision_of_the_operators_words_is_theirs_whatever_their_order(write_pack: WritePack) -> None:
    text = "lexicons: {o: {operator: true, test_words: [a]}, m: {words: [x]}}"
    pack = load_pack(write_pack(base=BASE, s=text))
    one, two = pack.with_words({"o": ["甲", "乙"]}), pack.with_words({"o": [Word("乙"), Word("甲")]})
    assert pack.label == "p@1"
    assert one.label == two.label == f"p@1+words.{one.revision}"
    assert len(one.revision) == 12
    others = [{"o": ["甲"]}, {"o": ["甲乙"]}, {"o": [Word("甲", 2.0), "乙"]}, {"o": ["甲", Word("乙", whole=True)]}]
    assert len({one.revision, *(pack.with_words(words).revision for words in others)}) == 5
    assert one.with_words({}).label == "p@1"
    assert one.lexicons["m"] == pack.lexicons["m"]


def test_many_words_load_quickly(write_pack: WritePack) -> None:
    """Ten thousand words took six seconds when each was folded by itself, and the YAML was parsed twice."""
    words = "".join(f"    {chr(0x4E00 + n % 5000)}{chr(0x5000 + n // 7 % 5000)}{n}: 1.5\n" for n in range(10_000))
    folder = write_pack(base=BASE, words=f"lexicons:\n  l:\n    weighted:\n{words.replace('    ', '      ')}")
    started = time.process_time()
    assert len(load_pack(folder).lexicons["l"].entries) == 10_000
    assert time.process_time() - started < 3
