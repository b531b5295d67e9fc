"""The shipped pack on real text, where the development corpora are at hand (`../shared/corpora`); never copied here."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from rules.events import Event, convert_event
from rules.packs import SHIPPED, load_pack
from rules.screen import Arrival, Screen

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
TIME = datetime(2026, 1, 1, tzinfo=UTC).isoformat()

pytestmark = pytest.mark.skipif(
    not (CORPORA / "labelled.jsonl.gz").exists(),
    reason=f"the development corpora are not at {CORPORA}: the shipped pack was NOT judged on real text",
)


def event_of(row: dict[str, Any]) -> Event:
    """The event that a row stands for, by its task."""
    head = {"id": row["id"], "account": row["id"], "time": TIME, "title": row.get("title", "")}
    match row["task"]:
        case "message":
            return convert_event("mass_send", {**head, "text": row["text"], "channel": "followers", "recipients": 1})
        case "page":
            page = {"text": row["text"]}
            shared = {"url": "https://shared.example/", "scene": "moments", "page": page}
            return convert_event("share", {**head, **shared})
        case _:
            return convert_event("post", {**head, "text": row["text"]})


def rows() -> Iterator[dict[str, Any]]:
    """Every row of the labelled corpus."""
    with gzip.open(CORPORA / "labelled.jsonl.gz") as lines:
        for line in lines:
            yield orjson.loads(line)


@pytest.fixture(scope="module")
def hit_rates() -> dict[str, float]:
    """Source -> the share of its rows that some enforced rule hits."""
    screen = Screen(load_pack(SHIPPED))
    total: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    batch: list[tuple[str, Arrival]] = []

    def judge() -> None:
        found = screen.screen([arrival for _, arrival in batch], lambda _: None)
        enforced = {at for at, v in zip(found.arrivals, found.violations, strict=True) if v.mode == "enforce"}
        total.update(source for source, _ in batch)
        hit.update(batch[at][0] for at in enforced)
        batch.clear()

    for position, row in enumerate(rows()):
        event = event_of(row)
        source = row["source"] if row["clauses"] else f"benign {row['source']}"
        batch.append((source, Arrival(event, event.type, event.type, position)))  # type: ignore[arg-type]
        if len(batch) == 2000:
            judge()
    judge()
    return {source: hit[source] / total[source] for source in total}


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ("fbs_sms/FR:Phishing(Bank)", 0.95),
        ("fbs_sms/FR:Phishing(Other)", 0.9),
        ("telecom_fraud5/label01", 0.9),
        ("telecom_fraud5/label03", 0.9),
        ("fbs_sms/AD:Loan", 0.85),
        ("fbs_sms/AD:Retail", 0.75),
        ("fbs_sms/IL:Gambling", 0.8),
        ("fbs_sms/IL:Fake_ID_and_invoice", 0.7),
    ],
)
def test_fraud_spam_and_gambling_are_found(hit_rates: dict[str, float], source: str, least: float) -> None:
    assert hit_rates[source] >= least


@pytest.mark.parametrize(
    ("source", "most"),
    [("thucnews", 0.0005), ("waimai", 0.0005), ("ced", 0.005), ("telecom_fraud5/label00", 0.01)],
)
def test_benign_text_is_left_alone(hit_rates: dict[str, float], source: str, most: float) -> None:
    assert hit_rates[f"benign {source}"] <= most
