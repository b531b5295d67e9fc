"""All scenarios of `tests/scenarios/*.yaml` through workers on real Kafka, at once and step by step: a worker for each of
the packs that they are played with.

After each step the topics say for every check that is due what the offline engine says, and what the file says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from rules.controls import ControlRecord
from rules.decisions import Decision
from rules.events import from_millis
from streams.controls import put_control
from streams.feeding import feed
from tests.kafka.broker import Broker
from tests.kafka.outputs import Outputs
from tests.kafka.system import System, Worker
from tests.scenarios.acts import control_of, is_control, moderation_of
from tests.scenarios.compare import wrong_in
from tests.scenarios.model import Scenario
from tests.scenarios.names import Names, owner
from tests.scenarios.play import emptied, in_force, merged, play_together, whose
from tests.scenarios.read import by_pack, read_scenarios
from tests.scenarios.shipped import pack_folder, shipped, write_lists
from tests.scenarios.start import START
from tests.scenarios.told import Played, Seen, Told, ends, snapshot

PACKS = by_pack(read_scenarios())
PARTITIONS = {"": 3}
"""Partitions share a quota, and the offline engine is one; so all packs but the shipped one have one partition."""
_AFTER_ALL = 1000 * 86_400_000
"""When everything that ends has ended, in ms since START."""
_LIFTED_S = 30.0
_HEARD_S = 15.0


class Look(NamedTuple):
    """A moment when something is due: up to it (ms since START) events are fed, then people act, then it is checked.

    acts: (scenario, number of the act); checks: (scenario, number of the check).
    """

    until: int
    acts: list[tuple[Scenario, int]]
    checks: list[tuple[Scenario, int]]


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack or "shipped")
def test_a_worker_ends_every_scenario_as_the_offline_engine_does(
    kafka: Broker, prefix: str, tmp_path: Path, pack: str
) -> None:
    scenarios = PACKS[pack]
    system = System.create(
        kafka.bootstrap,
        prefix,
        tmp_path,
        pack=pack_folder(pack),
        lexicons=write_lists(tmp_path / "lists"),
        partitions=PARTITIONS.get(pack, 1),
        commit_interval_s=0.1,
    )
    offline = play_together(emptied(shipped(pack)), scenarios)
    with system.worker() as worker, asyncio.Runner() as runner:
        stage = Stage(system, worker, runner, scenarios, offline)
        runner.run(stage.outputs.start())
        try:
            stage.play()
        finally:
            runner.run(stage.outputs.stop())
    wrong = stage.wrong
    for scenario in scenarios:
        if stage.online[scenario.number].told.charged != offline[scenario.number].told.charged:
            wrong.append(f"{scenario.place}: charged {stage.online[scenario.number].told.charged}")
        if not scenario.differs:
            wrong.extend(wrong_in(scenario, stage.online[scenario.number]))
    assert not wrong, "\n".join(["", *wrong])


class Stage:
    """A worker that scenarios are played through. `online`: what its topics said; `wrong`: where that is not as it is
    offline, one line each."""

    def __init__(
        self,
        system: System,
        worker: Worker,
        runner: asyncio.Runner,
        scenarios: Sequence[Scenario],
        offline: Mapping[int, Played],
    ) -> None:
        self.online = {scenario.number: Played([], Told()) for scenario in scenarios}
        self.wrong: list[str] = []
        self.outputs = Outputs(system.settings, self._told, self._refused)
        self._system, self._worker, self._runner = system, worker, runner
        self._scenarios, self._offline = scenarios, offline
        self._public = dict(public_subjects(scenarios, offline))
        self._content = 0

    def play(self) -> None:
        """Everything, to the end, and until what ends has left the ban list by itself."""
        pending = merged(self._scenarios)
        for look in looks(self._scenarios, self._offline):
            # Given the events up to a time, and none after it
            step = [body for arrives, body in pending if arrives <= look.until]
            pending = pending[len(step) :]
            self._feed(step)
            # And given what people decide then, each scenario's one after the other
            for acts in in_turn(look.acts):
                self._act(acts)
            # Then everything is as it is offline
            for scenario, index in look.checks:
                self._look(scenario, index)
        assert not pending
        clock = {"type": "post", "id": "clock", "account": "clock", "text": "早安"}
        self._feed([{**clock, "time": from_millis(START + _AFTER_ALL).isoformat()}])
        for_good = {subject for played in self._offline.values() for subject in permanent(played)}
        await_bans(self._runner, self.outputs, for_good)

    def _feed(self, events: list[dict[str, Any]]) -> None:
        """Feeds events, and returns once all that they lead to has been read."""
        if not events:
            return
        self._content += fed(self._runner, self._system, events)
        self._system.await_done(self._content, self._worker)
        self._runner.run(self.outputs.read())

    def _act(self, acts: Sequence[tuple[Scenario, int]]) -> None:
        for scenario, number in acts:
            if is_control(scenario.acts[number]):
                self._control(control_of(scenario, number))
        self._feed(
            [
                moderation_of(scenario, number, self.online[scenario.number].told)
                for scenario, number in acts
                if not is_control(scenario.acts[number])
            ]
        )

    def _control(self, record: ControlRecord) -> None:
        """Halts or resumes, and returns once the worker has heard of it."""
        offset = self._runner.run(put_control(self._system.settings, record))
        deadline = time.monotonic() + _HEARD_S
        while self._worker.metric("warden_controls_offset") <= offset:
            assert time.monotonic() < deadline, f"the worker has not heard of {record}"
            time.sleep(0.05)

    def _look(self, scenario: Scenario, index: int) -> None:
        check, played = scenario.checks[index], self.online[scenario.number]
        held = {
            subject: actions
            for subject, ban in self.outputs.bans.items()
            if scenario.number in (owner(subject), self._public.get(subject))
            and (actions := in_force(ban.sanctions, check.at))
        }
        played.seen.append(snapshot(played.told, held))
        must: Seen = self._offline[scenario.number].seen[index]
        if played.seen[index] != must:
            self.wrong += [f"{check.place}: {must}", f"    but on Kafka: {played.seen[index]}"]

    def _told(self, decision: Decision) -> None:
        number = whose(decision, self._public)
        assert number is not None, f"{decision.subject} belongs to no scenario: {decision}"
        self.online[number].told.add(decision)

    def _refused(self, reason: str, body: bytes) -> None:
        number = owner(orjson.loads(body)["id"])
        assert number is not None, f"a dead letter that belongs to no scenario, {reason}: {body!r}"
        self.online[number].told.refused.append(reason)


def public_subjects(scenarios: Sequence[Scenario], offline: Mapping[int, Played]) -> Iterator[tuple[str, int]]:
    """(subject, number of the scenario) of all that scenarios are about, hosts that are everybody's among them."""
    for scenario in scenarios:
        for subject in offline[scenario.number].told.charged:
            yield subject, scenario.number
        for act in scenario.acts:
            if not is_control(act):
                yield Names(scenario.number).subject(act.subject), scenario.number


def in_turn(acts: Iterable[tuple[Scenario, int]]) -> Iterator[list[tuple[Scenario, int]]]:
    """The acts of one moment, of each scenario one at a time."""
    by_scenario: dict[int, list[tuple[Scenario, int]]] = {}
    for scenario, number in acts:
        by_scenario.setdefault(scenario.number, []).append((scenario, number))
    for turn in zip_longest(*by_scenario.values()):
        yield [act for act in turn if act is not None]


def looks(scenarios: Sequence[Scenario], offline: Mapping[int, Played]) -> Iterator[Look]:
    """When to look, as seldom as will do.

    A check may be looked at later than its own time, as long as nothing of its scenario happens and nothing that was
    in force has ended. People act at their own time.
    """
    spans: list[tuple[float, int, Scenario, int, bool]] = []
    for scenario in scenarios:
        happens = [*(step.arrives for step in scenario.steps), *(act.at for act in scenario.acts)]
        for index, check in enumerate(scenario.checks):
            after = [*(time for time in happens if time > check.at), *ends(offline[scenario.number].seen[index])]
            spans.append((min(after, default=math.inf) - 1, check.at, scenario, index, False))
        spans.extend((act.at, act.at, scenario, number, True) for number, act in enumerate(scenario.acts))
    spans.sort(key=lambda span: span[0])
    while spans:
        last = spans[0][0]
        until = max(at for _, at, _, _, _ in spans) if last == math.inf else int(last)
        due = [span for span in spans if span[1] <= until]
        yield Look(
            until,
            [(scenario, number) for _, _, scenario, number, is_act in due if is_act],
            [(scenario, index) for _, _, scenario, index, is_act in due if not is_act],
        )
        spans = [span for span in spans if span[1] > until]


def fed(runner: asyncio.Runner, system: System, events: list[dict[str, Any]]) -> int:
    """Feeds events as `warden feed` does; how many of them a worker screens."""
    if events:
        lines = BytesIO(b"\n".join(orjson.dumps(event) for event in events))
        done = runner.run(feed(system.settings, lines, None, lambda line, error: None, lambda _: None))
        assert (sum(done.sent.values()), done.refused) == (len(events), 0)
    return sum(event["type"] in {"post", "share", "mass_send"} for event in events)


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
