"""The packs that scenarios are played with: the shipped one, and small packs that include it.

Made-up test words stand in for the words that an operator supplies.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rules.engine import Engine
from rules.packs import SHIPPED, Pack, load_pack

_VARIANTS = Path(__file__).parents[1] / "data" / "scenario_packs"


def variants() -> list[str]:
    """The names that a scenario file may give as its `pack`."""
    return sorted(path.parent.name for path in _VARIANTS.glob("*/pack.yaml"))


def pack_folder(name: str = "") -> Path:
    """Where a pack is; the shipped one without a name."""
    return _VARIANTS / name if name else SHIPPED


@cache
def shipped(name: str = "") -> Engine:
    """An engine of a pack, the shipped one without a name; play in an emptied copy of it."""
    return Engine(_plain(name).with_words(_test_words(name)))


def write_lists(folder: Path) -> Path:
    """The same words as lists that a worker reads, in a new folder."""
    folder.mkdir()
    for lexicon, words in _test_words().items():
        (folder / f"{lexicon}.txt").write_text("".join(f"{word}\n" for word in words), "utf-8")
    return folder


def _test_words(name: str = "") -> dict[str, tuple[str, ...]]:
    pack = _plain(name)
    return {lexicon: pack.lexicons[lexicon].test_words for lexicon in pack.operator_lexicons()}


@cache
def _plain(name: str = "") -> Pack:
    return load_pack(pack_folder(name))
