"""Labelled text: one JSON object a line, `id, task, source, clauses, text[, title]`, read as events.

`clauses` names the clauses that apply to a row; an empty list says that it is benign. `task` says what kind of event
the text was:

- message: a mass send with this text;
- post, title: a post with this text (a title row has nothing but the text, which is a headline);
- article: a post with its title and its text;
- page: a share of a made-up address, whose landing page shows this text.
"""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from lab.files import read_structs
from rules.events import Content, MassSend, Page, Post, Share, Text

Task = Literal["message", "post", "title", "article", "page"]
Part = Literal["train", "kept_out"]

TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""When every row happened."""
PAGE_URL = "https://page.example/"
"""Where the landing page of a `page` row is."""
_KEPT_OUT = 4
"""One row of so many is kept out of training."""
_KEY_LETTERS = 40
_KEY_PREFIX = 400


class Row(msgspec.Struct, frozen=True, gc=False):
    """One labelled text."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    task: Task
    source: str
    clauses: list[str]
    text: Text
    title: Text = ""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, which may be gzipped. Raises lab.files.CorpusError that names file and line."""
    for _, row in read_structs(path, Row):
        yield row


def benign(row: Row) -> bool:
    """Whether no clause applies to the row."""
    return not row.clauses


def group_of(clause: str) -> str:
    """The group that `clause` is scored in: links.7.N, links.9.N and accounts.N alone, other links.N as wholes."""
    parts = clause.split(".")
    if parts[0] != "links" or parts[1:2] in (["7"], ["9"]):
        return clause
    return ".".join(parts[:2])


def groups_of(row: Row) -> frozenset[str]:
    """The groups of the row's clauses: any one of them counts as a hit."""
    return frozenset(map(group_of, row.clauses))


def event_of(row: Row, account: str | None = None) -> Content:
    """The row as the event its `task` says. `account`: who it is from; an account of its own by default."""
    who = account or f"row-{row.id}"
    match row.task:
        case "message":
            return MassSend(
                id=row.id, account=who, time=TIME, title=row.title, text=row.text, channel="followers", recipients=1
            )
        case "page":
            page = Page(title=row.title, text=row.text)
            return Share(id=row.id, account=who, time=TIME, url=PAGE_URL, scene="moments", page=page)
        case _:
            return Post(id=row.id, account=who, time=TIME, title=row.title, text=row.text)


def part_of(row: Row) -> Part:
    """The part a row belongs to: one in four is kept out of training.

    It follows from the first 40 letters of the text, without digits, spaces and punctuation: messages of one
    template, which differ in their numbers only, are on the same side, whatever file or order they come in. Letters are
    normalised by Unicode alone, so that the parts do not move when the engine learns to fold more.
    """
    letters = "".join(filter(str.isalpha, unicodedata.normalize("NFKC", row.text[:_KEY_PREFIX]).casefold()))
    key = letters[:_KEY_LETTERS] or row.id
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return "kept_out" if int.from_bytes(digest, "big") % _KEPT_OUT == 0 else "train"
