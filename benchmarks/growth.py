"""How cost grows: with words, rules, the length of texts and the share of events that hit.

Judging alone, in one process on the measured core, without a broker (`pipeline.py`): the part that grows. What the
broker adds is the same at every size, so these curves are steeper than those of a worker would be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import orjson

from benchmarks.events import Recorded
from benchmarks.packs import HIT, pack_of_rules, pack_of_words
from benchmarks.pipeline import judge
from benchmarks.progress import Steps
from rules.packs import SHIPPED, Pack, load_pack
from streams.demo.texts import OFFENDING_TEXTS, POSTS, SLOTS

WORDS = (10, 100, 1_000, 10_000, 100_000)
RULES = (10, 30, 100, 300, 1_000)
LENGTHS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
HIT_SHARES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
_USUAL_LENGTH = 100
_USUAL_HITS = 0.03
_ACCOUNTS = 20_000
_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_CHARACTERS = 4_000_000
"""Most characters of one point, so that long texts do not take for ever."""


class Point(msgspec.Struct, frozen=True):
    """`x`: what was varied. `violations`: an event."""

    x: float
    per_second: float
    cpu_us: float
    violations: float


def measure_growth(count: int, folder: Path, steps: Steps, curves: Iterable[str] = ()) -> dict[str, list[Point]]:
    """Every curve by name, of `count` events a point."""
    wanted = set(curves) or set(_CURVES)
    result: dict[str, list[Point]] = {}
    for name, (values, point) in _CURVES.items():
        if name not in wanted:
            continue
        result[name] = []
        for value in values:
            with steps.step(f"growth: {name} {value:g}"):
                judged = point(value, count, folder / f"{name}-{value:g}")
                result[name].append(judged)
    return result


def _words(value: float, count: int, folder: Path) -> Point:
    events = _posts(count, _USUAL_LENGTH, _USUAL_HITS, HIT)
    return _point(value, pack_of_words(int(value), _texts(events), folder), events)


def _rules(value: float, count: int, folder: Path) -> Point:
    events = _posts(count, _USUAL_LENGTH, _USUAL_HITS, HIT)
    return _point(value, pack_of_rules(int(value), _texts(events), folder), events)


def _length(value: float, count: int, _: Path) -> Point:
    fewer = max(500, min(count, int(_CHARACTERS / value)))
    return _point(value, load_pack(SHIPPED), _posts(fewer, int(value), 0.0, HIT))


def _hit_share(value: float, count: int, _: Path) -> Point:
    return _point(value, load_pack(SHIPPED), _posts(count, _USUAL_LENGTH, value, None))


_CURVES: dict[str, tuple[Sequence[float], Callable[[float, int, Path], Point]]] = {
    "words": (WORDS, _words),
    "rules": (RULES, _rules),
    "text_length": (LENGTHS, _length),
    "hit_share": (HIT_SHARES, _hit_share),
}


def _point(value: float, pack: Pack, events: Sequence[Recorded]) -> Point:
    judged = judge(pack, events)
    return Point(value, 1e6 / judged.cpu_us, judged.cpu_us, judged.hit_share)


def _posts(count: int, length: int, hits: float, word: str | None) -> list[Recorded]:
    """Posts of `length` characters; a share of them has `word` in it, or is an offending text of the demo."""
    chance = random.Random(5)
    return [_post(chance, at, length, chance.random() < hits, word) for at in range(count)]


def _post(chance: random.Random, at: int, length: int, hits: bool, word: str | None) -> Recorded:
    account = f"user-{chance.randrange(_ACCOUNTS)}"
    text = _plain(chance, length)
    if hits and word:
        text = text[: length - len(word)] + word
    elif hits:
        text = _filled(chance, chance.choice(OFFENDING_TEXTS))
    body = {"id": str(at), "account": account, "time": _TIME.isoformat(), "text": text}
    return Recorded("post", account.encode(), orjson.dumps(body))


def _plain(chance: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += _filled(chance, chance.choice(POSTS))
    return text[:length]


def _filled(chance: random.Random, template: str) -> str:
    return template.format_map({name: chance.choice(choices) for name, choices in SLOTS.items()})


def _texts(events: Sequence[Recorded]) -> list[str]:
    return [orjson.loads(event.value)["text"] for event in events if HIT not in event.value.decode()]
