"""Hostile text is shown, and does nothing."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.display import code_span, shown, text_of
from tests.rules.making import mass_send, post, share

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)


@given(ANY_TEXT, st.integers(0, 200))
def test_what_is_shown_is_one_bounded_line_of_visible_characters(text: str, limit: int) -> None:
    line = shown(text, limit)

    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(line) <= 10 * limit + 1
    line.encode("utf-8")


def test_what_is_hidden_is_spelt_out() -> None:
    assert shown("付\u200b款\u202e\ud800\U000e0041") == "付\\u200b款\\u202e\\ud800\\U000e0041"
    assert shown("一\r\n二\t三\u2028") == "一  二 三 "
    assert shown("abcdef", 3) == "abc…"


@given(ANY_TEXT)
def test_a_code_span_ends_where_it_should(text: str) -> None:
    span = code_span(text)

    fence = re.match("`+", span)
    assert fence is not None
    assert span.endswith(fence[0])
    inner = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in set(re.findall("`+", inner))
    assert "\n" not in span


@pytest.mark.parametrize("text", ["`", "``", "a`b``c", "<script>alert(1)</script>", "", " ", "[x](javascript:1)", "\\"])
def test_code_spans_keep_what_they_hold(text: str) -> None:
    span = code_span(text)

    assert text.strip() in span
    assert not span.startswith("`" * (len(text) + 2))


def test_all_that_an_event_says_is_shown() -> None:
    assert text_of(post("body", title="head", html="<p>x")) == "head | body"
    assert text_of(mass_send("body")) == "body"
    assert text_of(share("https://a.example/", title="t", page={"title": "p", "text": "q"})) == (
        "https://a.example/ | t | p | q"
    )
