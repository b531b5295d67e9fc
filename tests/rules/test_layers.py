"""Arrows point one way: the judgement knows nothing of the plumbing nor of the lab, the lab nothing of the plumbing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
import rules

SOURCES = sorted(Path(rules.__file__).parent.rglob("*.py"))
PLUMBING = {"streams", "faust", "mode", "aiokafka", "asyncio", "threading", "multiprocessing", "socket"}
LAB_SOURCES = sorted(Path(lab.__file__).parent.rglob("*.py"))
CLOCKS = {("time", "time"), ("time", "monotonic"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def imported(source: Path) -> Iterator[str]:
    """The top-level packages that a file imports."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]


def test_the_sources_are_found() -> None:
    assert {"events.py", "enforce.py", "load.py"} <= {source.name for source in SOURCES}
    assert {"corpus.py", "score.py"} <= {source.name for source in LAB_SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_rules_import_nothing_of_the_plumbing(source: Path) -> None:
    assert (PLUMBING | {"lab"}).isdisjoint(imported(source))


@pytest.mark.parametrize("source", LAB_SOURCES, ids=lambda source: source.name)
def test_the_lab_imports_nothing_of_the_plumbing(source: Path) -> None:
    assert {"streams", "faust", "mode", "aiokafka"}.isdisjoint(imported(source))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_rules_read_no_clock(source: Path) -> None:
    read = {
        (node.value.id, node.attr)
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert CLOCKS.isdisjoint(read)
