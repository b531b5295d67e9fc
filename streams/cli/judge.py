"""`warden judge`: events from a file, decisions out; the engine that workers run, without a broker."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from streams.cli.common import opened, pack_of, pack_option, progress_bar, settings_of, size_of

if TYPE_CHECKING:
    from rules.decisions import DeadLetter, Decision
    from rules.engine import Engine

_BATCH_EVENTS = 512
_BATCH_BYTES = 8_000_000
_MAX_BODY = 1000
"""Longest part of a refused line that is shown, in characters."""


@click.command()
@click.argument("file", metavar="FILE|-")
@pack_option
@click.pass_context
def judge(ctx: click.Context, file: str, pack: Path | None) -> None:
    """Judge JSON lines of events from FILE, or - for standard input.

    Each line is an event with its `type`: post, share, mass_send, report or appeal. Each line of output is a decision
    with its `kind`: violation, enforcement, review, or dead_letter for a line that is no valid event (`position` is
    its number). Ids and sanctions are those that workers make of the same events.

    \b
    warden judge events.jsonl > decisions.jsonl
    zcat events.jsonl.gz | warden judge - | grep '"kind":"enforcement"'
    """
    from rules.engine import Engine
    from streams.codec import encode_line

    engine = Engine(pack_of(settings_of(ctx, pack=pack)))
    out = sys.stdout.buffer
    with opened(file) as stream, progress_bar() as bar:
        task = bar.add_task("judging", total=size_of(file), note="")
        counts = {"violation": 0, "enforcement": 0, "review": 0, "dead_letter": 0}

        def advance(line: int, end: int) -> None:
            note = f"{line:,} lines, {counts['violation']:,} violations, {counts['dead_letter']:,} dead letters"
            bar.update(task, completed=end, note=note)

        for decision in judged(engine, stream, file, advance):
            counts[type(decision).__struct_config__.tag] += 1  # type: ignore[index]
            out.write(encode_line(decision))
        out.flush()


def judged(
    engine: "Engine", stream: BinaryIO, source: str, advance: Callable[[int, int], None] = lambda *_: None
) -> Iterator["Decision | DeadLetter"]:
    """The decisions on the lines of `stream`, and a dead letter where a refused line stands, in order of line.

    `advance(line, end)` is called after each batch: lines and bytes read so far.
    """
    from rules.events import MAX_EVENT_BYTES, Event, InvalidEventError
    from streams.lines import event_of, read_lines

    pending: list[Event] = []
    size = 0
    for line in read_lines(stream, MAX_EVENT_BYTES):
        refused: DeadLetter | None = None
        try:
            pending.append(event_of(line))
            size += len(line.body)
        except InvalidEventError as error:
            refused = _dead_letter(error.reason, str(error), source, line.number, line.body)
        if refused is not None or len(pending) >= _BATCH_EVENTS or size >= _BATCH_BYTES:
            yield from engine.judge_batch(pending)
            advance(line.number, line.end)
            pending, size = [], 0
        if refused is not None:
            yield refused
    yield from engine.judge_batch(pending)


def _dead_letter(reason: str, detail: str, source: str, number: int, body: bytes) -> "DeadLetter":
    from rules.decisions import DeadLetter
    from streams.codec import one_line

    text = body[: 4 * _MAX_BODY].decode("utf-8", "backslashreplace")[:_MAX_BODY]
    return DeadLetter(reason=reason, detail=one_line(detail), source=source, position=number, body=text)
