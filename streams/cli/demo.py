"""`warden demo`: watch the engine work, with nothing else installed."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, pack_of, settings_of, write_json

if TYPE_CHECKING:
    from streams.demo.run import Demo


@click.command(
    epilog="""\b
Examples:
  warden demo                                   until Ctrl-C, 1,000 events a second
  warden demo --events 20000 --exit             stops by itself and prints a summary
  warden demo --events 20000 --rate 5000 --exit --json
  warden demo --events 20000 --exit --picture docs/demo.svg
"""
)
@click.option("--events", type=click.IntRange(1), help="Feed this many events. Default: until Ctrl-C.")
@click.option("--rate", type=click.FloatRange(1, 100_000), default=1000.0, show_default=True, help="Events a second.")
@click.option("--exit", "leave", is_flag=True, help="Stop when all --events are judged.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the traffic.")
@click.option("--console/--no-console", default=True, help="Serve the moderators' console as well. Default: yes.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the view as SVG at the end, as it was when it was last at work.",
)
@click.pass_context
def demo(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    events: int | None,
    rate: float,
    leave: bool,
    seed: int,
    console: bool,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Watch the engine work: a broker in memory, one real worker, the console, and realistic traffic.

    Everything is local to this machine and gone when the demo ends. The console's address and the token that logs in
    are shown.
    """
    if leave and events is None:
        raise Failure("--exit needs --events: without an end there is nothing to wait for", 2)
    from streams.demo.run import Demo, DemoError
    from streams.embedded import BrokerError, cleaning_up_when_told_to_stop
    from streams.topics import TopicsError

    cleaning_up_when_told_to_stop()
    settings = settings_of(ctx)
    run = Demo(
        settings=settings,
        pack=pack_of(settings),
        events=events,
        rate=rate,
        seed=seed,
        linger=not leave,
        console=console,
    )
    try:
        with _pictured(run, events, picture) if picture else nullcontext():
            _show(run, events)
    except KeyboardInterrupt:
        pass
    except (DemoError, BrokerError, TopicsError) as error:
        raise Failure(str(error)) from None
    if as_json:
        write_json(run.tally.summary())
    else:
        from streams.cli.common import console as output
        from streams.demo.view import summary_table

        output().print(summary_table(run.tally.summary()))


def _running(run: "Demo") -> str:
    return f"running; console {run.console_url}  token {run.token}" if run.console_url else "running"


def _pictured(run: "Demo", events: int | None, file: Path) -> AbstractContextManager[None]:
    from streams.demo.picture import pictured
    from streams.demo.view import screen

    def at_work() -> bool:
        return run.tally.rate > 0 and run.tally.sent != events

    return pictured(file, lambda: screen(run.tally, run.pack, run.url, events), at_work)


def _show(run: "Demo", events: int | None) -> None:
    """Runs the demo with the live view on a terminal, and with plain lines elsewhere."""
    from rich.console import Console
    from rich.live import Live

    from streams.demo.view import screen

    err = Console(stderr=True)
    if not err.is_terminal:
        run.run(lambda waiting: click.echo(f"demo: {waiting or _running(run)}", err=True))
        return
    with err.status("starting") as status:
        live = Live(
            get_renderable=lambda: screen(run.tally, run.pack, run.url, events, (run.console_url, run.token)),
            console=err,
            refresh_per_second=4,
        )

        def show(waiting: str) -> None:
            if waiting:
                status.update(waiting)
            else:
                status.stop()
                live.start()

        try:
            run.run(show)
        finally:
            if live.is_started:
                live.stop()
