"""The figures as tables: names of columns and rows of text, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.contenders import RATIOS, STREAMWARDEN
from benchmarks.latency import Quantiles
from benchmarks.results import Results

_CURVES = {
    "words": ("Words in the lexicon", "words"),
    "rules": ("Rules, each with five words", "rules"),
    "text_length": ("Length of the text, shipped pack", "characters"),
    "hit_share": ("Share of events that hit, shipped pack", "offending"),
}


class Table(NamedTuple):
    """`columns`: the first is text, the others are numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(results: Results) -> Iterator[Table]:
    """Every table that there are figures for."""
    if results.contenders:
        yield _comparison(results)
        yield _latency(results)
    if results.ratios:
        yield _ratios(results)
    for name, (title, unit) in _CURVES.items():
        if points := results.growth.get(name):
            first = points[0].cpu_us
            rows = [
                [
                    f"{point.x:.1%}" if name == "hit_share" else f"{point.x:,.0f}",
                    f"{point.per_second:,.0f}",
                    f"{point.cpu_us:.1f}",
                    f"{point.cpu_us / first:.2f}",
                ]
                for point in points
            ]
            yield Table(title, [unit, "events/s", "µs/event", "of the first"], rows)
    if results.workers:
        rows = [[str(each.workers), f"{each.per_cpu_second:,.0f}", f"{each.peak_mb:,.0f}"] for each in results.workers]
        yield Table("Workers on one core", ["workers", "events/CPU-second", "peak MB, all"], rows)
    if results.recovery:
        yield _recovery(results)


def _comparison(results: Results) -> Table:
    rows = [
        [each.title, f"{each.per_second:,.0f}", f"{each.cpu_us:.1f}", f"{each.peak_mb:,.0f}"]
        for each in results.contenders.values()
    ]
    return Table("Throughput on one core", ["", "events/s", "CPU µs/event", "peak MB"], rows)


def _latency(results: Results) -> Table:
    rows = [
        [
            each.title,
            f"{each.latency.rate:,.0f}",
            *_quantiles(each.latency.violation),
            *_quantiles(each.latency.enforcement),
        ]
        for each in results.contenders.values()
        if each.latency is not None
    ]
    columns = ["", "events/s", "violation p50 ms", "p99 ms", "enforcement p50 ms", "p99 ms"]
    return Table("Latency at half of its own capacity", columns, rows)


def _quantiles(found: Quantiles | None) -> list[str]:
    if found is None:
        return ["–", "–"]
    return [f"{found.p50:,.0f}", f"{found.p99:,.0f}"]


def _ratios(results: Results) -> Table:
    ours = results.contenders[STREAMWARDEN.name].per_second
    rows = [
        [name, each.title, f"{ours:,.0f}", f"{each.per_second:,.0f}", f"{ratio:.2f}"]
        for name, ratio in results.ratios.items()
        for each in (results.contenders[RATIOS[name]],)
    ]
    return Table("Ratios", ["", "against", "ours, events/s", "theirs", "ours / theirs"], rows)


def _recovery(results: Results) -> Table:
    rows = [
        [
            each.store,
            f"{each.subjects:,}",
            f"{each.seconds:.1f}",
            f"{each.empty_s:.1f}",
            "–" if each.restart_s is None else f"{each.restart_s:.1f}",
            f"{each.empty_mb:,.0f}",
            f"{each.resident_mb:,.0f}",
            f"{each.memory_bytes:,.0f}",
            "–" if each.disk_bytes is None else f"{each.disk_bytes:,.0f}",
        ]
        for each in results.recovery
    ]
    columns = ["store", "subjects", "s to ready", "s, no state", "s, own files"]
    columns += ["MB, no state", "MB", "bytes/subject", "on disk"]
    return Table("Recovery", columns, rows)
