"""The reader of `signals`: what one test says about one event."""

from collections.abc import Callable, Mapping
from typing import get_args

import re2

from rules.events import Channel, EventType, Scene
from rules.packs.model import (
    BEHAVIOUR_TESTS,
    EVENT_TESTS,
    FIELDS,
    FIELDS_BY_DEFAULT,
    LINK_SCOPES,
    LINK_TESTS,
    PAGE_TESTS,
    PERSONAL_DATA,
    TEXT_TESTS,
    BehaviourSignal,
    EventSignal,
    Field,
    HostList,
    LearnedLexicon,
    LearnedSignal,
    Lexicon,
    LexiconSignal,
    LinkSignal,
    PageSignal,
    PatternSignal,
    Signal,
    TextSignal,
)
from rules.packs.source import Mapping as Section
from rules.packs.source import Node, did_you_mean

_SCOPES = {"foreign": "page", "host_in": "page"}
"""Of which hosts a link test is, unless its `of:` says so: a text cannot name its way out of a rule."""
MAX_PATTERN_MATCHES = 100
"""Matches of one pattern counted in one event; more change nothing."""
_CONTENT_TYPES = ("post", "share", "mass_send")
_WORDS: dict[str, tuple[str, ...]] = {
    "type": _CONTENT_TYPES,
    "scene": get_args(Scene),
    "channel": get_args(Channel),
}
assert set(_CONTENT_TYPES) < set(get_args(EventType))  # noqa: S101 - checked when the module loads


def read_signal(
    name: str,
    node: Node,
    lexicons: Mapping[str, Lexicon],
    lists: Mapping[str, HostList],
    learned: Mapping[str, LearnedLexicon],
) -> Signal:
    """One entry of `signals`; `lexicons`, `lists` and `learned` are the names it may use."""
    body = node.mapping()
    readers: dict[str, Callable[[], Signal]] = {
        "lexicon": lambda: _lexicon(name, body, lexicons),
        "learned": lambda: _learned(name, body, learned),
        "pattern": lambda: _pattern(name, body),
        "text": lambda: TextSignal(name, body.need("text").choice(TEXT_TESTS), _fields(body.take("fields"))),  # type: ignore[arg-type]
        "link": lambda: _link(name, body, lists),
        "page": lambda: _page(name, body),
        "event": lambda: _event(name, body),
        "behaviour": lambda: _behaviour(name, body),
    }
    kinds = [kind for kind in readers if kind in body]
    if len(kinds) != 1:
        raise node.error("a signal is exactly one of " + ", ".join(readers))
    signal = readers[kinds[0]]()
    body.take("description")
    body.done()
    return signal


def _lexicon(name: str, body: Section, lexicons: Mapping[str, Lexicon]) -> LexiconSignal:
    node = body.need("lexicon")
    lexicon = node.text()
    if lexicon not in lexicons:
        raise node.unknown("lexicons", lexicons)
    at_least, groups, others = body.take("at_least"), body.take("groups"), body.take("except_groups")
    return LexiconSignal(
        name,
        lexicon,
        _fields(body.take("fields")),
        at_least.number() if at_least else 0.0,
        _groups(groups, lexicons[lexicon]) if groups is not None else None,
        _groups(others, lexicons[lexicon]) if others is not None else frozenset(),
    )


def _learned(name: str, body: Section, learned: Mapping[str, LearnedLexicon]) -> LearnedSignal:
    node = body.need("learned")
    lexicon = node.text()
    if lexicon not in learned:
        raise node.unknown("learned", learned, "learned lexicon")
    at_least = body.take("at_least")
    least = at_least.number() if at_least is not None else 0.0
    return LearnedSignal(name, lexicon, _fields(body.take("fields")), least)


def _groups(node: Node, lexicon: Lexicon) -> frozenset[str]:
    """Names of groups; those of an operator's lexicon are the operator's to give."""
    names = node.sequence() if node.is_sequence else [node]
    known = lexicon.groups
    for name in names:
        if not lexicon.operator and name.text() not in known:
            raise name.error(f"lexicon {lexicon.name!r} has no group {name.text()!r}", did_you_mean(name.text(), known))
    return frozenset(name.text() for name in names)


def _fields(node: Node | None) -> frozenset[Field]:
    if node is None:
        return FIELDS_BY_DEFAULT
    names = {field.choice(FIELDS) for field in node.sequence()}
    if "page_text" in names:
        names.add("page_html")
    return frozenset(names)  # type: ignore[arg-type]


def _pattern(name: str, body: Section) -> PatternSignal:
    node = body.need("pattern")
    pattern = node.text()
    try:
        re2.compile(pattern, re_options())
    except re2.error as error:
        detail = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise node.error(f"no RE2 pattern: {detail}", "RE2 has no look-around and no back-references") from None
    original = body.take("original")
    return PatternSignal(name, pattern, _fields(body.take("fields")), original is not None and original.boolean())


def re_options() -> re2.Options:
    """The options every pattern is compiled with: quiet, bounded in memory, and without groups, which nobody reads."""
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = 8 << 20
    return options


def _link(name: str, body: Section, lists: Mapping[str, HostList]) -> LinkSignal:
    test = body.need("link").choice(LINK_TESTS)
    hosts = None
    if (node := body.take("list")) is not None:
        if node.text() not in lists:
            raise node.unknown("lists", lists)
        hosts = lists[node.text()]
    elif test in {"host_in", "foreign"}:
        raise body.node.error(f"`link: {test}` needs a `list:`")
    scope = found.choice(LINK_SCOPES) if (found := body.take("of")) is not None else _SCOPES.get(test, "all")
    return LinkSignal(name, test, hosts, scope)  # type: ignore[arg-type]


def _page(name: str, body: Section) -> PageSignal:
    test = body.need("page").choice(PAGE_TESTS)
    node = body.take("any_of")
    if (node is None) == (test == "asks_for"):
        raise body.node.error("`any_of` goes with `page: asks_for`", ", ".join(PERSONAL_DATA))
    kinds = frozenset(kind.choice(PERSONAL_DATA) for kind in node.sequence()) if node else frozenset()
    return PageSignal(name, test, kinds)  # type: ignore[arg-type]


def _event(name: str, body: Section) -> EventSignal:
    test = body.need("event").choice(EVENT_TESTS)
    node = body.take("is")
    if (node is not None) != (test in _WORDS):
        raise body.node.error(
            f"`event: {test}` " + ("needs `is:`" if test in _WORDS else "is a number: compare it in `when`")
        )
    words = _choices(node, _WORDS[test]) if node else None
    return EventSignal(name, test, words)  # type: ignore[arg-type]


def _choices(node: Node, known: tuple[str, ...]) -> frozenset[str]:
    nodes = node.sequence() if node.is_sequence else [node]
    return frozenset(word.choice(known) for word in nodes)


def _behaviour(name: str, body: Section) -> BehaviourSignal:
    test = body.need("behaviour").choice(BEHAVIOUR_TESTS)
    of = body.need("of").choice(_CONTENT_TYPES)
    within = body.need("half_life" if test in {"rate", "reach"} else "within").duration()
    channels = None
    if (where := body.take("where")) is not None:
        filters = where.mapping()
        channels = _choices(filters.need("channel"), _WORDS["channel"])
        filters.done()
        if of != "mass_send":
            raise where.error("only mass sends have a channel")
    if test in {"recipients", "partners", "reach"} and of != "mass_send":
        raise body.node.error(f"`behaviour: {test}` is about mass sends")
    return BehaviourSignal(name, test, of, channels, within)  # type: ignore[arg-type]
