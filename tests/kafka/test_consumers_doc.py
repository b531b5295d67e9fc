"""docs/consumers.md is true: its commands and programs run as they stand there, on a real Kafka and Redis."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from rules.decisions import Action, Ban, BanEntry
from streams.embedded import free_port
from tests.kafka.broker import Broker
from tests.kafka.consuming import becomes, create, put, running
from tests.redis_server import redis_url as redis_url  # noqa: PLC0414 - a fixture
from tests.test_packs_doc import blocks, printed, steps

DOC = (Path(__file__).parents[2] / "docs" / "consumers.md").read_text("utf-8")
ROOT = Path(__file__).parents[2]
START = datetime(2026, 1, 1, tzinfo=UTC)
LISTED: list[tuple[str, Action, str]] = [
    ("account:alice", "ban_account", "e1"),
    ("app:wx123", "ban_share_api", "e2"),
    ("domain:evil.example", "block_access", "5f0c7a"),
    ("link:https://evil.example/prize?x=1", "stop_spread", "e3"),
]


def ban(subject: str, action: Action, enforcement: str) -> Ban:
    entry = BanEntry(
        action=action,
        ladder="links",
        rung=1,
        permanent=True,
        starts=START,
        ends=None,
        clauses=["links.1"],
        enforcement=enforcement,
    )
    return Ban(subject=subject, sanctions=[entry], time=START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the document shows."""
    for block in blocks(DOC):
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
    return tmp_path


@pytest.fixture
def environment(kafka: Broker, prefix: str) -> dict[str, str]:
    create(kafka, prefix + "bans")
    put(kafka, prefix + "bans", *(ban(*each) for each in LISTED))
    return {
        "WARDEN_BOOTSTRAP": kafka.bootstrap,
        "WARDEN_TOPIC_PREFIX": prefix,
        "STREAMWARDEN_HOOK_SECRET": "0123456789abcdef0123456789abcdef",
        "PYTHONPATH": str(ROOT),
    }


def test_its_commands_print_what_it_says(
    folder: Path, environment: dict[str, str], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()

        def run(command: str) -> str:
            program, *arguments = shlex.split(command.replace("redis://127.0.0.1:6379/0", redis_url))
            if program == "cat":
                return (folder / arguments[0]).read_text("utf-8")
            if program == "redis-cli":
                return f"{client.execute_command(*arguments)}\n"
            known = {"python": [sys.executable], "warden": [sys.executable, "-m", "streams.cli"]}
            done = subprocess.run(
                [*known[program], *arguments],
                cwd=folder,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        ran = 0
        for block in blocks(DOC):
            if block.language == "console":
                for command, expected in steps(block):
                    found = run(command)
                    assert printed(expected, found), f"$ {command}\n{found}"
                    ran += 1
    assert ran >= 10


def test_its_receiver_takes_what_is_signed_and_nothing_else(folder: Path, environment: dict[str, str]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/bans"
    program = folder / "receiver.py"
    program.write_text(program.read_text("utf-8").replace("8099", str(port)), "utf-8")
    log = folder / "taken"

    with log.open("wb") as out:
        receiver = subprocess.Popen(
            [sys.executable, str(program)], stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
        )
    try:
        assert becomes(lambda: status(url) == 401)
        with running(folder, environment, "bans", "hook", url):
            assert becomes(lambda: log.read_text().count("\n") == len(LISTED))
    finally:
        receiver.kill()
        receiver.wait()
    assert "domain:evil.example ['block_access']" in log.read_text()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light")
def test_its_nginx_blocks_the_domain_and_what_is_below_it(folder: Path, environment: dict[str, str]) -> None:
    arguments = ["bans", "export", "--to", "nginx", "--file", str(folder / "domains.map"), "--once"]
    with running(folder, environment, *arguments) as process:
        assert process.wait(40) == 0
    port = free_port()
    configuration = (folder / "nginx.conf").read_text("utf-8").replace("8080", str(port))
    temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    configuration = configuration.replace("http {", f"http {{ access_log off; {temporary}")
    (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/pid; error_log stderr;\n{configuration}", "utf-8")
    command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]

    with (folder / "nginx.log").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as nginx:
        try:
            asked = {
                host: f"http://127.0.0.1:{port}/open?to={host}" for host in ("evil.example", "www.evil.example", "a.b")
            }
            assert becomes(lambda: status(asked["a.b"], post=False) == 204), (folder / "nginx.log").read_text()
            assert status(asked["evil.example"], post=False) == 403
            assert status(asked["www.evil.example"], post=False) == 403
        finally:
            nginx.terminate()


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def status(url: str, *, post: bool = True) -> int:
    """The status of a request that nobody signed; 0 while nothing listens."""
    try:
        with urllib.request.urlopen(url, b"{}" if post else None, timeout=5) as response:  # noqa: S310 - loopback
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_every_metric_that_it_names_is_exported() -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    from streams.bans.export.running import ExportState
    from streams.bans.hooks.delivery import HookState
    from streams.bans.metrics import ConsumerMetrics, export_readings, hook_readings

    registry = CollectorRegistry()
    registry.register(ConsumerMetrics([*export_readings(ExportState()), *hook_readings(HookState())]))
    exported = set(re.findall(r"^(warden_\w+)", generate_latest(registry).decode(), re.M))

    named = set(re.findall(r"`(warden_(?:ban_list|export|hook)_\w+)`", DOC))
    assert named
    assert named <= exported
