"""`warden feed` and `warden bans` on a real broker."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules.decisions import Ban, BanEntry
from streams.cli import warden
from streams.codec import decode_record, encode
from tests.kafka.broker import Broker, Record, consume, produce

Run = Callable[..., Result]
NOW = datetime.now(UTC)
ROUNDS = 400


@pytest.fixture
def environment(kafka: Broker, prefix: str) -> dict[str, str]:
    return {"WARDEN_BOOTSTRAP": kafka.bootstrap, "WARDEN_TOPIC_PREFIX": prefix, "WARDEN_PARTITIONS": "2"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def call(*arguments: str, data: bytes = b"") -> Result:
        return CliRunner().invoke(warden, arguments, env=environment, input=data)

    return call


def line(number: int, kind: str) -> bytes:
    report = {"subject": f"account:a{number % 7}"}
    own: dict[str, dict[str, object]] = {
        "post": {"text": "你好"},
        "share": {"url": "https://e.example/", "scene": "chat"},
        "mass_send": {"text": "x", "channel": "nearby", "recipients": 1},
        "report": {**report, "reporter": "r", "category": "spam"},
        "appeal": {**report, "enforcement": "e", "verdict": "upheld", "moderator": "m", "reason": ""},
    }
    owner = {} if kind in {"report", "appeal"} else {"account": f"a{number % 7}"}
    body = {"type": kind, "id": f"{kind}-{number}", "time": "2026-01-01T00:00:00Z", **owner, **own[kind]}
    return json.dumps(body).encode() + b"\n"


def ban(subject: str, *ends: datetime | None) -> bytes:
    entries = [
        BanEntry(
            action="ban_account",
            ladder=f"l{number}",
            rung=1,
            permanent=end is None,
            starts=NOW - timedelta(days=1),
            ends=end,
            clauses=["links.1"],
            enforcement="e",
        )
        for number, end in enumerate(ends)
    ]
    return encode(Ban(subject=subject, sanctions=entries, time=NOW))


def held(result: Result) -> dict[str, list[str]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = [json.loads(each) for each in result.stdout.splitlines()]
    return {each["subject"]: [sanction["ladder"] for sanction in each["sanctions"]] for each in found}


def test_events_go_to_the_topic_of_their_type_in_order_and_are_valid_there(
    run: Run, kafka: Broker, prefix: str
) -> None:
    kinds = ["post", "share", "mass_send", "report", "appeal"]
    run("topics", "create")

    result = run("feed", "-", "--json", data=b"".join(line(n, kind) for n in range(ROUNDS) for kind in kinds))

    summary = json.loads(result.stdout)
    assert (result.exit_code, summary["sent"], summary["refused"]) == (0, 5 * ROUNDS, 0)
    assert summary["by_type"] == dict.fromkeys(sorted(kinds), ROUNDS)
    topics = {"post": "posts", "share": "shares", "mass_send": "mass_sends", "report": "reports", "appeal": "appeals"}
    for kind, topic in topics.items():
        records = asyncio.run(consume(kafka.bootstrap, prefix + topic, prefix + "g" + topic, ROUNDS))
        seen: dict[int, list[bytes]] = {}
        for record in records:
            decode_record(kind, record.key, record.value, record.headers)  # type: ignore[arg-type]
            assert record.value is not None
            assert b'"type"' not in record.value
            seen.setdefault(record.partition, []).append(dict(record.headers)["ce_sequence"])
        assert all(order == sorted(order) for order in seen.values())


def test_lines_without_type_or_key_are_reported_and_the_rest_is_sent(run: Run, kafka: Broker, prefix: str) -> None:
    run("topics", "create")

    result = run("feed", "-", data=line(1, "post") + b"garbage\n" + b'{"type": "post"}\n' + line(2, "post"))

    assert result.exit_code == 1
    assert result.stdout.startswith("2 events sent")
    assert "-:2: not sent: JSON is malformed" in result.stderr
    assert "-:3: not sent: no 'account'" in result.stderr
    assert len(asyncio.run(consume(kafka.bootstrap, prefix + "posts", prefix + "g", 2))) == 2


def test_a_record_that_is_no_event_for_its_size_is_sent_and_one_that_no_topic_takes_is_not(
    run: Run, environment: dict[str, str], kafka: Broker, prefix: str
) -> None:
    environment["WARDEN_COMPRESSION"] = "none"
    run("topics", "create")
    long = [
        b'{"type":"post","account":"a","text":"' + b"x" * size + b'"}\n' for size in (10_000_000, 11_999_900, 10**8)
    ]

    result = run("feed", "-", "--json", data=b"".join([*long, line(1, "post")]))

    assert json.loads(result.stdout)["sent"] == 2
    assert "-:2: not sent: 11999" in result.stderr
    assert "-:3: not sent: 100000039 bytes" in result.stderr
    records = asyncio.run(consume(kafka.bootstrap, prefix + "posts", prefix + "g", 2))
    assert max(len(record.value or b"") for record in records) > 10_000_000


def test_a_rate_is_kept(run: Run) -> None:
    run("topics", "create")

    result = run("feed", "-", "--rate", "100", "--json", data=b"".join(line(n, "post") for n in range(100)))

    assert json.loads(result.stdout)["seconds"] > 0.8


def test_without_topics_nothing_is_sent(run: Run) -> None:
    result = run("feed", "-", data=line(1, "post"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "posts: does not exist\n    create it: warden topics create" in result.stderr
    assert run("bans").exit_code == 1


def test_the_ban_list_is_the_newest_of_each_subject_without_what_has_ended(
    run: Run, kafka: Broker, prefix: str
) -> None:
    run("topics", "create")
    soon, past = NOW + timedelta(hours=1), NOW - timedelta(minutes=1)
    records: list[Record] = [
        (b"account:a", ban("account:a", None)),
        (b"account:b", ban("account:b", None)),
        (b"account:b", None),
        (b"account:c", ban("account:c", past)),
        (b"account:d", ban("account:d", past, soon, None)),
        (b"account:e", b"garbage"),
        (b"account:a", ban("account:a", soon, None)),
    ]
    asyncio.run(produce(kafka.bootstrap, prefix + "bans", records))

    everything = run("bans", "--json")

    assert held(everything) == {"account:a": ["l0", "l1"], "account:d": ["l1", "l2"]}
    assert "is no ban" in everything.stderr
    assert held(run("bans", "--json", "--subject", "account:a")) == {"account:a": ["l0", "l1"]}
    later = (NOW + timedelta(hours=2)).isoformat()
    assert held(run("bans", "--json", "--at", later)) == {"account:a": ["l1"], "account:d": ["l2"]}
    assert "account:d" in run("bans").stdout


def test_following_shows_what_holds_and_then_each_change(
    run: Run, environment: dict[str, str], kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    run("topics", "create")
    topic = prefix + "bans"
    asyncio.run(produce(kafka.bootstrap, topic, [(b"account:a", ban("account:a", None))]))
    command = [sys.executable, "-c", "from streams.cli import main; main()", "bans", "--follow", "--json"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}) as process:
        try:
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            asyncio.run(produce(kafka.bootstrap, topic, [(b"account:a", None)]))
            second = json.loads(process.stdout.readline())
        finally:
            process.terminate()

    assert (first["subject"], len(first["sanctions"])) == ("account:a", 1)
    assert (second["subject"], second["sanctions"]) == ("account:a", [])
