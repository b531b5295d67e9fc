"""N-grams found by hashing: the same as looking for each of them in each text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ngrams import MAX_NGRAM, NgramError, Ngrams, Trie, WeightedNgrams
from rules.text import encode_points, fold_batch

LETTERS = "办证加微信贷款ab1?"
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=MAX_NGRAM), unique=True, max_size=60)
TEXTS = st.lists(st.text(LETTERS + "。丁", max_size=40), max_size=6)


def found(ngrams: Ngrams, texts: list[str]) -> list[tuple[int, str]]:
    folded = fold_batch(texts)
    windows = ngrams.find(folded.codes, folded.bounds)
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
    folded = fold_batch(words)
    windows = ngrams.find(folded.codes, folded.bounds)
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


def test_slots_may_be_large() -> None:
    """A key of a slot past 2^17 does not fit 32 bits."""
    letters = [chr(0x4E00 + at) for at in range(1, 330)]
    words = [a + b for a in letters for b in letters]
    longer = [word + "的" for word in words[::97]]
    trie = Trie([*words, *longer])
    assert trie.slots.max() > 1 << 17
    codes = encode_points("\0".join([*longer, ""]))
    starts, slots = trie.find(codes, np.array([0, *(np.flatnonzero(codes == 0) + 1)]))
    places = {(start, slot) for start, slot in zip(starts.tolist(), slots.tolist(), strict=True)}
    assert places >= {(4 * at, int(slot)) for at, slot in enumerate(trie.slots[len(words) :])}


def test_texts_that_are_not_read_have_none() -> None:
    folded = fold_batch(["办证", "办证", "办证"])
    read = np.array([True, False, True])
    sums, counts = WeightedNgrams([{"办证": 3}]).sums(folded.codes, folded.bounds, np.arange(3), read, 3)
    assert sums.tolist() == [[3], [0], [3]]
    assert counts.tolist() == [[1], [0], [1]]


def test_as_many_ngrams_as_can_stand_together_are_counted() -> None:
    text = "".join(chr(ord("一") + at) for at in range(130))
    every = {text[at : at + length]: 1 for length in range(1, MAX_NGRAM + 1) for at in range(len(text) - length + 1)}
    codes, bounds = encode_points(text + "\0"), np.array([0, len(text) + 1])
    sums, counts = WeightedNgrams([every]).sums(codes, bounds, np.arange(1), np.array([True]), 1)
    assert sums.tolist() == counts.tolist() == [[len(every)]]


def test_more_ngrams_than_there_is_room_for_at_first_are_found() -> None:
    words = ["办", "办办", "办办办", "办办办办"]
    assert len(found(Ngrams(words), ["办" * 9_000])) == 4 * 9_000 - 6


PLAIN = st.text("办证加微信贷丁", max_size=30)
COLUMNS = st.lists(
    st.dictionaries(st.text("办证加微信贷丁", min_size=1, max_size=MAX_NGRAM), st.integers(-9, 9), max_size=12),
    min_size=1,
    max_size=17,
)


@given(COLUMNS, st.lists(st.lists(PLAIN, max_size=3), min_size=1, max_size=4))
def test_distinct_ngrams_of_an_event_are_added_up_by_column(
    columns: list[dict[str, int]], events: list[list[str]]
) -> None:
    texts = [text for event in events for text in event]
    of = np.array([index for index, event in enumerate(events) for _ in event], np.int64)
    folded = fold_batch(texts)
    weighted = WeightedNgrams(columns)
    for _ in range(2):  # the second time nothing of the first is left
        sums, counts = weighted.sums(folded.codes, folded.bounds, of, np.ones(len(texts), np.bool_), len(events))
        for index in range(len(events)):
            written = [folded.text(text) for text in np.flatnonzero(of == index)]
            for column, weights in enumerate(columns):
                there = [weight for ngram, weight in weights.items() if any(ngram in text for text in written)]
                assert (sums[index, column], counts[index, column]) == (sum(there), len(there))


def test_marks_begin_anew_after_32767_events() -> None:
    folded = fold_batch(["办"] * 70_000)
    weighted = WeightedNgrams([{"办": 2}])
    events = np.arange(70_000)
    sums, counts = weighted.sums(folded.codes, folded.bounds, events, np.ones(70_000, np.bool_), 70_000)
    assert set(sums[:, 0].tolist()) == {2}
    assert set(counts[:, 0].tolist()) == {1}


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"办": 1 << 15}, "32767"), ({chr(0x4E00 + at): 30_000 for at in range(80_000)}, "together")],
)
def test_weights_that_would_overflow_are_refused(weights: dict[str, int], message: str) -> None:
    with pytest.raises(NgramError, match=message):
        WeightedNgrams([weights])
