"""The soak: `python -m soak`, or `make soak`."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from pathlib import Path

import click

from soak.run import SoakError, soak
from streams.embedded import BrokerError, cleaning_up_when_told_to_stop
from tests.kafka.broker import NoKafkaError


@click.command(
    epilog="""\b
Examples:
  make soak
  SOAK_S=120 make soak
"""
)
@click.option("--seconds", envvar="SOAK_S", type=click.FloatRange(min=10), default=1200, show_default=True)
def main(seconds: float) -> None:
    """Runs a worker at half of its measured capacity on a real Kafka, and watches its memory, lag and open files.

    One line on standard output has the figures, from early to late, and their bounds. Ends with code 1 when one is
    broken, 2 when the soak could not be finished.
    """
    cleaning_up_when_told_to_stop()
    folder = Path(tempfile.mkdtemp(prefix="streamwarden-soak-"))
    logging.basicConfig(filename=folder / "clients.log", level=logging.WARNING)
    try:
        soaked = soak(seconds, folder, lambda text: click.echo(text, err=True))
    except (NoKafkaError, BrokerError, SoakError) as error:
        click.echo(f"The soak could not be finished: {error}\nLogs: {folder}", err=True)
        sys.exit(2)
    broken = soaked.verdict.broken()
    for line in broken:
        click.echo(line, err=True)
    click.echo(f"capacity={soaked.capacity:.0f} {soaked.verdict.line()}")
    if not broken:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
