"""Packs of any size for growth curves: made-up words and rules that the benchmark's texts do not contain.

So the share of events that hit is the same at every size, and what grows is only what must be looked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from rules.packs import Pack, load_pack

HIT = "虚构命中词"
"""The word of the one rule that hits, in every pack."""
_WORDS_A_RULE = 5
_SIZES = (2, 3, 3, 4, 4, 5)
"""Characters of a made-up word, as often as they stand here."""
_CLAUSE = {"title": {"zh": "测试", "en": "test"}, "first": ["block_access"], "egregious": ["ban_account"]}
_LADDER = {"clauses": ["made"], "window": "180d", "grace": "1h", "rungs": [{"apply": "first", "for": "12h"}]}


def pack_of_words(count: int, texts: Iterable[str], folder: Path) -> Pack:
    """One rule whose lexicon has `count` words besides the one that hits."""
    words = list(made_up_words(count, texts))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.txt").write_text("\n".join([HIT, *words]) + "\n", encoding="utf-8")
    return _loaded({"words": {"file": "words.txt"}}, {"made.words": "words"}, {"made.words": HIT}, folder)


def pack_of_rules(count: int, texts: Iterable[str], folder: Path) -> Pack:
    """`count` rules, each with a signal and a lexicon of five words of its own; the first one hits."""
    words = made_up_words(count * _WORDS_A_RULE, texts)
    lexicons = {f"words_{at}": [next(words) for _ in range(_WORDS_A_RULE)] for at in range(count)}
    lexicons["words_0"][0] = HIT
    rules = {f"made.rule_{at}": f"words_{at}" for at in range(count)}
    hits = {rule: lexicons[name][0] for rule, name in rules.items()}
    return _loaded({name: {"words": own} for name, own in lexicons.items()}, rules, hits, folder)


def made_up_words(count: int, texts: Iterable[str]) -> Iterator[str]:
    """Distinct words of two to five of the texts' own characters, none of which stands in the texts."""
    distinct = dict.fromkeys(texts)
    letters = sorted({letter for text in distinct for letter in text if "一" <= letter <= "鿿"})
    found = {text[at : at + size] for text in distinct for size in set(_SIZES) for at in range(len(text) - size + 1)}
    chance = random.Random(3)
    seen: set[str] = set()
    while len(seen) < count:
        word = "".join(chance.choices(letters, k=chance.choice(_SIZES)))
        if word not in seen and word not in found:
            seen.add(word)
            yield word


def _loaded(lexicons: dict[str, Any], rules: dict[str, str], hits: dict[str, str], folder: Path) -> Pack:
    """`rules`: the lexicon of each; `hits`: a text that each of them finds."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = {
        "pack": {"name": "made-up", "version": "1", "description": "for benchmarks"},
        "clauses": {"made.1": _CLAUSE},
        "ladders": {"made": _LADDER},
        "lexicons": lexicons,
        "signals": {name: {"lexicon": name} for name in lexicons},
        "rules": {
            rule: {"clause": "made.1", "when": name, "hits": [hits[rule]], "passes": ["天气很好"]}
            for rule, name in rules.items()
        },
    }
    (folder / "pack.yaml").write_text(yaml.safe_dump(sections, allow_unicode=True), encoding="utf-8")
    return load_pack(folder)
