"""What a page's form asks its visitor for, by the inputs' attributes and by the words that stand at them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rules.html_nodes import select
from rules.packs.model import PersonalData

_INPUTS = "input, textarea, select, [contenteditable=true], [contenteditable=''], [role=textbox]"
_NOT_ASKING = frozenset({"hidden", "submit", "button", "image", "reset", "checkbox", "radio", "range", "color"})
_MAX_INPUTS = 200
_MAX_TEXT = 200_000
"""Code points read for labels before the rest of a page's inputs go without one."""
_MAX_LABEL = 40
"""Longest label in code points; what stands further away is about something else."""
_NEAR = 3
"""Siblings in front of an input that are looked at for its label."""
_WORDS = ("placeholder", "aria-label", "title", "label", "data-label", "data-placeholder")
"""Attributes written for people."""
_NAMES = ("name", "id", "autocomplete", "inputmode", "data-name", "ng-model", "v-model", "formcontrolname")
"""Attributes written for programs."""
_SEARCH = re.compile(r"^\s*(?:请?输入)?(?:关键[词字]|搜索|搜一?搜|查找|search\b|find\b)|站内搜索|全文检索", re.I)
_ASKS: dict[PersonalData, re.Pattern[str]] = {
    "phone": re.compile(
        r"手机(?!型号|品牌|版|端)|电话|联系方式|联系号码|mobile(?!.?(?:site|view))|phone|\btel\b|shouji|dianhua", re.I
    ),
    "id_number": re.compile(
        r"身份证|证件号|身份号码|id.?(?:card|number)|\bidno\b|\bsfz|shenfen|identity.?(?:card|no)|cert.?no", re.I
    ),
    "password": re.compile(r"密码|口令|passw|\bpwd\b|\bmima\b", re.I),
    "birthday": re.compile(r"生日|出生|生辰|birth|\bbday\b|\bdob\b", re.I),
    "address": re.compile(
        r"住址|(?<!邮箱)(?<!邮件)(?<!网络)(?<!网站)(?<!链接)(?<!ip)(?<!mac)(?<!ip )地址"
        r"|(?<!mail)(?<!mail.)(?<!ip)(?<!ip.)(?<!web)(?<!web.)(?<!mac.)address|\baddr\b|street-address",
        re.I,
    ),
    "bank_card": re.compile(
        r"银行卡|(?<!会员)(?<!积分)卡号|信用卡|储蓄卡|cvv|cvc|(?<!id)(?<!id.)card.?(?:no|num)|bank.?card|cc-(?:number|csc)",
        re.I,
    ),
}
_TYPES: dict[str, PersonalData] = {"password": "password", "tel": "phone"}


@dataclass(frozen=True, slots=True)
class FormFacts:
    """has_form: whether there is anything to fill in; asks_for: what of a person's data; labels: the words that stand
    at its inputs, a line each."""

    has_form: bool
    asks_for: frozenset[PersonalData]
    labels: str


def read_form(tree: LexborHTMLParser) -> FormFacts:
    """The inputs of a page; at most 200 of them are read."""
    inputs = select(tree, f":is({_INPUTS}):not([type=hidden i])", _MAX_INPUTS)
    asks: set[PersonalData] = set()
    labels: list[str] = []
    for node, words in _labelled(tree, inputs):
        kind = _type(node)
        if words and kind not in {"submit", "button", "image", "reset"}:
            labels.append(words)
        if kind in _NOT_ASKING or kind == "search" or _SEARCH.search(words):
            continue
        asks.update(_asked(node, kind, words))
    has_form = tree.css_first("form") is not None or bool(inputs)
    return FormFacts(has_form, frozenset(asks), "\n".join(labels))


def _type(node: LexborNode) -> str:
    return (node.attributes.get("type") or "").strip().lower()


def _asked(node: LexborNode, kind: str, words: str) -> Iterator[PersonalData]:
    if kind in _TYPES:
        yield _TYPES[kind]
    attributes = node.attributes
    names = " ".join(filter(None, map(attributes.get, _NAMES)))
    text = f"{words} {_CAMEL.sub(' ', names).replace('_', ' ')} {names}"
    yield from (data for data, pattern in _ASKS.items() if pattern.search(text))


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _labelled(tree: LexborHTMLParser, inputs: list[LexborNode]) -> Iterator[tuple[LexborNode, str]]:
    """Each input with the words at it: those of its attributes, and its label or the text in front of it."""
    read = 0
    by_id = {node.attributes.get("for"): node for node in select(tree, "label[for]", _MAX_INPUTS)}
    for node in inputs:
        attributes = node.attributes
        words = [value[:_MAX_LABEL] for name in _WORDS if (value := attributes.get(name))]
        label = by_id.get(attributes.get("id") or "\0")
        if label is None and node.parent is not None and node.parent.tag == "label":
            label = node.parent
        if read < _MAX_TEXT:
            text = label.text(strip=True) if label is not None else _in_front(node)
            read += len(text)
            words.append(text[:_MAX_LABEL] if label is not None else _end(text))
        yield node, " ".join(dict.fromkeys(filter(None, words)))


def _in_front(node: LexborNode) -> str:
    """The text that stands right in front of an input: beside it; or in the cell or block before its own, which ends
    the line."""
    for start in (node, node.parent):
        at = start
        for _ in range(_NEAR):
            at = at.prev if at is not None else None
            if at is None or at.tag in {"input", "select", "textarea"} or at.css_first(_INPUTS):
                break  # what stands there is that one's
            if text := at.text(strip=True):
                return text if at.tag == "-text" else text + "\n"
        if node.parent is None or node.parent.tag in {"form", "body"}:
            break
    return ""


def _end(text: str) -> str:
    """What of the text in front of an input can be its label: the end of a sentence, but no block of another size."""
    if text.endswith("\n"):
        return text.rstrip() if len(text) <= _MAX_LABEL else ""
    return text[-_MAX_LABEL:]
