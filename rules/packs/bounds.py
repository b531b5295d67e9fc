"""The largest value that a signal can have: what compares it with more can never be true, and is refused."""

from collections.abc import Mapping

from rules.packs.model import (
    BehaviourSignal,
    EventSignal,
    Lexicon,
    LexiconSignal,
    PageSignal,
    PatternSignal,
    Signal,
)
from rules.packs.read_signals import MAX_PATTERN_MATCHES
from rules.page_layers import MAX_LAYERS

UNKNOWN = 1e15
"""Larger than any value."""


class Bounds:
    """Name of a signal, or `rules.NAME` -> the largest value it can have."""

    def __init__(self, signals: Mapping[str, Signal], lexicons: Mapping[str, Lexicon]) -> None:
        self._signals = signals
        self._lexicons = lexicons
        self._known: dict[str, float] = {}

    def __call__(self, name: str) -> float:
        if name.startswith("rules."):
            return 1.0
        if name not in self._known:
            self._known[name] = self._bound(self._signals[name])
        return self._known[name]

    def _bound(self, signal: Signal) -> float:
        match signal:
            case LexiconSignal():
                return self._weights(signal)
            case PatternSignal():
                return float(MAX_PATTERN_MATCHES)
            case PageSignal():
                most = {"overlay": MAX_LAYERS, "share_guide": 2, "asks_for": len(signal.any_of)}
                return float(most.get(signal.test, 1))
            case EventSignal():
                return {"recipients": 1e12, "promotes": 100.0}.get(signal.test, 1.0)
            case BehaviourSignal():
                return _behaviour(signal)
            case _:
                return UNKNOWN

    def _weights(self, signal: LexiconSignal) -> float:
        """All that a lexicon's words can weigh together; an operator's words are not known yet."""
        lexicon = self._lexicons[signal.lexicon]
        if lexicon.operator:
            return UNKNOWN
        return round(sum(max(word.weight, 0.0) for word in lexicon.entries if signal.counts(word)) + 1e-6, 6)


def _behaviour(signal: BehaviourSignal) -> float:
    from rules.behaviour import MAX_ENTRIES  # noqa: PLC0415 - it reads packs itself

    match signal.test:
        case "count":
            return float(MAX_ENTRIES + 1)
        case "repeats" | "similar":
            return float(MAX_ENTRIES)
        case _:
            return UNKNOWN
