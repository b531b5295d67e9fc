"""Learned lexicons: the arithmetic, the batch's independence, evidence, and what a pack may say."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.learned import LearnedSet
from rules.packs.load import load_pack
from rules.packs.model import FIELDS, FIELDS_BY_DEFAULT, LearnedLexicon, LearnedPart, LearnedSignal
from rules.packs.source import InvalidPackError, Place
from rules.screen import Screen
from rules.text import fold_batch
from tests.rules.making import post

TEXT, TITLE = FIELDS.index("text"), FIELDS.index("title")
PLACE = Place("a.yaml", 1, 1)
PACK = """
pack: {name: p, version: "1"}
clauses:
  a.1: {title: {zh: 甲, en: A}, first: [suspend_account]}
ladders:
  only: {clauses: [a.1], window: 10d, grace: 1h, rungs: [{apply: first, for: 1d}]}
"""


def learned_set(
    weights: dict[str, float], bias: float = 0.0, at_least: float = 0.0, titles: dict[str, float] | None = None
) -> LearnedSet:
    parts = [LearnedPart(FIELDS_BY_DEFAULT, weights)]
    if titles is not None:
        parts.append(LearnedPart(frozenset({"title"}), titles))
    lexicon = LearnedLexicon("l", bias, tuple(parts), PLACE)
    return LearnedSet([LearnedSignal("s", "l", FIELDS_BY_DEFAULT, at_least)], {"l": lexicon})


def values(learned: LearnedSet, texts: list[str], fields: list[int] | None = None) -> list[float]:
    """The value for each text, each an event of its own."""
    events = np.arange(len(texts))
    field = np.array(fields or [TEXT] * len(texts), np.int64)
    scores = learned.score(fold_batch(texts), events, field, len(texts))
    return [float(value) for value in scores.values[:, 0]]


def test_the_value_is_the_cosine_and_the_bias() -> None:
    learned = learned_set({"办证": 3.0, "证": 1.0, "发票": -2.0}, bias=0.5)
    assert values(learned, ["代办证件"]) == [pytest.approx(0.5 + 4 / math.sqrt(2), abs=1e-4)]
    assert values(learned, ["办证发票"]) == [pytest.approx(0.5 + 2 / math.sqrt(3), abs=1e-4)]


def test_a_lexicon_may_divide_by_another_power() -> None:
    parts = (LearnedPart(FIELDS_BY_DEFAULT, {"办证": 3.0, "证": 1.0}),)
    lexicon = LearnedLexicon("l", 0.5, parts, PLACE, 0.25)
    learned = LearnedSet([LearnedSignal("s", "l", FIELDS_BY_DEFAULT, 0.0)], {"l": lexicon})
    assert values(learned, ["代办证件", "证件", "天气"]) == [pytest.approx(0.5 + 4 / 2**0.25, abs=1e-4), 1.5, 0.0]


def test_large_weights_are_kept_as_closely_as_fits() -> None:
    learned = learned_set({"办": 1000.0, "证": 0.25})
    assert values(learned, ["办", "证", "办证"]) == [1000.0, 0.25, pytest.approx(1000.25 / math.sqrt(2), abs=1e-4)]


def test_saying_it_again_changes_nothing() -> None:
    learned = learned_set({"办证": 3.0})
    assert values(learned, ["办证", "办证，办证。办证！"]) == [3.0, 3.0]


def test_a_text_without_any_of_its_ngrams_says_nothing_whatever_the_bias() -> None:
    assert values(learned_set({"办证": 3.0}, bias=5.0), ["今天天气好", ""]) == [0.0, 0.0]


def test_below_at_least_and_below_zero_it_says_nothing() -> None:
    learned = learned_set({"办": 1.0, "证": -3.0}, at_least=0.8)
    assert values(learned, ["办", "证", "办证"]) == [1.0, 0.0, 0.0]


def test_a_title_can_have_weights_of_its_own() -> None:
    learned = learned_set({"办证": 1.0}, titles={"办证": 2.0})
    assert values(learned, ["办证", "办证"], [TEXT, TITLE]) == [1.0, 3.0]


def test_texts_of_one_event_are_one() -> None:
    learned = learned_set({"办证": 2.0, "发票": 1.0})
    folded = fold_batch(["办证", "办证发票"])
    scores = learned.score(folded, np.array([0, 0]), np.array([TITLE, TEXT]), 1)
    assert float(scores.values[0, 0]) == pytest.approx(3 / math.sqrt(2), abs=1e-4)


@given(st.lists(st.text("办证发票加微信。a", max_size=30), max_size=8))
def test_the_batch_around_a_text_changes_nothing(texts: list[str]) -> None:
    learned = learned_set({"办证": 1.234, "发": -0.567, "微信": 0.891, "加微": 0.3, "a": 0.111}, bias=0.01)
    assert values(learned, texts) == [values(learned, [text])[0] for text in texts]


def test_evidence_is_what_weighs_most_in_the_original_text() -> None:
    learned = learned_set({"办证": 3.0, "证件": 1.0, "天气": 0.1, "很好": -1.0})
    folded = fold_batch(["天气很好，代 办 证件"])
    scores = learned.score(folded, np.array([0]), np.array([TEXT]), 1)
    (first,) = scores.spans("s", range(1), [TEXT], 1)
    assert folded.text(0)[first[1] : first[2]] == "办证件"


def write(folder: Path, text: str) -> Path:
    (folder / "pack.yaml").write_text(PACK + text, "utf-8")
    return folder


def test_a_pack_learns_from_its_file_and_quotes_evidence(tmp_path: Path) -> None:
    pack = load_pack(
        write(
            tmp_path,
            """
learned:
  papers:
    bias: -0.2
    ngrams:
      1.5: 办证 证件␣
      -0.5: |2
        天气 #好 "好
signals: {papers: {learned: papers, at_least: 0.1}}
rules: {papers: {clause: a.1, when: papers >= 1, hits: [代办证件], passes: [天气]}}
""",
        )
    )
    lexicon = pack.learned["papers"]
    assert dict(lexicon.parts[0].ngrams) == {"办证": 1.5, "证件 ": 1.5, "天气": -0.5, "#好": -0.5, '"好': -0.5}
    facts = Screen(pack).facts(post(text="专业代办证 件"))
    assert facts["papers"] == pytest.approx(1.3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learned: {l: {ngrams: {heavy: 办证}}}", "expected a weight"),
        ("learned: {l: {ngrams: {0: 办证}}}", "weights lie between"),
        ("learned: {l: {ngrams: {1: 一二三四五}}}", "longer than 4"),
        ("learned: {l: {ngrams: {1: 办证, 2: 办证}}}", "has a weight already"),
        ("learned: {l: {ngrams: {1: 辦證}}}", "never stands in a folded text"),
        ("learned: {l: {bias: 1}}", "is empty"),
        ("learned: {l: {length: 2, ngrams: {1: a}}}", "lies between 0 and 1"),
        ("learned: {l: {ngrams: {}}}", "no n-grams"),
        ("learned: {l: {ngram: {1: 办证}}}", "unknown key 'ngram'"),
        ("learned: {l: {ngrams: {1: 办证}}}\nsignals: {s: {learned: m}}", "did you mean|known here: l"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidPackError, match=message) as caught:
        load_pack(write(tmp_path, text))
    assert "pack.yaml:" in str(caught.value)
