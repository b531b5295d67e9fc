"""Random histories of linked subjects with random retractions: what is in force afterwards is what would be if nothing
of what was retracted had ever been seen, whatever came when, in what order and how often.

The histories keep within OF_A_KIND and AFTERMATH; tests/rules/test_unwinding.py shows what lies beyond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rules.decisions import Enforcement, Lift, Violation
from rules.enforce import Enforcer
from rules.events import from_millis
from rules.packs import Pack, load_pack
from rules.relays import Relay, Retraction
from rules.subject_state import decode_subject
from tests.rules.making import Court, at
from tests.rules.trials import LINKED, appeal, charges

SUBJECTS = ("account:alice", "account:bob", "domain:evil.cn", "domain:other.cn", "ip:192.0.2.1", "app:wx1")
DECIDED = 6
"""Days after which moderators decide; everything is done before."""
LATER = [at(days=days) for days in (6.9, 7, 8, 20, 36)]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


MINUTES = st.integers(0, 6 * 24 * 5).map(lambda tens: 10 * tens) | st.integers(0, 300)
EVENTS = st.lists(
    st.tuples(
        MINUTES,
        st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=4, unique=True),
        st.sampled_from(["links.1", "links.1", "links.2", "links.3", "links.3", "accounts.3"]),
        st.sampled_from(["ordinary"] * 9 + ["egregious"]),
    ),
    min_size=1,
    max_size=8,
)
DICE = st.integers(0, 2**32).map(Random)
"""At most 8 offences that decide, as many as AFTERMATH."""


class Storm(Court):
    """A court whose relays wait, and arrive in any order, some of them twice."""

    def __init__(self, enforcer: Enforcer, dice: Random) -> None:
        super().__init__(enforcer)
        self._dice = dice
        self.mail: list[Relay] = []
        self.said: list[Enforcement | Lift] = []

    def take(self, item: object) -> None:
        result = self.enforcer.enforce([item], self.states.get)  # type: ignore[list-item]
        self._keep(result.states)
        self.bans.update(result.bans)
        self.refused += [error for _, error in result.refused]
        self.said += [each for each in result.decisions if isinstance(each, Enforcement | Lift)]
        for relay in result.relays:
            self.mail += [relay] * self._dice.randint(1, 2)

    def deliver(self, most: int) -> None:
        """Some of what waits, at most so many; those for one subject in their order."""
        for _ in range(min(most, len(self.mail))):
            place = self._dice.randrange(len(self.mail))
            same = [at for at, each in enumerate(self.mail) if each.subject == self.mail[place].subject]
            self.take(self.mail.pop(same[0]))


def charged(events: Sequence[tuple[int, list[str], str, str]]) -> list[Violation]:
    return [
        charge
        for number, (minutes, subjects, clause, severity) in enumerate(events)
        for charge in charges(
            at(minutes=minutes), subjects=subjects, clause=clause, severity=severity, event=f"e{number}"
        )
    ]


def direct(number: int, charge: Violation) -> Iterator[Retraction]:
    """What takes a violation back from all who are charged with it, as an appeal of somebody else would."""
    for subject in (charge.subject, *charge.linked):
        yield Retraction(
            subject=subject,
            causes=[charge.cause],
            appeal=f"elsewhere{number}",
            enforcement="of somebody else",
            of="account:carol",
            moderator="mo",
            reason="a poem",
            time=at(days=DECIDED),
        )


VERDICTS = ("overturned", "overturned", "overturned", "upheld")


def play(court: Storm, violations: Sequence[Violation], dice: Random, verdicts: Sequence[str] = VERDICTS) -> None:
    """Everything in random order, with appeals and retractions between."""
    for number, charge in enumerate(dice.sample(violations, len(violations))):
        court.take(charge)
        for _ in range(dice.randint(0, 1)):
            court.take(charge)
        announced = [each for each in court.said if isinstance(each, Enforcement)]
        step = dice.randint(0, 7)
        if announced and step <= 1:
            time = at(days=DECIDED, minutes=number)
            found = dice.choice(announced)
            court.take(appeal(found, dice.choice(verdicts), number=number, time=time))
        elif step == 2:
            court.mail += direct(number, dice.choice(violations))
        court.deliver(dice.randint(0, 3))
    while court.mail:
        court.deliver(len(court.mail))


def retracted(court: Court, subject: str) -> set[str]:
    """The causes that count no more on the record of a subject; on another a verdict may have upheld them."""
    return {each.cause.hex() for each in decode_subject(court.states.get(subject)).retracted}


def effective(said: Iterable[Enforcement | Lift], subject: str, now: datetime) -> set[tuple[str, str, str]]:
    """What a consumer knows to be in force who reads enforcements and lifts: the last of each ladder and action, until
    it ends or is lifted; and where a ladder forbids something for good, only that."""
    last: dict[tuple[str, str], Enforcement] = {}
    for each in said:
        key = (each.ladder, each.action)
        if each.subject != subject:
            continue
        if isinstance(each, Enforcement):
            last[key] = each
        elif key in last and last[key].id == each.enforcement:
            del last[key]
    for_good = {each.ladder for each in last.values() if each.permanent}
    return {
        (each.ladder, each.action, each.id)
        for each in last.values()
        if each.action != "warn"
        and (each.ends is None or each.ends > now)
        and (each.permanent or each.ladder not in for_good)
    }


def assert_ends_alike(court: Court, other: Court, said: Sequence[Enforcement | Lift]) -> None:
    """In both the same is in force from here on, and `court`'s ban list, and what it `said`, come to that."""
    for subject in SUBJECTS:
        for time in LATER:
            assert court.in_force(subject, time) == other.in_force(subject, time)
        now = from_millis(decode_subject(court.states.get(subject)).time)
        holds = court.in_force(subject, now)
        ban = court.bans.get(subject)
        assert (ban.sanctions if ban is not None else []) == holds
        assert effective(said, subject, now) == {(each.ladder, each.action, each.enforcement) for each in holds}


@settings(max_examples=1000, phases=(Phase.explicit, Phase.generate))
@given(EVENTS, DICE)
def test_state_after_retractions_is_the_state_of_what_remains(
    pack: Pack, events: list[tuple[int, list[str], str, str]], dice: Random
) -> None:
    violations = charged(events)
    court, fresh = Storm(Enforcer(pack), dice), Court(Enforcer(pack))
    play(court, violations, dice)
    assert {refused.reason for refused in court.refused} <= {"final"}
    gone = {subject: retracted(court, subject) for subject in SUBJECTS}
    fresh.hear(*(charge for charge in violations if charge.cause not in gone[charge.subject]))
    assert_ends_alike(court, fresh, court.said)


@settings(max_examples=200, phases=(Phase.explicit, Phase.generate))
@given(EVENTS, DICE)
def test_retracting_everything_leaves_nothing(
    pack: Pack, events: list[tuple[int, list[str], str, str]], dice: Random
) -> None:
    violations = charged(events)
    court = Storm(Enforcer(pack), dice)
    play(court, violations, dice, ["overturned"])
    for number, charge in enumerate(dice.sample(violations, len(violations))):
        court.mail += direct(1000 + number, charge)
        court.deliver(len(court.mail))
    while court.mail:
        court.deliver(len(court.mail))
    for subject in SUBJECTS:
        assert [court.in_force(subject, time) for time in LATER] == [[]] * len(LATER)
        assert court.bans.get(subject) is None
        assert effective(court.said, subject, at(days=DECIDED, hours=1)) == set()
        assert decode_subject(court.states.get(subject)).offences == {}
        if subject in court.states:
            court.tick(subject, at(days=67))
            assert subject not in court.states


@settings(max_examples=200, phases=(Phase.explicit, Phase.generate))
@given(EVENTS, DICE)
def test_everything_again_changes_nothing(
    pack: Pack, events: list[tuple[int, list[str], str, str]], dice: Random
) -> None:
    violations = charged(events)
    court = Storm(Enforcer(pack), dice)
    play(court, violations, dice)
    states, bans, said = dict(court.states), dict(court.bans), len(court.said)
    for charge in [*violations, *dice.sample(violations, len(violations))]:
        court.take(charge)
    assert (court.states, court.bans, court.said[said:], court.mail) == (states, bans, [], [])
