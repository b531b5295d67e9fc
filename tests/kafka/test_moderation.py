"""What moderators do, from the command line to the ban list and back, with a worker on real Kafka."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from rules.decisions import Ban, BanEntry, Lift
from streams.codec import encode
from streams.topics import topic_names
from tests.kafka.broker import Broker
from tests.kafka.system import TINY, System

NOW = datetime.now(UTC)
SHARED = ("account:alice", "domain:quiz.example", "link:https://quiz.example/prize")
QUOTAS = """
limits:
  quotas: {each_rule: {each: rule, per: day, at_most: 3}, all_by_hour: {each: all, per: hour, at_most: 90}}
"""


@pytest.fixture
def make(kafka: Broker, prefix: str, tmp_path: Path) -> Callable[..., System]:
    return lambda **given: System.create(kafka.bootstrap, prefix, tmp_path, **given)


def ago(**since: float) -> str:
    return (NOW - timedelta(**since)).isoformat()


def a_share(account: str = "alice", url: str = "https://quiz.example/prize") -> dict[str, Any]:
    return {
        "type": "share", "id": f"s-{account}", "account": account, "time": ago(minutes=10), "url": url,
        "title": "分享后查看答案", "scene": "moments",
    }  # fmt: skip


def a_post(account: str, text: str) -> dict[str, Any]:
    return {"type": "post", "id": f"p-{account}", "account": account, "time": ago(minutes=10), "text": text}


def told(done: subprocess.CompletedProcess[bytes]) -> Any:
    """What a command printed as JSON."""
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[bytes]) -> str:
    """What a command that failed said to a person."""
    assert done.returncode == 1, (done.stdout.decode(), done.stderr.decode())
    assert b"Traceback" not in done.stderr
    return done.stderr.decode()


def test_a_share_is_punished_explained_appealed_and_forgiven_everywhere(make: Callable[..., System]) -> None:
    system = make()
    with system.worker() as worker:
        system.feed([a_share()])
        system.await_done(1, worker)
        assert set(SHARED) <= set(system.bans())

        why = told(system.warden("subject", "domain:quiz.example", "--json"))
        (held,) = why["in_force"]
        assert held["action"] == "block_access"
        (charge,) = [each for each in why["history"] if each["kind"] == "violation"]
        assert {*charge["linked"], "domain:quiz.example"} == set(SHARED)
        shown = system.warden("subject", "domain:quiz.example").stdout.decode()
        assert "block_access until" in shown
        assert "诱导分享" in shown
        assert "also charged: account:alice" in shown
        (command,) = why["undo"]
        assert f"to undo: {command}" in shown

        wrong = system.warden("appeal", held["enforcement"], "--overturn", "--subject", "account:alice", "--why", "x")
        assert wrong.returncode == 2
        assert b"is of domain:quiz.example" in wrong.stderr

        arguments = [*shlex.split(command)[1:-1], "the owner's own lottery", "--by", "lin"]
        appealed = told(system.warden(*arguments, "--id", "appeal-1", "--json"))
        assert appealed["answered"]
        assert appealed["complete"]
        assert not appealed["repeated"]
        lifts = appealed["changes"]
        assert {(lift["kind"], lift["because"], lift["moderator"]) for lift in lifts} == {("lift", "appeal-1", "lin")}
        assert {lift["subject"] for lift in lifts} == set(SHARED)
        assert {rule for lift in lifts for rule in lift["rules"]} == {"sharing.unlock"}
        assert appealed["in_force"] == {subject: [] for subject in SHARED}
        assert system.bans() == {}

        again = told(system.warden(*arguments, "--id", "appeal-1", "--json"))
        assert again["repeated"]
        assert {lift["id"] for lift in again["changes"]} == {lift["id"] for lift in lifts}
        assert len(system.records("appeals")) == 1
        assert "a verdict is final" in refused(system.warden(*arguments))
        assert "was used before" in system.warden(*arguments[:-2], "--by", "wang", "--id", "appeal-1").stderr.decode()

        free = system.warden("subject", "account:alice").stdout.decode()
        assert "nothing is in force" in free
        assert "lifted" in free
        assert "the owner's own lottery" in free
        assert "to undo" not in free
        assert "no enforcement nonsense" in refused(system.warden("appeal", "nonsense", "--uphold", "--why", "x"))


def test_held_cases_are_decided_and_orders_last_until_they_are_cleared(make: Callable[..., System]) -> None:
    system = make()
    with system.worker() as worker:
        system.feed([a_post("bob", "互推换量"), a_post("carol", "互推换量")])
        system.await_done(2, worker)
        waiting = {review["subject"]: review for review in told(system.warden("reviews", "--json"))}
        assert set(waiting) == {"account:bob", "account:carol"}
        assert system.decisions("enforcements") == []
        listed = system.warden("reviews", "--reason", "by_report").stdout.decode()
        assert "warn (rung 1 of accounts)" in listed
        bob, carol = waiting["account:bob"]["id"], waiting["account:carol"]["id"]
        shown = told(system.warden("reviews", "show", bob, "--json"))
        assert [each["event"]["id"] for each in shown["violations"]] == ["p-bob"]
        assert "互推换量" in system.warden("reviews", "show", bob).stdout.decode()

        approve = ("reviews", "approve", bob, "--why", "looked at", "--by", "lin", "--id", "decision-1", "--json")
        approved = told(system.warden(*approve))
        assert {(each["kind"], each.get("status"), each.get("action")) for each in approved["changes"]} == {
            ("review", "approved", None), ("enforcement", None, "warn"),
        }  # fmt: skip
        assert {(each["subject"], each["because"]) for each in approved["changes"]} == {("account:bob", "decision-1")}
        again = told(system.warden(*approve))
        assert again["repeated"]
        assert again["changes"] == approved["changes"]
        rejected = told(system.warden("reviews", "reject", carol, "--why", "a charity", "--json"))
        assert [each["status"] for each in rejected["changes"]] == ["rejected"]
        assert told(system.warden("reviews", "--json")) == []
        assert "no case waits" in system.warden("reviews").stdout.decode()
        every = told(system.warden("reviews", "--all", "--json"))
        assert {each["id"]: each["status"] for each in every} == {bob: "approved", carol: "rejected"}
        assert "was approved" in refused(system.warden("reviews", "reject", bob, "--why", "x"))

        order = ("sanction", "account:dave", "suspend_account", "--for", "7d", "--why", "rumours", "--by", "lin")
        ordered = told(system.warden(*order, "--json"))
        (enforcement,) = ordered["changes"]
        assert enforcement["ladder"] == "by_hand"
        assert lasts(enforcement) == timedelta(days=7)
        (sanction,) = system.bans()["account:dave"]["sanctions"]
        assert sanction["enforcement"] == enforcement["id"]
        known = system.warden("subject", "account:dave").stdout.decode()
        assert "by a moderator's order" in known
        assert "order by lin: rumours" in known
        assert f"to undo: warden appeal {enforcement['id']} --overturn" in known

        cleared = told(system.warden("clear", "account:dave", "--why", "served", "--json"))
        (lift,) = cleared["changes"]
        assert (lift["kind"], lift["enforcement"]) == ("lift", enforcement["id"])
        assert cleared["in_force"] == {"account:dave": []}
        assert system.bans() == {}
        nothing = system.warden("clear", "account:dave", "--why", "once more")
        assert nothing.returncode == 0
        assert b"nothing changed" in nothing.stdout
        assert system.records("dead_letters") == []


def lasts(enforcement: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(enforcement["ends"]) - datetime.fromisoformat(enforcement["starts"])


def test_what_a_worker_does_not_know_any_more_is_refused_and_shown_so(make: Callable[..., System]) -> None:
    system = make()
    ban = making_ban("account:zed", "forgotten-1")
    system.produce("bans", [(b"account:zed", encode(ban))])  # the enforcement itself is gone with age
    with system.worker():
        appeal = ("appeal", "forgotten-1", "--overturn", "--why", "too long ago", "--by", "lin")
        done = system.warden(*appeal, "--json")
        assert "refused (unknown_enforcement)" in refused(done)
        outcome = json.loads(done.stdout)
        assert (outcome["answered"], outcome["refused"]["reason"], outcome["changes"]) == (
            True, "unknown_enforcement", [],
        )  # fmt: skip
        known = system.warden("subject", "account:zed").stdout.decode()
        assert "REFUSED (unknown_enforcement)" in known
        assert "to undo: warden appeal forgotten-1" in known  # there is no verdict
        assert "unknown_enforcement" in refused(system.warden(*appeal))
        by_name = system.warden("subject", "domain:www.zed.example").stdout.decode()
        assert "warden subject domain:zed.example" in by_name


def test_an_appeal_waits_until_what_it_tells_linked_subjects_has_arrived(make: Callable[..., System]) -> None:
    system = make()
    names = topic_names(system.settings)
    system.produce("bans", [(b"account:zed", encode(making_ban("account:zed", "e-1")))])
    system.produce("relays", [(b"domain:zed.example", b"what a worker told it")])
    commit(system, names.appeals)  # as if a worker had taken the appeal ...
    appeal = ("appeal", "e-1", "--overturn", "--why", "an error", "--id", "a-1", "--by", "lin")
    assert "linked subjects have not all answered within 1 s" in refused(system.warden(*appeal, "--timeout", "1"))
    lift = Lift(
        id="l-1", subject="domain:zed.example", action="ban_domain", ladder="fraud", enforcement="e-2", because="a-1",
        moderator="lin", reason="an error", rules=[], pack="p@1", time=NOW,
    )  # fmt: skip
    system.produce("enforcements", [(b"domain:zed.example", encode(lift))])
    commit(system, names.relays)  # ... and the domain's record had been told
    outcome = told(system.warden(*appeal, "--json"))
    assert outcome["repeated"]
    assert outcome["complete"]
    assert [change["id"] for change in outcome["changes"]] == ["l-1"]


def commit(system: System, topic: str) -> None:
    """Commits positions beyond what is there, for the workers' group."""

    async def run() -> None:
        client = AIOKafkaConsumer(
            bootstrap_servers=system.settings.bootstrap, group_id=system.settings.app_id, enable_auto_commit=False
        )
        await client.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(system.settings.partitions)]
            client.assign(partitions)
            await client.commit(dict.fromkeys(partitions, 10))
        finally:
            await client.stop()

    asyncio.run(run())


def making_ban(subject: str, enforcement: str) -> Ban:
    entry = BanEntry(
        action="ban_account", ladder="fraud", rung=1, permanent=True, starts=NOW, ends=None, clauses=["links.4"],
        enforcement=enforcement,
    )  # fmt: skip
    return Ban(subject=subject, sanctions=[entry], time=NOW)


def test_without_a_worker_an_order_is_written_once_and_answered_later(make: Callable[..., System]) -> None:
    system = make()
    order = ("sanction", "account:erin", "ban_account", "--for", "1d", "--why", "court", "--id", "order-1")
    said = refused(system.warden(*order, "--timeout", "1"))
    assert "no worker has answered within 1 s" in said
    assert "--id order-1" in said
    unwaited = told(system.warden("sanction", "account:erin", "warn", "--why", "x", "--no-wait", "--json"))
    assert not unwaited["answered"]
    with system.worker():
        later = told(system.warden(*order, "--timeout", "60", "--json"))
        assert later["repeated"]
        (enforcement,) = later["changes"]
        assert lasts(enforcement) == timedelta(days=1)
        assert len(system.records("orders")) == 2


def test_used_up_quotas_are_shown_and_what_they_hold_waits_for_a_person(
    make: Callable[..., System], tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "pack.yaml").write_text(f"{(TINY / 'pack.yaml').read_text('utf-8')}{QUOTAS}", "utf-8")
    system = make(pack=pack)
    assert "workers make it when they first start" in refused(system.warden("quota"))
    with system.worker() as worker:
        system.feed([a_post(f"a{number}", "恭喜中奖 联系13800138000") for number in range(40)])
        system.await_done(40, worker)
        taken = len(system.decisions("enforcements"))
        used = told(system.warden("quota", "--json"))
        quotas = {(each["quota"], each["of"]): each for each in used["quotas"]}
        assert quotas["each_rule", "fraud.prize"]["used"] == taken == 3  # one in each of three partitions
        assert quotas["each_rule", "fraud.prize"]["at_most"] == 3
        assert quotas["each_rule", "fraud.prize"]["full_partitions"] == 3
        assert quotas["all_by_hour", ""]["used"] == taken
        shown = system.warden("quota").stdout.decode()
        assert "3 of 3 partitions" in shown
        before = told(system.warden("quota", "--at", ago(days=9), "--json"))
        assert {each["used"] for each in before["quotas"]} == {0}
        assert "ban_account for good" in system.warden("reviews", "--reason", "quota").stdout.decode()
        held = told(system.warden("reviews", "--reason", "quota", "--json"))
        assert len(held) == 37
        assert {tuple(each["proposed"]) for each in held} == {("ban_account",)}
