"""One reader for each section of a pack but signals and rules. Each raises PackError at the value that is wrong."""

import re
from collections.abc import Iterable
from typing import get_args

from rules.decisions import Action, Notice
from rules.events import STRUCTS, Page
from rules.lexicon import MAX_WORD, LexiconError, folded_words
from rules.packs.model import Case, Clause, HostList, Ladder, Lexicon, Rung
from rules.packs.source import Node, did_you_mean

_ACTIONS: tuple[Action, ...] = get_args(Action)
_MAX_WEIGHT = 1000.0
_MAX_REPEAT = 1000
_MAX_SPAN = 3650 * 86_400_000
"""Longest time from the first to the last event of a case, in ms."""
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_BRAND = re.compile(r"[a-z0-9]+")


def read_notice(node: Node) -> Notice:
    """`{zh: …, en: …}`."""
    body = node.mapping()
    notice = Notice(zh=body.need("zh").text(), en=body.need("en").text())
    body.done()
    return notice


def read_clause(name: str, node: Node) -> Clause:
    """One entry of `clauses`."""
    body = node.mapping()
    text = " / ".join(part.text() for key in ("text", "allowed", "banned", "note") if (part := body.take(key)))
    handling, first, egregious = body.take("handling"), body.take("first"), body.take("egregious")
    clause = Clause(
        id=name,
        title=read_notice(body.need("title")),
        text=text,
        first=_actions(first) if first else (),
        egregious=_actions(egregious) if egregious else (),
        by_report=handling is not None and handling.choice(("by_report", "automatic")) == "by_report",
    )
    body.done()
    return clause


def _actions(node: Node) -> tuple[Action, ...]:
    return tuple(action.choice(_ACTIONS) for action in node.sequence())  # type: ignore[misc]


def read_ladder(name: str, node: Node) -> Ladder:
    """One entry of `ladders`."""
    body = node.mapping()
    rungs_node = body.need("rungs")
    ladder = Ladder(
        name=name,
        clauses=tuple(body.need("clauses").texts()),
        window=body.need("window").duration(),
        grace=body.need("grace").duration(),
        rungs=tuple(_rung(rung) for rung in rungs_node.sequence()),
    )
    body.done()
    if not ladder.rungs:
        raise rungs_node.error("a ladder has at least one rung")
    longest = max((rung.duration or 0 for rung in ladder.rungs), default=0)
    if longest > ladder.window:
        raise rungs_node.error(
            "a rung lasts longer than the window", "violations would be forgotten while their sanction holds"
        )
    if ladder.grace * len(ladder.rungs) > ladder.window:
        raise rungs_node.error("the last rung cannot be reached: the window is shorter than its graces")
    return ladder


def _rung(node: Node) -> Rung:
    body = node.mapping()
    apply = body.need("apply").choice(("warn", "first", "egregious"))
    lasts = body.take("for")
    body.done()
    return Rung(apply, lasts.duration() if lasts else None)  # type: ignore[arg-type]


def read_lexicon(name: str, node: Node, operator_words: Iterable[str]) -> Lexicon:
    """One entry of `lexicons`; `operator_words` are used when it says `operator: true`."""
    body = node.mapping()
    body.take("description")
    words: dict[str, float] = {}
    if (plain := body.take("words")) is not None:
        for word in plain.sequence():
            _add_word(words, word, word.text(), 1.0)
    if (weighted := body.take("weighted")) is not None:
        for text, key, weight in weighted.items():
            _add_word(words, key, text, _weight(weight))
    operator = (flag := body.take("operator")) is not None and flag.boolean()
    test_words: dict[str, float] = {}
    for word in stand_ins.sequence() if (stand_ins := body.take("test_words")) is not None else ():
        _add_word(test_words, word, word.text(), 1.0)
    body.done()
    if operator and words:
        raise node.error("an operator's lexicon has no words of its own", "give them in the operator's list")
    if operator and not test_words:
        raise node.error("an operator's lexicon needs `test_words`", "made-up words, used by inline cases only")
    if not operator and not words:
        raise node.error("the lexicon is empty", "give it `words:` or `weighted:`")
    if operator:
        words = dict.fromkeys(operator_words, 1.0)
    return Lexicon(name, words, operator, tuple(test_words), node.place)


def _weight(node: Node) -> float:
    value = node.number()
    if not 0 < abs(value) <= _MAX_WEIGHT:
        raise node.error(f"weights lie between 0 and {_MAX_WEIGHT:g}, or are negative to weigh against")
    return value


def _add_word(words: dict[str, float], node: Node, word: str, weight: float) -> None:
    if word in words:
        raise node.error(f"{word!r} is in the lexicon twice")
    try:
        folded_words({word: weight})
    except LexiconError as error:
        raise node.error(str(error), f"words have 1 to {MAX_WORD} characters after folding") from None
    words[word] = weight


def read_list(name: str, node: Node) -> HostList:
    """One entry of `lists`."""
    body = node.mapping()
    hosts = [_host(host) for host in found.sequence()] if (found := body.take("hosts")) is not None else []
    brands = [_brand(brand) for brand in found.sequence()] if (found := body.take("brands")) is not None else []
    protected = (flag := body.take("protected")) is not None and flag.boolean()
    body.take("description")
    body.done()
    return HostList(name, frozenset(hosts), tuple(brands), protected)


def _host(node: Node) -> str:
    host = node.text()
    if not _HOST.fullmatch(host):
        hint = "lower case, no scheme, no port, no path, no wildcard; other scripts as xn--…: example.com"
        raise node.error(f"{host!r} is no host name", hint)
    return host


def _brand(node: Node) -> str:
    brand = node.text()
    if not _BRAND.fullmatch(brand):
        raise node.error(f"{brand!r} cannot stand in a host name", "small letters and digits: weixin")
    return brand


def read_case(node: Node) -> Case:
    """A case of a rule: a text, or the fields of an event."""
    if not node.is_mapping:
        return Case({"type": "post", "text": node.text()}, 1, 0, node.place)
    fields = node.plain()
    if not isinstance(fields, dict):
        raise node.error("a case is a text or the fields of an event")
    body = node.mapping()
    repeat, every = body.take("repeat"), body.take("every")
    kind = ((found := body.take("type")) is not None and found.choice(("post", "share", "mass_send"))) or "post"
    known = set(STRUCTS[kind].__struct_fields__)  # type: ignore[index]
    for name, key, value in body.items():
        if name not in known | {"repeat", "every", "type"}:
            raise key.error(f"a {kind} has no field {name!r}", did_you_mean(name, known))
        if name == "page" and value.is_mapping:
            for part, part_key, _ in value.items():
                if part not in Page.__struct_fields__:
                    raise part_key.error(f"a page has no field {part!r}", did_you_mean(part, Page.__struct_fields__))
    count = _repeats(repeat) if repeat else 1
    interval = every.duration() if every else 0
    if every is not None and interval * count > _MAX_SPAN:
        raise every.error("the case lasts more than 10 years")
    rest = {name: value for name, value in fields.items() if name not in {"repeat", "every"}}
    return Case({**rest, "type": kind}, count, interval, node.place)


def _repeats(node: Node) -> int:
    value = node.number()
    if value != int(value) or not 1 <= value <= _MAX_REPEAT:
        raise node.error(f"expected a whole number of times, found {node.text()!r}", f"1 to {_MAX_REPEAT}")
    return int(value)
