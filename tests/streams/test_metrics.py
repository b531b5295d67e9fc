"""What a worker shows to Prometheus."""

from __future__ import annotations

import gc
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from rules.decisions import EventRef, Violation
from rules.hit_rates import HitCounts
from rules.packs import load_pack
from streams.busiest import KEPT, PLACES, WINDOW_S, Busiest
from streams.collector import Pauses
from streams.live_metrics import Sources
from streams.metrics import Metrics
from streams.vitals import Recovering, Vitals
from tests.rules.making import TINY

HOSTILE = "domain:hello-operator-your-disk-is-full.example"


def shown(metrics: Metrics) -> list[str]:
    return metrics.exposition().decode().splitlines()


def violation(subject: str) -> Violation:
    return Violation(
        id="v", cause="0" * 32, event=EventRef("e", "share"), subject=subject, clause="links.1", rule="sharing.unlock",
        mode="enforce", severity="ordinary", evidence=[], time=datetime(2026, 1, 1, tzinfo=UTC), pack="tiny@1",
    )  # fmt: skip


def test_what_a_pack_can_lead_to_is_shown_before_it_happens() -> None:
    metrics = Metrics()
    metrics.expect(load_pack(TINY))
    lines = shown(metrics)
    assert 'warden_violations_total{clause="links.1",mode="enforce",rule="sharing.unlock"} 0.0' in lines
    assert 'warden_rule_trips_total{rule="fraud.prize"} 0.0' in lines
    assert 'warden_overturned_total{rule="accounts.nearby"} 0.0' in lines
    assert 'warden_dead_letters_total{reason="undecodable"} 0.0' in lines
    assert 'warden_enforcements_total{action="ban_ip"} 0.0' in lines


def test_the_busiest_subjects_are_numbers_by_place_and_never_names() -> None:
    metrics = Metrics()
    metrics.violations([violation(HOSTILE)] * 3 + [violation("account:alice")] * 2)
    lines = shown(metrics)
    assert 'warden_busiest_subject_violations{kind="domain",place="1"} 3.0' in lines
    assert 'warden_busiest_subject_violations{kind="account",place="2"} 2.0' in lines
    assert 'warden_violations_total{clause="links.1",mode="enforce",rule="sharing.unlock"} 5.0' in lines
    assert not [line for line in lines if "hello" in line or "alice" in line]


def test_the_busiest_are_those_of_this_window_and_the_one_before() -> None:
    now = [100.0]
    busiest = Busiest(lambda: now[0])
    busiest.count(["account:a"] * 5)
    now[0] += WINDOW_S
    busiest.count(["domain:b"] * 2)
    assert busiest.top() == [("account", 5), ("domain", 2)]
    now[0] += WINDOW_S
    assert busiest.top() == [("domain", 2)]
    now[0] += 2 * WINDOW_S
    assert busiest.top() == []


def test_a_flood_of_subjects_takes_bounded_room() -> None:
    busiest = Busiest(lambda: 0.0)
    busiest.count(f"account:{number}" for number in range(KEPT))
    busiest.count(["account:late"] * 9)
    busiest.count(["account:7"] * 3)
    assert busiest.top()[0] == ("account", 4)
    assert len(busiest.top()) == PLACES
    assert len(busiest._now) == KEPT


def test_sources_are_read_when_prometheus_asks() -> None:
    metrics, vitals = Metrics(), Vitals()
    rates = {("r", "post"): HitCounts(3, 100, 1.0, 200.0), ("new", "post"): HitCounts(1, 10, 0.0, 0.0)}
    metrics.watch(
        Sources(
            lag=lambda: {("posts", 0): 7},
            subjects=lambda: {"account": 2},
            banned=lambda: {"account": 1},
            quotas=lambda: {"each_rule": 0.25},
            rates=lambda: rates,
            vitals=vitals,
            recovering=lambda: Recovering(2, 900),
        ),
        partitions=4,
    )
    vitals.waited("commit", 0.5)
    vitals.waited("commit", 0.25)
    vitals.rebalances += 1
    lines = shown(metrics)
    for line in (
        'warden_consumer_lag{partition="0",topic="posts"} 7.0',
        'warden_bans{kind="account"} 1.0',
        'warden_quota_used_ratio{quota="each_rule"} 0.25',
        'warden_rule_hit_rate{rule="r",type="post"} 0.03',
        'warden_rule_usual_hit_rate{rule="r",type="post"} 0.005',
        'warden_rule_hit_rate{rule="new",type="post"} 0.1',
        'warden_broker_wait_seconds_count{step="commit"} 2.0',
        'warden_broker_wait_seconds_sum{step="commit"} 0.75',
        'warden_broker_wait_seconds_count{step="sends"} 0.0',
        "warden_commits_failed_total 0.0",
        "warden_rebalances_total 1.0",
        "warden_recovery_partitions 2.0",
        "warden_recovery_records_left 900.0",
        "warden_partitions 4.0",
    ):
        assert line in lines
    assert not [line for line in lines if line.startswith('warden_rule_usual_hit_rate{rule="new"')]


def test_collections_are_timed_by_generation_and_may_come_while_prometheus_reads() -> None:
    pauses, registry = Pauses(), CollectorRegistry()
    registry.register(pauses)
    gc.callbacks.append(pauses.took)
    try:
        gc.collect(2)
        generate_latest(registry)
        gc.collect(2)
    finally:
        gc.callbacks.remove(pauses.took)
    (family,) = pauses.collect()
    samples = {(s.name, s.labels["generation"], s.labels.get("le")): s.value for s in family.samples}
    assert samples["warden_gc_pause_seconds_count", "2", None] >= 2
    assert samples["warden_gc_pause_seconds_bucket", "2", "+Inf"] >= 2
    assert samples["warden_gc_pause_seconds_sum", "2", None] > 0


def test_a_review_that_is_told_again_while_it_waits_is_changed_and_not_opened() -> None:
    metrics = Metrics()
    metrics.reviews([("quota", "open"), ("quota", "open"), ("quota", "closed"), ("protected", "open")], {"quota": 1})
    shown = metrics.exposition().decode()
    for reason, status, number in (
        ("quota", "open", 1),
        ("quota", "changed", 1),
        ("quota", "closed", 1),
        ("protected", "open", 1),
    ):
        assert f'warden_reviews_total{{reason="{reason}",status="{status}"}} {number}.0' in shown
