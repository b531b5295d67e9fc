"""Events of many accounts together, on real Kafka: whatever workers see in whatever order, and however they die, the
violations are those of the offline engine."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.kafka.broker import Broker
from tests.kafka.system import System, Worker
from tests.kafka.test_end_to_end import assert_agreement

START = datetime(2026, 1, 1, tzinfo=UTC)
PACK = """
    pack: {name: crowds, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread, block_access], egregious: [ban_domain]}
      accounts.2:
        {title: {zh: 互推, en: promoting each other}, handling: by_report, first: [suspend_account]}
    ladders:
      all:
        clauses: [links, accounts]
        window: 180d
        grace: 1h
        rungs: [{apply: first, for: 1d}, {apply: first, for: 7d}, {apply: egregious}]
    lexicons:
      words: {words: [红包]}
    signals:
      packet: {lexicon: words}
      promotes: {event: promotes}
    rules:
      plain: {clause: links.1, when: packet, charges: [link]}
      copies: {clause: links.1, when: packet, crowd: {same: text, distinct: account, at_least: 4, within: 1d}}
      burst: {clause: links.1, when: packet, crowd: {same: domain, distinct: account, at_least: 5, within: 6h}}
      pages:
        clause: links.1
        when: packet
        egregious_when: packet
        crowd: {same: page, distinct: domain, at_least: 3, within: 1d}
      ring: {clause: accounts.2, when: promotes, charges: [account], ring: {longest: 4, within: 1d}}
    """
TEXTS = (
    "打开看看今天的红包雨，每个群友都有份，早来早得",
    "红包已经放在老地方，看到的朋友自己去拿，别告诉别人",
    "过年回家路上抢到一个红包，请全车人喝了热豆浆",
    "公司年会的红包墙前面排起长队，大家都在拍照留念",
)


def crowded_events(count: int, seed: int) -> list[dict[str, Any]]:
    """Posts, shares and mass sends over some days that make crowds and rings, and just fail to."""
    dice = random.Random(seed)
    events: list[dict[str, Any]] = []
    for number in range(count):
        time_ = START + timedelta(minutes=number * 3 - dice.choice((0, 0, 0, dice.randrange(180))))
        body: dict[str, Any] = {
            "id": f"{seed}-{number}",
            "account": f"user-{dice.randrange(40)}",
            "time": time_.isoformat(),
        }
        text = dice.choice(TEXTS)
        site = f"site{dice.randrange(12)}.example"
        match dice.randrange(4):
            case 0:
                copy = text if dice.random() < 0.5 else text.replace(dice.choice(text), dice.choice("的一是"), 1)
                events.append({"type": "post", **body, "text": f"{copy} {dice.randrange(10**6)}"})
            case 1:
                page = {"text": text * 2}
                events.append(
                    {"type": "share", **body, "url": f"http://{site}/{number}", "scene": "chat", "page": page}
                )
            case 2:
                promoted = [f"user-{dice.randrange(40)}" for _ in range(dice.randrange(3))]
                send = {"text": "推荐", "channel": "followers", "recipients": 9, "promotes": promoted}
                events.append({"type": "mass_send", **body, **send})
            case _:
                events.append({"type": "post", **body, "text": "今天天气不错"})
    return events


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(dedent(PACK))
    return folder


def await_crowds(worker: Worker) -> None:
    """Returns once the worker has found something that several events decide together."""
    deadline = time.monotonic() + 30
    while worker.metric("warden_crowds_released_total") == 0:
        assert time.monotonic() < deadline, worker.log.read_text()[-4000:]
        time.sleep(0.02)


@pytest.mark.parametrize("store", ["memory://", "rocksdb://"])
def test_workers_killed_and_restarted_find_the_crowds_that_judge_finds(
    kafka: Broker, prefix: str, tmp_path: Path, pack: Path, store: str
) -> None:
    system = System.create(
        kafka.bootstrap, prefix, tmp_path, pack=pack, store=store, partitions=4, max_batch_records=200
    )
    events = crowded_events(3000, seed=21)
    for third in (events[:1000], events[1000:2000]):
        with system.worker(WARDEN_DATA_DIR=str(tmp_path / "state")) as worker:
            system.feed(third)
            await_crowds(worker)
            worker.kill()
    system.feed(events[2000:])
    with system.worker(WARDEN_DATA_DIR=str(tmp_path / "state")) as one, system.worker() as two:
        system.await_done(len(events), one, two)
        assert one.metric("warden_sightings_not_held_total") + two.metric("warden_sightings_not_held_total") == 0
    decisions = assert_agreement(system, events, pack)
    rules = {decision.rule for decision in decisions if type(decision).__name__ == "Violation"}
    assert rules == {"plain", "copies", "burst", "pages", "ring"}


def test_what_is_no_message_of_the_sightings_topic_is_a_dead_letter(
    kafka: Broker, prefix: str, tmp_path: Path, pack: Path
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=pack, partitions=1)
    system.produce("sightings", [(b"k", b"not json"), (None, b"{}"), (b"k", b'{"kind": "release", "key": "other"}')])
    events = crowded_events(300, seed=22)
    system.feed(events)
    with system.worker() as worker:
        system.await_done(len(events), worker)
    letters = system.records("dead_letters")
    assert [dict(letter.headers)["reason"] for letter in letters] == [b"undecodable", b"missing_key", b"invalid"]
    assert_agreement(system, events, pack)
