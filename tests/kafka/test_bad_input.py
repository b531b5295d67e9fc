"""Input that is wrong, on real Kafka: it becomes dead letters with its bytes unchanged, and nothing else is lost."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from rules.engine import Engine
from rules.events import decode_event
from rules.packs import load_pack
from tests.kafka.broker import Broker
from tests.kafka.system import TINY, System

TIME = "2026-11-01T08:00:00Z"


def post(number: int, text: str = "转发后解锁", **fields: object) -> bytes:
    """A valid post of `alice`, with fields overridden."""
    return orjson.dumps({"id": f"p{number}", "account": "alice", "time": TIME, "text": text, **fields})


def test_random_bytes_among_valid_events_all_become_dead_letters(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    dice = random.Random(20261101)
    noise = [dice.randbytes(dice.randrange(1, 300)) for _ in range(10_000)]
    valid = [post(number) for number in range(500)]
    records = [(dice.randbytes(4), value) for value in noise] + [(b"alice", value) for value in valid]
    dice.shuffle(records)
    with system.worker() as worker:
        for start, topic in enumerate(("posts", "shares", "mass_sends")):
            mine = [record for at, record in enumerate(records) if record[0] != b"alice" and at % 3 == start]
            system.produce(topic, mine + ([r for r in records if r[0] == b"alice"] if topic == "posts" else []))
        system.await_done(len(records), worker)
        assert worker.get("/readyz")[0] == 200
        assert worker.metric("warden_dead_letters_total") == len(noise)
    letters = system.records("dead_letters")
    assert sorted((letter.key, letter.value) for letter in letters) == sorted(r for r in records if r[0] != b"alice")
    engine = Engine(load_pack(TINY))
    expected = {decision.id for decision in engine.judge(decode_event("post", body) for body in valid)}
    found = {decision["id"] for topic in ("violations", "enforcements") for decision in system.decisions(topic)}
    assert found == expected


@pytest.mark.parametrize("topic", ["posts", "reports"])
def test_every_kind_of_wrong_record_becomes_a_dead_letter_that_says_why(
    kafka: Broker, prefix: str, tmp_path: Path, topic: str
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    report = {"id": "r", "subject": "account:alice", "reporter": "bob", "category": "spam", "time": TIME}
    body, key = (post(1), b"alice") if topic == "posts" else (orjson.dumps(report), b"account:alice")
    fields = orjson.loads(body)
    wrong: list[tuple[bytes | None, bytes | None, str]] = [
        (key, b"{", "undecodable"),
        (key, b"\xff\xfe", "undecodable"),
        (key, b'{"extra":' + b"[" * 100_000, "undecodable"),
        (key, b"[" * 100_000, "invalid"),
        (key, b"[]", "invalid"),
        (key, orjson.dumps({**fields, "time": "yesterday"}), "invalid"),
        (key, orjson.dumps({**fields, "time": "2026-11-01T08:00:00"}), "invalid"),
        (key, orjson.dumps({name: value for name, value in fields.items() if name != "id"}), "invalid"),
        (key, orjson.dumps({**fields, "id": 7}), "invalid"),
        (key, None, "null"),
        (None, body, "missing_key"),
        (b"mallory", body, "key_mismatch"),
        (key, orjson.dumps({**fields, "extra": "x" * 10_000_000}), "oversize"),
    ]
    with system.worker() as worker:
        system.produce(topic, [(key, value) for key, value, _ in wrong] + [(key, body)])
        done = len(wrong) + 1 if topic == "posts" else 0
        system.await_done(done, worker)
        assert worker.get("/readyz")[0] == 200
    letters = {(letter.key, letter.value): dict(letter.headers) for letter in system.records("dead_letters")}
    assert {place: headers["reason"].decode() for place, headers in letters.items()} == {
        (key, value): reason for key, value, reason in wrong
    }
    for headers in letters.values():
        assert headers["topic"].decode() == f"{prefix}{topic}"
        assert headers["offset"].isdigit()
        assert headers["partition"].isdigit()
        assert 0 < len(headers["detail"].decode()) <= 300
        assert b"\n" not in headers["detail"]


def test_a_broken_pack_stops_the_start_and_says_where(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "pack.yaml").write_text((TINY / "pack.yaml").read_text().replace("when: unlock", "when: unlok"))
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=pack)
    with system.worker(ready=False) as worker:
        assert worker.process.wait(30) == 2
    log = worker.log.read_text()
    assert "pack.yaml:" in log
    assert "did you mean 'unlock'?" in log
    assert "Traceback" not in log


def test_a_worker_without_its_topics_says_what_to_do(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    with system.worker(ready=False, WARDEN_TOPIC_PREFIX=f"{prefix}none-") as worker:
        assert worker.process.wait(30) == 1
    assert "warden topics create" in worker.log.read_text()
