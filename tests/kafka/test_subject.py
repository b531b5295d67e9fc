"""`warden subject` on a real broker: what is in force, why, and in what order it came about."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from rules.decisions import Ban, BanEntry, Enforcement, EventRef, Evidence, Notice, Violation
from streams.cli import warden
from streams.codec import encode
from tests.kafka.broker import Broker, produce

Run = Callable[..., Result]
NOW = datetime.now(UTC)
SUBJECT = "domain:quiz.example"


@pytest.fixture
def run(kafka: Broker, prefix: str) -> Run:
    environment = {"WARDEN_BOOTSTRAP": kafka.bootstrap, "WARDEN_TOPIC_PREFIX": prefix, "WARDEN_PARTITIONS": "2"}

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(warden, arguments, env=environment)

    assert call("topics", "create").exit_code == 0
    return call


def violation(subject: str, number: int, quote: str = "分享到朋友圈") -> Violation:
    return Violation(
        id=f"v{number}",
        cause="0123456789abcdef" * 2,
        event=EventRef(f"e{number}", "share"),
        subject=subject,
        clause="links.1.1",
        rule="induced_sharing.unlock",
        mode="enforce",
        severity="ordinary",
        evidence=[Evidence("s", "title", quote, 0, len(quote))],
        time=NOW - timedelta(days=2, minutes=-number),
        pack="p@1",
    )


def enforcement(subject: str, ends: datetime | None) -> Enforcement:
    return Enforcement(
        id="f1", subject=subject, action="block_access", ladder="external_links", rung=2, permanent=ends is None,
        starts=NOW - timedelta(days=1), ends=ends, clauses=["links.1.1"], rule="induced_sharing.unlock",
        violations=["v1", "v2"], evidence=[], notice=Notice("", ""), pack="p@1", time=NOW - timedelta(days=1),
        previous=None,
    )  # fmt: skip


def ban(subject: str, *ends: datetime | None) -> Ban:
    entries = [
        BanEntry(
            action="block_access", ladder="external_links", rung=2, permanent=end is None,
            starts=NOW - timedelta(days=1), ends=end, clauses=["links.1.1"], enforcement="f1",
        )
        for end in ends
    ]  # fmt: skip
    return Ban(subject=subject, sanctions=entries, time=NOW)


def put(kafka: Broker, prefix: str, topic: str, subject: str, value: bytes | None) -> None:
    asyncio.run(produce(kafka.bootstrap, f"{prefix}{topic}", [(subject.encode(), value)]))


def test_a_subject_is_told_with_what_holds_and_why(kafka: Broker, prefix: str, run: Run) -> None:
    ends = NOW + timedelta(days=3)
    put(kafka, prefix, "violations", SUBJECT, encode(violation(SUBJECT, 2)))
    put(kafka, prefix, "violations", SUBJECT, encode(violation(SUBJECT, 1, "\u202e[red]坏\x1b[2J")))
    put(kafka, prefix, "violations", "domain:other.example", encode(violation("domain:other.example", 3)))
    put(kafka, prefix, "violations", SUBJECT, b"{")
    put(kafka, prefix, "enforcements", SUBJECT, encode(enforcement(SUBJECT, ends)))
    put(kafka, prefix, "bans", SUBJECT, encode(ban(SUBJECT, NOW - timedelta(hours=1), ends)))
    told = json.loads(run("subject", SUBJECT, "--json").stdout)
    assert [entry["kind"] for entry in told["history"]] == ["violation", "violation", "enforcement"]
    assert [entry["id"] for entry in told["history"]] == ["v1", "v2", "f1"]
    assert told["unreadable"] == 1
    assert [entry["ends"] for entry in told["in_force"]] == [ends.isoformat().replace("+00:00", "Z")]
    assert told["undo"] == ["warden appeal f1 --overturn --why …"]
    shown = run("subject", SUBJECT)
    assert shown.exit_code == 0, shown.output
    assert "block_access until" in shown.output
    assert "links.1.1" in shown.output
    assert "诱导分享" in shown.output
    assert "other.example" not in shown.output
    assert "to undo: warden appeal f1 --overturn" in shown.output
    assert "[red]坏" in shown.output
    assert not {"\u202e", "\x1b"} & set(shown.output)


def test_a_subject_that_nothing_is_known_of_is_free(kafka: Broker, prefix: str, run: Run) -> None:
    put(kafka, prefix, "bans", SUBJECT, None)
    assert json.loads(run("subject", SUBJECT, "--json").stdout) == {
        "subject": SUBJECT, "in_force": [], "undo": [], "history": [], "unreadable": 0,
    }  # fmt: skip
    assert "nothing is in force" in run("subject", SUBJECT).output


def test_only_what_was_produced_since_then_is_read(kafka: Broker, prefix: str, run: Run) -> None:
    put(kafka, prefix, "violations", SUBJECT, encode(violation(SUBJECT, 1)))
    put(kafka, prefix, "bans", SUBJECT, encode(ban(SUBJECT, None)))
    told = json.loads(run("subject", SUBJECT, "--since", "0", "--json").stdout)
    assert told["history"] == []
    assert len(told["in_force"]) == 1
    assert len(json.loads(run("subject", SUBJECT, "--since", "1", "--json").stdout)["history"]) == 1


def test_what_is_no_subject_is_refused(run: Run) -> None:
    for wrong in ("alice", "user:alice"):
        result = run("subject", wrong)
        assert result.exit_code == 2
        assert "account" in result.output
