"""Layers over a page, and the guides on them that show how to share it.

A layer is an element that its class, id or style says lies over the page: a mask, a dialog, a pop-up. A share guide
tells the visitor to press the menu in the corner and pass the page on.
"""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rules.html_nodes import select

_LAYER_WORDS = (
    "mask", "overlay", "modal", "popup", "dialog", "backdrop", "-layer", "_layer", "tanchu", "tanceng", "zhezhao",
)  # fmt: skip
_GUIDE_WORDS = ("share", "fenxiang", "zhuanfa", "guide")
MAX_LAYERS = 50
_MAX_LOOKED_AT = 400
_MAX_TEXT = 200_000
"""Code points of layers that are read."""
_ON_TOP = re.compile(r"position\s*:\s*fixed", re.I)
_GUIDE_NAME = re.compile(
    r"(?:share|fenxiang|zhuanfa)[-_]?(?:guide|tips?\b|mask|layer|arrow|pop|overlay|hint|cover)"
    r"|(?:guide|mask|tips?|overlay|popup?|arrow|layer)[-_]?(?:to[-_]?)?(?:share(?!d)|fenxiang|zhuanfa)",
    re.I,
)
_MENU = re.compile(
    r"右上角|(?:点击?|按)[^。！？\n]{0,6}(?:\.\.\.|···|…|⋯|三个?点|菜单)[^。！？\n]{0,10}(?:分享|转发|发送)"
    r"|upper.?right|top.?right",
    re.I,
)
_PASS_ON = re.compile(
    r"(?:分享|转发|发送|发|邀请)[到给至]?[^。！？\n]{0,8}(?:朋友|好友|群(?!众))|(?:分享|转发)(?:给|到|出去|本页|此页)"
    r"|share (?:it |this |page )?(?:with|to)|send to (?:chat|friend)",
    re.I,
)
_IN_WORDS = re.compile(r"右上角[^。！？\n]{0,20}(?:分享|转发|发送)|(?:分享|转发|发送)[^。！？\n]{0,12}右上角")


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """layers: how many lie over the page, at most 50; guides_share: whether one of them shows how to share it."""

    layers: int
    guides_share: bool


def read_layers(tree: LexborHTMLParser) -> LayerFacts:
    """The layers of a page."""
    layers = [node for node in select(tree, _LAYERS, _MAX_LOOKED_AT) if _is_layer(node)][:MAX_LAYERS]
    read = 0
    guides = False
    for node in layers:
        if read >= _MAX_TEXT:
            break
        text = node.text(separator=" ", strip=True)
        read += len(text)
        guides = guides or _guides(node, text)
    return LayerFacts(len(layers), guides)


def explains_sharing(text: str) -> bool:
    """Whether a text says where to press to pass the page on."""
    return _IN_WORDS.search(text) is not None


def _named(words: tuple[str, ...]) -> str:
    return ", ".join(f'[{attribute}*="{word}" i]' for attribute in ("class", "id") for word in words)


_LAYERS = f'{_named(_LAYER_WORDS)}, {_named(_GUIDE_WORDS)}, [style*="fixed" i], [role=dialog], dialog'


def _name(node: LexborNode) -> str:
    """The element's class and id, as written."""
    return f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"


def _is_layer(node: LexborNode) -> bool:
    if node.tag in {"script", "style", "link", "meta", "body", "html", "img", "a", "i", "button", "input"}:
        return False
    name = _name(node)
    lower = name.lower()
    if any(word in lower for word in _LAYER_WORDS) or _GUIDE_NAME.search(name):
        return True
    return node.tag == "dialog" or node.attributes.get("role") == "dialog" or bool(_ON_TOP.search(_style(node)))


def _style(node: LexborNode) -> str:
    return node.attributes.get("style") or ""


def _guides(node: LexborNode, text: str) -> bool:
    """A layer guides when it names the menu and passing on; or is named for it and shows little but a picture."""
    if _MENU.search(text) and _PASS_ON.search(text):
        return True
    if not _GUIDE_NAME.search(_name(node)):
        return False
    if _MENU.search(text) or _PASS_ON.search(text):
        return True
    on_top = bool(_ON_TOP.search(_style(node))) or "mask" in _name(node).lower() or "overlay" in _name(node).lower()
    return on_top and not text and node.css_first("img") is not None
