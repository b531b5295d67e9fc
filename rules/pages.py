"""Landing pages: visible text, buttons, forms that ask for personal data, and the WeChat article layout.

Reads HTML with selectolax (lexbor). Runs nothing, fetches nothing; broken HTML is read as browsers do.
The parser's time grows with the square of nested tags, and of a tag's attributes, so it gets a page up
to where either passes a limit; of the rest the text is kept, without its tags.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rules.packs.model import PersonalData

_HIDDEN = "script, style, noscript, template, head"
_BUTTONS = "button, a, input[type=button], input[type=submit], [role=button], [onclick], .btn, .button"
_INPUTS = "input, textarea, select"
_MAX_BUTTONS = 200
_MAX_INPUTS = 200
_MAX_LABEL = 100
"""Longest label of a button in code points; a longer one is cut."""
_MAX_LABEL_TEXT = 200_000
"""Code points read for labels before the rest of a page's buttons or inputs go without one."""
_MAX_TAGS = 5_000
"""Tags the parser is given: 5,000 nested ones take it 0.05 s, 40,000 take it 5 s."""
_TAG = re.compile("<[a-zA-Z]")
_CROWDED_TAG = re.compile(
    r"<[a-zA-Z][^\s/>]*+(?>[\s/]*+[^\s/=>]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]++))?+){250}"
)
"""A tag of 250 attributes: 600 such tags take the parser 0.2 s, one of 20,000 takes it 1.5 s."""
_MARKUP = re.compile(r"<(script|style)\b.*?(?:</\1[^<>]*>?|$)|<[^<>]*>", re.I | re.S)
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
_SMALL_PAGE = 16_384
"""Code points of a page that is worth remembering for long."""
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


def read_html(html: str) -> PageFacts:
    """Reads one page. Shares of one link carry the same page, so recent ones are remembered, large ones apart: the
    caches hold 50 MB at the worst."""
    return _read_small(html) if len(html) <= _SMALL_PAGE else _read_large(html)


@lru_cache(512)
def _read_small(html: str) -> PageFacts:
    return _read(html)


@lru_cache(4)
def _read_large(html: str) -> PageFacts:
    return _read(html)


def _read(html: str) -> PageFacts:
    if not html:
        return EMPTY
    end = _parsable(html)
    tree = LexborHTMLParser(html[:end])
    layout = sum(1 for mark in _ARTICLE_MARKS if tree.css_first(mark) is not None) >= _ARTICLE_LAYOUT
    title_node = tree.css_first("title")
    title = title_node.text(strip=True) if title_node else ""
    inputs = [node for node in tree.css(_INPUTS) if node.attributes.get("type") != "hidden"]
    asks = frozenset(_asked_by(inputs[:_MAX_INPUTS]))
    buttons = "\n".join(_labels(tree.css(_BUTTONS)[:_MAX_BUTTONS]))
    has_form = tree.css_first("form") is not None or bool(inputs)
    for node in tree.css(_HIDDEN):
        node.decompose()
    text = tree.body.text(separator="\n", strip=True) if tree.body else ""
    if end < len(html):
        text += "\n" + _MARKUP.sub("\n", html[end:])
    return PageFacts(title, text, buttons, asks, has_form, bool(_PRIVACY.search(text)), layout)


def privacy_notice_in(text: str) -> bool:
    """Whether a page's plain text mentions a privacy policy or user agreement."""
    return bool(_PRIVACY.search(text))


def _parsable(html: str) -> int:
    """How much of `html` the parser is given."""
    end = len(html)
    if html.count("<") > _MAX_TAGS:
        end = next((tag.start() for tag in islice(_TAG.finditer(html), _MAX_TAGS, None)), end)
    crowded = _CROWDED_TAG.search(html, 0, end)
    return crowded.start() if crowded else end


def _asked_by(inputs: list[LexborNode]) -> Iterator[PersonalData]:
    """What the inputs ask for, by their attributes and by the `label` around them."""
    read = 0
    for node in inputs:
        label = ""
        if read < _MAX_LABEL_TEXT and node.parent is not None and node.parent.tag == "label":
            label = node.parent.text(strip=True)
            read += len(label)
        yield from _asked(node, label[:40])


def _asked(node: LexborNode, label: str) -> list[PersonalData]:
    attributes = node.attributes
    by_type = _TYPES.get(attributes.get("type") or "")
    words = " ".join(attributes.get(name) or "" for name in ("name", "id", "placeholder", "aria-label", "autocomplete"))
    found = [kind for kind, pattern in _ASKS.items() if pattern.search(words + " " + label)]
    return [by_type, *found] if by_type else found


def _labels(buttons: list[LexborNode]) -> Iterator[str]:
    """The labels that are not empty, each cut to a bounded length."""
    read = 0
    for node in buttons:
        if read > _MAX_LABEL_TEXT:
            return
        label = _label(node)
        read += len(label)
        if label:
            yield label[:_MAX_LABEL]


def _label(node: LexborNode) -> str:
    text = node.text(strip=True)
    return text or (node.attributes.get("value") or "") if node.tag == "input" else text
