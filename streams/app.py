"""A worker's Faust app: the three agents, their tables, the sweeps and the web server, put together."""

import asyncio
import logging
import socket
from collections.abc import Callable

from rules.packs import Pack
from streams.access.clients import faust_credentials
from streams.batch_app import BatchApp, Options, create_app
from streams.collector import Pauses
from streams.controls import ControlTopic, Switch
from streams.controls import Following as FollowingControls
from streams.held_subjects import SubjectReads, looker
from streams.live_metrics import Sources
from streams.merging import Patience
from streams.metrics import Metrics
from streams.operator_words import Following as FollowingWords
from streams.operator_words import OperatorWords
from streams.pack_following import follow
from streams.pack_metrics import PackMetrics
from streams.pack_topic import PackTopic
from streams.packs_in_force import PacksInForce
from streams.settings import Settings
from streams.stages import Stages, Tables, stages_of
from streams.streamtime import StreamTime
from streams.topics import TopicsError, enforce_topics, topic_names, topic_specs
from streams.web import WebServer, url_of

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
"""How often ended sanctions and forgotten crowds are looked for; consumers honour `ends` without waiting for it."""


def worker_app(
    settings: Settings,
    pack: Pack,
    words: OperatorWords,
    controls: ControlTopic,
    published: PackTopic,
    *,
    place: socket.socket,
    announce: Callable[[str], None] = lambda _: None,
) -> BatchApp:
    """The app of one worker process. `words`, `controls`, `published`: what their topics say as of now; the app follows
    them, the controls from here on. `pack`: what it judges by while nothing is published. `place`: for the web server,
    as `streams.web.bound` gave it.

    `announce` is called with the web server's URL once it listens.
    """
    app = create_app(_options(settings, url_of(place.getsockname(), settings.web_advertised_host)))
    names = topic_names(settings)
    metrics, clock = Metrics(), StreamTime(settings.max_ahead_s, settings.max_late_days)
    switch = Switch(metrics)
    packs = PacksInForce(pack, settings.partitions, words, published, PackMetrics(metrics.registry))
    logger.info("%s", packs.describe())
    following = FollowingControls(settings, controls, switch, packs.rules, metrics)
    following_words = FollowingWords(settings, packs, words, metrics)
    tables = Tables(*(app.state_table(name) for name in Tables._fields))
    metrics.expect(pack)
    stages = stages_of(packs, names, tables, metrics=metrics, clock=clock, switch=switch, end=app.end)
    screening, gathering, enforcing = stages
    app.batch_agent(names.posts, names.shares, names.mass_sends, name="screen", together=screening.together)(screening)
    crowds = app.batch_agent(names.sightings, name="crowds")(gathering)
    group = app.batch_agent(*enforce_topics(names), name="enforce")(enforcing)
    metrics.watch(_sources(app, stages), _pauses(), partitions=settings.partitions)

    async def sweep() -> None:
        while not app.should_stop:
            await asyncio.sleep(SWEEP_SECONDS)
            await enforcing.sweep(group)
            await gathering.sweep(crowds)

    async def follow_words() -> None:
        try:
            await following_words.run()
        except TopicsError as error:
            app.fail("following the operator's words", error)

    async def follow_packs() -> None:
        try:
            await follow(settings, published, packs, following_words.count)
        except TopicsError as error:
            app.fail("following the packs", error)

    following.start(lambda error: app.fail("following the controls", error))
    app.task(sweep)
    app.task(follow_words)
    app.task(follow_packs)
    look = looker(app, group, tables.subjects, settings.partitions)
    reads = SubjectReads(look, settings.http_tokens_file, metrics.registry)
    app.service(_web_service(app, place, metrics, reads, announce))
    return app


def is_ready(app: BatchApp) -> bool:
    """Whether this worker's partitions are assigned and recovered."""
    return app.started and not app.rebalancing and not app.tables.recovery.in_recovery


def _sources(app: BatchApp, stages: Stages) -> Sources:
    enforcing = stages.enforcing
    return Sources(
        lag=app.lag,
        subjects=enforcing.subjects,
        banned=enforcing.banned,
        quotas=enforcing.quotas,
        rates=stages.screening.rates,
        vitals=app.vitals,
        recovering=app.recovering,
    )


def _pauses() -> Pauses:
    pauses = Pauses()
    pauses.watch()
    return pauses


def _web_service(
    app: BatchApp, place: socket.socket, metrics: Metrics, reads: SubjectReads, announce: Callable[[str], None]
) -> type[WebServer]:
    class Server(WebServer):
        def __init__(self, *_: object, **__: object) -> None:
            super().__init__(metrics, lambda: is_ready(app), place, reads, announce)

    return Server


def _options(settings: Settings, url: str) -> Options:
    specs = topic_specs(settings)
    return Options(
        app_id=settings.app_id,
        canonical_url=url,
        bootstrap=settings.bootstrap,
        credentials=faust_credentials(settings),
        partitions=settings.partitions,
        store=settings.store,
        datadir=str(settings.data_dir),
        replication=settings.replication,
        min_insync_replicas=settings.min_insync_replicas,
        max_batch_records=settings.max_batch_records,
        max_fetch_bytes=settings.max_fetch_bytes,
        patience=Patience(stale=settings.merge_wait_ms / 1000, behind=settings.merge_behind_wait_ms / 1000),
        session_timeout=settings.session_timeout_s,
        commit_interval=settings.commit_interval_s,
        request_timeout=settings.request_timeout_s,
        max_request_bytes=max(spec.max_message_bytes for spec in specs.values()),
        compression=None if settings.compression == "none" else settings.compression,
    )
