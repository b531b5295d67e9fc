"""What a worker says of the events it judges: nothing that tells whose they are, not even at the debug level."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from rules.decisions import SUBJECT_KINDS
from tests.kafka.broker import Broker
from tests.kafka.personal import PRIVATE, events
from tests.kafka.system import System


def test_logs_and_metrics_hold_nothing_personal(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, log_level="debug", compression="none", partitions=1)
    sent = events()
    with system.worker() as worker:
        fed = system.warden("feed", "-", stdin=_lines(sent))
        system.produce("posts", [(PRIVATE[0].encode(), b"{" + PRIVATE[3].encode()), (None, PRIVATE[0].encode())])
        system.await_done(len([e for e in sent if e["type"] in {"post", "share", "mass_send"}]) + 2, worker)
        metrics = worker.get("/metrics")[1]
    said = {"log": worker.log.read_text(), "metrics": metrics, "feed": (fed.stdout + fed.stderr).decode()}

    assert fed.returncode == 0, fed.stderr.decode()
    assert len(system.records("dead_letters")) >= 4
    assert system.bans()
    assert {place: [part for part in PRIVATE if part in text] for place, text in said.items()} == {
        place: [] for place in said
    }
    assert "DEBUG" in said["log"]
    assert len(set(re.findall(r"^warden_\w+", metrics, re.MULTILINE))) > 20


def test_labels_do_not_grow_with_what_is_judged(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path, partitions=1)
    with system.worker() as worker:
        system.feed(events())
        system.await_done(15, worker)
        before = _series(worker.get("/metrics")[1])
        others = [event | {"account": f"{event['account']}{n}"} for n in range(50) for event in events()[:3]]
        system.feed(event | {"id": f"{event['id']}-{n}"} for n, event in enumerate(others))
        system.await_done(15 + len(others), worker)
        after = _series(worker.get("/metrics")[1])

    assert {series for series in after if "busiest" not in series} == {
        series for series in before if "busiest" not in series
    }
    assert sum("busiest" in series for series in after) <= 10 * len(SUBJECT_KINDS)


def _series(metrics: str) -> set[str]:
    """Names with labels, without values."""
    return {line.rsplit(" ", 1)[0] for line in metrics.splitlines() if line and not line.startswith("#")}


def _lines(sent: list[dict[str, object]]) -> bytes:
    return b"\n".join(map(orjson.dumps, sent))
