"""Every panel of every dashboard against a real Prometheus that scrapes real workers and consumers under load.

Then a worker is killed, and the panels show it: its partitions stand still, fall back, and are caught up with.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from rules.activations import Activation
from rules.packs.archive import archived
from streams.demo.traffic import traffic
from streams.embedded import free_port
from streams.pack_topic import publish
from tests.kafka.broker import Broker
from tests.kafka.consuming import becomes, running
from tests.kafka.serving import Desk, serving, write_tokens
from tests.kafka.system import System, Worker
from tests.prometheus_server import Prometheus, prometheus

GRAFANA = Path(__file__).parents[2] / "grafana"
PANELS = [
    (f"{file.stem}: {panel['title']}", target["refId"], target["expr"])
    for file in sorted((GRAFANA / "dashboards").glob("*.json"))
    for panel in json.loads(file.read_text())["panels"]
    for target in panel["targets"]
]
PACK = """
pack: {name: panels, version: "1"}
clauses:
  links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread, suspend_account], egregious: [ban_account]}
  links.4: {title: {zh: 欺诈, en: fraud}, first: [suspend_account]}
  links.9.1: {title: {zh: 九, en: nine}, first: [stop_spread]}
  accounts.2: {title: {zh: 互推, en: promoting each other}, first: [suspend_account]}
ladders:
  all:
    clauses: [links, accounts]
    window: 180d
    grace: 1m
    rungs: [{apply: warn}, {apply: first, for: 1d}, {apply: first, for: 7d}, {apply: egregious}]
limits: {quotas: {loans: {each: rule, per: hour, at_most: 4, only: [loan]}}}
lexicons:
  shared: {words: [分享到, 转发]}
  loans: {words: [贷款, 贷·款]}
  pushed: {words: [互粉互推]}
  own: {operator: true, test_words: [虚构词甲]}
signals: {sharing: {lexicon: shared}, loans: {lexicon: loans}, pushing: {lexicon: pushed}, own: {lexicon: own}}
rules:
  share: {clause: links.1, when: sharing}
  loan: {clause: links.4, when: loans}
  trial: {clause: links.1, when: sharing, mode: shadow}
  named: {clause: links.9.1, when: own, hits: [虚构词甲], passes: [你好]}
  together:
    clause: accounts.2
    when: pushing
    crowd: {same: text, distinct: account, at_least: 3, within: 1d}
"""
"""Small, so that workers start fast: the panels are under test, and not the policy."""
PARTITIONS = 2
PER_TICK, TICK_S = 150, 0.25
EVENT_TIME_PER_SECOND = 4.0
"""Events a second of event time: an hour of it goes by under test, so that hit rates have closed windows."""
WARM_S = 5.0
SHOWN_S = 90.0
"""Every panel has data within this, on a machine that is busy."""
BACKLOG, MUCH = 60_000, 3_000
"""Records that arrive for a partition that nobody reads; the lag that is to be seen, and not to stay."""
UNREAD = "overview: Partitions without a worker"
HEALTHY_AT_ZERO = {
    # What has to go wrong, or to be done by a person, or to be behind at that very moment.
    "overview: Alerts firing",
    "overview: All in shadow",
    "overview: Lag",
    "overview: Lag by partition",
    "overview: Lag by topic",
    "overview: Lag of the partition that lags most",
    "overview: Partitions without a worker",
    "overview: Rules in shadow by control",
    "policy: Held back by controls",
    "policy: Repeats",
    "policy: Reviews ended",
    "policy: Trips",
    "worker: Controls in force",
    "worker: Failed commits",
    "worker: Garbage collection",
    "worker: Longest collections",
    "worker: Packs refused",
    "worker: Partitions in recovery",
    "worker: Rebalances",
    "worker: Rebalances by worker",
    "worker: Records left to recover",
    "worker: Recovery",
    "worker: Starts",
    "consumers: Changes given up",
    "consumers: Changes that wait",
    "consumers: Loads",
    "consumers: Not expressible",
    "consumers: Undecodable",
    "console: Failed requests",
    "console: Posts turned away",
    "console: Pages are behind",
    "console: Bytes that wait for Kafka",
    "console: Journal behind",
    "console: Unreadable records",
}
"""Panels whose data may be all zeros here; every other one must show that something happens."""


@dataclass
class Evening:
    """What was seen: the values of each panel's query, and what the incident did to them."""

    values: dict[tuple[str, str], list[float]]
    workers_up: list[float]
    unread: list[float]
    lag: list[float]
    behind: dict[str, float]
    """How far each partition was behind at the most, by Lag by partition."""
    burst_at: str
    """Where the burst went: topic and partition."""
    lag_after: list[float]
    pending: set[str]


@pytest.fixture(scope="module")
def evening(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Evening:
    """Load on two workers and two consumers, all queries, and then a worker dies."""
    folder = tmp_path_factory.mktemp("evening")
    (folder / "pack").mkdir()
    (folder / "pack" / "pack.yaml").write_text(PACK, encoding="utf-8")
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    system = System.create(kafka.bootstrap, prefix, folder, pack=folder / "pack", partitions=PARTITIONS)
    put = system.warden("words", "put", "own", "虚构词语乙")
    assert put.returncode == 0, put.stderr.decode()
    with ExitStack() as stack:
        first, second = stack.enter_context(system.worker(ready=False)), stack.enter_context(system.worker(ready=False))
        consumers = stack.enter_context(_consumers(system, folder))
        desk = stack.enter_context(_console(system, folder))
        for worker in (first, second):
            worker.await_ready()
        server = stack.enter_context(prometheus(_config([first, second], consumers, desk), folder))
        stack.enter_context(_load(system))
        stack.enter_context(_used(desk))
        _try_in_shadow(system, folder)
        time.sleep(WARM_S)
        _overturn_some(system)
        return _incident(system, server, second, _shown(server))


def _shown(server: Prometheus) -> dict[tuple[str, str], list[float]]:
    """The values of each panel's query, once there is something on all that must show it, or as they are in the end."""
    values: dict[tuple[str, str], list[float]] = {}
    deadline = time.monotonic() + SHOWN_S
    while True:
        for title, ref, expr in PANELS:
            if not _happens(values.get((title, ref), [])):
                values[title, ref] = _values(server, expr)
        happening = {title for (title, _), each in values.items() if _happens(each)}
        without = [each for each in values.values() if not each or all(map(math.isnan, each))]
        waiting = {title for title, _, _ in PANELS} - HEALTHY_AT_ZERO - happening
        if not (waiting or without) or time.monotonic() > deadline:
            return values
        time.sleep(0.5)


def _happens(values: list[float]) -> bool:
    return max(values, default=0) > 0


def _incident(system: System, server: Prometheus, dies: Worker, values: dict[tuple[str, str], list[float]]) -> Evening:
    """The worker is killed, and while nobody reads its partition so much arrives that catching up takes a while."""
    partition = _partition_of(system, dies)
    stamp = datetime.now(UTC) - timedelta(hours=1)
    body = {"account": "burst", "time": stamp.isoformat(), "text": "你好"}
    backlog = [(b"burst", orjson.dumps({"id": f"b{number}", **body})) for number in range(BACKLOG)]
    began = time.time()
    dies.kill()
    system.produce("posts", backlog, partition=partition)
    lag, unread = _query("overview: Lag of the partition that lags most"), _query(UNREAD)
    assert becomes(lambda: max(server.over_time(lag, began), default=0) > MUCH, 60), "no lag was seen"
    pending = server.alerts()
    assert becomes(lambda: _newest(server, unread) == [0], 60), "partitions stay without a worker"
    assert becomes(lambda: max(_newest(server, lag), default=math.inf) < MUCH, 60), "the lag stays"
    up = server.over_time(_query("overview: Workers up"), began)
    after = _newest(server, lag)
    behind = {
        f"{series['metric']['topic']} {series['metric']['partition']}": float(series["value"][1])
        for series in server.value(f"max_over_time(({_query('overview: Lag by partition')})[3m:500ms])")
    }
    return Evening(
        values,
        up,
        server.over_time(unread, began),
        server.over_time(lag, began),
        behind,
        f"{system.settings.topic_prefix}posts {partition}",
        after,
        pending,
    )


def _partition_of(system: System, worker: Worker) -> int:
    (found,) = (
        number
        for number in range(PARTITIONS)
        if f'warden_consumer_lag{{partition="{number}",topic="{system.settings.topic_prefix}posts"}}'
        in worker.get("/metrics")[1]
    )
    return found


@pytest.mark.parametrize(("title", "ref", "expr"), [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in PANELS])
def test_a_query_returns_data(evening: Evening, title: str, ref: str, expr: str) -> None:
    values = evening.values[title, ref]

    assert values, expr
    assert not all(map(math.isnan, values)), expr


@pytest.mark.parametrize("title", sorted({title for title, _, _ in PANELS} - HEALTHY_AT_ZERO))
def test_a_panel_shows_that_something_happens(evening: Evening, title: str) -> None:
    shown = [value for (of, _), values in evening.values.items() if of == title for value in values]

    assert max(shown) > 0


def test_when_a_worker_dies_the_overview_shows_partitions_unread_then_behind_then_caught_up(evening: Evening) -> None:
    assert 1 in evening.workers_up
    assert max(evening.unread) >= 1
    assert evening.unread[-1] == 0
    assert max(evening.lag) > MUCH
    assert max(evening.lag_after) < MUCH


def test_a_burst_of_one_key_shows_as_the_one_partition_that_is_behind(evening: Evening) -> None:
    burst = evening.behind[evening.burst_at]

    assert burst > MUCH
    assert burst > 3 * max((lag for place, lag in evening.behind.items() if place != evening.burst_at), default=0)


def test_the_alert_of_a_dead_worker_is_pending_while_it_is_down(evening: Evening) -> None:
    assert "WorkerDown" in evening.pending


def test_the_list_of_panels_that_may_be_zero_names_panels_that_are_there() -> None:
    assert {title for title, _, _ in PANELS} >= HEALTHY_AT_ZERO


def _query(title: str) -> str:
    (expr,) = (expr for each, _, expr in PANELS if each == title)
    return _as_grafana_asks(expr)


def _as_grafana_asks(expr: str) -> str:
    return expr.replace("$__rate_interval", "10s")


def _values(server: Prometheus, expr: str) -> list[float]:
    return [float(series["value"][1]) for series in server.value(_as_grafana_asks(expr))]


def _newest(server: Prometheus, query: str) -> list[float]:
    return [float(series["value"][1]) for series in server.value(query)]


def _config(workers: list[Worker], consumers: list[int], desk: Desk) -> str:
    """The project's own configuration, with the targets of this test and two scrapes a second."""
    config = yaml.safe_load((GRAFANA / "prometheus" / "prometheus.yml").read_text())
    config["global"].update(scrape_interval="500ms", scrape_timeout="500ms", evaluation_interval="1s")
    config["rule_files"] = [str(GRAFANA / "alerts" / "*.yaml")]
    of_workers, of_console, of_consumers = config["scrape_configs"]
    of_console["static_configs"] = [{"targets": [desk.url.removeprefix("http://")]}]
    of_workers["static_configs"] = [{"targets": [worker.url.removeprefix("http://") for worker in workers]}]
    del of_consumers["file_sd_configs"]
    of_consumers["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in consumers]}]
    return str(yaml.safe_dump(config))


@contextmanager
def _console(system: System, folder: Path) -> Iterator[Desk]:
    """`warden serve`, with a journal of its own."""
    file, own, tokens = write_tokens(folder)
    given = {"WARDEN_HTTP_TOKENS_FILE": str(file), "WARDEN_HTTP_WORKER_TOKEN_FILE": str(own)}
    with serving(system, tokens, **given) as desk:
        yield desk


@contextmanager
def _used(desk: Desk) -> Iterator[None]:
    """Somebody logs in, has a page open that follows the feed, and a feed posts events, some twice and some wrong."""
    stop = threading.Event()

    def follow() -> None:
        for _ in desk.stream(seconds=150):
            if stop.is_set():
                return

    def use() -> None:
        desk.post("/v1/session", {"token": desk.tokens["read"]}, None)
        number = 0
        while not stop.wait(TICK_S):
            number += 1
            time_ = datetime.now(UTC).isoformat()
            post = {"type": "post", "id": f"posted-{number}", "account": "lin", "time": time_, "text": "你好"}
            for body in (post, post, {**post, "text": 7}):
                desk.post("/v1/events", body, "feed")
            desk.get("/v1/now")
            desk.get("/v1/feed", "feed")
            desk.get("/v1/feed", None)
            desk.get("/v1/session", "nobody")  # type: ignore[arg-type]

    desk.tokens["nobody"] = "wrd_wrong"  # type: ignore[index]
    threads = [threading.Thread(target=each, daemon=True) for each in (follow, use)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


@contextmanager
def _load(system: System) -> Iterator[None]:
    """The demo's traffic at a steady rate, until the block ends."""
    items = traffic(per_second=EVENT_TIME_PER_SECOND, start=datetime.now(UTC) - timedelta(hours=3))
    stop, errors = threading.Event(), list[BaseException]()

    def feed() -> None:
        try:
            _feed_until(stop.is_set, system, items)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not errors, errors


def _feed_until(stopped: Callable[[], bool], system: System, items: Iterator[Any]) -> None:
    from aiokafka import AIOKafkaProducer

    from streams.topics import topic_names

    async def run() -> None:
        names = topic_names(system.settings)
        producer = AIOKafkaProducer(bootstrap_servers=system.settings.bootstrap, acks="all", linger_ms=5)
        await producer.start()
        try:
            while not stopped():
                for item in islice(items, PER_TICK):
                    value = item.raw if item.body is None else orjson.dumps(item.body)
                    await producer.send(names.input(item.kind), value, item.key.encode())
                await asyncio.sleep(TICK_S)
        finally:
            await producer.stop()

    asyncio.run(run())


@contextmanager
def _consumers(system: System, folder: Path) -> Iterator[list[int]]:
    """An export and a webhook whose receiver refuses every third request; the ports of their metrics."""
    ports = [free_port(), free_port()]
    secret = {"STREAMWARDEN_HOOK_SECRET": uuid.uuid4().hex}
    environment = system.environment(**secret)
    export = ["bans", "export", "--to", "jsonl", "--file", str(folder / "bans.jsonl"), "--every", "0.5"]
    with _Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        hook = ["bans", "hook", f"http://127.0.0.1:{receiver.server_port}/bans"]
        with (
            running(folder, environment, *export, "--metrics-port", str(ports[0])),
            running(folder, environment, *hook, "--metrics-port", str(ports[1])),
        ):
            yield ports
        receiver.shutdown()


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked = 0


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Receiver)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.send_response(503 if self.server.asked % 3 == 0 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _try_in_shadow(system: System, folder: Path) -> None:
    """A pack that finds more is published beside the live one."""
    (folder / "wider").mkdir()
    text = PACK.replace('version: "1"', 'version: "2"').replace("[贷款, 贷·款]", "[贷款, 贷·款, 银行, 火锅]")
    (folder / "wider" / "pack.yaml").write_text(text, encoding="utf-8")
    asyncio.run(_publish_shadow(system, folder / "wider"))


async def _publish_shadow(system: System, folder: Path) -> None:
    archive = archived(folder)
    record = Activation(
        id="trial", do="shadow", pack=archive.digest, label="panels@2", by="lin", why="how would it do?",
        time=datetime.now(UTC),
    )  # fmt: skip
    await publish(system.settings, archive, record)


def _overturn_some(system: System) -> None:
    """A moderator takes enforcements back, one after the other, so that there are lifts and overturned violations, some
    of them after whatever Prometheus has seen."""
    by_subject = {each["subject"]: each for each in system.decisions("enforcements") if each["kind"] == "enforcement"}
    for number, decision in enumerate(list(by_subject.values())[:4]):
        appeal = {"type": "appeal", "id": f"a{number}", "subject": decision["subject"], "enforcement": decision["id"]}
        appeal |= {"verdict": "overturned", "moderator": "lin", "reason": "looked at it", "time": decision["time"]}
        system.feed([appeal])
        time.sleep(1)
