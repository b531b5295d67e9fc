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

from rules.article_layout import LAYOUT_SCORE, layout_score
from rules.html_nodes import select
from rules.packs.model import PersonalData
from rules.page_forms import read_form
from rules.page_layers import explains_sharing, read_layers

_HIDDEN = "noscript, head"
_BUTTONS = "button, a, input[type=button], input[type=submit], [role=button], [onclick], .btn, .button"
_MAX_BUTTONS = 200
_MAX_LABEL = 100
"""Longest label of a button in code points; a longer one is cut."""
_MAX_LABEL_TEXT = 200_000
"""Code points read for labels before the rest of a page's buttons go without one."""
_MAX_TAGS = 5_000
"""Tags the parser is given: 5,000 nested ones take it 0.05 s, 40,000 take it 5 s."""
_TAG = re.compile("<[a-zA-Z]")
_CROWDED_TAG = re.compile(
    r"<[a-zA-Z][^\s/>]*+(?>[\s/]*+[^\s/=>]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]++))?+){250}"
)
"""A tag of 250 attributes: 600 such tags take the parser 0.2 s, one of 20,000 takes it 1.5 s."""
_MARKUP = re.compile(r"<(script|style)\b.*?(?:</\1[^<>]*>?|$)|<[^<>]*>", re.I | re.S)
_SMALL_PAGE = 16_384
"""Code points of a page that is worth remembering for long."""
_PRIVACY = re.compile(
    r"隐私(?:政策|声明|协议|条款|权|保护|条例|指引|须知|通知)|用户(?:服务)?协议|个人信息(?:保护|处理|收集|使用)(?:政策|声明|规则|协议|说明)"
    r"|信息(?:授权|收集)(?:书|协议|声明)|privacy\s+(?:policy|notice|statement)",
    re.I,
)
_PRIVACY_LINK = re.compile(r"^(?:隐私|《隐私》|法律声明与隐私|privacy|privacy & terms)$", re.I | re.M)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page shows. `text` is the visible text; `buttons` the labels of what can be pressed and `form` those of
    what can be filled in, a line each. `layers`: how many lie over the page. `share_guide`: 2 where one of them shows
    how to share the page, 1 where the text says how."""

    title: str
    text: str
    buttons: str
    form: str
    asks_for: frozenset[PersonalData]
    has_form: bool
    privacy_notice: bool
    wechat_layout: bool
    layers: int
    share_guide: int


EMPTY = PageFacts("", "", "", "", frozenset(), False, False, False, 0, 0)


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
    title_node = tree.css_first("title")
    title = title_node.text(strip=True) if title_node else ""
    for node in tree.css("script, style, template"):  # their text is nobody's label
        node.decompose()
    form = read_form(tree)
    layers = read_layers(tree)
    buttons = "\n".join(_labels(select(tree, _BUTTONS, _MAX_BUTTONS)))
    for node in tree.css(_HIDDEN):
        node.decompose()
    text = tree.body.text(separator="\n", strip=True) if tree.body else ""
    if end < len(html):
        text += "\n" + _MARKUP.sub("\n", html[end:])
    return PageFacts(
        title=title,
        text=text,
        buttons=buttons,
        form=form.labels,
        asks_for=form.asks_for,
        has_form=form.has_form,
        privacy_notice=bool(_PRIVACY.search(text) or _PRIVACY_LINK.search(buttons)),
        wechat_layout=layout_score(html) >= LAYOUT_SCORE,
        layers=layers.layers,
        share_guide=2 if layers.guides_share else int(explains_sharing(text)),
    )


def share_guide_in(text: str) -> int:
    """The share guide in a page's plain text: 1 or 0."""
    return int(explains_sharing(text))


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
