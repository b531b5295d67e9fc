"""The layout of a WeChat public account's article, told by marks that a copied page carries along.

A saved or scraped article keeps some of its marks and loses others: scripts are stripped, classes kept, or the other
way round. So the marks are of several independent kinds, each worth some points however often it occurs, and no kind
is enough alone: a page that quotes an article, embeds its pictures, offers sharing by WeChat's JS-SDK or happens to
use an id such as page-content does not have the layout. Reads the raw HTML, not the parsed tree: no limit of the
parser's hides a mark.
"""

import re

LAYOUT_SCORE = 5
"""Points from which on a page has the layout."""

_HINTS = ("rich_media", "js_content", "activity-name", "msg_cdn_url", "msg_title", "mmbiz", "appmsg", "mp.weixin")
"""One of these stands in every page that scores."""
_NAMES = re.compile(r"\b(?:id|class)\s{0,3}=\s{0,3}(?:\"([^\"]{1,300})\"|'([^']{1,300})'|([^\s\"'>]{1,300}))", re.I)
_VARIABLES = re.compile(
    r"\b(msg_title|msg_desc|msg_link|msg_cdn_url|msg_source_url|appuin|appmsgid|appmsg_type|appmsg_token|user_name_new"
    r"|ori_head_img_url|round_head_img|is_limit_user|svr_time|source_encode_biz|profile_signature|hd_head_img"
    r"|cdn_url_235_1|cdn_url_1_1|_ori_article_type|comment_enabled|itemidx)\s{0,3}[=:]"
)
"""What an article's scripts call its title, cover, account and the reader. Names that other sites use too, as biz, ct,
mid, nickname and publish_time, are left out."""
_PICTURE = re.compile(r"data-src\s{0,3}=\s{0,3}[\"']?(?:https?:)?//mmbiz\.(?:qpic|qlogo)\.cn/", re.I)
_ASSET = re.compile(
    r"res\.wx\.qq\.com/(?:mmbizwap|mmbizappmsg|mmbiz_|t/wx_fed)|/mmbizwap/|page/appmsg/|appmsg_new/", re.I
)
_PROPERTY = re.compile(
    r"<meta[^<>]{0,200}?(?:og:site_name|og:article:author|twitter:site)[\"']"
    r"[^<>]{0,200}?(?:微信公众平台|Weixin Official)"
    r"|<meta[^<>]{0,100}?og:url[\"'][^<>]{0,100}?mp\.weixin\.qq\.com/s",
    re.I,
)

_SOME_VARIABLES, _MANY_VARIABLES = 2, 4
_CONTENT = (frozenset({"js_content"}), frozenset({"rich_media_content"}))
_TITLE = (frozenset({"activity-name"}), frozenset({"rich_media_title"}))
_FRAME = frozenset(
    "rich_media rich_media_inner rich_media_area_primary rich_media_area_primary_inner js_article js_base_container "
    "rich_media_wrp page-bizinfo".split()
)
_ACCOUNT = frozenset(
    "js_name js_profile_qrcode profile_nickname rich_media_meta_nickname js_profile_qrcode_img profileBt "
    "wx_follow_nickname js_wx_follow_nickname js_share_author js_profile_card".split()
)
_DETAILS = frozenset(
    "rich_media_meta_list rich_media_meta rich_media_meta_text rich_media_meta_link js_ip_wording_wrp "
    "copyright_logo".split()
)
_FOOT = frozenset(
    "rich_media_tool rich_media_area_extra rich_media_extra js_toobar3 js_read_area3 js_view_source js_report_article3 "
    "js_pc_qr_code js_cmt_area js_sponsor_ad_area js_bottom_ad_area js_tags js_share_source media_tool_meta "
    "js_article_bottom_bar wx_profile_msg_inner".split()
)
_COMMON = frozenset("img-content page-content meta_content publish_time post-date post-user activity-detail".split())
"""Ids that other sites have as well: several of them together say something."""
_SEVERAL = 3


def layout_score(html: str) -> int:
    """How many points the article layout has in `html`. Time: linear."""
    if not any(hint in html for hint in _HINTS):
        return 0
    names = _names(html)
    structure = (
        _pair(_CONTENT, names)
        + _pair(_TITLE, names)
        + 2 * _has(_FRAME, names)
        + 2 * _has(_ACCOUNT, names)
        + _has(_DETAILS, names)
        + _has(_FOOT, names)
        + (len(_COMMON & names) >= _SEVERAL)
    )
    variables = len({found[1] for found in _VARIABLES.finditer(html)})
    scripts = 4 if variables >= _MANY_VARIABLES else 2 if variables >= _SOME_VARIABLES else 0
    if not structure and not scripts:
        return 0  # pictures and links alone are quotations
    return (
        structure
        + scripts
        + (_PICTURE.search(html) is not None)
        + (_ASSET.search(html) is not None)
        + 2 * (_PROPERTY.search(html) is not None)
    )


def _names(html: str) -> set[str]:
    """The ids and classes that elements of the page have, of those known here."""
    found: set[str] = set()
    for match in _NAMES.finditer(html):
        value = match[1] or match[2] or match[3]
        if "_" in value or "-" in value or "profileBt" in value:
            found.update(value.split())
    return found


def _has(marks: frozenset[str], names: set[str]) -> int:
    return int(not marks.isdisjoint(names))


def _pair(marks: tuple[frozenset[str], frozenset[str]], names: set[str]) -> int:
    """Points for the id and the class of one element: 2 for either, 3 for both."""
    found = sum(_has(mark, names) for mark in marks)
    return found + 1 if found else 0
