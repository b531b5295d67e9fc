"""Which triggers that are not words fire for an event: links, pages and fields, tested as cheaply as can be.

Only signals that some rule needs as a trigger are tested here, for every event; what a host says is
remembered by host. Everything else waits until a rule asks for it (`rules.facts`).
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import assert_never

from rules.event_hosts import Mention, Origin, linked_hosts
from rules.events import Content, MassSend, Post, Share
from rules.facts import Tests, event_value, page_of, page_value
from rules.packs.model import EventSignal, LinkSignal, PageSignal, PageTest

_CACHED_HOSTS = 100_000


_OF_PLAIN_PAGES: frozenset[PageTest] = frozenset(("any", "privacy_notice", "share_guide"))
"""What can be found on a page of which only the text is known."""


class Triggers:
    """The link, page and event signals among the triggers of a pack's rules."""

    def __init__(self, names: Iterable[str], tests: Tests) -> None:
        signals = [tests.signals[name] for name in names]
        self._links = [(s, tests.link_tests[s.name]) for s in signals if isinstance(s, LinkSignal)]
        self._pages = [s for s in signals if isinstance(s, PageSignal)]
        self._plain_pages = [s for s in self._pages if s.test in _OF_PLAIN_PAGES]
        events = [s for s in signals if isinstance(s, EventSignal)]
        self._events: dict[type[Content], list[EventSignal]] = {
            struct: [s for s in events if s.test == "type" or s.test in struct.__struct_fields__]
            for struct in (Post, Share, MassSend)
        }
        self._of_host = lru_cache(_CACHED_HOSTS)(self._test_host)

    def quiet_when_bare(self) -> frozenset[type[Content]]:
        """The types of events of which a bare one fires none of them; see `is_bare`."""
        return frozenset(struct for struct, signals in self._events.items() if not signals and struct is not Share)

    def fired(self, event: Content) -> Sequence[str]:
        """The names of those that fire; values are worked out by `EventFacts`."""
        struct = type(event)
        signals = self._events[struct]
        if not signals and struct is not Share and is_bare(event):
            return ()
        found: list[str] = []
        if self._links:
            found.extend(self.fired_by(linked_hosts(event)))
        pages = self._pages if _has_html(event) else self._plain_pages
        if pages and (page := page_of(event)) is not None:
            found.extend(signal.name for signal in pages if page_value(signal, event, page))
        if signals:
            found.extend(signal.name for signal in signals if event_value(signal, event))
        return found

    def fired_by(self, mentions: Iterable[Mention]) -> Iterator[str]:
        """The names of the link signals that these hosts fire."""
        for mention in mentions:
            yield from self._of_host(mention.name, mention.origin)

    def _test_host(self, host: str, origin: Origin) -> tuple[str, ...]:
        mention = Mention(host, origin)
        return tuple(signal.name for signal, holds in self._links if mention.counts(signal.scope) and holds(host))


def is_bare(event: Content) -> bool:
    """Whether an event is nothing but text, as most are."""
    if isinstance(event, Share) or event.links:
        return False
    return not (isinstance(event, Post) and event.html)


def _has_html(event: Content) -> bool:
    match event:
        case Share():
            return event.page is not None and bool(event.page.html)
        case Post():
            return bool(event.html)
        case MassSend():
            return False
        case _ as never:
            assert_never(never)
