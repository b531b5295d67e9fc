"""`warden worker`: one worker, or several under a supervisor."""

import logging
import socket
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.cli.common import Failure, pack_of, pack_option, settings_of
from streams.settings import Settings

T = TypeVar("T")

logger = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  warden topics create && warden worker
  warden worker --processes 4          one process a core, restarted when one dies
  WARDEN_STORE=rocksdb:// warden worker --web-port 0
"""
)
@click.option("--processes", type=click.IntRange(1, 256), help="Run this many workers under a supervisor.")
@click.option("--web-port", type=click.IntRange(0, 65535), help="Port of /metrics, /healthz and /readyz.")
@pack_option
@click.pass_context
def worker(ctx: click.Context, processes: int | None, web_port: int | None, pack: Path | None) -> None:
    """Judge what arrives on the topics, until SIGTERM or Ctrl-C.

    A worker that is told to stop finishes the batch in work, commits, leaves the group and exits 0. On any failure
    it exits 70, and has to be started again: --processes does that, and so does any service manager.
    """
    from streams.logs import set_up_logging

    settings = settings_of(ctx, web_port=web_port, pack=pack)
    set_up_logging(settings)
    if processes is None:
        _run_here(settings)
    else:
        pack_of(settings)  # a pack that is wrong is said once, and nothing starts
        sys.exit(_supervise(ctx, settings, processes))


SWITCH_S = 0.0005
"""How long the thread that judges may keep the one that fetches and sends heartbeats waiting: with Python's own 5 ms
each fetch, which passes between them several times, came late, and so did decisions (`make bench`)."""


def _run_here(settings: Settings) -> None:
    """Runs one worker in this process; does not return."""
    from rules.scans import COMPILED
    from streams.app import worker_app
    from streams.batch_app import run
    from streams.collector import spare_the_collector
    from streams.controls import current_controls
    from streams.operator_words import current_words
    from streams.pack_topic import current_packs

    pack = pack_of(settings)
    _check_topics(settings)
    words, controls = _as_of_now(current_words(settings)), _as_of_now(current_controls(settings))
    published = _as_of_now(current_packs(settings, settings.data_dir / "packs"))
    place = _bound(settings)
    app = worker_app(
        settings,
        pack,
        words,
        controls,
        published,
        place=place,
        announce=lambda url: logger.info("Serving %s/metrics", url),
    )
    label = words.merged(pack).label
    logger.info("Pack of the settings %s: %d rules, %d signals, %d words on the topic", label, len(pack.rules),
                len(pack.signals), len(words))  # fmt: skip
    if not COMPILED:
        logger.warning(
            "The loops of rules/scans are not compiled, and judging takes some hundred times as long: install a C "
            "compiler and Python's headers (Debian: gcc, python3-dev), then streamwarden again"
        )
    spare_the_collector()
    sys.setswitchinterval(SWITCH_S)
    run(app)


def _bound(settings: Settings) -> socket.socket:
    """The socket of the web server. Raises Failure (1) when its address is taken."""
    from streams.web import bound

    try:
        return bound(settings.web_host, settings.web_port)
    except OSError as error:
        place = f"{settings.web_host}:{settings.web_port}"
        hint = "choose another --web-port (0: a free one), or stop what has it"
        raise Failure(f"{place}: cannot listen there: {error.strerror}\n    {hint}") from None


def _as_of_now(reading: Coroutine[Any, Any, T]) -> T:
    """What a topic says: nothing is judged without it. Raises Failure (1)."""
    import asyncio

    from streams.topics import TopicsError

    try:
        return asyncio.run(reading)
    except TopicsError as error:
        raise Failure(str(error)) from None


def _check_topics(settings: Settings) -> None:
    """Raises Failure (1) unless the topics are there, with the partitions that the settings say."""
    import asyncio

    from streams.topics import TopicsError, verify_topics

    try:
        verified = asyncio.run(verify_topics(settings))
    except TopicsError as error:
        raise Failure(str(error)) from None
    if verified.problems:
        raise Failure("the topics are not as they should be\n" + "\n".join(str(p) for p in verified.problems))


def _supervise(ctx: click.Context, settings: Settings, processes: int) -> int:
    from streams.supervisor import Supervisor

    config = ctx.find_root().obj
    command = [sys.executable, "-m", "streams.cli", *(["--config", str(config)] if config else []), "worker"]

    def environment(index: int) -> Mapping[str, str]:
        """Each worker has its own port and its own folder; all else it reads as this process did."""
        return {
            "WARDEN_PACK": str(settings.pack),
            "WARDEN_WEB_PORT": str(settings.web_port + index if settings.web_port else 0),
            "WARDEN_DATA_DIR": str(settings.data_dir / f"worker-{index}"),
        }

    return Supervisor(command, processes, environment).run()
