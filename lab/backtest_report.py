"""A backtest as Markdown. Text from events stands in code spans only: there it is no link, no HTML and no table."""

from collections.abc import Iterable, Iterator

from lab.backtest import WAYS, Backtest, Changed, Counts
from lab.display import code_span

_MEANING = {
    "sanctioned": "nothing was in force, now something is",
    "freed": "something was in force, now nothing is",
    "harsher": "a higher rung, or more sanctions",
    "milder": "a lower rung, or fewer sanctions",
    "otherwise": "up on one ladder and down on another, or other sanctions",
}


def markdown(result: Backtest, events: str) -> str:
    """The report on `result`; `events` names what was replayed."""
    return "\n".join(_lines(result, events)) + "\n"


def _lines(result: Backtest, events: str) -> Iterator[str]:
    total = sum(result.events.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in result.events.items())
    yield "# Backtest"
    yield ""
    yield f"- Old pack: {code_span(result.before)}"
    yield f"- New pack: {code_span(result.after)}"
    yield f"- Events: {code_span(events)}, {total:,} events" + (f" ({kinds})" if kinds else "")
    yield ""
    if result.same:
        yield "The packs decide alike on every event, and every subject stands the same in the end."
        return
    yield from _subjects(result)
    yield from _decisions(result)
    yield from _examples("Violations that appear", result.appeared)
    yield from _examples("Violations that vanish", result.vanished)


def _subjects(result: Backtest) -> Iterator[str]:
    yield "## Who stands differently in the end"
    yield ""
    yield "| subjects | | |"
    yield "|---|---:|---|"
    for way in WAYS:
        yield f"| {way} | {result.subjects[way]:,} | {_MEANING[way]} |"
    yield f"| same | {result.subjects['same']:,} | |"
    yield ""
    for moved in result.moved:
        yield f"- {moved.way}: {code_span(moved.subject)}: {code_span(moved.before)} → {code_span(moved.after)}"
    if result.moved:
        yield ""
        yield "A `+` marks a sanction without end."
        yield ""


def _decisions(result: Backtest) -> Iterator[str]:
    yield "## Decisions"
    yield ""
    yield from _table("violations, by mode", result.modes.items())
    yield from _table("violations, by clause", result.clauses.items())
    yield from _table(
        "violations, by rule",
        ((f"{counts.rule} ({counts.mode}, {counts.clause})", counts) for counts in result.rules),
    )
    yield from _table("sanctions", [*sorted(result.sanctions.items()), ("reviews opened", result.reviews)])


def _table(title: str, rows: Iterable[tuple[str, Counts]]) -> Iterator[str]:
    """A table of names that packs may have (letters, digits, dots): nothing in it needs to be escaped."""
    found = list(rows)
    if not found:
        return
    yield f"| {title} | kept | vanish | appear |"
    yield "|---|---:|---:|---:|"
    for name, counts in found:
        yield f"| {name} | {counts.kept:,} | {counts.vanished:,} | {counts.appeared:,} |"
    yield ""


def _examples(title: str, by_rule: dict[str, list[Changed]]) -> Iterator[str]:
    if not any(by_rule.values()):
        return
    yield f"## {title}"
    yield ""
    for rule, examples in sorted(by_rule.items()):
        yield f"### {rule}"
        yield ""
        for found in examples:
            yield f"- {code_span(found.event)}, {code_span(found.subject)}: {found.clause}, {found.mode}, {found.what}"
            if found.text:
                yield f"  - text: {code_span(found.text)}"
            if found.quotes:
                yield f"  - on: {', '.join(map(code_span, found.quotes))}"
        yield ""
