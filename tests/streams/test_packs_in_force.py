"""Packs on their topic, what a worker makes of them, and batches that several of them judge."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rules.activations import CONFIGURED, Activation, is_canary
from rules.packs import load_pack
from rules.packs.archive import Archive, archived
from rules.screen import Arrival
from streams.judging import judge
from streams.metrics import Metrics
from streams.pack_metrics import PackMetrics
from streams.pack_topic import PackTopic, pieces_of
from streams.packs_in_force import PacksInForce, UnusablePackError
from streams.plans import NotYetError
from tests.rules.making import mass_send, post

TINY = Path(__file__).parents[1] / "data" / "tiny"
BAD, OTHER = "分享后查看答案", "分享后查看谜底"


class Topic:
    """A topic of packs, and what is read of it."""

    def __init__(self, folder: Path) -> None:
        self.read = PackTopic(folder / "pieces")
        self.folder = folder
        self.offset = 0

    def put(self, key: str, value: bytes | None, headers: Any = ()) -> bool:
        record: Any = SimpleNamespace(
            topic="packs", partition=0, offset=self.offset, key=key.encode(), value=value, headers=headers, timestamp=1
        )
        self.offset += 1
        return self.read.apply(record)

    def archive(self, version: str, *changes: tuple[str, str]) -> Archive:
        """The small policy as another version."""
        text = (TINY / "pack.yaml").read_text("utf-8").replace('version: "1"', f'version: "{version}"')
        for old, new in changes:
            text = text.replace(old, new)
        folder = self.folder / version / "tiny"
        folder.mkdir(parents=True)
        (folder / "pack.yaml").write_text(text, "utf-8")
        return archived(folder)

    def activate(self, archive: Archive, do: Any = "live", **more: Any) -> int:
        """Publishes a pack; the offset of the activation."""
        if not self.read.has(archive.digest):
            for key, value, headers in pieces_of(archive):
                self.put(key.decode(), value, headers)
        record = Activation(
            id=f"{do}{self.offset}", do=do, pack=archive.digest, label="x", by="lin", why="test",
            time=datetime(2026, 1, 1, tzinfo=UTC), **more,
        )  # fmt: skip
        assert self.put(f"activation/{record.id}", msgspec.json.encode(record))
        return self.offset - 1


@pytest.fixture
def topic(tmp_path: Path) -> Topic:
    return Topic(tmp_path)


def in_force(topic: Topic, metrics: Metrics | None = None) -> PacksInForce:
    told = PackMetrics(metrics.registry) if metrics is not None else None
    return PacksInForce(load_pack(TINY), topic=topic.read, metrics=told)


def test_what_is_published_is_in_force_after_a_renewal(topic: Topic) -> None:
    packs = in_force(topic)
    assert (packs.newest, packs.labels) == (CONFIGURED, ["tiny@1"])
    second = topic.archive("2")
    at = topic.activate(second)
    assert packs.newest == CONFIGURED
    asyncio.run(packs.renew())
    assert (packs.newest, packs.labels) == (at, ["tiny@2"])
    # and a worker that starts now begins with it
    assert in_force(topic).labels == ["tiny@2"]
    # What older lines of a ledger name can still be judged by
    assert packs.at(CONFIGURED).live.pack.label == "tiny@1"
    # and what this worker does not know yet is waited for
    assert isinstance(packs.missing(at + 1), NotYetError)
    # but not what the topic does not have, though it has been read so far
    topic.put("nonsense", b"")
    assert isinstance(packs.missing(at + 1), UnusablePackError)


def test_older_packs_are_compiled_while_the_batch_waits(topic: Topic) -> None:
    topic.activate(topic.archive("2"))
    packs = in_force(topic)

    async def wait() -> str:
        waited = 0
        while True:
            try:
                packs.ready({CONFIGURED, packs.newest})
            except NotYetError:
                waited += 1
                await asyncio.sleep(0.01)
            else:
                assert waited
                return packs.at(CONFIGURED).live.pack.label

    assert asyncio.run(wait()) == "tiny@1"

    async def unknown() -> None:
        while True:
            try:
                packs.ready({99})
            except NotYetError:
                await asyncio.sleep(0.01)

    with pytest.raises(UnusablePackError, match="nothing is known of an activation at offset 99"):
        asyncio.run(unknown())


def test_a_pack_goes_in_pieces_and_is_there_when_all_are(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pack_topic.PIECE_BYTES", 500)
    archive = topic.archive("2")
    pieces = pieces_of(archive)
    assert len(pieces) > 2
    for key, value, headers in reversed(pieces):
        assert not topic.read.has(archive.digest)
        topic.put(key.decode(), value, headers)
    assert topic.read.archive(archive.digest) == archive


def test_a_bad_pack_leaves_the_one_before_and_says_so(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    first = topic.activate(topic.archive("2"))
    packs = in_force(topic, metrics)
    bad = topic.activate(Archive("tiny", {"tiny/pack.yaml": "pack: {name: tiny}"}))
    with caplog.at_level(logging.ERROR):
        asyncio.run(packs.renew())
        asyncio.run(packs.renew())
    assert (packs.newest, packs.labels) == (first, ["tiny@2"])
    assert caplog.text.count(f"The packs of offset {bad} cannot be used, those before stay in force") == 1
    assert "the pack has no name or no version" in caplog.text
    shown = metrics.exposition().decode()
    assert "warden_packs_refused 1.0" in shown
    assert f"warden_packs_offset {first}.0" in shown
    assert 'warden_pack_info{pack="tiny@2",role="live"} 1.0' in shown
    # What others judge by it, this worker must not judge
    assert isinstance(packs.missing(bad), UnusablePackError)
    with pytest.raises(UnusablePackError):
        packs.at(bad)
    # The same for one that starts now; and after a rollback all is well
    assert in_force(topic).newest == first
    again = topic.activate(topic.archive("3"))
    asyncio.run(packs.renew())
    assert packs.newest == again
    assert "warden_packs_refused 0.0" in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        ("nonsense", b"", ()),
        ("activation/x", b"no json", ()),
        ("activation/x", None, ()),
        (f"pack/{'0' * 32}/0", b"x", ()),
        (f"pack/{'0' * 32}/1", b"x", [("pieces", b"1")]),
        (f"pack/{'0' * 32}/0", None, [("pieces", b"1")]),
        ("pack/../../etc/passwd/0", b"x", [("pieces", b"1")]),
        (f"pack/{'g' * 32}/0", b"x", [("pieces", b"1")]),
        (f"pack/{'0' * 32}/0", b"x", [("pieces", b"many")]),
    ],
)
def test_what_is_no_record_of_the_topic_changes_nothing_and_is_named(
    topic: Topic, key: str, value: bytes | None, headers: Any
) -> None:
    assert not topic.put(key, value, headers)
    (problem,) = topic.read.problems
    assert problem.startswith("packs, offset 0 changes nothing: ")
    assert topic.read.log.newest.at == CONFIGURED


def arrivals(*texts: str) -> list[Arrival]:
    """One post an account."""
    return [Arrival(post(id=f"p{n}", account=f"a{n}", text=text), "post", "posts", n) for n, text in enumerate(texts)]


def test_a_canary_judges_its_accounts_and_the_live_pack_all_others(topic: Topic) -> None:
    topic.activate(topic.archive("2"))
    topic.activate(topic.archive("3", (BAD, OTHER)), "canary", percent=30.0)
    packs = in_force(topic)
    judged = judge(arrivals(*[BAD, OTHER] * 100), packs.current, lambda _: None)
    found = {each.subject: each.pack for each in judged.live.violations}
    expected = {}
    for n in range(200):
        canary = is_canary(f"a{n}", 30.0)
        if canary == bool(n % 2):
            expected[f"account:a{n}"] = "tiny@3" if canary else "tiny@2"
    assert found == expected
    assert set(found.values()) == {"tiny@2", "tiny@3"}
    assert judged.live.arrivals == sorted(judged.live.arrivals)
    assert judged.shadow == []


def test_a_shadow_pack_is_compared_and_published_under_ids_of_its_own(topic: Topic) -> None:
    topic.activate(topic.archive("2"))
    topic.activate(topic.archive("3", (BAD, OTHER)), "shadow")
    packs = in_force(topic)
    judged = judge(arrivals(BAD, OTHER, "转发后解锁", "你好"), packs.current, lambda _: None)
    assert [(each.event.id, each.mode, each.pack) for each in judged.live.violations] == [
        ("p0", "enforce", "tiny@2"),
        ("p2", "enforce", "tiny@2"),
    ]
    assert [(each.event.id, each.mode, each.pack) for each in judged.shadow] == [
        ("p1", "shadow", "tiny@3"),
        ("p2", "shadow", "tiny@3"),
    ]
    assert judged.shadow_arrivals == [1, 2]
    assert not {each.id for each in judged.shadow} & {each.id for each in judged.live.violations}
    rule = "sharing.unlock"
    assert judged.compared == Counter({(rule, "live"): 1, (rule, "shadow"): 1, (rule, "both"): 1})


def test_a_batch_across_a_switch_is_judged_by_both_and_counts_an_accounts_events_once(topic: Topic) -> None:
    topic.activate(topic.archive("2"))
    packs = in_force(topic)
    old, new = packs.at(CONFIGURED), packs.current
    events = [
        Arrival(msgspec.structs.replace(post(id=f"p{n}", account="a", text=BAD)), "post", "posts", n) for n in range(4)
    ]
    judged = judge(events, [old, old, new, new], lambda _: None)
    assert [(each.event.id, each.pack) for each in judged.live.violations] == [
        ("p0", "tiny@1"), ("p1", "tiny@1"), ("p2", "tiny@2"), ("p3", "tiny@2"),
    ]  # fmt: skip


def test_a_batch_across_switches_counts_an_accounts_events_in_their_order(topic: Topic) -> None:
    topic.activate(topic.archive("2"))
    topic.activate(topic.archive("3"), "canary", percent=30.0)
    packs = in_force(topic)
    trial = packs.current
    # The canary becomes the live pack, and all goes back to the one before: the screens are the same ones
    assert trial.canary is not None
    went_live = replace(trial, live=trial.canary, canary=None)
    back = replace(trial, canary=None)
    names = [f"a{n}" for n in range(40)]
    assert {is_canary(name, 30.0) for name in names} == {True, False}
    batch, judges, due = [], [], []
    for n, its in enumerate((trial, went_live, back)):
        for name in names:
            batch.append(
                Arrival(
                    mass_send(BAD, id=f"{name}-{n}", account=name, channel="nearby"), "mass_send", "sends", len(batch)
                )
            )
            judges.append(its)
            due.append((f"{name}-{n}", its.screen_of(name).pack.label))
    judged = judge(batch, judges, lambda _: None)
    found = [(each.event.id, each.pack) for each in judged.live.violations if each.rule == "sharing.unlock"]
    assert found == due


def test_a_canarys_new_clauses_are_enforced_and_what_both_have_is_the_live_packs(topic: Topic) -> None:
    added = ("  links.4:\n", "  links.5:\n    title: {zh: 五, en: five}\n    first: [stop_spread]\n  links.4:\n")
    topic.activate(
        topic.archive("3", added, ("clauses: [links.4]", "clauses: [links.4, links.5]"), ("for: 12h", "for: 2h")),
        "canary", percent=1.0,
    )  # fmt: skip
    policy = in_force(topic).current.enforcer.pack
    assert policy.label == "tiny@1"
    assert policy.ladder_of["links.5"] is policy.ladders["fraud"]
    assert policy.ladders["sharing"].rungs[0].duration == 12 * 3_600_000
