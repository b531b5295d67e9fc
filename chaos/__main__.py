"""The chaos run: `python -m chaos`, or `make chaos`."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from chaos.run import Plan, StuckError, run
from chaos.versions import HistoryError
from chaos.workers import WorkerError
from streams.embedded import BrokerError, cleaning_up_when_told_to_stop
from streams.settings import Store
from streams.topics import TopicsError
from tests.kafka.broker import NoKafkaError

EXIT_DIFFERENT = 1
EXIT_STOPPED = 130


@click.command(
    epilog="""\b
Examples:
  make chaos
  CHAOS_S=600 CHAOS_SEED=2 make chaos
  CHAOS_BROKERS=3 make chaos
  python -m chaos --seconds 60 --store rocksdb://
"""
)
@click.option("--seconds", envvar="CHAOS_S", type=click.FloatRange(min=1), default=120, show_default=True)
@click.option("--brokers", envvar="CHAOS_BROKERS", type=click.Choice(["1", "3"]), default="1", show_default=True)
@click.option("--seed", envvar="CHAOS_SEED", type=int, default=1, show_default=True, help="Of traffic and sabotage.")
@click.option("--rate", envvar="CHAOS_RATE", type=click.FloatRange(min=1), default=1000, show_default=True)
@click.option("--store", type=click.Choice(["memory://", "rocksdb://"]), envvar="CHAOS_STORE", default="memory://")
@click.option("--keep", is_flag=True, help="Keep logs and topics even if nothing differs.")
def main(*, seconds: float, brokers: str, seed: int, rate: float, store: str, keep: bool) -> None:
    """Sabotages workers and brokers on a real Kafka for a while, then compares what came out with the offline engine.

    One line on standard output says what was done and found; what goes on is on standard error. Ends with code 1 on
    any difference, 2 when the run could not be finished.
    """
    cleaning_up_when_told_to_stop()
    folder = Path(tempfile.mkdtemp(prefix="streamwarden-chaos-"))
    logging.basicConfig(
        filename=folder / "clients.log", level=logging.WARNING
    )  # they say at length that brokers are gone
    kind: Store = "rocksdb://" if store.startswith("rocksdb") else "memory://"
    plan = Plan(seconds, int(brokers), seed, rate, kind, keep)
    try:
        outcome = run(plan, folder, lambda text: click.echo(text, err=True))
    except (NoKafkaError, BrokerError, WorkerError, StuckError, HistoryError, TopicsError) as error:
        click.echo(f"The run could not be finished (seed {seed}): {error}\nLogs: {folder}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo(f"Stopped; workers and brokers have ended. Logs: {folder}", err=True)
        os._exit(EXIT_STOPPED)  # threads of this one still wait for them
    for line in outcome.differences.lines():
        click.echo(line, err=True)
    click.echo(outcome.line())
    if outcome.differences or keep:
        click.echo(f"Logs: {folder}", err=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(EXIT_DIFFERENT if outcome.differences else 0)


if __name__ == "__main__":
    main()
