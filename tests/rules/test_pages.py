"""Landing pages: what a visitor sees and is asked for, however broken or huge the HTML is."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import MAX_HTML
from rules.pages import EMPTY, privacy_notice_in, read_html

ARTICLE = """
<div class="rich_media_area_primary"><h1 class="rich_media_title" id="activity-name">标题</h1>
<div id="js_name">某号</div><div id="js_content">正文</div></div>
"""


def test_an_empty_page_shows_nothing() -> None:
    assert read_html("") == EMPTY


def test_the_title_and_the_visible_text_are_read() -> None:
    page = read_html("<html><head><title> 标题 </title></head><body><p>一</p><div>二<b>三</b></div></body>")
    assert (page.title, page.text) == ("标题", "一\n二\n三")


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>红包</script>",
        "<style>.红包{}</style>",
        "<noscript>红包</noscript>",
        "<template><p>红包</p></template>",
        "<!-- 红包 -->",
        "<img alt='红包'>",
        "<script>if (a<b) document.write('<p>红包</p>')</script>",
    ],
)
def test_what_no_visitor_sees_is_no_text(hidden: str) -> None:
    assert "红包" not in read_html(f"<body>{hidden}<p>正文</p></body>").text


@pytest.mark.parametrize(
    ("html", "label"),
    [
        ("<button> 分享 </button>", "分享"),
        ("<a href='/x'>分享</a>", "分享"),
        ("<input type=submit value=分享>", "分享"),
        ("<input type=button value=分享>", "分享"),
        ("<div role=button>分享</div>", "分享"),
        ("<span onclick='s()'>分<b>享</b></span>", "分享"),
        ("<div class='big btn'>分享</div>", "分享"),
    ],
)
def test_what_can_be_pressed_is_a_button(html: str, label: str) -> None:
    assert read_html(html).buttons == label


def test_buttons_without_a_label_are_left_out_and_others_stand_a_line_each() -> None:
    assert read_html("<button>一</button><a></a><button> </button><a>二</a>").buttons == "一\n二"


def test_a_button_of_several_kinds_is_one_button() -> None:
    assert read_html("<a class=btn onclick=s() role=button>一</a>").buttons == "一"


def test_text_that_cannot_be_pressed_is_no_button() -> None:
    assert read_html("<p>分享</p><input value=分享>").buttons == ""


@pytest.mark.parametrize(
    ("html", "asked"),
    [
        ("<input type=password>", {"password"}),
        ("<input type=tel>", {"phone"}),
        ("<input placeholder=请输入手机号>", {"phone"}),
        ("<input name=id_card>", {"id_number"}),
        ("<input placeholder=身份证号>", {"id_number"}),
        ("<input id=birthday>", {"birthday"}),
        ("<textarea placeholder=详细住址></textarea>", {"address"}),
        ("<input name=cardNo>", {"bank_card"}),
        ("<label>银行卡号 <input></label>", {"bank_card"}),
        ("<select name=mobile></select>", {"phone"}),
        ("<input type=tel name=pwd>", {"phone", "password"}),
        ("<input type=hidden name=phone>", set()),
        ("<input name=search>", set()),
        ("<p>请输入手机号</p>", set()),
    ],
)
def test_a_form_asks_for_what_its_inputs_say(html: str, asked: set[str]) -> None:
    assert read_html(html).asks_for == asked


@pytest.mark.parametrize(
    ("html", "has_form"),
    [("<form></form>", True), ("<input name=q>", True), ("<input type=hidden>", False), ("<p>x</p>", False)],
)
def test_a_page_with_inputs_has_a_form_even_without_the_tag(html: str, has_form: bool) -> None:
    assert read_html(html).has_form is has_form


def test_a_privacy_notice_is_found_in_what_is_visible() -> None:
    assert read_html("<a>《隐私政策》</a>").privacy_notice
    assert read_html("<p>Privacy  Policy</p>").privacy_notice
    assert not read_html("<script>隐私政策</script><p>隐私</p>").privacy_notice
    assert privacy_notice_in("请阅读用户协议")


def test_three_marks_of_an_article_are_the_article_layout_and_two_are_not() -> None:
    assert read_html(ARTICLE).wechat_layout
    assert not read_html("<div id=js_content><h1 class=rich_media_title>x</h1></div>").wechat_layout


@pytest.mark.parametrize(
    "html",
    [
        "<p>正文",
        "<p>正文</div></span></p></p>",
        "<div <p>正文",
        "<p class='a>x</p>'>正文",
        "正文",
        "</body>正文",
        "<table>正文<tr><td></table>",
        "<p>正\0</p>正文",
        "\ufeff<!doctype html><p>正文",
        "<svg><title>x</title></svg>正文",
    ],
)
def test_broken_html_is_read_as_browsers_do(html: str) -> None:
    assert "正文" in read_html(html).text


@given(st.text("<>/\"'=!- abdivscriptp\0&;正", max_size=60))
def test_any_text_is_a_page(html: str) -> None:
    page = read_html(html)
    assert len(page.text) <= 2 * len(html)


HOSTILE = {
    "nested": "<div>" * 399_000,
    "nested formatting": "<b><i>" * 330_000,
    "labels within labels": "<div onclick=x>" * 300 + "字" * 1_900_000,
    "inputs in one label": "<label>" + "<input name=a>" * 140_000,
    "one tag of attributes": "<a " + " ".join(f"a{n}" for n in range(280_000)),
    "many tags of attributes": ("<a " + " ".join(f"a{n}" for n in range(240)) + ">") * 1_600,
    "attributes after a quote": "<a b='>' " + " ".join(f"a{n}" for n in range(280_000)) + ">",
    "restyled paragraphs": "".join(f"<font id={n}>" for n in range(2_500)) + "<p>x" * 400_000,
    "open brackets": "<" * MAX_HTML,
    "open quotes": "<a x='" * 330_000,
    "slashes": "<a" + "/" * 1_999_000,
    "layers within layers": "<div class=share-mask>" * 2_400 + "右上角" * 600_000,
    "layers side by side": "<div class=mask>右上角分享给</div>" * 4_900 + "分享" * 900_000,
    "inputs behind text": "<p>" + "字" * 1_900_000 + "</p><p>" + "<input><b></b>" * 2_000,
    "inputs behind many elements": "<div>" + "<b>" * 2_000 + "</b>" * 2_000 + "</div><i></i><input>" * 900,
    "labels of inputs": "<label for=a>" * 2_000 + "字" * 1_000_000 + "<input id=a>" * 2_000,
    "names": "<a id='js_content' class='" + "a_ " * 600_000,
    "cells": "<table><td>" * 180_000,
    "comments": "<!--" * 499_000,
    "scripts": "<script>" * 249_000,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_a_page_made_to_stall_the_parser_takes_no_time(html: str) -> None:
    """The limits were minutes away before; 3 s of this process leave room for a slow machine."""
    start = process_time()
    page = read_html(html[:MAX_HTML])
    assert process_time() - start < 3
    assert len(page.buttons) < 200 * 101


def test_the_text_behind_what_the_parser_is_given_is_kept() -> None:
    page = read_html("<br>" * 10_000 + "<p>分享<b>后</b>可见</p><script>x</script>")
    assert page.text.split() == ["分享", "后", "可见"]


def test_a_large_honest_page_is_read_whole() -> None:
    page = read_html("<p class='a b' style='x: y' data-n=1>文字</p>" * 4_000 + "<button>领取</button>")
    assert page.text.count("文字") == 4_000
    assert page.buttons == "领取"
