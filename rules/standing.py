"""What one ladder holds against a subject, worked out offence by offence. Pure.

Each violation holds its sanction from its own time for its rung's duration; violations that overlap renew it. What an
offence leads to depends on those before it alone, so one that comes at the end is added to what is known, and all
is worked out anew only where one came late, or was taken back.
"""

from collections.abc import Mapping, Sequence

import msgspec

from rules.decisions import Action, SubjectKind
from rules.offences import Offence
from rules.packs.model import Clause, Ladder, Rung
from rules.sanctions import OF_A_KIND, Cell, cell_of, counted, lasts_for_good, rung_of, slot_of
from rules.subjects import sanctions_for

RENEWALS = 10
"""A renewed sanction grows in steps of a tenth of its duration, cut at fixed instants: a burst gives at most ten
enforcement events a duration instead of one for each violation."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What one ladder holds against a subject, as of its newest offence.

    `rung` counts from 1; `starts` and `ends` in ms, `ends` None when nothing ends it: a permanent
    sanction, or a warning. `actions` are what lands on the subject. `led` are the offences counted for
    the rung, oldest first; `spell` all since something has been in force without a break, the absorbed ones
    included: what was in force for an earlier one of them stays so. `later` are the sanctions that only what followed
    the last rung for good brings, each with the offence that did.
    """

    rung: int
    starts: int
    ends: int | None
    actions: tuple[Action, ...]
    led: tuple[Offence, ...]
    spell: tuple[Offence, ...]
    later: tuple[tuple[Action, Offence], ...] = ()

    def permanent(self, action: Action) -> bool:
        """Whether `action` forbids something for good; a warning never does."""
        return self.ends is None and action != "warn"


_Step = tuple[int, int, int, int, int]
"""Where a ladder stands after an offence: the rung, when that starts and ends (ms), and the indices of the offences
that began what is in force, and that led to the rung."""
_START: _Step = (0, 0, 0, 0, 0)


class Climb:
    """A ladder climbed by a subject's offences, added in order."""

    __slots__ = (
        "_clauses", "_crowded", "_deciding", "_kind", "_ladder", "_last", "_places", "_repeated", "_repeats",
        "_standing", "_steps",
    )  # fmt: skip

    def __init__(self, kind: SubjectKind, ladder: Ladder, clauses: Mapping[str, Clause]) -> None:
        self._kind = kind
        self._ladder = ladder
        self._clauses = clauses
        self._deciding: list[Offence] = []
        self._places: dict[Cell, int] = {}
        """Cell -> the index of the offence that decides for it."""
        self._repeated: dict[int, int] = {}
        """Index of an offence that a later one of its slot repeats -> when that ends, in ms. It renews what the first
        led to, however many there are and wherever in the slot."""
        self._steps: list[_Step] = []
        """After each of those that decide, up to the first that leads to a rung for good."""
        self._last = False  # whether that is reached
        self._repeats: dict[int, int] = {}
        """Index of an offence that decides -> how many others of its cell there are."""
        self._crowded = False  # whether some may be too many of a kind to be remembered
        self._standing: Standing | None = None

    def add(self, offence: Offence) -> None:
        """Adds an offence that no earlier one sorts behind."""
        cell = cell_of(offence, self._ladder, self._kind)
        place = self._places.setdefault(cell, len(self._deciding))
        if place == len(self._deciding):
            self._deciding.append(offence)
            self._standing = None
            self._crowded |= offence.gravity == "evasion"  # one of a kind with those that are none
            if not self._last:
                self._step(place)
            return
        repeats = self._repeats[place] = self._repeats.get(place, 0) + 1
        self._crowded |= repeats >= OF_A_KIND
        if place not in self._repeated and offence.time > self._deciding[place].time:
            self._repeated[place] = (cell[0] + 1) * slot_of(self._ladder)
            if place < len(self._steps):
                del self._steps[place:]
                self._standing, self._last = None, False
                while len(self._steps) < len(self._deciding) and not self._last:
                    self._step(len(self._steps))

    @property
    def is_open(self) -> bool:
        """Whether all that was added is remembered, and stays when one comes that is later and leads to something else:
        no rung for good is reached, and few enough lead to the same."""
        return not (self._last or self._crowded)

    def _step(self, index: int) -> None:
        """Climbs on by one of those that decide."""
        ladder = self._ladder
        rung, starts, ends, spell, led = self._steps[-1] if self._steps else _START
        offence = self._deciding[index]
        step = rung_of(self._deciding, ladder, index, self._kind)
        lasts = ladder.rungs[step - 1].duration or 0
        if step > rung or offence.time >= max(ends, starts + ladder.grace):
            if offence.time >= ends:  # nothing is in force any more
                spell = index
            ends = max(ends, offence.time + lasts)
            rung, starts, led = step, offence.time, index
        else:
            at_once = offence.time == starts  # another clause, broken by the same event
            ends = max(ends, offence.time + lasts if at_once else _renewed(offence.time, lasts))
        if index in self._repeated:
            ends = max(ends, _renewed(self._repeated[index], lasts))
        self._steps.append((rung, starts, ends, spell, led))
        self._last = lasts_for_good(ladder, step)

    def standing(self) -> Standing | None:
        """What holds now; None without any offence."""
        if self._standing is None and self._steps:
            self._standing = self._stands(self._steps[-1])
        return self._standing

    def _stands(self, step: _Step) -> Standing:
        rung, starts, ends, began, led = step
        offences, top = self._deciding, self._ladder.rungs[rung - 1]
        spell = tuple(offences[began : len(self._steps)])
        actions = _actions(self._kind, spell, top, self._clauses)
        later: dict[Action, Offence] = {}
        for offence in offences[len(self._steps) :]:
            for action in _actions(self._kind, (offence,), top, self._clauses):
                if action not in actions and action != "warn":
                    later.setdefault(action, offence)
        return Standing(
            rung=rung,
            starts=starts,
            ends=None if top.duration is None else ends,
            actions=actions,
            led=tuple(counted(offences, self._ladder, led)[0]),
            spell=spell,
            later=tuple(later.items()),
        )


def standing(
    kind: SubjectKind, offences: Sequence[Offence], ladder: Ladder, clauses: Mapping[str, Clause]
) -> Standing | None:
    """What `offences`, sorted and of one ladder, hold against a subject of `kind`; None without any."""
    climb = Climb(kind, ladder, clauses)
    for offence in offences:
        climb.add(offence)
    return climb.standing()


def _renewed(time: int, lasts: int) -> int:
    """The end of a sanction that is renewed at `time`: at the next of fixed instants a tenth of its duration apart, so
    that one that began earlier does not end earlier."""
    step = max(lasts // RENEWALS, 1)
    return -(-time // step) * step + lasts


def _actions(
    kind: SubjectKind, spell: Sequence[Offence], rung: Rung, clauses: Mapping[str, Clause]
) -> tuple[Action, ...]:
    """What lands on the subject for all clauses broken in the spell; a warning where nothing else does."""
    found: dict[Action, None] = {}
    if rung.apply != "warn":
        kinds = [(offence.clause, offence.holds_share_api) for offence in spell]
        for name, owns in dict.fromkeys(kinds) if len(kinds) > 1 else kinds:
            clause = clauses[name]
            landed = sanctions_for(kind, clause.first if rung.apply == "first" else clause.egregious, owns)
            if not landed and rung.apply == "egregious":
                landed = sanctions_for(kind, clause.first, owns)
            found.update(dict.fromkeys(landed))
    if not found and kind == "account":
        return ("warn",)
    return tuple(found)
