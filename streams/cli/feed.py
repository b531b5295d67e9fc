"""`warden feed`: produces JSON lines of events to the topics."""

import asyncio
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, opened, progress_bar, quiet_clients, settings_of, size_of, write_json

if TYPE_CHECKING:
    from rules.events import InvalidEventError
    from streams.feeding import Fed
    from streams.lines import Line


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many events a second.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
@click.pass_context
def feed(ctx: click.Context, file: str, rate: float | None, as_json: bool) -> None:
    """Produce JSON lines of events from FILE, or - for standard input, to the topics.

    Each line's `type` chooses the topic, its account (or subject) is the key, and the rest is the body, valid or not:
    workers judge that. A line without type or key is reported, the others are sent, and the exit code is 1.

    \b
    warden feed events.jsonl
    warden feed - --rate 500 < events.jsonl
    """
    from streams.feeding import feed as send
    from streams.topics import TopicsError

    settings = settings_of(ctx)
    quiet_clients()
    with opened(file) as stream, progress_bar() as bar:
        task = bar.add_task("feeding", total=size_of(file), note="")

        def advance(fed: "Fed") -> None:
            bar.update(task, completed=fed.end, note=f"{sum(fed.sent.values()):,} events")

        def refuse(line: "Line", error: "InvalidEventError") -> None:
            bar.console.print(f"warden: {file}:{line.number}: not sent: {error}", markup=False, soft_wrap=True)

        try:
            fed = asyncio.run(send(settings, stream, rate, refuse, advance))
        except TopicsError as error:
            raise Failure(str(error)) from None
    _summarise(fed, as_json)
    ctx.exit(1 if fed.refused else 0)


def _summarise(fed: "Fed", as_json: bool) -> None:
    total = sum(fed.sent.values())
    seconds = max(fed.seconds, 1e-9)
    if as_json:
        write_json(
            {
                "sent": total,
                "by_type": dict(sorted(fed.sent.items())),
                "refused": fed.refused,
                "seconds": round(fed.seconds, 3),
            }
        )
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in fed.sent.most_common())
    click.echo(f"{total:,} events sent in {fed.seconds:.1f} s ({total / seconds:,.0f}/s): {kinds or 'none'}")
    if fed.refused:
        click.echo(f"warden: {fed.refused:,} lines were not sent", err=True)
