"""Folding undoes spacing and order: separators in a row, columns, text backwards. Ordinary text stays as it is."""

from __future__ import annotations

import pytest

from rules.text import fold, fold_batch

MESSAGE = "尊敬的客户您的银行账户积分已满请登录网站兑换现金逾期失效"


def columns(text: str, height: int, gap: str, *, right_to_left: bool) -> str:
    """The text in columns read downwards."""
    filled = text + "\u3000" * (-len(text) % height)
    found = [filled[at : at + height] for at in range(0, len(filled), height)]
    if right_to_left:
        found.reverse()
    return "\n".join(gap.join(column[row] for column in found) for row in range(height))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("加，微，信，办，证", "加微信办证"),
        ("加。微!信，办?证", "加微信办证"),
        ("加，微。信、办！证", "加微信办证"),
        ("加，，微，，信，，办，，证", "加微信办证"),
        ("加\n微\n信", "加微信"),
        ("办\r\n证\r\n刻\r\n章", "办证刻章"),
        ("加 v 信 1 3 8 2 7 5", "加微信138275"),
        ("w.e.c.h.a.t", "wechat"),
        ("1 3 8 0 0 1 3 8 0 0 0", "13800138000"),
        ("优，惠活，动现，金红，包免费领，取", "优惠活动现金红包免费领取"),
        ("优\n惠活\n动现\n金红包免\n费领取", "优惠活动现金红包免费领取"),
    ],
)
def test_what_parts_the_characters_of_words_goes(written: str, read: str) -> None:
    assert fold(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "红、黄、蓝、绿", "甲、乙、丙、丁", "a、b、c、d", "1、2、3、4、5、6", "1. 2. 3. 4. 5. 6.", "吃、喝、玩、乐",
        "哈,哈,哈,哈", "好!好!好!好!", "是,我知道。", "早上好,今天天气不错,我们去公园。", "u.s.a", "a b c",
        "买菜:\n葱\n姜\n蒜\n肉", "东\n西", "第一行\n第二行\n第三行",
    ],
)  # fmt: skip
def test_lists_and_sentences_stay(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize("height", [3, 4, 5, 7])
@pytest.mark.parametrize("gap", ["", " ", "\u3000", "|", "  "])
@pytest.mark.parametrize("right_to_left", [True, False])
def test_columns_are_read_downwards(height: int, gap: str, right_to_left: bool) -> None:
    assert fold(columns(MESSAGE, height, gap, right_to_left=right_to_left)).strip() == MESSAGE


def test_a_column_of_single_characters_is_read_downwards() -> None:
    assert fold("\n".join(MESSAGE)) == MESSAGE
    assert fold("\n".join("你好，请加微信")) == "你好,请加微信"


@pytest.mark.parametrize(
    "text",
    [
        "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡",
        "春眠不觉晓,\n处处闻啼鸟。\n夜来风雨声,\n花落知多少。",
        "姓名年龄\n张三二十\n李四三十\n王五四十",
        "上海自来水来自海上",
        "人人为我我为人人",
        "今天下午三点开会\n明天上午九点报到\n后天晚上七点聚餐",
    ],
)
def test_poems_tables_and_palindromes_stay(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("证办信微加", "加微信办证"),
        (MESSAGE[::-1], MESSAGE),
        ("。系联信微加请款贷要需果如，户客的敬尊", "尊敬的客户,如果需要贷款请加微信联系。"),
        ("尊敬的客户，换兑请满已分积的您", "尊敬的客户,您的积分已满请兑换"),
        ("现金兑换请登录www.a.example"[::-1], "现金兑换请登录www.a.example"),
        ("\u202e" + MESSAGE[::-1] + "\u202c", MESSAGE),
        ("\u202e" + MESSAGE + "\u202c", MESSAGE),  # an override alone proves nothing
        ("\n".join(MESSAGE[::-1]), MESSAGE),
    ],
)
def test_text_backwards_is_turned_round(written: str, read: str) -> None:
    assert fold(written) == read


def test_a_clause_backwards_keeps_its_numbers_readable() -> None:
    read = fold("尊敬的客户您好，13800138000系联信微加请款贷要需果如，谢谢您的支持")
    assert read == "尊敬的客户您好,如果需要贷款请加微信联系13800138000,谢谢您的支持"


def test_evidence_in_text_that_was_turned_round_spans_the_original() -> None:
    text = "，换兑请满已分积的您，户客的敬尊"
    folded = fold_batch(["a", text])
    at = int(folded.bounds[1]) + folded.text(1).index("积分")
    start, end = folded.original_span(at, at + 2, 1)
    assert text[start:end] == "分积"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("章刻证办信微加", "加微信办证刻章"),
        ("加，v，信，办，证", "加微信办证"),
        ("加\n薇\n信\n办\n証", "加微信办证"),
        ("办 讠.正 刻 章 加 薇.信", "办证刻章加微信"),
        ("ｗｅｉ\u200bｘｉｎ", "微信"),
        ("微\u0336xin\ufe0f", "微信"),
        ("电話：①-叁-⑧-零-0-壹-3-⑧-0-0-0", "电话:13800138000"),
    ],
)
def test_techniques_together_are_undone(written: str, read: str) -> None:
    assert fold(written) == read
