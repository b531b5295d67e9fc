"""What folding changed and which words were found, for one event, with the positions of the original."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.packs import Pack, load_pack
from rules.screen import Screen
from rules.text import fold_batch
from rules.wording import Change, changes_in, found_words, reached
from tests.rules.making import TINY, post, share


@pytest.fixture(scope="module")
def screen(tiny: Pack) -> Screen:
    return Screen(tiny)


def changes(text: str) -> list[Change]:
    return changes_in(fold_batch([text]), 0, text)


def test_each_change_has_its_place() -> None:
    assert changes("分\u200b享ＡＢ後") == [Change(1, 2, "\u200b", ""), Change(3, 6, "ＡＢ後", "ab后")]
    assert changes("分享") == []
    assert changes("\u200b分") == [Change(0, 1, "\u200b", "")]
    assert changes("分\u200b") == [Change(1, 2, "\u200b", "")]
    assert changes("") == []


def test_one_character_may_become_several() -> None:
    assert changes("oﬃce") == [Change(1, 2, "ﬃ", "ffi")]


@given(
    st.lists(st.text(st.sampled_from("分享ab AB後㎏\u200b.🔥ａ１①"), max_size=20), min_size=1, max_size=3), st.data()
)
def test_the_changes_turn_the_text_into_its_folded_form(texts: list[str], data: st.DataObject) -> None:
    folded = fold_batch(texts)
    index = data.draw(st.integers(0, len(texts) - 1))
    text, rebuilt, at = texts[index], "", 0
    for change in changes_in(folded, index, text):
        assert text[change.start : change.end] == change.original
        rebuilt += text[at : change.start] + change.folded
        at = change.end

    assert rebuilt + text[at:] == folded.text(index)


def test_many_changes_are_bounded() -> None:
    assert len(changes("一Ａ" * 500)) == 100


def test_words_are_found_wherever_they_count(tiny: Pack, screen: Screen) -> None:
    event = share(title="免费 红包", desc="中獎", page={"text": "红包"})

    facts = screen.facts(event)
    words = found_words(tiny, facts.scored, reached(tiny, facts))

    assert [(word.signal, word.field, word.quote, word.form, word.weight) for word in words] == [
        ("prize", "desc", "中獎", "中奖", 2.0),
        ("prize", "title", "红包", "红包", 1.0),
        ("prize", "page_text", "红包", "红包", 1.0),
        ("prize", "title", "免费", "免费", 0.5),
    ]
    assert [(word.start, word.end) for word in words] == [(0, 2), (3, 5), (0, 2), (0, 2)]


def test_a_word_counts_once_however_often_it_stands(tiny: Pack, screen: Screen) -> None:
    assert reached(tiny, screen.facts(post("红包红包红包 免费"))) == {"prize": 1.5}
    assert reached(tiny, screen.facts(post("红包 中奖"))) == {"prize": 3.0}
    assert reached(tiny, screen.facts(post("你好"))) == {}


def test_n_grams_are_told_with_what_they_add_up_to(tmp_path: Path) -> None:
    text = (TINY / "pack.yaml").read_text("utf-8")
    text = text.replace(
        "lexicons:\n", "learned:\n  taught: {bias: -1, ngrams: {3: 中奖, 1.5: 奖号, -2: 你好}}\nlexicons:\n"
    ).replace("signals:\n", "signals:\n  taught: {learned: taught}\n")
    (tmp_path / "pack.yaml").write_text(text, "utf-8")
    pack = load_pack(tmp_path)

    facts = Screen(pack).facts(post("中獎号 中奖"))
    sums = reached(pack, facts)
    words = [word for word in found_words(pack, facts.scored, sums) if word.signal == "taught"]

    assert [(word.quote, word.form, word.weight, word.start) for word in words] == [
        ("中獎", "中奖", 3.0, 0),
        ("獎号", "奖号", 1.5, 1),
    ]
    assert sums["taught"] == pytest.approx(4.5 / 2**0.5 - 1, abs=1e-3)
    facts = Screen(pack).facts(post("中奖 你好"))
    assert found_words(pack, facts.scored, {**reached(pack, facts), "taught": 0.0})[0].signal == "prize"
    assert reached(pack, Screen(pack).facts(post("你好")))["taught"] == 0.0
