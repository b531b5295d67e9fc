"""The shipped pack for scenarios: its made-up test words stand in for the words that an operator supplies."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rules.engine import Engine
from rules.packs import SHIPPED, Pack, load_pack


@cache
def shipped() -> Engine:
    """An engine of the pack; play in an emptied copy of it."""
    return Engine(_plain().with_words(_test_words()))


def write_lists(folder: Path) -> Path:
    """The same words as lists that a worker reads, in a new folder."""
    folder.mkdir()
    for lexicon, words in _test_words().items():
        (folder / f"{lexicon}.txt").write_text("".join(f"{word}\n" for word in words), "utf-8")
    return folder


def _test_words() -> dict[str, tuple[str, ...]]:
    return {name: _plain().lexicons[name].test_words for name in _plain().operator_lexicons()}


@cache
def _plain() -> Pack:
    return load_pack(SHIPPED)
