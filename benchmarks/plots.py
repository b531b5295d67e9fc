"""The plots of the performance page, as one SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

from benchmarks.contenders import STREAMWARDEN
from benchmarks.results import Results

_OURS, _THEIRS = "#1a7f5a", "#9aa5b1"
_GROWTH = (
    ("words", "words in the lexicon"),
    ("rules", "rules"),
    ("text_length", "characters of the text"),
    ("hit_share", "share of events that hit"),
)


def draw(results: Results, path: Path) -> None:
    """Throughput and latency of each contender, and what judging an event costs as things grow."""
    # The same figures give the same file: no date, no random ids; text stays text.
    mpl.rcParams.update({"svg.hashsalt": "streamwarden", "svg.fonttype": "none", "font.size": 9})
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), layout="constrained")
    _throughput(axes[0][0], results)
    _latency(axes[0][1], results)
    for axis, (name, label) in zip((axes[0][2], *axes[1]), _GROWTH, strict=True):
        _growth(axis, results, name, label)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _throughput(axis: Any, results: Results) -> None:
    found = list(reversed(results.contenders.items()))
    if not found:
        axis.set_visible(False)
        return
    colours = [_OURS if name == STREAMWARDEN.name else _THEIRS for name, _ in found]
    bars = axis.barh([each.title for _, each in found], [each.per_second for _, each in found], color=colours)
    axis.bar_label(bars, fmt="{:,.0f}", padding=3)
    axis.set_xscale("log")
    axis.margins(x=0.25)
    axis.set_title("events/s on one core (log)")


def _latency(axis: Any, results: Results) -> None:
    found = [
        (name, each.title, each.latency.violation)
        for name, each in results.contenders.items()
        if each.latency is not None and each.latency.violation is not None
    ]
    if not found:
        axis.set_visible(False)
        return
    for height, (name, _, latency) in enumerate(reversed(found)):
        colour = _OURS if name == STREAMWARDEN.name else _THEIRS
        axis.plot([latency.p50, latency.p99], [height, height], color=colour, linewidth=5,
                  solid_capstyle="round")  # fmt: skip
        axis.annotate(f"{latency.p99:,.0f}", (latency.p99, height), xytext=(6, -3),
                      textcoords="offset points")  # fmt: skip
    axis.set_yticks(range(len(found)), [title for _, title, _ in reversed(found)])
    axis.set_xscale("log")
    axis.margins(x=0.25)
    axis.set_title("ms to a violation, p50 to p99 (log)")


def _growth(axis: Any, results: Results, name: str, label: str) -> None:
    points = results.growth.get(name, [])
    if not points:
        axis.set_visible(False)
        return
    axis.plot([point.x for point in points], [point.cpu_us for point in points], marker="o", color=_OURS)
    axis.set_xscale("log")
    axis.set_ylim(0, 1.15 * max(point.cpu_us for point in points))
    axis.set_xlabel(label)
    axis.set_title("µs of CPU to judge an event")
