"""Which triggers that are not words fire for an event: links, pages and fields, tested as cheaply as can be.

Only signals that some rule needs as a trigger are tested here, for every event; what a host says is
remembered by host. Everything else waits until a rule asks for it (`rules.facts`).
"""

from collections.abc import Iterable
from functools import lru_cache

from rules.events import Content, links_of
from rules.facts import Tests, event_value, page_of, page_value, urls_of
from rules.links import host_names
from rules.packs.model import EventSignal, LinkSignal, PageSignal

_CACHED_HOSTS = 100_000


class Triggers:
    """The link, page and event signals among the triggers of a pack's rules."""

    def __init__(self, names: Iterable[str], tests: Tests) -> None:
        signals = [tests.signals[name] for name in names]
        self._links = [(s.name, tests.link_test(s)) for s in signals if isinstance(s, LinkSignal)]
        self._pages = [s for s in signals if isinstance(s, PageSignal)]
        self._events = [s for s in signals if isinstance(s, EventSignal)]
        self._of_host = lru_cache(_CACHED_HOSTS)(self._test_host)

    def fired(self, event: Content) -> list[str]:
        """The names of those that fire; values are worked out by `EventFacts`."""
        found: list[str] = []
        if self._links and links_of(event):
            for host in host_names(urls_of(event)):
                found.extend(self._of_host(host))
        if self._pages and (page := page_of(event)) is not None:
            found.extend(signal.name for signal in self._pages if page_value(signal, event, page))
        found.extend(signal.name for signal in self._events if event_value(signal, event))
        return found

    def _test_host(self, host: str) -> tuple[str, ...]:
        return tuple(name for name, holds in self._links if holds(host))
