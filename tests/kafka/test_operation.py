"""What operators see of a running worker: health, metrics, expiry of sanctions, the demo."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from tests.kafka.broker import Broker
from tests.kafka.system import System

RUNNING = re.compile(r"running; console (?P<url>http://127\.0\.0\.1:\d+)  token (?P<token>\S+)")


def share(number: int, time_: datetime, **fields: Any) -> dict[str, Any]:
    """A share that breaks the tiny pack's rule on sharing to unlock."""
    body = {"type": "share", "id": f"s{number}", "account": "alice", "time": time_.isoformat(), "scene": "moments"}
    return {**body, "url": "https://quiz.example/1", "title": "转发后解锁", **fields}


def test_health_and_metrics_tell_what_the_worker_does(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    now = datetime.now(UTC)
    with system.worker() as worker:
        assert worker.get("/healthz") == (200, '{"status": "ok"}')
        system.feed([share(1, now), share(2, now, account="bob", title="今天天气好")])
        system.produce("posts", [(b"carol", b"no json")])
        system.await_done(3, worker)
        assert worker.metric(f'warden_events_total{{topic="{prefix}shares"}}') == 2
        assert worker.metric('warden_violations_total{clause="links.1",mode="enforce",rule="sharing.unlock"}') == 3
        assert worker.metric('warden_enforcements_total{action="stop_spread"}') == 1
        assert worker.metric('warden_enforcements_total{action="block_access"}') == 1
        assert worker.metric('warden_dead_letters_total{reason="undecodable"}') == 1
        assert worker.metric('warden_subjects{kind="domain"}') == 1
        assert worker.metric("warden_bans{") == 3
        assert worker.metric("warden_consumer_lag") == 0
        assert worker.metric('warden_latency_seconds_count{stage="screen"}') == 3
        assert worker.metric('warden_latency_seconds_count{stage="enforce"}') == 3
        assert worker.metric('warden_batch_events_count{stage="screen"}') >= 1
        assert worker.metric('warden_batch_seconds_count{stage="enforce"}') >= 1


def test_the_worker_listens_on_loopback_only(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    import psutil

    system = System.create(kafka.bootstrap, prefix, tmp_path)
    with system.worker() as worker:
        listening = [c for c in psutil.Process(worker.process.pid).net_connections() if c.status == "LISTEN"]
        assert [connection.laddr.ip for connection in listening] == ["127.0.0.1"]


def test_a_timed_sanction_leaves_the_ban_list_when_it_ends(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, partitions=1)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    with system.worker() as worker:
        system.feed([share(1, long_ago)])
        system.await_done(1, worker)
        assert set(system.bans()) == {"link:https://quiz.example/1", "domain:quiz.example", "account:alice"}
        system.feed([share(2, long_ago + timedelta(hours=13), account="bob", url="https://quiet.example/", title="x")])
        deadline = time.monotonic() + 20
        while system.bans():
            assert time.monotonic() < deadline, system.bans()
            time.sleep(0.2)
        tombstones = [record.key for record in system.records("bans") if record.value is None]
        assert b"domain:quiz.example" in tombstones
        assert worker.metric("warden_bans{") == 0


def test_reports_are_taken_and_an_appeal_of_nothing_becomes_a_dead_letter(
    kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    time_ = datetime.now(UTC).isoformat()
    report = {"type": "report", "id": "r1", "subject": "account:alice", "reporter": "bob", "category": "spam"}
    appeal = {"type": "appeal", "id": "a1", "subject": "domain:x.example", "enforcement": "e", "verdict": "upheld"}
    with system.worker() as worker:
        system.feed([{**report, "time": time_}, {**appeal, "time": time_, "moderator": "m", "reason": "checked"}])
        deadline = time.monotonic() + 20
        while worker.metric("warden_subjects{") < 1 or not system.records("dead_letters"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    (letter,) = system.records("dead_letters")
    assert dict(letter.headers)["reason"] == b"unknown_enforcement"
    assert not system.records("enforcements")


def called(url: str, token: str = "") -> int:
    """The status of a GET."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_demo_serves_the_console_it_names_and_runs_to_its_end_on_the_embedded_broker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streams.cli", "demo", "--events", "2000", "--rate", "2000", "--exit", "--json"]
    command += ["--picture", str(tmp_path / "demo.svg")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        assert demo.stderr is not None
        said = next(found for line in demo.stderr if (found := RUNNING.search(line.decode())))
        assert called(said["url"]) == 200
        assert called(f"{said['url']}/v1/now", said["token"]) == 200
        assert called(f"{said['url']}/v1/now", said["token"][:-1]) == 401
        out, errors = demo.communicate(timeout=120)
    assert demo.returncode == 0, errors.decode()
    summary = orjson.loads(out)
    assert summary["events"] == 2000
    assert summary["violations"] > 50
    assert summary["enforcements"] == sum(summary["enforcements_by_action"].values()) > 20
    assert summary["dead_letters"] > 0
    assert summary["seconds"] > 0
    assert "of&#160;2,000" in (tmp_path / "demo.svg").read_text("utf-8")
