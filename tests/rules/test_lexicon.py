"""The automaton finds exactly what a naive search finds, whatever the words and however the batch is cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.lexicon import MAX_WORD, Automaton, LexiconError
from rules.text import fold_batch
from rules.words import Form, Word, forms_of

LETTERS = "ab微信"
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=8, unique=True)
TEXTS = st.lists(st.text(LETTERS + "\0x. \n💰", max_size=30), max_size=6)


def found(words: list[str], texts: list[str]) -> list[tuple[int, int, int, str]]:
    """(text, start, end, word) of every match; start and end within the folded text."""
    automaton = Automaton(words)
    folded = fold_batch(texts)
    matches = automaton.scan(folded)
    rows = zip(matches.text.tolist(), matches.start.tolist(), matches.end.tolist(), matches.word.tolist(), strict=True)
    bases = folded.bounds.tolist()
    return [(text, start - bases[text], end - bases[text], automaton.words[word]) for text, start, end, word in rows]


def naive(words: list[str], texts: list[str]) -> list[tuple[int, int, int, str]]:
    folded = fold_batch(texts)
    result = []
    for index in range(len(texts)):
        text = folded.text(index)
        for word in words:
            at = text.find(word)
            while at != -1:
                result.append((index, at, at + len(word), word))
                at = text.find(word, at + 1)
    return sorted(result)


@given(WORDS, TEXTS)
@example(["a"], ["a"])
@example(["a", "aa", "aaa"], ["aaaa", "aa"])
@example(["ab", "b", "ba"], ["abab"])
@example(["微信"], ["微", "信"])
@example(["a"], ["\0a\0"])
@example(["aaaaa", "b"], ["aaaab" * 3])
@example([], ["a"])
@example(["a"], [])
@example(["a"], ["", "", ""])
def test_the_automaton_finds_what_a_naive_search_finds(words: list[str], texts: list[str]) -> None:
    assert sorted(found(words, texts)) == naive(words, texts)


@given(
    st.lists(st.text("ab", min_size=1, max_size=MAX_WORD), min_size=1, max_size=4, unique=True),
    st.text("abc", max_size=200),
)
@example(["a" * MAX_WORD], "a" * (MAX_WORD + 3))
@example(["a" * MAX_WORD, "b"], "c" + "a" * MAX_WORD + "b" + "a" * (MAX_WORD - 1))
def test_long_words_are_found_as_well(words: list[str], text: str) -> None:
    assert sorted(found(words, [text])) == naive(words, [text])


@pytest.mark.parametrize("gap", range(5))
def test_words_are_found_however_close_their_stretches_lie(gap: int) -> None:
    text = "甲乙丙" + "x" * gap + "丙丁" + "x" * gap + "甲乙" + "x" * gap + "甲乙丙"
    words = ["甲乙丙", "丙丁", "乙丙丙丁"]
    assert sorted(found(words, [text])) == naive(words, [text])


def test_matches_come_in_order_of_their_end() -> None:
    ends = [(text, end) for text, _, end, _ in found(["a", "ab", "b"], ["abab", "ba"])]
    assert ends == sorted(ends)


def test_a_word_does_not_reach_from_one_text_into_the_next() -> None:
    assert found(["ab"], ["a", "b"]) == []


def test_characters_that_share_a_byte_are_not_confused() -> None:
    words = [chr(0x4E00 + offset) + chr(0x4E80 + offset) for offset in range(0, 300, 7)]
    text = "".join(chr(0x4E00 + offset) for offset in range(600))
    assert sorted(found(words, [text, "".join(words)])) == naive(words, [text, "".join(words)])


@pytest.mark.parametrize("word", ["", " ", "\u200b", "\n", "a\0b", "字" * (MAX_WORD + 1)])
def test_a_word_that_cannot_be_matched_is_refused(word: str) -> None:
    with pytest.raises(LexiconError):
        forms_of([Word(word)])


def test_the_longest_word_is_allowed() -> None:
    assert forms_of([Word("字" * MAX_WORD)]) == [Form("字" * MAX_WORD, 0)]


def test_more_characters_than_the_alphabet_holds_are_refused() -> None:
    with pytest.raises(LexiconError, match="characters"):
        Automaton(chr(point) for point in range(0x3400, 0x3400 + 128 * 128))
