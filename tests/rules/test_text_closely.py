"""Reading closely: alone or in a batch, hostile or huge, a text folds alike, in time, with its places right."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.folding.closely import CLOSELY
from rules.text import fold, fold_batch

PIECES = [
    *"加微信办证 薇信 v信 wei xin weixin 微xin 讠正 亻言 弓长 女子 人工 证办信微加 一三八零零 幺三八〇〇 ①②③".split(),
    *"贷款 代款 daikuan kuanfu 尊敬的客户 户客的敬尊 优，惠 、 ， 。 ! . - 扣：12345678 加V 🇼🇽 🇨🇳 ❤️ … ㈱".split(),
    *"a.com ABC 1 2 http://a.example 138-0013-8000 今天天气不错 中国移动提醒您 加，微，信，办".split(),
    *("\n", " ", "\u3000", "\u202e", "\u202c", "\0", "\u200b", "加\n微\n信"),
]

COMPOSED = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(st.lists(COMPOSED, max_size=5))
def test_a_text_folds_alike_alone_and_in_any_batch(texts: list[str]) -> None:
    folded = fold_batch(texts)
    assert [folded.text(index) for index in range(len(texts))] == [fold(text) for text in texts]
    again = fold_batch(texts[::-1])
    assert [again.text(index) for index in range(len(texts))][::-1] == [fold(text) for text in texts]


@given(st.lists(COMPOSED, min_size=1, max_size=4))
def test_places_lie_within_the_text_and_bounds_are_right(texts: list[str]) -> None:
    folded = fold_batch(texts)
    assert folded.codes.size == folded.origin.size == folded.last.size == folded.bounds[-1]
    for index, text in enumerate(texts):
        start, end = int(folded.bounds[index]), int(folded.bounds[index + 1])
        assert folded.codes[end - 1] == 0
        first = (folded.origin[start : end - 1] - folded.starts[index]).tolist()
        last = (folded.last[start : end - 1] - folded.starts[index]).tolist()
        assert all(0 <= low <= high < len(text) for low, high in zip(first, last, strict=True))
        if end - 1 > start:
            low, high = folded.original_span(start, end - 1, index)
            assert (low, high) == (min(first), max(last) + 1)


HOSTILE = {
    "one character": "加",
    "parts of characters": "女子",
    "radicals": "讠正",
    "three ways": "口口口",
    "pinyin": "weixin",
    "half pinyin": "贷kuan",
    "letters": "v",
    "v x": "v x ",
    "spelled": "加，",
    "backwards": "信微",
    "clauses backwards": "换兑请满已分积的您，",
    "numerals": "一三",
    "digits": "1",
    "digits apart": "1-",
    "zeros": "10",
    "columns": "加微信\n",
    "column": "加\n",
    "overrides": "\u202e",
    "overridden": "\u202e信微\u202c",
    "indicators": "🇼🇽",
    "families": "👨\u200d",
    "contacts": "加v:",
    "accounts": "v:a",
    "homophones": "投柱",
    "spread": "ﷺ",
    "nothing": "\u200b",
    "nuls": "\0",
    "surrogates": "\ud800",
    "brackets": "(一)",
    "carried": "http",
    "mixed": "加V信weixin讠正一三八零零，信微",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    fold("加微信讠正")  # the tables are built

    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        best = float("inf")
        for _ in range(2):
            began = time.process_time()
            fold(text)
            best = min(best, time.process_time() - began)
        return best

    short, long = seconds(5_000), seconds(20_000)
    assert long < 16 * max(short, 0.002)
    assert seconds(100_000) < 8 * max(long, 0.02)


def test_the_rest_of_a_very_long_text_is_folded_plainly() -> None:
    head, tail = "加薇信。" + "今天天气不错，" * (CLOSELY // 7), "投柱平台、轉帳"
    read = fold(head + tail)
    assert read.startswith("加微信。")
    assert read.endswith("投柱平台、转帐")
    folded = fold_batch([head + tail])
    assert int(folded.last[-2]) == len(head + tail) - 1
    assert fold(tail) == "投注平台、转账"
