"""Records kept decoded between batches: they change nothing that is decided, and are bounded."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rules.decisions import Enforcement
from rules.enforce import Enforcer
from rules.packs import Pack, load_pack
from rules.recent import Kept, Recent
from rules.subject_state import Record, SubjectState, encode_subject
from tests.rules.making import Court, at, violation
from tests.rules.test_histories import DICE, EVENTS, charged, direct
from tests.rules.trials import LINKED, appeal, order


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@settings(max_examples=300, phases=(Phase.explicit, Phase.generate))
@given(EVENTS, DICE)
def test_an_enforcer_that_has_been_at_work_decides_as_a_new_one(
    pack: Pack, events: list[tuple[int, list[str], str, str]], dice: Random
) -> None:
    """Byte for byte, though some plans are dropped, as they are when a partition goes, and begun anew."""
    seasoned, states, announced = Enforcer(pack), dict[str, bytes](), []
    violations = charged(events)
    waiting: list = [*violations, *violations]
    dice.shuffle(waiting)
    number = 0
    while waiting:
        batch = [waiting.pop() for _ in range(min(len(waiting), dice.randint(1, 6)))]
        if announced and dice.random() < 0.4:
            number += 1
            time = at(days=7, minutes=number)
            decision = dice.choice(
                [
                    appeal(dice.choice(announced), dice.choice(["overturned", "upheld"]), number=number, time=time),
                    order("clear", number=number, time=time, subject=dice.choice(violations).subject),
                    *direct(number, dice.choice(violations)),
                ]
            )
            batch.insert(dice.randint(0, len(batch)), decision)
        found, expected = seasoned.enforce(batch, states.get), Enforcer(pack).enforce(batch, states.get)
        assert [(index, str(error)) for index, error in found.refused] == [
            (index, str(error)) for index, error in expected.refused
        ]
        found.refused, expected.refused = [], []
        assert found == expected
        if dice.random() < 0.2:  # dropped: nothing of it came true
            continue
        announced += [each for each in found.decisions if isinstance(each, Enforcement)]
        waiting = [*found.relays, *waiting]
        for subject, state in found.states.items():
            if state is None:
                states.pop(subject, None)
            else:
                states[subject] = state
            if state is not None and dice.random() < 0.1:
                passed = seasoned.expire(subject, state, 2**41)
                assert passed == Enforcer(pack).expire(subject, state, 2**41)


def test_a_busy_subject_is_decoded_once(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes | None] = []

    def counting(data: bytes | None) -> SubjectState:
        decoded.append(data)
        return SubjectState()

    court = Court(Enforcer(pack))
    monkeypatch.setattr("rules.docket.decode_subject", counting)
    for hour in range(5):
        court.hear(violation(at(hours=2 * hour)))
    assert decoded == [None]


def test_a_record_whose_bytes_are_others_is_not_taken() -> None:
    recent = Recent()
    recent.keep(kept("account:a", 5))
    assert recent.take("account:a", b"other") is None
    assert recent.take("account:a", kept("account:a", 5).data) is None, "it was no longer what the table had"
    recent.keep(kept("account:a", 6))
    found = recent.take("account:a", kept("account:a", 6).data)
    assert found is not None
    assert found.record.state.time == 6
    assert recent.take("account:a", found.data) is None, "who takes it owns it"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300), st.booleans())), st.integers(0, 2000))
def test_no_more_bytes_are_kept_than_may_be_and_the_latest_stay(uses: list[tuple[int, int, bool]], most: int) -> None:
    recent, used = Recent(most), dict[str, bytes]()
    for number, size, takes in uses:
        subject = f"account:{number}"
        if takes:
            found = recent.take(subject, used.get(subject, b""))
            assert found is None or found.data == used[subject]
            used.pop(subject, None)
            continue
        used.pop(subject, None)
        used[subject] = b"x" * size
        recent.keep(Kept(used[subject], Record(subject, SubjectState()), []))
        while sum(map(len, used.values())) > most:
            del used[next(iter(used))]
        assert len(recent) == len(used)
    for subject, data in used.items():
        found = recent.take(subject, data)
        assert found is not None
        assert found.record.subject == subject


def kept(subject: str, time: int) -> Kept:
    state = SubjectState(time=time)
    return Kept(encode_subject(state), Record(subject, state), [])
