"""Content judged one by one with the screen that workers use: no event knows of another."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rules.decisions import Violation
from rules.events import Content, MassSend, Post, Share
from rules.packs.model import Pack
from rules.screen import Arrival, Screen

BATCH_EVENTS = 512
BATCH_CHARACTERS = 4_000_000
"""A batch ends after so many events, or so many characters of text and HTML."""

T = TypeVar("T")


def judged(pack: Pack, items: Iterable[tuple[T, Content]]) -> Iterator[tuple[T, Content, list[Violation]]]:
    """(item, event, what it breaks) for each of `items`, in order; rules in shadow mode included.

    Each event needs an account of its own: states of behaviour are not carried from batch to batch.
    """
    screen = Screen(pack)
    pending: list[tuple[T, Content]] = []
    size = 0
    for item in items:
        pending.append(item)
        size += characters(item[1])
        if len(pending) >= BATCH_EVENTS or size >= BATCH_CHARACTERS:
            yield from _judged(screen, pending)
            pending, size = [], 0
    yield from _judged(screen, pending)


def _judged(screen: Screen, items: list[tuple[T, Content]]) -> Iterator[tuple[T, Content, list[Violation]]]:
    arrivals = [Arrival(event, event.type, event.type, at) for at, (_, event) in enumerate(items)]
    screened = screen.screen(arrivals, lambda _: None)
    broken: dict[int, list[Violation]] = {}
    for at, violation in zip(screened.arrivals, screened.violations, strict=True):
        broken.setdefault(at, []).append(violation)
    for at, (item, event) in enumerate(items):
        yield item, event, broken.get(at, [])


def characters(event: Content) -> int:
    """How many characters of text and HTML the event carries."""
    match event:
        case Share(page=None):
            return len(event.title) + len(event.desc)
        case Share(page=page) if page is not None:
            return len(event.title) + len(event.desc) + len(page.title) + len(page.text) + len(page.html)
        case Post():
            return len(event.title) + len(event.text) + len(event.html)
        case MassSend():
            return len(event.title) + len(event.text)
        case _:
            return 0
