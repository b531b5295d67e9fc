"""Folding on real text, where the development corpora are at hand: ordinary text is hardly read otherwise."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lab.corpus import benign, read_rows
from rules.folding.plain import fold_plainly
from rules.text import decode_points, encode_points, fold_batch

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "labelled.jsonl.gz"

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason=f"the development corpora are not at {CORPUS}: folding was NOT tried on real text"
)


def plainly(texts: list[str]) -> list[str]:
    """The texts folded without the closer steps."""
    joined = encode_points("\0".join(texts) + "\0")
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    work = fold_plainly(joined, starts).work
    return [decode_points(work.codes[low : high - 1]) for low, high in pairwise(work.bounds.tolist())]


def test_ordinary_text_is_hardly_changed() -> None:
    total: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    rows = [row for row in read_rows(CORPUS) if benign(row)]
    for at in range(0, len(rows), 2_000):
        batch = rows[at : at + 2_000]
        texts = [row.text.replace("\0", "")[:3_000] for row in batch]
        folded = fold_batch(texts)
        for index, (row, plain) in enumerate(zip(batch, plainly(texts), strict=True)):
            total[row.source] += 1
            changed[row.source] += folded.text(index) != plain
    assert changed["thucnews"] <= total["thucnews"] / 1_000
    assert changed["waimai"] <= total["waimai"] / 1_000
    # Among the rest are misspellings and swear words in letters (冲值, 傻x), read as they are meant.
    assert changed.total() <= total.total() / 1_000
