"""N-grams found by hashing: the same as looking for each of them in each text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ngrams import MAX_NGRAM, NgramError, Ngrams, Trie
from rules.text import fold_batch

LETTERS = "办证加微信贷款ab1?"
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=MAX_NGRAM), unique=True, max_size=60)
TEXTS = st.lists(st.text(LETTERS + "。丁", max_size=40), max_size=6)


def found(ngrams: Ngrams, texts: list[str]) -> list[tuple[int, str]]:
    folded = fold_batch(texts)
    windows = ngrams.find(folded.codes)
    pairs = []
    for start, ngram, length in zip(windows.start, windows.ngram, windows.length, strict=True):
        word = ngrams.ngrams[ngram]
        assert length == len(word)
        assert "".join(map(chr, folded.codes[start : start + length])) == word
        pairs.append((int(start), word))
    return sorted(pairs)


@given(WORDS, TEXTS)
def test_every_occurrence_is_found_and_nothing_else(words: list[str], texts: list[str]) -> None:
    folded = fold_batch(texts)
    joined = "".join(map(chr, folded.codes))
    expected = sorted(
        (at, word) for word in words for at in range(len(joined) - len(word) + 1) if joined.startswith(word, at)
    )
    assert found(Ngrams(words), texts) == expected


def test_many_ngrams_share_slots_and_none_is_lost() -> None:
    letters = [chr(0x4E00 + at) for at in range(120)]
    words = [a + b for a in letters for b in letters]
    ngrams = Ngrams(words)
    windows = ngrams.find(fold_batch(words).codes)
    # Folding changes some of these characters; those it leaves alone must all be there.
    kept = [word for word, form in zip(words, map(fold_one, words), strict=True) if word == form]
    assert len(kept) > 10_000
    assert {ngrams.ngrams[at] for at in windows.ngram} >= set(kept)


def fold_one(text: str) -> str:
    return fold_batch([text]).text(0)


def test_no_ngram_reaches_from_one_text_into_the_next() -> None:
    assert found(Ngrams(["办证"]), ["代办", "证件"]) == []


def test_an_empty_set_and_an_empty_batch_find_nothing() -> None:
    assert found(Ngrams([]), ["代办"]) == []
    assert found(Ngrams(["办"]), []) == []


@pytest.mark.parametrize("word", ["", "一二三四五"])
def test_ngrams_of_a_wrong_length_are_refused(word: str) -> None:
    with pytest.raises(NgramError, match="1 to 4"):
        Ngrams([word])


def test_numbers_may_be_large() -> None:
    words = ["办", "办证", "办证件", "办证件吗", "证件", "贷款"]
    numbers = np.array([1, 1 << 17, 1 << 18, (1 << 23) - 1, 1 << 22, 7])
    starts, found = Trie(words, numbers, 1 << 23).find(fold_batch(["代办证件吗"]).codes)
    assert sorted(zip(starts.tolist(), found.tolist(), strict=True)) == [
        (1, 1), (1, 1 << 17), (1, 1 << 18), (1, (1 << 23) - 1), (2, 1 << 22),
    ]  # fmt: skip
