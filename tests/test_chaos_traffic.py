"""What a chaos run sends: events that are valid and lead somewhere, and poison that is not."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import orjson
import pytest

from chaos.feeding import _poison
from chaos.traffic import EVENT_SECONDS, beginning, events
from rules.decisions import Enforcement, Violation
from rules.engine import Engine
from rules.events import InvalidEventError, convert_event
from rules.packs import SHIPPED, load_pack
from streams.codec import decode_record

RATE = 100.0


def test_the_traffic_is_valid_climbs_ladders_and_has_what_several_accounts_show_together() -> None:
    made = list(islice(events(1, beginning(60), RATE), 6000))
    assert {item.kind for item in made} == {"post", "share", "mass_send", "report"}
    engine = Engine(load_pack(SHIPPED))
    decisions = list(engine.judge(convert_event(item.kind, item.body) for item in made))
    rules = Counter(found.rule for found in decisions if isinstance(found, Violation))
    assert rules["nearby.handed_out"] > 5
    assert rules["mutual_promotion.ring"] > 5
    assert max(found.rung for found in decisions if isinstance(found, Enforcement)) >= 4
    assert any(ban.sanctions for ban in engine.bans.values())


def test_the_same_seed_gives_the_same_events_and_another_does_not() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    first, again, other = (list(islice(events(seed, start, RATE), 500)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_run_of_events_ends_before_now() -> None:
    start = beginning(120)
    assert start + timedelta(seconds=120 * EVENT_SECONDS) < datetime.now(UTC)


@pytest.mark.parametrize("seed", range(200))
def test_poison_is_never_an_event(seed: int) -> None:
    kind, key, value = _poison(random.Random(seed))
    with pytest.raises(InvalidEventError):
        decode_record(kind, key, value)


def test_poison_is_of_every_kind() -> None:
    dice, reasons = random.Random(7), set[str]()
    for _ in range(2_000):
        kind, key, value = _poison(dice)
        try:
            decode_record(kind, key, value)
        except InvalidEventError as error:
            reasons.add(error.reason)
    assert reasons == {"undecodable", "invalid", "null", "missing_key", "key_mismatch", "oversize"}


def test_events_are_json_as_the_feed_encodes_them() -> None:
    for item in islice(events(3, beginning(10), RATE), 300):
        event, source = decode_record(item.kind, item.key.encode(), orjson.dumps(item.body))
        assert (event.type, source) == (item.kind, item.kind)
