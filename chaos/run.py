"""One run: brokers, topics, workers, traffic and the saboteur; then the drain, and the comparison."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError

from chaos.cluster import Cluster
from chaos.compare import Differences, compare, outputs
from chaos.consumer import Gateway
from chaos.evidence import keep_topics
from chaos.feeding import Feed
from chaos.oracle import Truth, truth
from chaos.packs import Publisher
from chaos.readback import Stage, progress, rebalances
from chaos.saboteur import Saboteur
from chaos.traffic import beginning, events
from chaos.versions import versions
from chaos.workers import Workers
from rules.packs import SHIPPED
from streams.settings import Settings, Store
from streams.topics import create_topics, topic_names

PARTITIONS = 3
SESSION_TIMEOUT_S = 6.0
STALLED_S = 120.0
"""The drain has failed when nothing was committed for so long: longer than a supervisor's pause and a recovery."""
_FIRST_S = 180.0
_MARGIN_S = 600.0
"""How much longer than asked a run may feed, by its own clock, before its events would lie in the future."""


class StuckError(RuntimeError):
    """The workers do not come to the end of the topics; the message says how far they came."""


@dataclass(frozen=True)
class Plan:
    """What a run is to be. `rate`: events a second. `keep`: what was on the topics, though nothing differs."""

    seconds: float
    brokers: int = 1
    seed: int = 1
    rate: float = 1000.0
    store: Store = "memory://"
    keep: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run was, and what it found."""

    plan: Plan
    truth: Truth
    saboteur: Saboteur
    publisher: Publisher
    rebalances: int
    differences: Differences

    def line(self) -> str:
        """The run in one line."""
        done, found = self.saboteur.done, self.differences
        return (
            f"events={self.truth.events} kills={done['kill']} stalls={done['stall']} "
            f"broker_restarts={done['clean_restart'] + done['broker_kill']} rebalances={self.rebalances} "
            f"lost={len(found.lost)} duplicated={len(found.duplicated)} diverged={len(found.diverged)} "
            f"dead_letters={found.dead_letters} packs={self.publisher.done.total()}"
        )


def run(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Runs to the end; logs, and topics that differ, go to `folder`. `tell` is told what goes on.

    Raises NoKafkaError, BrokerError, WorkerError and StuckError; then nothing was compared.
    """
    cluster = Cluster(folder / "kafka", plan.brokers)
    began = time.monotonic()
    try:
        tell("starting the brokers")
        cluster.start()
        settings = _settings(plan, cluster, folder)
        asyncio.run(create_topics(settings))
        workers = Workers(settings, folder)
        try:
            return asyncio.run(
                _run(plan, settings, cluster, workers, lambda text: tell(f"{time.monotonic() - began:6.1f} s  {text}"))
            )
        finally:
            workers.kill()
    finally:
        cluster.close()


def _settings(plan: Plan, cluster: Cluster, folder: Path) -> Settings:
    copies = min(plan.brokers, 3)
    return Settings(
        bootstrap=cluster.bootstrap,
        app_id="chaos",
        pack=SHIPPED,
        partitions=PARTITIONS,
        replication=copies,
        min_insync_replicas=max(1, copies - 1),
        session_timeout_s=SESSION_TIMEOUT_S,
        store=plan.store,
        data_dir=folder / "state",
        web_port=0,
    )


async def _run(
    plan: Plan, settings: Settings, cluster: Cluster, workers: Workers, tell: Callable[[str], None]
) -> Outcome:
    feed = Feed(settings, events(plan.seed, beginning(2 * plan.seconds + _MARGIN_S), plan.rate), plan.rate, plan.seed)
    saboteur = Saboteur(
        plan.seed,
        workers,
        cluster,
        [*topic_names(settings)],
        feed,
        lambda: sum(stage.committed for stage in asyncio.run(_progress(settings))),
        SESSION_TIMEOUT_S,
        tell,
    )
    publisher = Publisher(settings, workers.folder / "packs", plan.seed, tell)
    gateway = Gateway(settings)
    workers.start()
    gateway.bans.start_in_thread()
    enough, published = asyncio.Event(), threading.Event()
    feeding = asyncio.create_task(feed.run(enough))
    try:
        await _until_judging(settings)
        tell("the workers judge; the saboteur begins")
        sabotage = asyncio.create_task(asyncio.to_thread(saboteur.run, plan.seconds))
        publishing = asyncio.create_task(asyncio.to_thread(publisher.run, published))
        await asyncio.wait({sabotage, feeding, publishing}, return_when=asyncio.FIRST_COMPLETED)
        for task in (feeding, publishing):
            if task.done():
                task.result()
        await sabotage
        published.set()
        await publishing
        enough.set()
        await feeding
    finally:
        saboteur.stop()
        published.set()
        feeding.cancel()
    tell(f"{feed.sent} records sent; the workers come to the end")
    await _drain(settings, tell)
    await asyncio.to_thread(workers.stop)
    tell("the offline engine judges the log")
    history = await versions(settings, publisher.folders)
    history.write(workers.folder / "packs.json")
    expected = await truth(settings, history)
    found = compare(await outputs(settings), expected, feed.sent)
    await gateway.compare(expected, found)
    await asyncio.to_thread(gateway.bans.close)
    compared = ", ".join(f"{count} {what}" for what, count in found.compared.items())
    tell(f"compared {compared}; {found.repeats} records were repeats")
    if found or plan.keep:
        await keep_topics(settings, workers.folder / "topics")
    return Outcome(plan, expected, saboteur, publisher, await rebalances(settings), found)


async def _until_judging(settings: Settings) -> None:
    """Returns once something is committed. Raises StuckError."""
    deadline = time.monotonic() + _FIRST_S
    while not any(stage.committed for stage in await progress(settings)):
        if time.monotonic() > deadline:
            raise StuckError(f"The workers judge nothing within {_FIRST_S:.0f} s.")
        await asyncio.sleep(0.3)


async def _drain(settings: Settings, tell: Callable[[str], None]) -> None:
    """Returns once all that is on the topics is judged. Raises StuckError when it does not go on."""
    last: list[int] = []
    moved = told = time.monotonic()
    while True:
        stages = await _progress(settings)
        now = time.monotonic()
        if stages and all(stage.committed == stage.end for stage in stages):
            return
        if (committed := [stage.committed for stage in stages]) != last:
            last, moved = committed, now
        if now - moved > STALLED_S:
            raise StuckError(f"Nothing was committed for {STALLED_S:.0f} s: {_shown(stages)}")
        if now - told > 5:
            told = now
            tell(_shown(stages))
        await asyncio.sleep(0.5)


async def _progress(settings: Settings) -> list[Stage]:
    try:
        return await progress(settings)
    except (KafkaError, OSError, TimeoutError):
        return []


def _shown(stages: list[Stage]) -> str:
    return ", ".join(f"{stage.name}: {stage.committed} of {stage.end} committed" for stage in stages)
