"""All scenarios of `tests/scenarios/*.yaml` through one worker on real Kafka, at once and step by step.

After each step the topics say for every check that is due what the offline engine says, and what the file says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from rules.decisions import Decision
from rules.events import from_millis
from rules.packs import SHIPPED
from streams.feeding import feed
from tests.kafka.broker import Broker
from tests.kafka.outputs import Outputs
from tests.kafka.system import System
from tests.scenarios.compare import wrong_in
from tests.scenarios.model import Scenario
from tests.scenarios.names import owner
from tests.scenarios.play import (
    START,
    Played,
    Seen,
    Told,
    emptied,
    ends,
    in_force,
    merged,
    play_together,
    snapshot,
    whose,
)
from tests.scenarios.read import read_scenarios
from tests.scenarios.shipped import shipped, write_lists

SCENARIOS = read_scenarios()
_AFTER_ALL = 400 * 86_400_000
"""When everything that ends has ended, in ms since START."""
_LIFTED_S = 30.0


def test_a_worker_ends_every_scenario_as_the_offline_engine_does(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    lists = write_lists(tmp_path / "lists")
    system = System.create(kafka.bootstrap, prefix, tmp_path, pack=SHIPPED, lexicons=lists, commit_interval_s=0.1)
    offline = play_together(emptied(shipped()), SCENARIOS)
    public = {subject: number for number, played in offline.items() for subject in played.told.charged}
    online = {scenario.number: Played([], Told()) for scenario in SCENARIOS}
    wrong: list[str] = []

    def told(decision: Decision) -> None:
        number = whose(decision, public)
        assert number is not None, f"{decision.subject} belongs to no scenario: {decision}"
        online[number].told.add(decision)

    outputs = Outputs(system.settings, told)
    pending = merged(SCENARIOS)
    content = 0
    with system.worker() as worker, asyncio.Runner() as runner:
        runner.run(outputs.start())
        try:
            # Given the events up to a time, and none after it
            for until, due in looks(SCENARIOS, offline):
                step = [body for arrives, body in pending if arrives <= until]
                pending = pending[len(step) :]
                content += fed(runner, system, step)
                # When the worker is done with them
                system.await_done(content, worker)
                runner.run(outputs.read())
                # Then everything is as it is offline
                for scenario, index in due:
                    played = online[scenario.number]
                    played.seen.append(seen(scenario, scenario.checks[index].at, outputs, played.told))
                    if played.seen[index] != offline[scenario.number].seen[index]:
                        wrong.append(f"{scenario.checks[index].place}: {offline[scenario.number].seen[index]}")
                        wrong.append(f"    but on Kafka: {played.seen[index]}")
            # And what ends leaves the ban list by itself
            clock = {"type": "post", "id": "clock", "account": "clock", "text": "早安"}
            content += fed(runner, system, [{**clock, "time": from_millis(START + _AFTER_ALL).isoformat()}])
            system.await_done(content, worker)
            for_good = {subject for played in offline.values() for subject in permanent(played)}
            await_bans(runner, outputs, for_good)
        finally:
            runner.run(outputs.stop())
    assert not pending
    for scenario in SCENARIOS:
        if online[scenario.number].told.charged != offline[scenario.number].told.charged:
            wrong.append(f"{scenario.place}: charged {online[scenario.number].told.charged}")
        if not scenario.differs:
            wrong.extend(wrong_in(scenario, online[scenario.number]))
    assert not wrong, "\n".join(["", *wrong])


def looks(
    scenarios: Sequence[Scenario], offline: Mapping[int, Played]
) -> Iterator[tuple[int, list[tuple[Scenario, int]]]]:
    """When to look, in ms since START, and at which checks of which scenarios: as seldom as will do.

    A check may be looked at later than its own time, as long as nothing of its scenario arrives and nothing that was
    in force has ended.
    """
    spans: list[tuple[float, int, Scenario, int]] = []
    for scenario in scenarios:
        arrivals = [step.arrives for step in scenario.steps]
        for index, check in enumerate(scenario.checks):
            after = [*(time for time in arrivals if time > check.at), *ends(offline[scenario.number].seen[index])]
            spans.append((min(after, default=math.inf) - 1, check.at, scenario, index))
    spans.sort(key=lambda span: span[0])
    while spans:
        last = spans[0][0]
        until = max(at for _, at, _, _ in spans) if last == math.inf else int(last)
        yield until, [(scenario, index) for _, at, scenario, index in spans if at <= until]
        spans = [span for span in spans if span[1] > until]


def fed(runner: asyncio.Runner, system: System, events: list[dict[str, Any]]) -> int:
    """Feeds events as `warden feed` does; how many of them a worker screens."""
    if events:
        lines = BytesIO(b"\n".join(orjson.dumps(event) for event in events))
        done = runner.run(feed(system.settings, lines, None, lambda line, error: None, lambda _: None))
        assert (sum(done.sent.values()), done.refused) == (len(events), 0)
    return sum(event["type"] in {"post", "share", "mass_send"} for event in events)


def seen(scenario: Scenario, at: int, outputs: Outputs, told: Told) -> Seen:
    """What the topics say of a scenario at a time."""
    held = {
        subject: actions
        for subject, ban in outputs.bans.items()
        if owner(subject) == scenario.number and (actions := in_force(ban.sanctions, at))
    }
    return snapshot(told, held)


def permanent(played: Played) -> Iterator[str]:
    """The subjects that something is in force for at the end, and for good."""
    for subject, actions in played.seen[-1].held.items():
        if None in actions.values():
            yield subject


def await_bans(runner: asyncio.Runner, outputs: Outputs, subjects: set[str]) -> None:
    """Returns once the ban list holds these subjects and no others."""
    deadline = time.monotonic() + _LIFTED_S
    while outputs.bans.keys() != subjects:
        assert time.monotonic() < deadline, f"the ban list must not hold, or lacks: {outputs.bans.keys() ^ subjects}"
        time.sleep(0.2)
        runner.run(outputs.read())
