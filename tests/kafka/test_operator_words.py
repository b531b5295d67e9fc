"""The operator's own words on their topic: put, listed, removed, and taken up by workers that run. On real Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from tests.kafka.broker import Broker
from tests.kafka.system import System, Worker

PACK = """
pack: {name: p, version: "1"}
clauses: {links.9.1: {title: {zh: 九, en: nine}, first: [stop_spread]}}
ladders: {l: {clauses: [links.9], window: 180d, grace: 1h, rungs: [{apply: first}]}}
lexicons:
  one: {operator: true, test_words: [虚构词甲]}
  two: {operator: true, test_words: [虚构词乙]}
signals: {first: {lexicon: one}, second: {lexicon: two, at_least: 2}}
rules:
  named: {clause: links.9.1, when: first, hits: [虚构词甲], passes: [你好]}
  heavy: {clause: links.9.1, when: second, passes: [你好], mode: shadow}
"""


@pytest.fixture
def system(kafka: Broker, prefix: str, tmp_path: Path) -> System:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(PACK, "utf-8")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "one.txt").write_text("名单词\n", "utf-8")
    settings = {"pack": tmp_path / "pack", "lexicons": tmp_path / "lists", "partitions": 2}
    return System.create(kafka.bootstrap, prefix, tmp_path, **settings)


def words(system: System, *arguments: str) -> Any:
    """What `warden words … --json` prints."""
    done = system.warden("words", *arguments, "--json")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def posted(system: System, worker: Worker, texts: list[str]) -> dict[str, tuple[str, str]]:
    """Feeds posts and waits; text -> (rule, pack) of its violation, for those that have one."""
    before = {v["event"]["id"] for v in system.decisions("violations")}
    done = system.progress()[0][1] + len(texts)
    stamp = time.time_ns()
    events = [
        {"type": "post", "id": f"{stamp}-{n}", "account": f"a{n}", "time": "2026-01-01T00:00:00Z", "text": text}
        for n, text in enumerate(texts)
    ]
    system.feed(events)
    system.await_done(done, worker)
    found = {v["event"]["id"]: (v["rule"], v["pack"]) for v in system.decisions("violations")}
    return {event["text"]: found[event["id"]] for event in events if event["id"] in found and event["id"] not in before}


def eventually(found: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 30
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, last
        time.sleep(0.3)


def test_a_worker_takes_up_words_that_are_put_and_removed_while_it_runs(system: System) -> None:
    assert words(system, "put", "one", "甲乙丙") == {"lexicon": "one", "put": ["甲乙丙"]}
    label = words(system, "list")["pack"]
    with system.worker() as worker:
        # Given a worker that had read the topic and the lists before it began
        hits = posted(system, worker, ["说甲乙丙", "看名单词", "没有", "丁戊己"])
        assert hits == {"说甲乙丙": ("named", label), "看名单词": ("named", label)}
        assert label.startswith("p@1+words.")
        # When words come, with options
        words(system, "put", "one", "丁戊己", "--pinyin")
        words(system, "put", "two", "重词", "--weight", "2")
        newer = words(system, "list")["pack"]
        assert newer != label
        # Then it judges with them without a restart, and its decisions cite them
        eventually(lambda: posted(system, worker, ["dingwuji"]), {"dingwuji": ("named", newer)})
        assert posted(system, worker, ["丁戊己", "重词"]) == {"丁戊己": ("named", newer), "重词": ("heavy", newer)}
        assert worker.metric('warden_operator_words{lexicon="one"}') == 3
        assert worker.metric('warden_operator_words{lexicon="two"}') == 1
        assert worker.metric("warden_operator_words_offset{") == 3
        assert time.time() - worker.metric("warden_operator_words_changed_timestamp_seconds") < 120
        assert {e["pack"] for e in system.decisions("enforcements")} <= {label, newer}
        # When they are removed
        words(system, "remove", "one", "--all")
        words(system, "remove", "two", "重词")
        eventually(lambda: posted(system, worker, ["丁戊己"]), {})
        # Then those of the lists remain
        assert posted(system, worker, ["看名单词", "甲乙丙"]).keys() == {"看名单词"}
        assert worker.stop() == 0


def test_records_that_are_no_words_change_nothing_and_are_named(system: System) -> None:
    system.produce(
        "operator_words",
        [
            (b"one/\xff", b"{}"),
            (b"one", b"{}"),
            ("one/坏".encode(), b"no json"),
            ("one/重".encode(), b'{"weight": 100000}'),
            ("one/拼".encode(), b'{"pinyn": true}'),
            (b"one/\xe2\x80\x8b", b"{}"),
            ("three/词".encode(), b"{}"),
            ("one/好词".encode(), b"{}"),
            ("one/零".encode(), b'{"weight": 0}'),
        ],
    )
    done = system.warden("words", "list", "--json")
    problems = done.stderr.decode().splitlines()
    assert [row["word"] for row in json.loads(done.stdout)["words"]] == ["名单词", "好词", "零"]
    assert len(problems) == 7
    assert any("has no operator lexicon 'three'" in problem for problem in problems)
    with system.worker() as worker:
        assert posted(system, worker, ["好词", "坏", "重", "零"]).keys() == {"好词"}
        assert worker.log.read_text().count("Operator words:") == 7


def test_the_list_shows_what_workers_look_for_and_where_it_comes_from(system: System) -> None:
    (system.folder / "more.csv").write_text("word,weight,whole\n丙,3,true\n", "utf-8")
    words(system, "put", "one", "名单词", "--weight", "5", "--exact", "--group", "g")
    words(system, "put", "two", "--file", str(system.folder / "more.csv"))
    rows = words(system, "list")["words"]
    plain = {"group": "", "whole": False, "pinyin": False, "initials": False, "fold": True, "from": "topic"}
    assert rows == [
        {**plain, "lexicon": "one", "word": "名单词", "weight": 5.0, "group": "g", "fold": False},
        {**plain, "lexicon": "two", "word": "丙", "weight": 3.0, "whole": True},
    ]
    table = system.warden("words", "list", "two").stdout.decode()
    assert "丙" in table
    assert "名单词" not in table
    words(system, "remove", "one", "名单词")
    assert [row["from"] for row in words(system, "list", "one")["words"]] == ["list"]


REFUSED = [
    (("put", "on", "甲"), "no operator lexicon 'on'\n    did you mean 'one'?"),
    (("put", "one", "\u200b"), "has no character that folding keeps"),
    (("put", "one"), "name a word"),
    (("remove", "one", "名单词"), "'名单词' is not among the words of 'one' on the topic"),
    (("remove", "one"), "name words to remove, or say --all"),
    (("list", "three"), "no operator lexicon 'three'"),
]


def test_what_cannot_be_done_is_said_and_nothing_is_written(system: System) -> None:
    for arguments, message in REFUSED:
        done = system.warden("words", *arguments)
        assert done.returncode in {1, 2}
        assert message in done.stderr.decode()
    assert system.records("operator_words") == []


def test_without_the_topic_nothing_is_judged_and_nothing_is_written(kafka: Broker, tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(PACK, "utf-8")
    system = System(Settings(bootstrap=kafka.bootstrap, topic_prefix="nowhere-", pack=tmp_path), tmp_path)
    done = system.warden("words", "put", "one", "甲")
    assert (done.returncode, "nowhere-operator_words: does not exist" in done.stderr.decode()) == (1, True)
    done = system.warden("worker")
    assert (done.returncode, "warden topics create" in done.stderr.decode()) == (1, True)
