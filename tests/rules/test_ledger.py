"""What is added to what is known leads to the same as working all out anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.holdings import Ledger, of_ladder
from rules.offences import Offence
from rules.packs import Pack, load_pack
from rules.sanctions import added, remembered
from rules.subject_state import Record, StoredOrder, SubjectState
from rules.subjects import kind_of
from tests.rules.making import DAY, HOUR, START
from tests.rules.trials import ALICE, HOST, LINKED

MINUTE = 60_000
BEGIN = round(START.timestamp() * 1000)
TIMES = st.integers(0, 120).map(MINUTE.__mul__) | st.integers(0, 90 * 24).map(HOUR.__mul__)
GRAVITIES = st.sampled_from(["ordinary"] * 6 + ["evasion", "egregious"])
DOMAINS = st.lists(st.sampled_from([f"domain:d{number}.cn" for number in range(4)]), max_size=2, unique=True)
OFFENCES = st.lists(
    st.builds(
        lambda time, cause, gravity, owns, linked: Offence(
            BEGIN + time, bytes([cause]) * 16, "links.3", "spreading", gravity, owns, tuple(linked)
        ),
        TIMES, st.integers(0, 255), GRAVITIES, st.booleans(), DOMAINS,
    ),
    max_size=25,
    unique_by=lambda offence: offence.cause,
)  # fmt: skip
CLEARED = StoredOrder(BEGIN + DAY, "order", "clear", None, None)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(LINKED)


@given(OFFENCES, st.sampled_from([ALICE, HOST]), st.booleans(), st.integers(0, 30))
def test_offence_by_offence_holds_what_all_together_hold(
    pack: Pack, offences: list[Offence], subject: str, ordered: bool, cleared: int
) -> None:
    # Given offences that come one after the other, mostly in order, and a moderator who forgives after some of them
    ladder, ledger, of = pack.ladders["spreading"], Ledger(pack), Record(subject, SubjectState())
    kind = kind_of(subject)
    for number, offence in enumerate(sorted(offences) if ordered else offences):
        if number == cleared:
            of.state.orders = [CLEARED]
        old = of.state.enforced("spreading")
        # When each is added to what is known
        changed = added(old, offence, ladder, kind, lambda old=old: ledger.is_open(of, old, ladder))  # type: ignore[misc]
        # Then what is remembered is what would be without knowing anything
        assert (old if changed is None else changed[0]) == remembered([*old, offence], ladder, kind)
        if changed is None:
            continue
        before = of_ladder(of, old, ladder, pack)
        # And so is what holds, before it counts and after
        assert ledger.of_ladder(of, changed[0], ladder) == of_ladder(of, changed[0], ladder, pack)
        assert ledger.had(of, [*old], ladder) == before
        of.state.offences["spreading"] = changed[0]
        assert ledger.holdings(of) == of_ladder(of, changed[0], ladder, pack)
