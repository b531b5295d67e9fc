"""The facts of one event: what fired, and, on demand, what links, pages, patterns and fields say.

`EventFacts` is the mapping that conditions are evaluated on. A value is worked out at most once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from string import ascii_lowercase, digits
from typing import assert_never

import re2

from rules.decisions import Evidence
from rules.event_hosts import Mention, linked_hosts
from rules.events import Content, MassSend, Post, Share
from rules.links import host_of, in_list
from rules.lookalikes import Brands
from rules.packs.model import (
    FIELDS,
    BehaviourSignal,
    EventSignal,
    Field,
    LearnedSignal,
    LexiconSignal,
    LinkSignal,
    LinkTest,
    Pack,
    PageSignal,
    PageTest,
    PatternSignal,
    TextSignal,
    TextTest,
)
from rules.packs.read_signals import MAX_PATTERN_MATCHES, re_options
from rules.pages import EMPTY, PageFacts, privacy_notice_in, read_html, share_guide_in
from rules.scoring import Scored, Segments

_MAX_QUOTED_HOSTS = 3
WORKED_OUT = (LexiconSignal, LearnedSignal, BehaviourSignal)
"""Signals that are known of an event before its rules are looked at; one that is not there did not fire."""


class Tests:
    """The tests of a pack that are not words: compiled patterns, and the brands to protect."""

    def __init__(self, pack: Pack) -> None:
        self.signals = pack.signals
        self.patterns = {
            signal.name: re2.compile(signal.pattern, re_options())
            for signal in pack.signals.values()
            if isinstance(signal, PatternSignal)
        }
        guarded = [hosts for hosts in pack.lists.values() if hosts.brands]
        self.brands = Brands(
            frozenset(host for hosts in guarded for host in hosts.hosts),
            [brand for hosts in guarded for brand in hosts.brands],
        )

        self.link_tests = {
            signal.name: self._link_test(signal) for signal in pack.signals.values() if isinstance(signal, LinkSignal)
        }
        """Name of a link signal -> its test, over host names."""

    def _link_test(self, signal: LinkSignal) -> Callable[[str], bool]:
        listed = signal.hosts.hosts if signal.hosts else frozenset()
        tests: dict[LinkTest, Callable[[str], bool]] = {
            "any": lambda _: True,
            "shortener": lambda name: host_of(name).is_shortener,
            "ip_literal": lambda name: host_of(name).is_ip,
            "punycode": lambda name: host_of(name).is_punycode,
            "look_alike": self.brands.resembles,
            "foreign": lambda name: not in_list(name, listed),
            "host_in": lambda name: in_list(name, listed),
        }
        return tests[signal.test]


class EventFacts(dict[str, float]):
    """Signal name -> value for one event. Starts with what fired; the rest is worked out when asked for."""

    def __init__(
        self,
        fired: Mapping[str, float],
        tests: Tests,
        event: Content,
        scored: Scored,
        index: int,
        *,
        written: Sequence[Mention] = (),
    ) -> None:
        """`written`: the hosts that the event's texts name."""
        super().__init__(fired)
        self.event = event
        self.scored = scored
        self.index = index
        self._tests = tests
        self._written = written
        self._hosts: list[Mention] | None = None
        self._matches: dict[str, list[tuple[int, int, int]]] = {}
        self.described: dict[str, list[Evidence]] = {}
        """Evidence for signals, kept by whoever describes them."""

    def __missing__(self, name: str) -> float:
        signal = self._tests.signals.get(name)
        if signal is None or isinstance(signal, WORKED_OUT):
            return 0.0
        match signal:
            case PatternSignal():
                value = float(len(self.pattern_matches(signal)))
            case TextSignal():
                value = float(sum(measured(signal.test, text) for text in self._texts(signal.fields)))
            case LinkSignal():
                value = float(len(self.matching_hosts(signal)))
            case PageSignal():
                value = page_value(signal, self.event, page_of(self.event))
            case EventSignal():
                value = event_value(signal, self.event)
            case _ as never:
                assert_never(never)
        if value:
            self[name] = value
        return value

    def signal(self, name: str) -> object:
        """The definition of signal `name`."""
        return self._tests.signals[name]

    def hosts(self) -> list[Mention]:
        """The hosts of the event's links, and those its texts name beside them."""
        if self._hosts is None:
            linked = list(linked_hosts(self.event))
            names = {mention.name for mention in linked}
            self._hosts = linked + [mention for mention in self._written if mention.name not in names]
        return self._hosts

    def matching_hosts(self, signal: LinkSignal) -> list[Mention]:
        """The hosts that the signal is about and for which its test holds."""
        holds = self._tests.link_tests[signal.name]
        return [mention for mention in self.hosts() if mention.counts(signal.scope) and holds(mention.name)]

    def pattern_matches(self, signal: PatternSignal) -> list[tuple[int, int, int]]:
        """(segment, start, end) of the pattern's matches, at most 100, in folded or original positions."""
        found = self._matches.get(signal.name)
        if found is None:
            found = self._matches[signal.name] = list(self._find(signal))
        return found

    def _texts(self, fields: frozenset[Field]) -> Iterator[str]:
        """The folded texts of the event in `fields`."""
        for segment in self.scored.segments.of(self.index):
            if FIELDS[self.scored.segments.field[segment]] in fields:
                yield self.scored.folded_text(segment)

    def _find(self, signal: PatternSignal) -> Iterator[tuple[int, int, int]]:
        pattern = self._tests.patterns[signal.name]
        count = 0
        for segment in self.scored.segments.of(self.index):
            if FIELDS[self.scored.segments.field[segment]] not in signal.fields:
                continue
            for start, end in matches_in(pattern, self.scored.encoded(segment, original=signal.original)):
                yield segment, start, end
                count += 1
                if count >= MAX_PATTERN_MATCHES:
                    return


def matches_in(pattern: re2._Regexp, encoded: bytes) -> Iterator[tuple[int, int]]:
    """[start, end) in characters of the matches in a text in UTF-8. Looked for in bytes, and counted in characters only
    where something matches: given a `str`, re2 would encode it anew for every pattern."""
    start = end = count = 0
    for match in pattern.finditer(encoded):
        first, last = match.span()
        if first == last:  # going on by a byte could end within a character
            yield from islice((match.span() for match in pattern.finditer(encoded.decode())), count, None)
            return
        start += len(encoded[end:first].decode())
        yield start, start + len(encoded[first:last].decode())
        start, end, count = start + len(encoded[first:last].decode()), last, count + 1


def measured(test: TextTest, folded: str) -> int:
    """The value of a text test for one text."""
    match test:
        case "length":
            return len(folded)
        case "lines":
            return folded.count("\n") + 1
        case "digits":
            return sum(map(folded.count, digits))
        case "latin":
            return sum(map(folded.count, ascii_lowercase))
        case _ as never:
            assert_never(never)


def page_of(event: Content) -> PageFacts | None:
    """What the event's page or HTML shows; None when it has neither."""
    match event:
        case Share():
            return (read_html(event.page.html) if event.page.html else EMPTY) if event.page else None
        case Post():
            return read_html(event.html) if event.html else None
        case MassSend():
            return None
        case _ as never:
            assert_never(never)


def page_value(signal: PageSignal, event: Content, page: PageFacts | None) -> float:
    """The value of a page signal; `page` is `page_of(event)`."""
    if page is None:
        return 0.0
    text = event.page.text if isinstance(event, Share) and event.page else ""
    if signal.test == "asks_for":
        return float(len(page.asks_for & signal.any_of))
    return float(_PAGE_VALUES[signal.test](page, text))


_PAGE_VALUES: dict[PageTest, Callable[[PageFacts, str], float]] = {
    "any": lambda page, text: True,
    "privacy_notice": lambda page, text: page.privacy_notice or privacy_notice_in(text),
    "wechat_layout": lambda page, text: page.wechat_layout,
    "form": lambda page, text: page.has_form,
    "overlay": lambda page, text: page.layers,
    "share_guide": lambda page, text: max(page.share_guide, share_guide_in(text)),
}
"""The tests of a page whose HTML shows the facts, and whose plain text may be given beside it."""


def event_value(signal: EventSignal, event: Content) -> float:
    """The value of an event signal."""
    value = event.type if signal.test == "type" else getattr(event, signal.test, None)
    if signal.any_of is not None:
        return float(value in signal.any_of)
    match value:
        case bool() | None:
            return 0.0
        case int():
            return float(value)
        case list():
            return float(len(value))
        case _:
            return 1.0


def describe(facts: EventFacts, name: str, max_quote: int) -> Iterator[Evidence]:
    """Evidence for a signal that fired: words and patterns are quoted where they stand."""
    signal = facts.signal(name)
    segments = facts.scored.segments

    def quote(segment: int, start: int, end: int) -> str:
        return segments.texts[segment][start : min(end, start + max_quote)]

    match signal:
        case LexiconSignal() | LearnedSignal():
            for span in facts.scored.spans(facts.index, name):
                field = FIELDS[segments.field[span.segment]]
                yield Evidence(name, field, quote(span.segment, span.start, span.end), span.start, span.end)
        case PatternSignal():
            for segment, start, end in facts.pattern_matches(signal):
                if end > start:
                    if not signal.original:
                        base = int(facts.scored.folded.bounds[segment])
                        start, end = facts.scored.folded.original_span(base + start, base + end, segment)  # noqa: PLW2901
                    yield Evidence(name, FIELDS[segments.field[segment]], quote(segment, start, end), start, end)
        case TextSignal():
            yield Evidence(name, f"text.{signal.test}", f"{facts[name]:g}", 0, 0)
        case LinkSignal():
            yield from _describe_hosts(name, facts.matching_hosts(signal)[:_MAX_QUOTED_HOSTS], segments, max_quote)
        case PageSignal():
            page = page_of(facts.event)
            asked = sorted(page.asks_for & signal.any_of) if page else []
            yield Evidence(name, "page", ", ".join(asked) or signal.test, 0, 0)
        case EventSignal():
            value = facts.event.type if signal.test == "type" else getattr(facts.event, signal.test, "")
            yield Evidence(name, f"event.{signal.test}", str(value)[:max_quote], 0, 0)
        case BehaviourSignal():
            yield Evidence(name, f"behaviour.{signal.test}", f"{facts[name]:g}", 0, 0)


def _describe_hosts(name: str, hosts: Sequence[Mention], segments: Segments, max_quote: int) -> Iterator[Evidence]:
    for host in hosts:
        if host.origin == "text":
            quoted = segments.texts[host.segment][host.start : min(host.end, host.start + max_quote)]
            yield Evidence(name, FIELDS[segments.field[host.segment]], quoted, host.start, host.end)
        else:
            yield Evidence(name, "link", host.name[:max_quote], 0, 0)
