"""The article layout of a public account, old and new, whole and stripped; and pages that only touch WeChat."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.article_layout import LAYOUT_SCORE, layout_score
from rules.events import MAX_HTML

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "pages.jsonl.gz"

HEAD = """
<head><meta property="og:site_name" content="微信公众平台"><meta property="og:title" content="标题">
<link rel="stylesheet" href="//res.wx.qq.com/mmbizwap/zh_CN/htmledition/style/page/appmsg/page.css"></head>
"""
SCRIPTS = """
<script>var biz = "MzA5"; var msg_title = '标题'; var msg_desc = "摘要"; var msg_link = "http://x";
var ct = "1500000000"; var appuin = "MzA5"; var svr_time = "1500000001"; var user_name_new = "gh_1";</script>
"""
BODY = """
<div id="js_article" class="rich_media"><div class="rich_media_inner"><div id="page-content"
class="rich_media_area_primary"><h2 class="rich_media_title" id="activity-name">标题</h2>
<div id="meta_content" class="rich_media_meta_list"><em id="post-date">2017-01-01</em><a id="post-user">某号</a></div>
<div id="js_profile_qrcode"><strong class="profile_nickname">某号</strong></div>
<div class="rich_media_content" id="js_content"><p>正文</p><img data-src="https://mmbiz.qpic.cn/a/640?wx_fmt=png"></div>
<div class="rich_media_tool" id="js_toobar3">阅读</div></div></div></div>
"""
NEW = """
<body id="activity-detail"><div id="js_article" class="rich_media"><div id="js_base_container">
<div class="rich_media_area_primary_inner"><h1 class="rich_media_title" id="activity-name">标题</h1>
<span class="rich_media_meta rich_media_meta_nickname" id="profileBt"><a id="js_name">某号</a></span>
<div class="rich_media_content js_underline_content" id="js_content"><section>正文</section></div></div></div></div>
"""
OLD = """
<div id="page-content" class="page-content"><div id="img-content"><div class="page-bizinfo"><h1 id="activity-name">标题
</h1><p class="activity-info"><span id="post-date" class="activity-meta">2013-01-01</span><a id="post-user">某号</a>
</p></div><div class="text" id="js_content">正文</div></div></div>
"""
ARTICLE = HEAD + SCRIPTS + BODY


@pytest.mark.parametrize(
    "html",
    [
        ARTICLE,
        HEAD + BODY,
        SCRIPTS + BODY,
        BODY,
        NEW,
        OLD,
        SCRIPTS + '<link href="//res.wx.qq.com/mmbizwap/a.css"><h1>标题</h1><div>正文</div>',
        HEAD + SCRIPTS + "<div>正文</div>",
        re.sub(r' id="[^"]*"', "", BODY),
        re.sub(r' class="[^"]*"', "", BODY),
        BODY.replace('"', "'"),
        BODY.upper()
        .replace("RICH_MEDIA", "rich_media")
        .replace("JS_", "js_")
        .replace("ACTIVITY-NAME", "activity-name"),
        "<h2 class=rich_media_title id=activity-name>标题</h2><div class=rich_media_content id=js_content>正文</div>",
        "<p>" * 6_000 + BODY,
    ],
)
def test_an_article_is_one_with_marks_missing(html: str) -> None:
    assert layout_score(html) >= LAYOUT_SCORE


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<article><h1>标题</h1><p>正文</p></article>",
        '<div id="js_content"><h1 class="rich_media_title">标题</h1></div>',
        '<div id="page-content"><div id="img-content"><i id="meta_content"></i><em id="publish_time"></em></div></div>',
        '<div id="js_content" class="post"><p>正文</p></div>',
        '<script src="https://res.wx.qq.com/open/js/jweixin-1.6.0.js"></script><script>wx.config({})</script><p>正文</p>',
        '<p>正文</p><img data-src="https://mmbiz.qpic.cn/a/640?wx_fmt=png">' * 30,
        '<a href="https://mp.weixin.qq.com/s?__biz=MzA5&mid=1">原文</a>',
        '<div class="rich_media_content"><p>转载</p><img data-src="//mmbiz.qpic.cn/a"></div>',
        '<a class="js_content_share_btn">分享</a><script>var nickname = 1, ct = 2, biz = 3, mid = 4</script>',
        "<p>前端教程：rich_media_title、activity-name、js_content、rich_media_content 都是什么</p>",
        '<script>var msg_title = "a"; var msg_desc = "b";</script><p>mmbiz</p>',
    ],
)
def test_a_page_that_only_touches_wechat_is_none(html: str) -> None:
    assert layout_score(html) < LAYOUT_SCORE


@given(st.lists(st.sampled_from(ARTICLE.splitlines(keepends=True)), max_size=20))
def test_more_of_an_article_never_scores_less(lines: list[str]) -> None:
    assert layout_score("".join(lines)) <= layout_score("".join(lines) + ARTICLE) == layout_score(ARTICLE)


@pytest.mark.parametrize(
    "piece",
    [
        'id="',
        "<meta ",
        '<meta og:url" ',
        "id = ",
        "class=a_ ",
        "rich_media",
        ' og:site_name"',
        "msg_title ",
        "data-src = ",
    ],
)
def test_a_page_made_to_stall_takes_no_time(piece: str) -> None:
    start = process_time()
    layout_score(("js_content<meta" + piece * MAX_HTML)[:MAX_HTML])
    assert process_time() - start < 4


@pytest.mark.skipif(not CORPUS.exists(), reason="needs ../shared/corpora/pages.jsonl.gz, which is not here")
def test_saved_articles_have_the_layout_and_ordinary_pages_have_not() -> None:
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        scores = [(row["label"], layout_score(row["html"])) for row in map(json.loads, lines)]
    assert min(score for label, score in scores if label == "wechat_article") >= 2 * LAYOUT_SCORE
    assert max(score for label, score in scores if label == "ordinary") < LAYOUT_SCORE - 2
