"""Labelled hosts and saved pages, read as shares of them.

hosts: `id` (the host) and `label`: official (the brand's own), benign, bad, bad_lookalike (imitates the brand).
pages: `id`, `label` (wechat_article, ordinary) and `html`; each is shared as if some other host than its own served it.
Look-alike hosts and copied article layouts are what clause links.4.3 is about.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from lab.corpus import TIME
from lab.files import read_structs
from rules.events import MAX_HTML, Page, Share

HostLabel = Literal["official", "benign", "bad", "bad_lookalike"]
PageLabel = Literal["wechat_article", "ordinary"]

IMITATION = "links.4.3"
"""The clause that a look-alike host, or a WeChat article on a foreign host, breaks."""
FOREIGN_URL = "https://daily-reading.example/s/1"
"""Where the saved pages are shared from: a made-up host, foreign to every brand."""


class Host(msgspec.Struct, frozen=True, gc=False):
    """One labelled host."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    label: HostLabel


class SavedPage(msgspec.Struct, frozen=True, gc=False):
    """One saved page."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    label: PageLabel
    html: Annotated[str, msgspec.Meta(max_length=MAX_HTML)]


def read_hosts(path: Path) -> Iterator[Host]:
    """The hosts of a file, which may be gzipped. Raises lab.files.CorpusError that names file and line."""
    for _, host in read_structs(path, Host):
        yield host


def read_pages(path: Path) -> Iterator[SavedPage]:
    """The pages of a file, which may be gzipped. Raises lab.files.CorpusError that names file and line."""
    for _, page in read_structs(path, SavedPage):
        yield page


def share_of_host(host: Host) -> Share:
    """A share of the host's front page."""
    return Share(id=host.id, account=f"host-{host.id}", time=TIME, url=f"https://{host.id}/", scene="moments")


def share_of_page(page: SavedPage) -> Share:
    """A share of the page, served from FOREIGN_URL."""
    landed = Page(html=page.html)
    return Share(id=page.id, account=f"page-{page.id}", time=TIME, url=FOREIGN_URL, scene="moments", page=landed)
