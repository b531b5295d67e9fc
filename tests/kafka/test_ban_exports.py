"""`warden bans export` on a real broker: what is written, as it changes, ends, and while the broker is away."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from streams.cli import warden
from tests.kafka.broker import Broker
from tests.kafka.consuming import becomes, create, put, running
from tests.redis_server import redis_url as redis_url  # noqa: PLC0414 - a fixture
from tests.streams.making_bans import ban

EVIL = "domain:evil.example"


@pytest.fixture
def environment(kafka: Broker, prefix: str) -> dict[str, str]:
    create(kafka, prefix + "bans")
    return {"WARDEN_BOOTSTRAP": kafka.bootstrap, "WARDEN_TOPIC_PREFIX": prefix}


def test_each_file_is_written_once_on_demand(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path
) -> None:
    put(kafka, prefix + "bans", ban(EVIL, "ban_domain"), ban("account:a", "ban_account"), ("account:b", b"garbage"))

    for form, found in (
        ("nginx", '".evil.example"'),
        ("rpz", "*.evil.example CNAME ."),
        ("csv", EVIL),
        ("jsonl", EVIL),
    ):
        arguments = ["bans", "export", "--to", form, "--file", str(tmp_path / form), "--once", "--json"]
        first = CliRunner().invoke(warden, arguments, env=environment)
        again = CliRunner().invoke(warden, arguments, env=environment)

        assert first.exit_code == 0, first.output
        entries = 1 if form in {"nginx", "rpz"} else 2
        assert json.loads(first.stdout) == {"entries": entries, "skipped": 0, "changed": True}
        assert json.loads(again.stdout)["changed"] is False
        assert found in (tmp_path / form).read_text()
        assert "is no ban" in first.stderr


def test_a_map_follows_changes_and_ends_and_metrics_tell(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "domains.map"
    put(kafka, prefix + "bans", ban(EVIL, "ban_domain"))
    command = ["bans", "export", "--to", "nginx", "--file", str(path), "--every", "0.1", "--metrics-port", "0"]

    with running(tmp_path, environment, *command) as process:
        assert becomes(lambda: path.exists() and "evil.example" in path.read_text())
        soon = datetime.now(UTC) + timedelta(seconds=4)
        put(kafka, prefix + "bans", (EVIL, None), ban("domain:brief.example", "block_access", ends=soon))
        assert becomes(lambda: "brief.example" in path.read_text() and "evil.example" not in path.read_text())
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", (tmp_path / "messages").read_text())
        assert url is not None
        metrics = urllib.request.urlopen(url[0]).read().decode()  # noqa: S310 - loopback
        assert "warden_ban_list_loads_total 1.0" in metrics
        assert float(re.findall(r"^warden_ban_list_staleness_seconds (\S+)", metrics, re.M)[0]) < 5
        assert becomes(lambda: "brief.example" not in path.read_text())
        assert datetime.now(UTC) >= soon
        process.terminate()
        assert process.wait(20) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["domains.map", "messages"]


def test_redis_follows_and_forgets(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path, redis_url: str
) -> None:
    put(kafka, prefix + "bans", ban("account:a", "ban_account"))
    command = ["bans", "export", "--to", "redis", "--redis", redis_url, "--prefix", prefix, "--every", "0.1"]

    with (
        redis.Redis.from_url(redis_url, decode_responses=True) as client,
        running(tmp_path, environment, *command),
    ):
        assert becomes(lambda: bool(client.exists(f"{prefix}ban_account:account:a")))
        put(kafka, prefix + "bans", ("account:a", None), ban("account:b", "suspend_account"))
        assert becomes(lambda: bool(client.exists(f"{prefix}suspend_account:account:b")))
        assert not client.exists(f"{prefix}ban_account:account:a")


def test_what_was_written_stays_while_the_broker_is_away(own_kafka: Broker, tmp_path: Path) -> None:
    path = tmp_path / "bans.csv"
    create(own_kafka, "bans", partitions=1)
    put(own_kafka, "bans", ban("account:a", "ban_account"))
    environment = {"WARDEN_BOOTSTRAP": own_kafka.bootstrap}

    with running(tmp_path, environment, "bans", "export", "--to", "csv", "--file", str(path), "--every", "0.1"):
        assert becomes(lambda: path.exists() and "account:a" in path.read_text())
        own_kafka.kill()
        own_kafka.start()
        assert "account:a" in path.read_text()
        put(own_kafka, "bans", ban("account:b", "ban_account"))
        assert becomes(lambda: "account:b" in path.read_text())
        assert "account:a" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "nginx"], "needs --file"),
        (["--to", "redis", "--file", "x"], "takes no --file"),
        (["--to", "csv", "--file", "nowhere/at/all.csv"], "there is no such folder"),
        (["--to", "rpz", "--file", "x", "--zone", "a b"], "is no host name"),
        (["--to", "redis", "--redis", "redis://cache.example:6379"], "use rediss://"),
        (["--to", "redis", "--redis", "http://127.0.0.1"], "Redis URL"),
        (["--to", "redis", "--redis", "redis://:secret@127.0.0.1"], "holds a password"),
        (["--to", "csv", "--file", "x", "--json"], "goes with --once"),
    ],
)
def test_what_was_asked_wrongly_is_said(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(warden, ["bans", "export", *arguments])

    assert (result.exit_code, said in result.output) == (2, True), result.output
