"""Packs that change while traffic flows and workers are killed: nothing lost, judged twice or by the wrong version.

Everything is checked from the log: the violations, and what the ledgers say about the offset of each event.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from rules.activations import is_canary
from tests.kafka.broker import Broker
from tests.kafka.system import TINY, System, Worker

BAD, ALSO = "分享后查看答案", "转发后解锁"
SHARE = 40.0
"""Percent of accounts that the canary judges."""


@pytest.fixture
def make(kafka: Broker, prefix: str, tmp_path: Path) -> Callable[..., System]:
    return lambda **given: System.create(kafka.bootstrap, prefix, tmp_path, **given)


def pack(folder: Path, version: str, *changes: tuple[str, str]) -> Path:
    """The small policy of tests as another version, with texts changed."""
    target = folder / f"pack-{version}"
    shutil.copytree(TINY, target)
    file = target / "pack.yaml"
    text = file.read_text("utf-8")
    for old, new in (('version: "1"', f'version: "{version}"'), *changes):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    return target


def packs(system: System, *arguments: str) -> Any:
    """What `warden packs … --json` prints."""
    done = system.warden("packs", *arguments, "--json")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def becomes(found: Callable[[], Any], wanted: Any, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, last
        time.sleep(0.1)


@contextmanager
def flowing(system: System) -> Iterator[list[int]]:
    """Some hundred offending posts a second while the block lasts, each by its own account; yields their number. Every
    other has the text ALSO."""
    stop, sent = threading.Event(), [0]

    def run() -> None:
        while not stop.wait(0.05):
            numbers = range(sent[0], sent[0] + 20)
            events = [
                {"type": "post", "id": f"p{n}", "account": f"a{n}", "time": "2026-01-01T00:00:00Z",
                 "text": ALSO if n % 2 else BAD}
                for n in numbers
            ]  # fmt: skip
            system.produce("posts", [(event["account"].encode(), orjson.dumps(event)) for event in events])
            sent[0] = numbers.stop

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def in_force(*workers: Worker) -> set[float]:
    """Offsets of the activations by which the workers judge."""
    return {worker.metric("warden_packs_offset ") for worker in workers}


def expected(system: System) -> dict[str, tuple[str, str]]:
    """Event -> (label of the pack that judges it, label of a shadow pack or nothing), by what is on record."""
    found = packs(system, "history", "--offsets")
    labels = {each["pack"]: each["label"] for each in found["activations"]} | {"": "tiny@1"}
    log = standings(found["activations"])
    lines: dict[int, list[tuple[int, int]]] = defaultdict(list)
    (posts,) = {topic for each in found["switches"] for topic in each["starts"] if topic.endswith("posts")}
    for each in found["switches"]:
        if each["stage"] == "screen":
            lines[each["partition"]].append((each["starts"].get(posts, 0), each["at"]))
    result: dict[str, tuple[str, str]] = {}
    for record in system.records("posts"):
        event = orjson.loads(record.value)
        at = max(at for start, at in lines[record.partition] if start <= record.offset)
        live, canary, shadow = log[at]
        mine = canary if canary and is_canary(event["account"], SHARE) else live
        result[event["id"]] = (labels[mine], labels[shadow] if shadow else "")
    return result


def standings(activations: list[dict[str, Any]]) -> dict[int, tuple[str, str, str]]:
    """Offset -> (live, canary, shadow), by digest; worked out anew, so that the program is not its own witness."""
    stack = [("", "", "")]
    found = {-1: stack[0]}
    for each in activations:
        live, _, _ = stack[-1]
        match each["do"]:
            case "live":
                stack.append((each["pack"], "", ""))
            case "canary":
                stack.append((live, each["pack"], ""))
            case "shadow":
                stack.append((live, "", each["pack"]))
            case "rollback":
                stack.pop()
        found[each["offset"]] = stack[-1]
    return found


def grows(sent: list[int], number: int) -> None:
    """Returns once so many more posts are sent."""
    mark = sent[0] + number
    becomes(lambda: sent[0] > mark, True)


def test_publish_canary_rollback_and_shadow_while_traffic_flows_and_workers_are_killed(
    make: Callable[..., System], tmp_path: Path
) -> None:
    system = make(partitions=4)
    second = pack(tmp_path, "2", ("转发后解锁]}", "转发后解锁, 转发后领取]}"))
    third = pack(tmp_path, "3")
    fourth = pack(tmp_path, "4", (BAD, "分享后查看谜底"))
    why = ("--no-known-good", "--why", "test")
    with ExitStack() as stack:
        one, two = (stack.enter_context(system.worker(ready=False)) for _ in range(2))
        one.await_ready()
        two.await_ready()
        with flowing(system) as sent:
            becomes(lambda: one.metric("warden_enforcements_total") > 50, True)
            # When a version is published, and a worker killed as it begins to use it
            at = packs(system, "publish", str(second), *why)["offset"]
            becomes(lambda: in_force(one), {at})
            one.kill()
            one = stack.enter_context(system.worker(ready=False))
            becomes(lambda: in_force(one, two), {at})
            # and another is tried on some accounts, with a worker killed before it can have compiled it
            at = packs(system, "publish", str(third), "--canary", f"{SHARE:g}", *why)["offset"]
            two.kill()
            two = stack.enter_context(system.worker(ready=False))
            becomes(lambda: in_force(one, two), {at})
            grows(sent, 300)
            # and taken back, and a third judges beside
            packs(system, "rollback", "--why", "test")
            at = packs(system, "publish", str(fourth), "--shadow", *why)["offset"]
            becomes(lambda: in_force(one, two), {at})
            grows(sent, 300)
            packs(system, "rollback", "--why", "test")
            at = packs(system, "rollback", "--why", "test")["offset"]
            becomes(lambda: in_force(one, two), {at})
            grows(sent, 200)
        system.await_done(sent[0], one, two)
    check(system, sent[0])


def test_what_is_wrong_is_not_published_and_what_workers_cannot_use_leaves_the_pack_before(
    make: Callable[..., System], tmp_path: Path
) -> None:
    system = make(partitions=1)
    good = pack(tmp_path, "2")
    text = tmp_path / "good.txt"
    text.write_text(f"今天天气不错\n大家都说{BAD}是骗人的\n", "utf-8")
    plain = ("--no-known-good", "--why", "x")
    (tmp_path / "other").mkdir()
    refused: dict[tuple[str, ...], tuple[int, str]] = {
        ("publish", str(good), "--known-good", str(text), "--why", "x"): (1, "sharing.unlock hits known-good text"),
        ("publish", str(pack(tmp_path, "3", (BAD, "别的"))), *plain): (0, ""),
        ("publish", str(pack(tmp_path / "other", "3")), *plain): (2, "tiny@3 is published already"),
        ("publish", str(pack(tmp_path, "5", ("hits: [分享后查看答案", "hits: [毫无关系"))), *plain): (1, "must hit"),
        ("publish", str(pack(tmp_path, "6", ("clause: links.1\n", "clause: links.7\n"))), *plain): (2, "links.7"),
        ("publish", str(good), "--why", "x"): (2, "--no-known-good"),
        ("publish", str(good), *plain, "--shadow", "--canary", "5"): (2, "say one of them"),
        ("activate", "tiny@9", "--why", "x"): (2, "no published pack is called 'tiny@9'"),
        ("activate", "canary", "--why", "x"): (2, "no pack is canary now"),
        ("rollback", "--why", " "): (2, "give a name in one line, and a reason"),
        ("diff", "live", str(good)): (1, ""),
        ("show",): (0, ""),
    }  # fmt: skip
    for arguments, (code, message) in refused.items():
        done = system.warden("packs", *arguments)
        assert (done.returncode, message in done.stderr.decode()) == (code, True), (arguments, done.stderr.decode())
    (only,) = packs(system, "history")["activations"]
    assert only["label"] == "tiny@3"
    # A worker that cannot use what it finds judges by what was before, and says so
    system.produce("packs", [(b"nonsense", b"x")])
    bad = {"kind": "activation", "id": "bad", "do": "live", "pack": "0" * 32, "label": "tiny@bad", "by": "mallory",
           "why": "x", "time": "2026-01-01T00:00:00Z"}  # fmt: skip
    system.produce("packs", [(b"activation/bad", orjson.dumps(bad))])
    with system.worker() as worker:
        assert in_force(worker) == {only["offset"]}
        assert worker.metric("warden_packs_refused ") == 1
        log = worker.log.read_text()
        assert "cannot be used, those before stay in force: pack 000000000000 is not on the topic" in log
        assert "Packs: " in log
        packs(system, "rollback", "--why", "mend")
        becomes(lambda: worker.metric("warden_packs_refused "), 0)
        assert in_force(worker) == {packs(system, "history")["in_force"]["at"]}


def check(system: System, sent: int) -> None:
    """No event is lost, none judged twice, and each by the version on record for its offset."""
    wanted = expected(system)
    assert set(wanted) == {f"p{n}" for n in range(sent)}
    found = system.decisions("violations")
    by_event: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in found:
        if each["pack"] != "tiny@4":
            assert each["mode"] == "enforce"
            by_event[each["event"]["id"]].add((each["id"], each["pack"]))
    assert {event: sorted(pack for _, pack in each) for event, each in by_event.items()} == {
        event: [pack] for event, (pack, _) in wanted.items()
    }
    # All versions had their turn, the canary for about its share
    turns = Counter(pack for pack, _ in wanted.values())
    assert {pack for pack, number in turns.items() if number > 50} == {"tiny@1", "tiny@2", "tiny@3"}
    # The shadow pack found what it looks for, in shadow and under ids of its own
    in_shadow = [each for each in found if each["pack"] == "tiny@4"]
    assert {each["mode"] for each in in_shadow} == {"shadow"}
    without_effect = {each["id"] for each in in_shadow}
    beside = {event for event, (_, shadow) in wanted.items() if shadow and int(event[1:]) % 2}
    assert len(beside) > 50
    assert {each["event"]["id"] for each in in_shadow} == beside
    # and each account was sanctioned once, for what the live pack or the canary found
    enforced: dict[str, set[str]] = defaultdict(set)
    for each in system.decisions("enforcements"):
        enforced[each["subject"]].add(each["id"])
        assert without_effect.isdisjoint(each["violations"])
    assert set(enforced) == {f"account:a{n}" for n in range(sent)}
    assert len({len(ids) for ids in enforced.values()}) == 1
