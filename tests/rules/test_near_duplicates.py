"""Fingerprints of texts: small edits move them little, other texts are far, and any text can be read."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.near_duplicates import BANDS, MAX_DISTANCE, compared, distance, minhash_bands, simhashes
from rules.text import CodePoints, fold_batch

OFFER = "本店新开业全场商品八折起，老客户到店另送小礼品一份，数量有限先到先得，欢迎街坊邻居来店里坐坐"
OTHERS = (
    "周末和同学爬山，半路下起小雨，在亭子里避雨聊了很久，下山后吃了一碗热汤面",
    "图书馆闭馆时间调整为晚上九点，请各位读者提前安排好自己的学习计划",
    "孩子第一次自己骑车上学，我远远跟在后面，到校门口他回头冲我笑了笑",
)


def codes(*texts: str) -> list[CodePoints]:
    folded = fold_batch(texts)
    return [folded.codes[folded.bounds[at] : folded.bounds[at + 1]] for at in range(len(texts))]


def simhash(text: str) -> int:
    (found,) = simhashes(codes(text))
    assert found is not None
    return found


def bands(text: str) -> set[int]:
    (found,) = minhash_bands(codes(text))
    return set(found)


@pytest.mark.parametrize(
    "copy",
    [
        OFFER + " 13800001111",
        OFFER + "，mm_8812ab",
        OFFER.replace("，", " ★ "),
        "🎁🎁" + OFFER.replace("八折", "💥八折") + "🎁",
        OFFER.replace("到店", "到 店").replace("本店", "本·店"),
        OFFER + " http://t.example/a?b=1",
    ],
)
def test_contacts_numbers_and_symbols_change_nothing(copy: str) -> None:
    assert simhash(copy) == simhash(OFFER)
    assert bands(copy) == bands(OFFER)
    assert compared(codes(copy)[0]) == OFFER.replace("，", "")


@pytest.mark.parametrize(
    "copy", [OFFER.replace("小礼品", "好礼"), OFFER[4:], OFFER + "哦亲", OFFER.replace("本店", "我店")]
)
def test_small_edits_stay_near(copy: str) -> None:
    assert distance(simhash(copy), simhash(OFFER)) <= MAX_DISTANCE
    assert bands(copy) & bands(OFFER)


@pytest.mark.parametrize("other", OTHERS)
def test_other_texts_are_far(other: str) -> None:
    assert distance(simhash(other), simhash(OFFER)) > MAX_DISTANCE
    assert not bands(other) & bands(OFFER)


def test_of_copies_with_one_character_in_twenty_edited_nearly_all_meet() -> None:
    dice = random.Random(7)
    met = near = 0
    for _ in range(200):
        letters = list(OFFER)
        for _ in range(len(letters) // 20):
            letters[dice.randrange(len(letters))] = dice.choice("的一是了我不人在他有")
        copy = "".join(letters)
        met += bool(bands(copy) & bands(OFFER))
        near += distance(simhash(copy), simhash(OFFER)) <= MAX_DISTANCE
    assert met >= 180
    assert near >= 180


def test_latin_words_count_and_words_with_a_digit_or_a_dot_do_not() -> None:
    assert simhash("visit our new shop today and save some money") != simhash(
        "visit our new shop today and spend some money"
    )
    assert simhash("visit our new shop in town today and see a1b2c3") == simhash(
        "visit our new shop in town today and see www.evil.example"
    )


@pytest.mark.parametrize("text", ["", "你好", "1234567890123", "★" * 50, "so many words " * 2, "\0\0"])
def test_too_few_letters_are_no_fingerprint(text: str) -> None:
    assert simhashes(codes(text)) == [None]
    assert minhash_bands(codes(text)) == [()]


@given(st.lists(st.text(max_size=60), max_size=8))
def test_texts_of_a_batch_do_not_know_of_each_other(texts: list[str]) -> None:
    together = codes(*texts)
    assert simhashes(together) == [simhashes([each])[0] for each in together]
    assert minhash_bands(together) == [minhash_bands([each])[0] for each in together]


@given(st.text())
def test_any_text_has_all_bands_or_none(text: str) -> None:
    (found,) = minhash_bands(codes(text))
    assert len(found) in {0, BANDS}


def test_groups_of_long_texts_are_hashed_like_single_ones() -> None:
    long = [OFFER * 300, OTHERS[0] * 500, OFFER, OTHERS[1] * 2000]
    assert simhashes(codes(*long)) == [simhash(text) for text in long]
    assert distance(simhash(long[0]), simhash(OFFER)) <= MAX_DISTANCE  # how often a shingle occurs does not matter


def test_hostile_texts_are_read_in_time_and_to_a_bound() -> None:
    texts = ["赚" * 1_000_000, "\ud800" * 5000, "a.b1" * 300_000, "".join(map(chr, range(0x4E00, 0x9FFF))) * 20]
    whole = codes(*texts)
    started = time.perf_counter()
    simhashes(whole)
    minhash_bands(whole)
    assert time.perf_counter() - started < 2
    assert simhashes([np.tile(whole[3], 2)]) == simhashes([whole[3]])


def test_the_hashes_behind_keys_never_change() -> None:
    """Workers of two versions must find each other's copies, and states hold simhashes."""
    known = np.frombuffer("本店新开业全场商品折起欢迎街坊 shop 街坊".encode("utf-32-le"), np.uint32)
    assert simhashes([known]) == [0x9A68EE2870C2560]
    assert minhash_bands([known]) == [(0x9E57F8FA524F5E1A, 0xDD8807110C68FDD0, 0xF6DC95A98B712A62, 0x6C9758334C876891)]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("本店 新开业！加 mm_8812ab", "本店新开业加"),
        ("call now, or 138-0000-1111", "call now or"),
        ("hello世界，hello world", "hello世界hello world"),
        ("🎁123", ""),
    ],
)
def test_what_is_compared_can_be_shown(text: str, seen: str) -> None:
    assert compared(codes(text)[0]) == seen
