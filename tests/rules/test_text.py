"""Folding: many ways of writing one thing become one, and every folded character knows where it came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.folding.plain import fold_plainly
from rules.text import Folded, decode_points, encode_points, fold, fold_batch

EVASIVE = st.text(
    st.sampled_from("微信支付⽀轉发ABａⓑ🅅ß﹒‥…．.·-_ \t\u3000\u200b\u202e\ufe0f\u0301é가ㅤ\n。，！💰①㈱ﷺΐ™㊙\0𝐀ёО")
)
ANY = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("微信.\0 \u200b"), max_size=20)


def plainly(text: str) -> str:
    """A text folded without the closer steps."""
    joined = encode_points(text + "\0")
    return decode_points(fold_plainly(joined, np.array([0, joined.size])).work.codes).rstrip("\0")


def origins(folded: Folded, index: int) -> list[int]:
    """Where the folded characters of one text, its separator included, stand in that text."""
    start, end = folded.bounds[index], folded.bounds[index + 1]
    return (folded.origin[start:end] - folded.starts[index]).tolist()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("轉發後解鎖", "转发后解锁"),
        ("ＷｅＣｈａｔ", "wechat"),
        ("WECHAT", "wechat"),
        ("wéchàt", "wechat"),
        ("𝐰𝕖𝖈𝗵𝘢𝚝", "wechat"),
        ("ⓦⓔⓒⓗⓐⓣ", "wechat"),
        ("🅆🄴🄲🄷🄰🅃", "wechat"),
        ("wесhаt", "wechat"),  # Cyrillic е, с, а
        ("we\u200bch\u2060at\ufeff", "wechat"),
        ("w\u0336e\u0336chat", "wechat"),
        ("\u202ewechat\u202c", "wechat"),
        ("微 信", "微信"),
        ("微\u3000\u2003信", "微信"),
        ("微.信", "微信"),
        ("微-_-信", "微信"),
        ("微💰信", "微信"),
        ("微★彡信", "微彡信"),
        ("微…信", "微信"),
        ("微‥信", "微信"),
        ("微﹒信", "微信"),
        ("微™信", "微信"),
        ("微\ufe0f信", "微信"),
        ("微ㅤ信", "微信"),
        ("微信⽀付", "微信支付"),  # U+2F40, a radical that looks the same
        ("中⼤奖", "中大奖"),
        ("㊙密", "秘密"),
        ("加🅅群", "加微信群"),  # v群: see test_text_words.py
        ("❶➋➂⓸⓹", "12345"),
        ("①②③", "123"),
        ("1️⃣3️⃣8️⃣", "138"),
        ("१२३٤٥", "12345"),
        ("Ⅳ", "iv"),
        ("〡〢〣", "123"),
        ("🆆🅔🅒🄷🅐🅣", "wechat"),
        ("ᴡᴇᴄʜᴀᴛ", "wechat"),
        ("ᵂᵉᶜʰᵃᵗ", "wechat"),
        ("ᎪᏴᏟ", "abc"),  # Cherokee
        ("ɡɑｍе", "game"),
        ("⼀⺡", "一氵"),  # a radical and a radical's form
        ("10㎡", "10m2"),
        ("10 μm", "10 μm"),
        ("加①群", "加1群"),
        ("㈱", "(株)"),
        ("豈", "岂"),  # U+F900, a compatibility ideograph
        ("\r\n\u2028\u0085", "\n\n\n\n"),
    ],
)
def test_a_way_of_writing_around_a_word_folds_to_the_word(written: str, read: str) -> None:
    assert fold(written) == read


@pytest.mark.parametrize(
    "text", ["微。信", "微,信", "微!信", "微\n信", "微a信", "a.com", "3.5", "a b", "微. a", "u.s.a", "1-2-3", "〇"]
)  # fmt: skip
def test_a_boundary_that_people_write_stays(text: str) -> None:
    assert fold(text) == text


def test_nothing_folds_to_nothing() -> None:
    assert fold("") == ""
    assert fold("\u200b\u200d") == ""
    assert fold_batch([]).codes.size == 0


def test_every_single_character_folds_to_something_that_stays() -> None:
    characters = [chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
    folded = fold_batch(characters)
    once = [folded.text(index) for index in range(len(characters))]
    changed = [(character, form) for character, form in zip(characters, once, strict=True) if character != form]
    again = fold_batch([form for _, form in changed])
    assert [pair for index, pair in enumerate(changed) if again.text(index) != pair[1]] == []


@given(st.lists(ANY | EVASIVE, max_size=6))
def test_folding_a_batch_is_folding_each_of_its_texts(texts: list[str]) -> None:
    folded = fold_batch(texts)
    assert [folded.text(index) for index in range(len(texts))] == [fold(text) for text in texts]


@given(st.lists(ANY | EVASIVE, min_size=1, max_size=6))
@example(["", "", ""])
@example(["ﷺ", "ß"])
def test_every_folded_character_comes_from_its_own_text(texts: list[str]) -> None:
    folded = fold_batch(texts)
    for index, text in enumerate(texts):
        places = origins(folded, index)
        start, end = folded.bounds[index], folded.bounds[index + 1]
        lasts = (folded.last[start:end] - folded.starts[index]).tolist()
        assert (places[-1], lasts[-1]) == (len(text), len(text))  # its separator
        assert all(0 <= first <= last < len(text) for first, last in zip(places[:-1], lasts[:-1], strict=True))


@given(st.lists(EVASIVE, min_size=1, max_size=4), st.data())
def test_a_span_quotes_the_characters_that_fold_to_it(texts: list[str], data: st.DataObject) -> None:
    folded = fold_batch(texts)
    index = data.draw(st.integers(0, len(texts) - 1))
    base, size = int(folded.bounds[index]), len(origins(folded, index)) - 1
    if not size:
        return
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    first, last = folded.original_span(base + start, base + end, index)
    assert 0 <= first < last <= len(texts[index])
    if folded.text(index) == plainly(texts[index]):
        read = decode_points(folded.codes[base + start : base + end])
        assert read in plainly(texts[index][first:last])


def test_a_span_leaves_out_the_noise_around_and_keeps_the_noise_within() -> None:
    text = "☆加.微☆信☆"
    folded = fold_batch(["前", text])
    at = int(folded.bounds[1]) + folded.text(1).index("微")
    first, last = folded.original_span(at, at + 2, 1)
    assert text[first:last] == "微☆信"


@given(ANY | EVASIVE)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=20))
def test_any_text_survives_as_code_points(text: str) -> None:
    assert decode_points(encode_points(text)) == text


def test_a_lone_surrogate_passes_through() -> None:
    assert fold("a\ud800b") == "a\ud800b"


def test_texts_that_fold_alike_have_equal_codes() -> None:
    folded = fold_batch(["微.信", "x", "微信"])
    assert folded.codes_of(0) == folded.codes_of(2)
    assert folded.codes_of(0) != folded.codes_of(1)


def test_the_codes_of_two_texts_do_not_run_together() -> None:
    folded = fold_batch(["ab", "c", "a", "bc"])
    assert folded.codes_of(0) + folded.codes_of(1) != folded.codes_of(2) + folded.codes_of(3)


def test_a_separator_between_two_texts_is_not_between_two_characters() -> None:
    folded = fold_batch(["微.", ".信"])
    assert [folded.text(0), folded.text(1)] == ["微.", ".信"]
