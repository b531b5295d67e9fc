"""The scans do the same as plain Python, where there is no compiler, as compiled."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules.folding.plain
import rules.folding.signs
import rules.hosts_in_text
import rules.ngrams
import rules.scans
import rules.uses
from rules.hosts_in_text import hosts_in_texts
from rules.lexicon import Automaton
from rules.ngrams import WeightedNgrams
from rules.packs.model import FIELDS, LexiconSignal
from rules.scoring import Scorer, Segments
from rules.text import fold_batch

PIECES = st.sampled_from(
    "加微信 办证　电话 优，惠活，动 信微加 弓长 weixin v信 wx 一三八零零幺 贷kuan ㊙ ﬁ \u202e证办 \u200b 🇼🇽 😀 "
    "微.信 。 evil点com http://a.cn/b １２３ \0 \ud800 a\u3000dot\u3000com 今\n天\n好\n".split(" ")
)
TEXTS = st.lists(st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join), max_size=5)


def as_python(name: str) -> ModuleType:
    """A scan's module, read from its source whether it was compiled or not."""
    path = Path(rules.scans.__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"plain_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def interpreted() -> Iterator[pytest.MonkeyPatch]:
    """What follows a call of its `undo` runs compiled."""
    patch = pytest.MonkeyPatch()
    yield patch
    patch.undo()


def everything(texts: list[str]) -> list[object]:
    """What folding and matching make of texts."""
    folded = fold_batch(texts)
    words = Automaton(["加微信", "办证", "微信", "证", "贷款", "优惠活动", "一二三四五六"]).scan(folded)
    weighted = WeightedNgrams([{"加": 3, "加微信": -5, "办证": 1}, {"微": 7, "加": 1 << 14}])
    events = rules.ngrams.np.arange(len(texts))
    sums, counts = weighted.sums(folded.codes, folded.bounds, events, events % 2 == 0, len(texts))
    hits = Scorer(
        [LexiconSignal("s", "words", frozenset({"text"}), 0.0)], {"words": {"微信": 1.0, "办证": -0.5, "证": 2.0}}
    )
    segments = Segments()
    for text in texts:
        segments.begin()
        segments.add(FIELDS.index("text"), text)
    return [
        hits.score(segments).hits([0] * len(texts)),
        folded.codes.tolist(), folded.origin.tolist(), folded.last.tolist(), folded.bounds.tolist(),
        words.start.tolist(), words.end.tolist(), words.word.tolist(), words.text.tolist(),
        sums.tolist(), counts.tolist(), hosts_in_texts(texts),
    ]  # fmt: skip


@given(TEXTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_scans_are_the_same_compiled_and_not(interpreted: pytest.MonkeyPatch, texts: list[str]) -> None:
    if not rules.scans.COMPILED:
        pytest.skip("the scans were not compiled on this machine: gcc or Python's headers are missing")
    compiled = everything(texts)
    interpreted.setattr(rules.folding.plain, "plain", as_python("plain"))
    interpreted.setattr(rules.folding.signs, "scans", as_python("signs"))
    interpreted.setattr(rules.ngrams, "scans", as_python("ngrams"))
    interpreted.setattr(rules.uses, "scans", as_python("uses"))
    interpreted.setattr(rules.hosts_in_text, "dots", as_python("hosts").dots)
    try:
        assert everything(texts) == compiled
    finally:
        interpreted.undo()
