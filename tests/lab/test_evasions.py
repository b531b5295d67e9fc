"""Disguised text: every technique changes what it says it changes, and nothing else."""

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC

from lab.evasions import TECHNIQUES, evade, evade_twice
from lab.evasions.picking import clusters, is_chinese
from lab.evasions.splitting import splits
from lab.evasions.wording import variants

DATA = Path(__file__).parents[1] / "data" / "evasions"
TEXT = "加微信wx13800138000领取红包100元，澳门赌博网站www.evil88.com注册，张经理"
CASES = [(name, strength) for name, technique in TECHNIQUES.items() for strength in technique.strengths]
INSERTING = (
    "zero_width bidi rare_invisible separators separators_mixed separators_rare spaced_runs emoji line_breaks"
    " wide_spaces variation_selectors"
).split()


def offending() -> list[str]:
    lines = (DATA / "offending.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[1] for line in lines if not line.startswith("#")]


def is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(character in rest for character in short)


@pytest.mark.parametrize(("technique", "strength"), CASES)
def test_changes_text_and_always_likewise(technique: str, strength: float) -> None:
    changed = [evade(text, technique, strength, 1) for text in offending()]
    assert changed == [evade(text, technique, strength, 1) for text in offending()]
    altered = sum(new != text for new, text in zip(changed, offending(), strict=True))
    # Some texts have no letters, no digits or no listed word.
    assert altered >= 5


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_another_seed_another_disguise(technique: str) -> None:
    strength = TECHNIQUES[technique].strengths[0]
    disguises = {evade(TEXT, technique, strength, seed) for seed in range(20)}
    assert len(disguises) > 1 or technique == "reversed"


@pytest.mark.parametrize("technique", INSERTING)
def test_insertions_leave_every_character_in_place(technique: str) -> None:
    for strength in TECHNIQUES[technique].strengths:
        changed = evade(TEXT, technique, strength, 2)
        assert len(changed) > len(TEXT)
        assert is_subsequence(TEXT, changed)


@pytest.mark.parametrize("technique", ["zero_width", "separators", "emoji", "combining", "full_width", "split"])
def test_greater_strength_changes_more(technique: str) -> None:
    weak, *_, strong = TECHNIQUES[technique].strengths

    def kept(strength: float) -> int:
        return len(set(pairwise(TEXT)) & set(pairwise(evade(TEXT, technique, strength, 3))))

    assert kept(strong) < kept(weak) < len(TEXT)


@pytest.mark.parametrize("technique", ["zero_width", "bidi", "rare_invisible"])
def test_invisible_characters_show_nothing(technique: str) -> None:
    added = set(evade(TEXT * 5, technique, 1.0, 4)) - set(TEXT)
    assert {unicodedata.category(character) for character in added} <= {"Cf", "Mn", "Lo"}


def test_combining_marks_sit_on_their_letters() -> None:
    changed = evade(TEXT, "combining", 0.6, 5)
    bare = "".join(c for c in unicodedata.normalize("NFD", changed) if unicodedata.category(c) not in {"Mn", "Me"})
    assert bare == TEXT
    assert changed != TEXT


def test_full_width_and_digits_fold_back_by_value() -> None:
    changed = evade(TEXT, "full_width", 1.0, 6)
    assert changed != TEXT
    assert unicodedata.normalize("NFKC", changed) == unicodedata.normalize("NFKC", TEXT)
    for seed in range(40):
        changed = evade("13800138000", "digits", 1.0, seed)
        assert not set("123456789") <= set(changed)
        assert changed != "13800138000"


def test_keycaps_circles_and_chinese_digits_occur() -> None:
    seen = "".join(evade("0123456789", "digits", 1.0, seed) for seed in range(400))
    assert {"\u20e3", "①", "❶", "⑴", "壹", "一", "幺", "³", "𝟛", "٣", "３", "㈠", "㊀"} <= set(seen)


def test_confusables_change_letters_only() -> None:
    for seed in range(40):
        changed = evade("微信weixin加QQ", "confusables", 1.0, seed)
        assert changed.startswith("微信")
        assert "加" in changed
        assert not set(changed) & {"w", "Q"} or len(set(changed) & set("weixinQ")) < 6


def test_traditional_reads_the_same() -> None:
    changed = evade(TEXT, "traditional", 1.0, 7)
    assert changed != TEXT
    assert OpenCC("t2s").convert(changed) == TEXT


def test_splits_are_many_and_put_together_again() -> None:
    assert len(splits()) >= 400
    assert all(len(parts) >= 2 and is_chinese(character) for character, parts in splits().items())
    assert splits()["张"] == "弓长"
    for seed in range(10):
        assert "弓长" in evade("张", "split", 1.0, seed)


def test_listed_words_have_variants() -> None:
    assert len(variants()) >= 150
    assert all(word not in written for word, written in variants().items())
    assert {"薇信", "威信", "徽信", "v信"} <= set(variants()["微信"])
    assert {evade("微信", "word_variants", 1.0, seed) for seed in range(100)} == set(variants()["微信"])


@pytest.mark.parametrize(
    ("technique", "expected"),
    [("pinyin", {"weixin", "WEIXIN"}), ("half_pinyin", {"wei信", "微xin"}), ("initials", {"wx", "WX"})],
)
def test_words_in_pinyin(technique: str, expected: set[str]) -> None:
    assert expected <= {evade("微信", technique, 1.0, seed) for seed in range(100)}


def test_homophones_sound_alike() -> None:
    from pypinyin import lazy_pinyin

    changed = evade("张经理在公司", "homophones", 1.0, 8)
    assert changed != "张经理在公司"
    assert lazy_pinyin(list(changed)) == lazy_pinyin(list("张经理在公司"))


def test_vertical_is_one_character_a_line() -> None:
    assert evade("加微信", "vertical", 1.0, 9) == "加\n微\n信"


def test_grid_reads_down_its_columns_from_the_right() -> None:
    lines = evade("".join(map(chr, range(0x4E00, 0x4E0C))), "vertical_grid", 0.1, 0).split("\n")
    columns = zip(*([c for c in line if 0x4E00 <= ord(c) < 0x4E0C] for line in lines), strict=True)
    read = "".join("".join(column) for column in reversed(list(columns)))
    assert read == "".join(map(chr, range(0x4E00, 0x4E0C)))


def test_reversed_text_read_backwards() -> None:
    assert evade("加微信123", "reversed", 1.0, 0) == "321信微加"
    assert evade("加微信123，领红包", "reversed_clauses", 1.0, 0) == "123信微加，包红领"
    assert evade("请登录a1.example.com，", "reversed_clauses", 1.0, 0) == "a1.example.com录登请，"
    assert evade("加微信", "bidi_override", 1.0, 0) == "\u202e信微加\u202c"


def test_clusters_stay_together() -> None:
    assert clusters("a\u0301👨\u200d👩1\ufe0f\u20e3信") == ["a\u0301", "👨\u200d👩", "1\ufe0f\u20e3", "信"]


def test_two_techniques_in_their_order() -> None:
    one, other = ("word_variants", 1.0), ("separators", 1.0)
    changed = evade_twice(TEXT, one, other, 3)
    assert changed != TEXT
    assert changed == evade_twice(TEXT, other, one, 3)
    assert changed == evade(evade(TEXT, *one, 3), *other, 3)


def test_two_techniques_change_nothing_unless_both_do() -> None:
    assert evade_twice("加微信", ("digits", 1.0), ("separators", 1.0), 0) == "加微信"


@given(
    text=st.text(st.characters(exclude_categories=[]), max_size=60),
    case=st.sampled_from(CASES),
    seed=st.integers(0, 1000),
)
def test_any_text_is_taken(text: str, case: tuple[str, float], seed: int) -> None:
    technique, strength = case
    assert evade(text, technique, strength, seed) == evade(text, technique, strength, seed)
