"""The hosts of an event, each with where it was found: links tell more about an event than hosts its text names.

page:   the host that serves the landing page; each link's of an event without one.
link:   the shared link that led there, and the redirects in between.
inside: carried in another URL's query, as redirectors take them.
text:   named in what the author wrote.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from rules.events import Content, Share, links_of
from rules.hosts_in_text import TextHost, hosts_in_texts
from rules.links import host_name, may_nest, nested_urls
from rules.packs.model import FIELDS, LinkScope
from rules.scoring import Segments

Origin = Literal["page", "link", "inside", "text"]

_SCOPES: dict[Origin, frozenset[LinkScope]] = {
    "page": frozenset({"page", "links", "all"}),
    "link": frozenset({"links", "all"}),
    "inside": frozenset({"all"}),
    "text": frozenset({"all"}),
}
_WRITTEN = frozenset(FIELDS.index(field) for field in ("title", "text", "desc", "html"))
"""What the author of an event wrote: the page behind a link may name hosts as it likes."""


class Mention(NamedTuple):
    """A host of an event. One found in a text stands in segment `segment` at [start, end), in code points."""

    name: str
    origin: Origin
    segment: int = -1
    start: int = 0
    end: int = 0

    def counts(self, scope: LinkScope) -> bool:
        """Whether a signal of that scope is about it."""
        return scope in _SCOPES[self.origin]


def urls_of(event: Content) -> list[str]:
    """The event's links, the redirects that follow, and its page's final URL, in that order."""
    urls = links_of(event)
    if isinstance(event, Share) and (page := event.page) is not None and (page.redirects or page.final_url):
        last = [page.final_url] if page.final_url not in {None, event.url} else []
        return [*urls, *page.redirects, *last]
    return urls


def linked_hosts(event: Content) -> Iterator[Mention]:
    """The hosts of the event's links."""
    urls = urls_of(event)
    serving = len(urls) - 1 if isinstance(event, Share) else 0
    for at, url in enumerate(urls):
        if (name := host_name(url)) is not None:
            yield Mention(name, "page" if at >= serving else "link")
        if may_nest(url):
            for nested in nested_urls(url):
                if (name := host_name(nested)) is not None:
                    yield Mention(name, "inside")


def written_hosts(segments: Segments) -> dict[int, list[Mention]]:
    """Event -> the hosts that its author's texts name."""
    fields = segments.field
    found: dict[int, list[Mention]] = {}
    # Looking for dots in what others wrote as well costs less than putting together what is left without it
    for host in hosts_in_texts(segments.texts, segments.codes(), lambda segment: fields[segment] in _WRITTEN):
        found.setdefault(segments.event[host.text], []).append(_mention(host, host.text))
    return found


def _mention(host: TextHost, segment: int) -> Mention:
    return Mention(host.name, "text", segment, host.start, host.end)
