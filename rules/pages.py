"""Landing pages: visible text, buttons, forms that ask for personal data, and the WeChat article layout.

Reads HTML with selectolax (lexbor). Runs nothing, fetches nothing; broken HTML is read as browsers do.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rules.packs.model import PersonalData

_HIDDEN = "script, style, noscript, template, head"
_BUTTONS = "button, a, input[type=button], input[type=submit], [role=button], [onclick], .btn, .button"
_INPUTS = "input, textarea, select"
_MAX_BUTTONS = 200
_ARTICLE_MARKS = (
    "#js_content",
    ".rich_media_content",
    ".rich_media_title",
    "#activity-name",
    "#js_name",
    ".rich_media_meta_list",
    "#js_article",
    ".rich_media_area_primary",
    "#js_profile_qrcode",
)
"""Ids and classes of a public account's article page; three of them together are the layout."""
_ARTICLE_LAYOUT = 3
_PRIVACY = re.compile(r"隐私(?:政策|声明|协议|条款|权政策|保护)|用户协议|privacy\s+(?:policy|notice)", re.I)
_ASKS: dict[PersonalData, re.Pattern[str]] = {
    "phone": re.compile(r"手机|电话|mobile|phone|\btel\b", re.I),
    "id_number": re.compile(r"身份证|证件号|id.?(?:card|number)|idno|sfz", re.I),
    "password": re.compile(r"密码|password|passwd|\bpwd\b", re.I),
    "birthday": re.compile(r"生日|出生|birth", re.I),
    "address": re.compile(r"住址|地址|address", re.I),
    "bank_card": re.compile(r"银行卡|卡号|信用卡|cvv|card.?(?:no|num)", re.I),
}
_TYPES: dict[str, PersonalData] = {"password": "password", "tel": "phone"}


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page shows. `text` is the visible text, `buttons` the labels of what can be pressed, a line each."""

    title: str
    text: str
    buttons: str
    asks_for: frozenset[PersonalData]
    has_form: bool
    privacy_notice: bool
    wechat_layout: bool


EMPTY = PageFacts("", "", "", frozenset(), False, False, False)


@lru_cache(512)
def read_html(html: str) -> PageFacts:
    """Reads one page. Shares of one link carry the same page, so the last 512 are remembered."""
    if not html:
        return EMPTY
    tree = LexborHTMLParser(html)
    layout = sum(1 for mark in _ARTICLE_MARKS if tree.css_first(mark) is not None) >= _ARTICLE_LAYOUT
    title_node = tree.css_first("title")
    title = title_node.text(strip=True) if title_node else ""
    inputs = [node for node in tree.css(_INPUTS) if node.attributes.get("type") != "hidden"]
    asks = frozenset(kind for node in inputs for kind in _asked(node))
    buttons = "\n".join(label for node in tree.css(_BUTTONS)[:_MAX_BUTTONS] if (label := _label(node)))
    has_form = tree.css_first("form") is not None or bool(inputs)
    for node in tree.css(_HIDDEN):
        node.decompose()
    text = tree.body.text(separator="\n", strip=True) if tree.body else ""
    return PageFacts(title, text, buttons, asks, has_form, bool(_PRIVACY.search(text)), layout)


def privacy_notice_in(text: str) -> bool:
    """Whether a page's plain text mentions a privacy policy or user agreement."""
    return bool(_PRIVACY.search(text))


def _asked(node: LexborNode) -> list[PersonalData]:
    attributes = node.attributes
    by_type = _TYPES.get(attributes.get("type") or "")
    words = " ".join(attributes.get(name) or "" for name in ("name", "id", "placeholder", "aria-label", "autocomplete"))
    label = node.parent.text(strip=True)[:40] if node.parent is not None and node.parent.tag == "label" else ""
    found = [kind for kind, pattern in _ASKS.items() if pattern.search(words + " " + label)]
    return [by_type, *found] if by_type else found


def _label(node: LexborNode) -> str:
    text = node.text(strip=True)
    return text or (node.attributes.get("value") or "") if node.tag == "input" else text
