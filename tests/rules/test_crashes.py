"""ENFORCE after workers that died while they wrote: what a batch sent has arrived, of its states only the first were
written, and the batch is read again. Where subjects end is as if nothing had happened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from random import Random

import pytest
from hypothesis import Phase, given, settings

from rules.decisions import Enforcement, Lift
from rules.enforce import Enforced, Enforcer, SubjectInput
from rules.packs import Pack, load_pack
from tests.rules.making import Court, at
from tests.rules.test_histories import DICE, EVENTS, assert_ends_alike, charged
from tests.rules.trials import LINKED, appeal


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


class Mortal(Court):
    """A court whose worker dies now and then, and whose packs change now and then within a batch."""

    def __init__(self, pack: Pack, dice: Random, *, dies: float) -> None:
        super().__init__(Enforcer(pack))
        self._pack = pack
        self._dice = dice
        self._dies = dies
        self.said: list[Enforcement | Lift] = []

    def take(self, inputs: Sequence[SubjectInput]) -> None:
        pending = [*inputs]
        while pending:
            sent: list[SubjectInput] = []
            while self._dice.random() < self._dies:
                result = self._in_parts(pending)
                self._arrived(result, sent)
                self._keep(dict(islice(result.states.items(), self._dice.randint(0, len(result.states)))))
                self.enforcer = Enforcer(self._pack)
            result = self._in_parts(pending)
            self._arrived(result, sent)
            self._keep(result.states)
            pending = sent

    def _in_parts(self, inputs: Sequence[SubjectInput]) -> Enforced:
        cut = self._dice.randint(0, len(inputs))
        result = self.enforcer.enforce(inputs[:cut], self.states.get)
        so_far = lambda key: result.states[key] if key in result.states else self.states.get(key)  # noqa: E731
        result.add(self.enforcer.enforce(inputs[cut:], so_far), cut)
        return result

    def _arrived(self, result: Enforced, sent: list[SubjectInput]) -> None:
        self.bans.update(result.bans)
        self.said += [each for each in result.decisions if isinstance(each, Enforcement | Lift)]
        sent += result.relays


@settings(max_examples=400, phases=(Phase.explicit, Phase.generate))
@given(EVENTS, DICE)
def test_subjects_end_where_they_would_have(
    pack: Pack, events: list[tuple[int, list[str], str, str]], dice: Random
) -> None:
    violations = charged(events)
    dice.shuffle(violations)
    dying, living = Mortal(pack, dice, dies=0.4), Mortal(pack, Random(0), dies=0)
    while violations:
        batch = [violations.pop() for _ in range(min(len(violations), dice.randint(1, 6)))]
        dying.take(batch)
        living.take(batch)
    announced = sorted({each.id: each for each in living.said if isinstance(each, Enforcement)}.items())
    if announced:
        verdict = appeal(dice.choice(announced)[1], time=at(days=7))
        for court in (dying, living):
            if any(isinstance(each, Enforcement) and each.id == verdict.enforcement for each in court.said):
                court.take([verdict])
    assert_ends_alike(dying, living, dying.said)
