"""One reader for each section of a pack but signals and rules. Each raises PackError at the value that is wrong."""

from collections.abc import Iterable
from typing import get_args

from rules.decisions import Action, Notice
from rules.events import STRUCTS
from rules.lexicon import MAX_WORD, LexiconError, folded_words
from rules.packs.model import Case, Clause, HostList, Ladder, Lexicon, Rung
from rules.packs.source import Node, did_you_mean

_ACTIONS: tuple[Action, ...] = get_args(Action)
_MAX_WEIGHT = 1000.0


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
    test_words = ((stand_ins := body.take("test_words")) is not None and tuple(stand_ins.texts())) or ()
    body.done()
    if operator and words:
        raise node.error("an operator's lexicon has no words of its own", "give them in the operator's list")
    if operator and not test_words:
        raise node.error("an operator's lexicon needs `test_words`", "made-up words, used by inline cases only")
    if not operator and not words:
        raise node.error("the lexicon is empty", "give it `words:` or `weighted:`")
    if operator:
        words = dict.fromkeys(operator_words, 1.0)
    return Lexicon(name, words, operator, test_words, node.place)


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
    hosts = ((found := body.take("hosts")) is not None and found.texts()) or []
    brands = ((found := body.take("brands")) is not None and found.texts()) or []
    protected = (flag := body.take("protected")) is not None and flag.boolean()
    body.take("description")
    body.done()
    for host in hosts:
        if host != host.lower() or "/" in host or not host:
            raise node.error(f"{host!r} is no host name", "lower case, no scheme, no path: example.com")
    return HostList(name, frozenset(hosts), tuple(brands), protected)


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
    known = {name for struct in STRUCTS.values() for name in struct.__struct_fields__}
    for name, key, _ in body.items():
        if name not in known | {"repeat", "every", "type"}:
            raise key.error(f"unknown field {name!r}", did_you_mean(name, known))
    count = int(repeat.number()) if repeat else 1
    interval = every.duration() if every else 0
    rest = {name: value for name, value in fields.items() if name not in {"repeat", "every"}}
    return Case({**rest, "type": kind}, count, interval, node.place)
