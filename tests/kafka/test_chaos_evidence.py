"""What a chaos run that went wrong keeps of its topics."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

from chaos.evidence import keep_topics
from streams.settings import Settings
from tests.kafka.broker import Broker
from tests.kafka.consuming import create, put


def test_records_of_a_topic_are_kept_as_they_were(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    topic = prefix + "kept"
    create(kafka, topic)
    put(kafka, topic, ("甲", "一".encode()), ("b", None), ("c", b"\xff\x00"))
    asyncio.run(keep_topics(Settings(bootstrap=kafka.bootstrap), tmp_path / "topics", [topic]))
    with gzip.open(tmp_path / "topics" / f"{topic}.jsonl.gz") as file:
        lines = [json.loads(line) for line in file]
    assert {line["key"]: line["value"] for line in lines} == {"甲": "一", "b": None, "c": "hex:ff00"}
    places = [(line["partition"], line["offset"]) for line in lines]
    assert places == sorted(set(places))
