"""`warden backtest`: a file of events through two packs, and what differs."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from streams.cli.common import Failure, console, progress_bar, settings_of, size_of, write_json

if TYPE_CHECKING:
    from lab.backtest import Backtest, Changed, Counts
    from rules.events import Event
    from rules.packs import Pack
    from streams.settings import Settings

_EVERY = 500
"""Events between two looks at the progress."""
_SHIPPED = "shipped"


@click.command()
@click.argument("events", metavar="EVENTS|-")
@click.option("--pack", "new", required=True, metavar="FOLDER", help="The new pack, or `shipped`.")
@click.option("--against", "old", required=True, metavar="FOLDER", help="The old pack, or `shipped`.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write Markdown.")
@click.option(
    "--examples", type=click.IntRange(0, 1000), default=5, show_default=True, help="Per rule, and per way to move."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def backtest(
    ctx: click.Context, *, events: str, new: str, old: str, report: Path | None, examples: int, as_json: bool
) -> None:
    """Replay EVENTS through the new pack and the old one, whole engines both, and show what differs.

    EVENTS has one JSON event a line with its `type`, as for `warden judge`; the file may be gzipped. Shown: who stands
    on another rung when the events end, which decisions appear and which vanish, by rule, clause and mode, with
    examples. Lines that are no valid event are counted and left out.

    \b
    warden backtest events.jsonl.gz --pack packs/mine --against shipped
    warden backtest events.jsonl --pack packs/new --against packs/old --report backtest.md
    """
    from lab.backtest import backtest as replay

    settings = settings_of(ctx)
    after, before = _pack(settings, new), _pack(settings, old)
    refused: Counter[str] = Counter()
    result = replay(before, after, _read(events, refused), examples)
    if report is not None:
        from lab.backtest_report import markdown

        try:
            report.write_text(markdown(result, events), "utf-8")
        except OSError as error:
            raise Failure(f"{report}: {error.strerror}") from None
    if refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in refused.most_common())
        click.echo(f"warden: left out {refused.total():,} lines that are no valid event: {reasons}", err=True)
    if as_json:
        write_json({"result": result, "refused": dict(refused)})
    else:
        _show(result)


def _pack(settings: "Settings", name: str) -> "Pack":
    """The pack in folder `name`, or the shipped one, with the operator's words. Raises Failure (2)."""
    from rules.packs import SHIPPED, InvalidPackError
    from rules.packs.words import load_with_words

    try:
        return load_with_words(SHIPPED if name == _SHIPPED else Path(name), settings.lexicons)
    except InvalidPackError as error:
        raise Failure(f"the pack {name} cannot be used\n{error}", 2) from None


def _read(name: str, refused: "Counter[str]") -> Iterator["Event"]:
    """The events of a file, with progress; lines that are none are counted by reason. Raises Failure (2)."""
    from rules.events import MAX_EVENT_BYTES, InvalidEventError
    from streams.lines import event_of, read_lines

    with _opened(name) as stream, progress_bar() as bar:
        task = bar.add_task("replaying", total=None if _packed(name) else size_of(name), note="")
        for count, line in enumerate(read_lines(stream, MAX_EVENT_BYTES), 1):
            try:
                yield event_of(line)
            except InvalidEventError as error:
                refused[error.reason] += 1
            if count % _EVERY == 0:
                bar.update(task, completed=line.end, note=f"{count:,} events")


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    from lab.files import CorpusError, opened

    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with opened(Path(name)) as stream:
            yield stream
    except CorpusError as error:
        raise Failure(str(error), 2) from None


def _packed(name: str) -> bool:
    """Whether bytes read say nothing about how far a file is."""
    return name.endswith(".gz")


def _show(result: "Backtest") -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.backtest import WAYS

    out = console()
    total = sum(result.events.values())
    out.print(Text(f"{total:,} events: {result.before} (old) against {result.after} (new)", style="bold"))
    if result.same:
        out.print(Text("the packs decide alike on every event", style="green"))
        return
    counts = ", ".join(f"{result.subjects[way]:,} {way}" for way in (*WAYS, "same"))
    out.print(Text(f"subjects in the end: {counts}"))
    if result.moved:
        table = Table("subject", "moved", "old", "new", title="who stands differently", title_justify="left")
        for moved in result.moved:
            table.add_row(*map(Text, (moved.subject, moved.way, moved.before, moved.after)))
        out.print(table)
    _show_counts("violations by mode", list(result.modes.items()))
    _show_counts("violations by clause", list(result.clauses.items()))
    changed = [(f"{counts.rule} ({counts.mode})", counts) for counts in result.rules if counts.changed]
    _show_counts("violations by rule, where they differ", changed)
    _show_counts("sanctions", [*sorted(result.sanctions.items()), ("reviews opened", result.reviews)])
    _show_examples("violations that appear", result.appeared)
    _show_examples("violations that vanish", result.vanished)


def _show_counts(title: str, rows: "Sequence[tuple[str, Counts]]") -> None:
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(title, "kept", "vanish", "appear")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in rows:
        table.add_row(Text(name), f"{counts.kept:,}", f"{counts.vanished:,}", f"{counts.appeared:,}")
    console().print(table)


def _show_examples(title: str, by_rule: "dict[str, list[Changed]]") -> None:
    """Texts of events as plain text: nothing in them is markup."""
    from rich.table import Table
    from rich.text import Text

    if not any(by_rule.values()):
        return
    table = Table("rule", "event", "subject", "text", "on", title=title, title_justify="left")
    for rule, examples in sorted(by_rule.items()):
        for found in examples:
            name = f"{rule} ({found.mode})"
            table.add_row(*map(Text, (name, found.event, found.subject, found.text, " ".join(found.quotes))))
    console().print(table)
