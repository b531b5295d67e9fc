"""Options of single words: where each form counts, where it does not, and that every word counts once."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.lexicon import LexiconError
from rules.packs.model import FIELDS, LexiconSignal
from rules.pinyin import initials, spellings
from rules.scoring import Scored, Scorer, Segments
from rules.words import Form, Word, forms_of, wrong_words


def scored(words: list[Word], *texts: str, signal: LexiconSignal | None = None) -> Scored:
    segments = Segments()
    for text in texts:
        segments.begin()
        segments.add(FIELDS.index("text"), text)
    return Scorer([signal or LexiconSignal("s", "l", frozenset(FIELDS), 0.0)], {"l": words}).score(segments)


def value(words: list[Word], text: str, signal: LexiconSignal | None = None) -> float:
    return scored(words, text, signal=signal).hits([0]).get(0, {}).get("s", 0.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vip", True),
        ("加VIP群", True),
        ("ｖｉｐ", True),
        ("a vip, b", True),
        ("_vip_", True),
        ("vips", False),
        ("evip", False),
        ("vip1", False),
        ("1vip", False),
        ("vipé", False),
        ("vips vip", True),
    ],
)
def test_a_whole_word_is_no_part_of_a_longer_latin_word_or_number(text: str, found: bool) -> None:
    assert (value([Word("VIP", whole=True)], text) > 0) == found
    assert value([Word("VIP")], text) > 0


def test_a_whole_word_has_no_edge_where_it_ends_in_chinese() -> None:
    assert value([Word("坐g", whole=True)], "快坐g吧") == 1
    assert value([Word("坐g", whole=True)], "快坐gx吧") == 0
    assert value([Word("坐g", whole=True)], "abc坐g吧") == 1


def test_a_whole_word_does_not_count_inside_a_longer_word_of_its_lexicon() -> None:
    words = [Word("赌场", whole=True), Word("赌场风云", weight=0.0)]
    assert value(words, "看赌场风云") == 0
    assert value(words, "赌场风云,赌场") == 1
    assert value(words, "赌场") == 1
    assert value([words[0]], "看赌场风云") == 1


def test_words_of_another_lexicon_do_not_shield() -> None:
    segments = Segments()
    segments.begin()
    segments.add(FIELDS.index("text"), "赌场风云")
    signals = [LexiconSignal(name, name, frozenset(FIELDS), 0.0) for name in ("l", "m")]
    scorer = Scorer(signals, {"l": [Word("赌场", whole=True)], "m": [Word("赌场风云")]})
    assert scorer.score(segments).hits([0]) == {0: {"l": 1.0, "m": 1.0}}


@given(st.text("ab c", max_size=12), st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4))
def test_whole_words_are_found_where_a_naive_search_finds_them(text: str, words: list[str]) -> None:
    """No Latin neighbour, and no longer listed word around it."""
    listed = list(dict.fromkeys(words))

    def alone(start: int, word: str) -> bool:
        end = start + len(word)
        if (text[start - 1 : start] or " ") in "abc" or (text[end : end + 1] or " ") in "abc":
            return False
        return not any(
            text.startswith(other, at)
            for other in listed
            if len(other) > len(word)
            for at in range(max(0, end - len(other)), start + 1)
        )

    expected = sum(any(text.startswith(word, at) and alone(at, word) for at in range(len(text))) for word in listed)
    assert value([Word(word, whole=True) for word in listed], text) == expected


@pytest.mark.parametrize(
    "text", ["火锅", "huoguo", "huo guo", "HUOGUO", "吃huoguo去", "huǒ guō", "ｈｕｏｇｕｏ", "火guo", "huo锅", "火.锅"]
)
def test_pinyin_is_found_joined_spaced_and_in_part(text: str) -> None:
    assert value([Word("火锅", pinyin=True)], text) == 1


@pytest.mark.parametrize("text", ["huoguox", "ahuoguo", "huoguon", "hg", "huo", "锅火", "huoguo1"])
def test_pinyin_is_found_only_as_a_token(text: str) -> None:
    assert value([Word("火锅", pinyin=True)], text) == 0


def test_initials_are_found_as_a_token() -> None:
    words = [Word("火锅", initials=True)]
    assert [value(words, text) for text in ("吃hg去", "HG:123", "hgg", "fhg", "huoguo")] == [1, 1, 0, 0, 0]


def test_a_word_counts_once_whatever_forms_of_it_stand_there() -> None:
    words = [Word("火锅", 2.0, pinyin=True, initials=True), Word("蛋糕")]
    assert value(words, "火锅 huoguo huo guo hg 火guo 蛋糕") == 3


def test_a_form_of_two_words_counts_as_the_heavier() -> None:
    assert value([Word("火锅", 1.0, pinyin=True), Word("获果", 3.0, pinyin=True)], "huoguo") == 3


def test_readings_follow_the_word() -> None:
    assert {"yinhang", "yin hang"} <= set(spellings("银行"))
    assert {"nvren", "nuren"} <= set(spellings("女人"))
    assert spellings("vip") == []
    assert (initials("银行"), initials("中"), initials("vip"), initials("加V信")) == ("yh", "", "", "jVx")
    assert "jiav" in {form.casefold() for form in spellings("加V")}
    assert all("u" not in form.casefold() for form in spellings("加V"))


def test_long_words_are_spelled_as_a_whole_only() -> None:
    assert spellings("微信公众号") == ["weixingongzhonghao", "wei xin gong zhong hao"]


@given(st.text(max_size=8))
def test_any_word_can_be_spelled(text: str) -> None:
    for word in (Word(text, pinyin=True, initials=True, whole=True), Word(text, fold=False)):
        if not wrong_words([text]):
            assert forms_of([word])


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("V信", "加V信", True),
        ("V信", "加v信", False),
        ("V信", "加Ｖ信", False),
        ("Ｖ信", "加Ｖ信", True),
        ("微信", "微.信", False),
        ("微信", "微信", True),
        ("繁體", "繁体", False),
        ("繁體", "看繁體字", True),
        (".微信.", "看.微信.吧", True),
        (".微信.", "a.微信.b", True),
        (".微信.", "看微信吧", False),
        ("①", "第①名", True),
        ("①", "第1名", False),
        (" A", "b A", True),
        (" A", "bA", False),
    ],
)
def test_a_word_without_folding_is_found_exactly_as_written(word: str, text: str, found: bool) -> None:
    assert (value([Word(word, fold=False)], text) > 0) == found


@given(st.text("aA微.信 ", min_size=1, max_size=3).filter(str.strip), st.text("aA微.信 ", max_size=8))
def test_without_folding_only_what_stands_there_is_found(word: str, text: str) -> None:
    if value([Word(word, fold=False)], text):
        assert word in text


@given(st.text("aAbＢ微信ú\u200b", min_size=1, max_size=4), st.text("aAbＢ微信ú\u200b ", max_size=8))
def test_without_folding_all_that_stands_there_is_found(word: str, text: str) -> None:
    """Of words without separators at their edges and marks within, which folding takes in their context."""
    decomposed = {unicodedata.category(character) for character in word} & {"Cf", "Mn"}
    if not decomposed and word in text:
        assert value([Word(word, fold=False)], text) == 1


def test_of_words_that_fold_alike_the_heaviest_that_stands_there_counts() -> None:
    words = [Word("vip", 1.0), Word("VIP", 4.0, fold=False)]
    assert [value(words, text) for text in ("vip", "VIP", "Vip vip")] == [1, 4, 1]


def test_a_signal_reads_the_groups_it_names() -> None:
    words = [Word("甲", 1.0, "banks"), Word("乙", 2.0, "couriers"), Word("丙", 4.0)]
    every = frozenset(FIELDS)
    assert value(words, "甲乙丙", LexiconSignal("s", "l", every, 0.0, frozenset({"banks"}))) == 1
    assert value(words, "甲乙丙", LexiconSignal("s", "l", every, 0.0, None, frozenset({"banks"}))) == 6
    assert value(words, "甲乙丙") == 7


def test_evidence_is_where_a_form_counts_and_not_where_it_does_not() -> None:
    found = scored([Word("vip", whole=True), Word("火锅", pinyin=True)], "vips 吃 VIP, huoguo 去")
    spans = [(span.start, span.end) for span in found.spans(0, "s")]
    assert spans == [(7, 10), (12, 18)]


def test_a_word_that_cannot_be_matched_is_refused_wherever_it_stands() -> None:
    assert wrong_words(["a", "", "字" * 61, "a\0", "\u200b"]) == [
        (1, "'' has no character that folding keeps"),
        (2, f"'{'字' * 60}'… is longer than 60 characters"),
        (3, "'a\\x00' has a NUL, which parts one text from the next"),
        (4, "'\\u200b' has no character that folding keeps"),
    ]
    with pytest.raises(LexiconError, match="no character"):
        forms_of([Word("a"), Word("\u200b")])


def test_a_plain_word_has_one_form_without_conditions() -> None:
    assert forms_of([Word("轉發.後解鎖")]) == [Form("转发后解锁", 0)]


def test_of_words_that_fold_alike_the_heaviest_counts() -> None:
    words = [Word("Lottery", 1.0), Word("lottery", 3.0), Word("ＬＯＴＴＥＲＹ", 2.0)]
    assert value(words, "lottery") == 3


@given(
    st.text("ab c", max_size=12),
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from("lm"), min_size=1, max_size=5),
)
def test_lexicons_side_by_side_score_as_each_alone(text: str, lexicon_of: dict[str, str]) -> None:
    words = {name: [Word(word, whole=True) for word, of in lexicon_of.items() if of == name] for name in "lm"}
    signals = [LexiconSignal(name, name, frozenset(FIELDS), 0.0) for name in "lm"]
    segments = Segments()
    segments.begin()
    segments.add(FIELDS.index("text"), text)
    together = Scorer(signals, words).score(segments).hits([0]).get(0, {})
    assert [together.get(name, 0.0) for name in "lm"] == [value(words[name], text) for name in "lm"]
