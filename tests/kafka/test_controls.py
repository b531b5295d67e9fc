"""The kill switch and rules that trip, with workers on real Kafka: how fast, what is held back, and what goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from rules.decisions import EventRef, Violation
from rules.hit_rates import AUTHOR
from streams.codec import encode
from streams.settings import Settings
from tests.kafka.broker import Broker
from tests.kafka.system import System
from tests.rules.making import START

WITHIN_MS = 1_000
BAD = "分享后查看答案"
GOOD = "今天天气不错，晚上一起散步"


@pytest.fixture
def make(kafka: Broker, prefix: str, tmp_path: Path) -> Callable[..., System]:
    return lambda **given: System.create(kafka.bootstrap, prefix, tmp_path, **given)


def posts(text: str, numbers: range, *, minutes: Callable[[int], float] = lambda _: 0) -> list[dict[str, Any]]:
    """One post an account."""
    return [
        {"type": "post", "id": f"p{n}", "account": f"a{n}", "time": START.timestamp() + 60 * minutes(n), "text": text}
        for n in numbers
    ]


def records(events: list[dict[str, Any]]) -> list[tuple[bytes, bytes]]:
    return [
        (
            event["account"].encode(),
            orjson.dumps({**event, "time": f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(event['time']))}"}),
        )
        for event in events
    ]


def control(system: System, *arguments: str) -> Any:
    """What `warden halt` and the like print as JSON."""
    done = system.warden(*arguments, "--json")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def eventually(found: Callable[[], Any], wanted: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, last
        time.sleep(0.1)


def modes(system: System) -> dict[str, str]:
    """Event -> mode of its violation."""
    return {found["event"]["id"]: found["mode"] for found in system.decisions("violations")}


def modes_from(system: System, number: int) -> set[str]:
    """The modes of violations by the post of this number and later ones."""
    return {mode for event, mode in modes(system).items() if int(event[1:]) >= number}


@contextmanager
def flowing(system: System) -> Iterator[list[int]]:
    """Some hundred offending posts a second while the block lasts, each by its own account; yields their number."""
    stop, sent = threading.Event(), [0]

    def run() -> None:
        while not stop.wait(0.1):
            system.produce("posts", records(posts(BAD, range(sent[0], sent[0] + 20))))
            sent[0] += 20

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def test_a_halt_stops_enforcement_within_a_second_while_traffic_flows(make: Callable[..., System]) -> None:
    system = make(partitions=2)
    with system.worker() as worker:
        with flowing(system) as sent:
            eventually(lambda: worker.metric("warden_enforcements_total") > 50, True)
            control(system, "halt", "--why", "complaints\nabout everything", "--by", "lin")
            eventually(lambda: worker.metric("warden_halted "), 1)
            # A violation that was on its way when enforcement was halted is held back as well
            system.produce("violations", [(b"account:late", encode(late_violation()))])
            time.sleep(2.5)
            control(system, "resume", "--why", "looked at it")
            time.sleep(2 * WITHIN_MS / 1000)
        system.await_done(sent[0], worker)
        assert worker.metric("warden_halted ") == 0
        assert worker.metric('warden_violations_held_back_total{stage="screen"}') > 0
        assert worker.metric('warden_violations_held_back_total{stage="enforce"}') >= 1
        log = worker.log.read_text()

    halt, resumed = system.records("controls")
    assert (halt.key, resumed.key) == (b"all", b"all")
    # Nothing was enforced from a second after the halt until the resumption, though violations were found all the time
    between = range(halt.timestamp + WITHIN_MS, resumed.timestamp)
    enforced = system.records("enforcements")
    found = [(record.timestamp, orjson.loads(record.value)) for record in system.records("violations")]
    assert [record for record in enforced if record.timestamp in between] == []
    meant = range(between.start, between.stop - 500)  # an event of just before the resumption may be judged after it
    late = [violation["mode"] for timestamp, violation in found if timestamp in meant and violation["id"] != "late"]
    assert len(late) > 30
    assert set(late) == {"shadow"}
    # What was charged in shadow stays so; what came after the resumption is enforced
    shadowed = {violation["subject"] for _, violation in found if violation["mode"] == "shadow"} | {"account:late"}
    subjects = {orjson.loads(record.value)["subject"] for record in enforced}
    assert subjects.isdisjoint(shadowed)
    after = {violation["subject"] for timestamp, violation in found if timestamp > resumed.timestamp + WITHIN_MS}
    assert after
    assert after <= subjects
    # And it is audited
    assert [line for line in log.splitlines() if "CRITICAL" in line and "by lin: complaints about everything" in line]
    audit = control(system, "controls")
    assert (audit["halted"], audit["shadowed"]) == (False, [])
    assert [(each["do"], each["why"]) for each in audit["records"]] == [
        ("halt", "complaints\nabout everything"),
        ("resume", "looked at it"),
    ]


def late_violation() -> Violation:
    return Violation(
        id="late", cause="0" * 32, event=EventRef("late", "post"), subject="account:late", clause="links.1",
        rule="sharing.unlock", mode="enforce", severity="ordinary", evidence=[], time=START,
        pack="tiny@1", holds_share_api=True,
    )  # fmt: skip


def test_a_worker_that_is_busy_with_a_backlog_halts_as_fast(make: Callable[..., System]) -> None:
    system = make(partitions=8)
    system.produce("posts", records(posts(BAD, range(80_000))))
    with system.worker(WARDEN_LOG_FORMAT="json") as worker:
        eventually(lambda: worker.metric("warden_enforcements_total") > 500, True)
        control(system, "halt", "--why", "now")
        (halt,) = system.records("controls")
        system.await_done(80_000, worker)
        (line,) = [each for each in worker.log.read_text().splitlines() if "is in shadow since" in each]
    said = datetime.fromisoformat(json.loads(line)["time"])
    assert said.timestamp() * 1000 < halt.timestamp + WITHIN_MS
    latest = max(record.timestamp for record in system.records("enforcements"))
    assert latest < halt.timestamp + WITHIN_MS
    assert list(modes(system).values()).count("shadow") > 4_000, "the backlog went on after the halt"


def test_a_worker_that_starts_while_a_rule_is_halted_knows_it(make: Callable[..., System]) -> None:
    system = make(partitions=2)
    control(system, "halt", "--rule", "sharing.unlock", "--why", "too many")
    fraud = [{**each, "text": "恭喜中奖 联系13800138000"} for each in posts("", range(1, 2))]
    system.produce("posts", records(posts(BAD, range(1)) + fraud))
    with system.worker() as worker:
        system.await_done(2, worker)
        assert worker.metric('warden_rule_halted{rule="sharing.unlock"}') == 1
        assert worker.metric("warden_halted ") == 0
        assert "Rule sharing.unlock is in shadow since" in worker.log.read_text()
    assert modes(system) == {"p0": "shadow", "p1": "enforce"}
    assert {found["subject"] for found in system.decisions("enforcements")} == {"account:a1"}


def test_a_rule_that_leaves_its_band_trips_and_can_be_resumed(make: Callable[..., System]) -> None:
    system = make(partitions=1)
    # Given a history of an hour, in which a rule hits one post of a thousand
    usual = posts(GOOD, range(18_000), minutes=lambda n: n / 300)
    for event in usual[::1000]:
        event["text"] = BAD
    system.produce("posts", records(usual))
    with system.worker() as worker:
        system.await_done(18_000, worker)
    # When after a restart it hits every fifth
    wrong = posts(GOOD, range(18_000, 21_000), minutes=lambda n: n / 300)
    for event in wrong[::5]:
        event["text"] = BAD
    system.produce("posts", records(wrong))
    with system.worker() as worker:
        system.await_done(21_000, worker)
        # Then it is in shadow from the block on in which that shows
        eventually(lambda: worker.metric('warden_rule_halted{rule="sharing.unlock"}'), 1)
        (tripped,) = control(system, "controls")["records"]
        assert (tripped["do"], tripped["rule"], tripped["by"]) == ("halt", "sharing.unlock", AUTHOR)
        assert "hits among" in tripped["why"]
        assert "CRITICAL" in worker.log.read_text()
        system.produce("posts", records(posts(BAD, range(21_000, 21_100), minutes=lambda n: n / 300)))
        system.await_done(21_100, worker)
        assert modes_from(system, 21_000) == {"shadow"}
        # and, once it is resumed, enforces as before, however often it hits
        control(system, "resume", "--rule", "sharing.unlock", "--why", "a real wave")
        eventually(lambda: worker.metric("warden_rule_halted"), 0)
        system.produce("posts", records(posts(BAD, range(21_100, 24_100), minutes=lambda n: n / 300)))
        system.await_done(24_100, worker)
        assert modes_from(system, 21_100) == {"enforce"}
        assert len(system.records("controls")) == 2


def test_what_cannot_be_done_is_said_and_nothing_is_written(make: Callable[..., System], kafka: Broker) -> None:
    system = make(partitions=1)
    refused = {
        ("halt", "--rule", "sharing.unlok", "--why", "x"): "did you mean 'sharing.unlock'?",
        ("halt", "--why", " "): "give a name in one line, and a reason",
        ("resume", "--why", "x", "--by", "a\nb"): "give a name in one line, and a reason",
        ("halt",): "--why",
    }
    for arguments, message in refused.items():
        done = system.warden(*arguments)
        assert (done.returncode, message in done.stderr.decode()) == (2, True), done.stderr.decode()
    assert system.records("controls") == []
    system.produce("controls", [(b"all", b"no json"), (b"all", None)])
    done = system.warden("controls")
    assert (done.returncode, done.stderr.decode().count("is no control")) == (0, 2)
    nowhere = System(Settings(bootstrap=kafka.bootstrap, topic_prefix="nowhere-"), system.folder)
    for arguments in (("halt", "--why", "x"), ("controls",)):
        done = nowhere.warden(*arguments)
        assert (done.returncode, "warden topics create" in done.stderr.decode()) == (1, True)
