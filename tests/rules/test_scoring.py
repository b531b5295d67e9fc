"""Scores: distinct words, the fields they stand in, thresholds and weights, and where they were found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.packs.model import FIELDS, Field, LexiconSignal
from rules.scoring import Scored, Scorer, Segments

Event = dict[Field, str]


def signal(name: str, *fields: Field, lexicon: str = "prize", at_least: float = 0.0) -> LexiconSignal:
    return LexiconSignal(name, lexicon, frozenset(fields or FIELDS), at_least)


def scored(signals: list[LexiconSignal], words: dict[str, dict[str, float]], events: list[Event]) -> Scored:
    segments = Segments()
    for event in events:
        segments.begin()
        for field, text in event.items():
            segments.add(FIELDS.index(field), text)
    return Scorer(signals, words).score(segments)


def values(signals: list[LexiconSignal], words: dict[str, dict[str, float]], *events: Event) -> list[dict[str, float]]:
    """For each event, the signals that fire and their values."""
    hits = scored(signals, words, list(events)).hits([0] * len(events))
    return [hits.get(index, {}) for index in range(len(events))]


PRIZE = {"prize": {"红包": 1.0, "中奖": 2.0, "免费": 0.5}}


def test_a_signal_is_the_sum_of_the_weights_of_its_words() -> None:
    assert values([signal("s")], PRIZE, {"text": "中奖送红包"}) == [{"s": 3.0}]


def test_a_word_counts_once_for_an_event_however_often_and_wherever_it_occurs() -> None:
    assert values([signal("s")], PRIZE, {"title": "红包红包", "text": "红 包", "desc": "紅包"}) == [{"s": 1.0}]


def test_each_event_of_a_batch_has_its_own_score() -> None:
    events: list[Event] = [{"text": "红包"}, {}, {"text": "无"}, {"text": "中奖"}]
    assert values([signal("s")], PRIZE, *events) == [{"s": 1.0}, {}, {}, {"s": 2.0}]


def test_a_word_outside_the_signals_fields_does_not_count() -> None:
    assert values([signal("s", "title", "buttons")], PRIZE, {"text": "红包", "desc": "中奖"}) == [{}]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_asked_for_alone(field: Field) -> None:
    every: Event = dict.fromkeys(FIELDS, "红包")
    others: Event = {name: text for name, text in every.items() if name != field}
    assert values([signal("s", field)], PRIZE, every, others) == [{"s": 1.0}, {}]


def test_below_its_threshold_a_signal_says_nothing() -> None:
    signals = [signal("two", at_least=2.0), signal("any")]
    assert values(signals, PRIZE, {"text": "红包免费"}) == [{"any": 1.5}]
    assert values(signals, PRIZE, {"text": "中奖"}) == [{"two": 2.0, "any": 2.0}]


def test_ten_tenths_reach_one() -> None:
    words = {"prize": {chr(0x4E00 + index): 0.1 for index in range(10)}}
    assert values([signal("s", at_least=1.0)], words, {"text": "".join(words["prize"])}) == [{"s": 1.0}]


def test_negative_weights_weigh_against() -> None:
    words = {"prize": {"中奖": 2.0, "谨防": -1.5, "诈骗": -5.0}}
    assert values([signal("s")], words, {"text": "谨防中奖"}, {"text": "谨防中奖诈骗"}) == [{"s": 0.5}, {}]


def test_a_word_of_several_lexicons_counts_in_each_with_its_weight_there() -> None:
    words = {"prize": {"红包": 1.0}, "spam": {"紅包": 4.0, "中奖": 1.0}}
    signals = [signal("a"), signal("b", lexicon="spam"), signal("c", "title", lexicon="spam")]
    assert values(signals, words, {"text": "红包"}) == [{"a": 1.0, "b": 4.0}]


def test_overlapping_words_all_count() -> None:
    words = {"prize": {"微信": 1.0, "微信红包": 2.0, "红包": 4.0}}
    assert values([signal("s")], words, {"text": "微信红包"}) == [{"s": 7.0}]


def test_a_batch_without_events_or_words_scores_nothing() -> None:
    assert values([signal("s")], PRIZE) == []
    assert values([], {}, {"text": "红包"}) == [{}]
    assert values([signal("s")], {"prize": {}}, {"text": "红包"}) == [{}]


@given(st.lists(st.dictionaries(st.sampled_from(["title", "text"]), st.text("红包中奖免费x", max_size=8)), max_size=5))
def test_the_score_is_that_of_a_naive_search(events: list[Event]) -> None:
    fields = ("text",)
    expected = [
        sum(weight for word, weight in PRIZE["prize"].items() if any(word in event.get(f, "") for f in fields))
        for event in events
    ]
    found = values([signal("s", "text", at_least=1.0)], PRIZE, *events)
    assert [event.get("s", 0.0) for event in found] == [value if value >= 1.0 else 0.0 for value in expected]


def quotes(batch: Scored, event: int, name: str) -> list[tuple[str, str]]:
    """(field, quoted original) of the evidence of a signal."""
    segments = batch.segments
    return [
        (FIELDS[segments.field[span.segment]], segments.texts[span.segment][span.start : span.end])
        for span in batch.spans(event, name)
    ]


def test_evidence_quotes_the_text_as_written() -> None:
    batch = scored([signal("s")], PRIZE, [{"text": "x"}, {"title": "送 紅★包 了", "text": "ok"}])
    assert quotes(batch, 1, "s") == [("title", "紅★包")]


def test_evidence_names_at_most_three_places() -> None:
    batch = scored([signal("s")], PRIZE, [{"text": "红包,中奖,免费,红包,中奖"}])
    assert quotes(batch, 0, "s") == [("text", "红包"), ("text", "中奖"), ("text", "免费")]


def test_a_word_within_a_longer_one_is_not_quoted_again() -> None:
    words = {"prize": {"微信": 1.0, "微信红包": 1.0, "红包": 1.0}}
    assert quotes(scored([signal("s")], words, [{"text": "领微信红包"}]), 0, "s") == [("text", "微信红包")]


def test_a_signal_has_no_evidence_from_fields_it_does_not_look_at() -> None:
    batch = scored([signal("s", "title"), signal("t", "text")], PRIZE, [{"title": "红包", "text": "中奖"}])
    assert quotes(batch, 0, "s") == [("title", "红包")]
    assert quotes(batch, 0, "t") == [("text", "中奖")]
