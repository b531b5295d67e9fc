"""CROWDS: sightings and what follows from them in, violations of many accounts together out. Pure.

A sighting is a violation if one of the two buckets it lies in (see `rules.sightings`) has enough distinct members. It
is held until then; what is sighted later in such a bucket is a violation at once. All that is kept grows and nothing
in it is taken back - members, marks, paths, released buckets - so where it ends does not depend on the order of
arrival, nor on repeats (monotone logic needs no coordination: the CALM theorem, Hellerstein and Alvaro 2020).

* A crowd of one value (a domain, a link, an IP ...) is counted under the value's own key.
* Near copies are held under the key of their whole signature, their *home*, and counted in *groups*, the keys of
  their bands: a home marks its members there, and a group that has enough releases all its homes. Copies of the very
  same signature are counted at their home as well, at once.
* In a ring, an event that promotes B in A's name is held under the pair {A, B}. Promotions that follow each other are
  joined at the account between them (`Hop`), and sent on as a `Path` to the pair of their ends. A pair that is joined
  both ways, by promotions or paths, is a ring of two, three or four, and releases the pairs along it.

A batch whose states were written in part, before its worker died, is judged again from what was written: what it sent
had arrived by then. So whatever follows from a state is worked out whenever a message touches it, not only by the
message that changed it.

Memory is bounded for each key and pane: see the limits below. Over a limit on what is held some violations are not
charged, and those are counted; over one on homes, paths or neighbours a group or ring may go unnoticed. What is
charged then depends on the order of arrival. Members are counted exactly: no more are kept than are needed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from rules.crowd_states import Cell, Memory, StateOf, encode_charge
from rules.decisions import Violation, content_id
from rules.events import millis
from rules.packs.model import Crowd, Pack, Ring, Rule
from rules.sightings import (
    Charge,
    Hop,
    Mark,
    Message,
    Path,
    Release,
    Sighting,
    account_key,
    pair_key,
    violations_of,
)

HELD_EACH = 32
"""Events of one member that are held under a key in a pane."""
HELD_BYTES = 131_072
"""Bytes of events that are held under a key in a pane."""
HOMES_EACH = 16
"""Texts of one member that are remembered under a band in a pane."""
MAX_NEIGHBOURS = 16
"""Accounts that one account promotes, or is promoted by, remembered in a pane. So a pane's neighbours make at most
2 x 32 x 32 paths."""
MAX_PATHS = 16
"""Accounts between two others that are remembered in a bucket, each way."""


@dataclass(slots=True)
class Gathered:
    """What a batch led to.

    violations, sends: with the index of the message each came from. states: by key; None is no state any more. What is
                       held stands before the cells that know of it: whoever writes them in order, and is cut short,
                       has no cell that knows of what is not there.
    released, lost:    how many keys' buckets were found to be violations, and events not held, by rule.
    """

    violations: list[tuple[int, Violation]] = field(default_factory=list)
    sends: list[tuple[int, Message]] = field(default_factory=list)
    states: dict[str, bytes | None] = field(default_factory=dict)
    released: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, later: "Gathered", start: int) -> None:
        """Adds what the messages from `start` on led to, found from the states that these led to."""
        self.violations += [(start + index, each) for index, each in later.violations]
        self.sends += [(start + index, each) for index, each in later.sends]
        for key, state in later.states.items():
            self.states.pop(key, None)  # else it would keep its place, before what came to be held
            self.states[key] = state
        self.released += later.released
        self.lost += later.lost


class Crowds:
    """The rules of a pack that several events decide together. Keeps no state itself."""

    def __init__(self, pack: Pack) -> None:
        self.rules = {rule.name: rule for rule in pack.rules.values() if rule.crowd is not None and rule.mode != "off"}

    def gather(self, messages: Sequence[Message], state_of: StateOf) -> Gathered:
        """Takes in `messages`, in order. `state_of(key)` is what `Gathered.states` last said of a key.

        Messages of rules that the pack does not have, any more or yet, are ignored.
        """
        memory = Memory(state_of)
        result = Gathered()
        for index, message in enumerate(messages):
            rule = self.rules.get(message.rule)
            if rule is not None and rule.crowd is not None:
                _Turn(rule, rule.crowd, memory, result, index).take(message)
        result.states = memory.changes()
        return result


class _Turn:
    """One message of one rule, applied to the memory."""

    def __init__(self, rule: Rule, crowd: Crowd | Ring, memory: Memory, result: Gathered, index: int) -> None:
        self._rule = rule
        self._crowd = crowd
        self._half = crowd.within // 2
        self._memory = memory
        self._result = result
        self._index = index

    def take(self, message: Message) -> None:
        match message:
            case Sighting():
                self._sighting(message)
            case Mark():
                self._mark(message)
            case Release():
                self._release(message.key, message.bucket)
            case Hop():
                self._hop(message)
            case Path():
                ends = (message.start, message.end)
                self._join(message.key, message.bucket, ends, message.middle)
            case _ as never:
                assert_never(never)

    # Crowds

    def _sighting(self, sighting: Sighting) -> None:
        key, pane = sighting.key, millis(sighting.charge.time) // self._half
        new = [member for member in sighting.members if self._adds(key, pane, member)]
        if sighting.ring is not None:
            self._promotion(key, pane, *sighting.ring, first=bool(new))
        else:
            self._count(key, pane)  # a home that has enough members by itself need not wait for its groups
        for member in new:
            for group in sighting.groups:
                self._send(Mark(key=group, rule=self._rule.name, pane=pane, member=member, home=key))
        if self._cell(key, pane).released or self._cell(key, pane - 1).released:
            self._charge(sighting.charge)
        else:
            self._hold(key, pane, sighting)

    def _mark(self, mark: Mark) -> None:
        key, pane = mark.key, mark.pane
        self._adds(key, pane, mark.member)
        cell = self._cell(key, pane)
        if mark.member in cell.members and mark.home not in cell.homes:
            place = cell.members.index(mark.member)
            if sum(1 for other in cell.homes.values() if other == place) < HOMES_EACH:
                cell.homes[mark.home] = place
                self._memory.changed(key, "c", pane)
        for bucket in (pane - 1, pane):
            if self._cell(key, bucket).released:
                self._send(Release(key=mark.home, rule=self._rule.name, bucket=bucket))
        self._count(key, pane)

    def _adds(self, key: str, pane: int, member: str) -> bool:
        """Adds a member to those of a pane, unless it has as many as any crowd needs; whether it is new."""
        cell = self._cell(key, pane)
        if member in cell.members or len(cell.members) >= self._needed():
            return False
        cell.members.append(member)
        self._memory.changed(key, "c", pane)
        return True

    def _needed(self) -> int:
        return self._crowd.at_least if isinstance(self._crowd, Crowd) else 2

    def _count(self, key: str, pane: int) -> None:
        """Releases each bucket of the pane that now has enough members."""
        for bucket in (pane - 1, pane):
            first, second = self._cell(key, bucket), self._cell(key, bucket + 1)
            if first.released or len({*first.members, *second.members}) < self._needed():
                continue
            homes = {*first.homes, *second.homes}
            self._release(key, bucket)
            for home in sorted(homes):
                self._send(Release(key=home, rule=self._rule.name, bucket=bucket))

    def _release(self, key: str, bucket: int) -> None:
        """From now on everything in the bucket is a violation; what was held of it is charged."""
        cell = self._cell(key, bucket)
        if cell.released:
            return
        cell.released = True
        self._memory.changed(key, "c", bucket)
        self._result.released[self._rule.name] += 1
        for pane in (bucket, bucket + 1):
            holding = self._cell(key, pane)
            if not holding.held:
                continue
            for event in holding.held:
                charge = self._memory.let_go(key, pane, event)
                if charge is not None:
                    self._charge(charge)
            holding.held = {}
            self._memory.changed(key, "c", pane)

    def _hold(self, key: str, pane: int, sighting: Sighting) -> None:
        cell = self._cell(key, pane)
        charge = sighting.charge
        event = content_id(charge.source, charge.event.id)[:16]
        if event in cell.held:
            return
        data = encode_charge(charge)
        member = sighting.members[0] if sighting.members else ""
        place = cell.members.index(member) if member in cell.members else -1
        mine = sum(1 for other, _ in cell.held.values() if other == place)
        if mine >= HELD_EACH or sum(size for _, size in cell.held.values()) + len(data) > HELD_BYTES:
            self._result.lost[self._rule.name] += 1
            return
        cell.held[event] = (place, len(data))
        self._memory.hold(key, pane, event, data)
        self._memory.changed(key, "c", pane)

    def _charge(self, charge: Charge) -> None:
        self._result.violations.extend((self._index, found) for found in violations_of(charge, self._rule))

    # Rings

    def _promotion(self, key: str, pane: int, source: str, target: str, *, first: bool) -> None:
        """`source` promotes `target`, `first`: for the first time in this pane."""
        ring = self._ring()
        for bucket in (pane - 1, pane):
            self._join(key, bucket, (source, target), "")
        if first and ring.longest > 2:
            for account, other, outward in ((target, source, False), (source, target, True)):
                where = account_key(self._rule.name, ring, account)
                self._send(
                    Hop(key=where, rule=self._rule.name, pane=pane, account=account, other=other, outward=outward)
                )

    def _hop(self, hop: Hop) -> None:
        """Joins a promotion with those that follow it, or go before it, in the same bucket."""
        known = self._memory.account(hop.key, hop.pane, self._half)
        side = known.outward if hop.outward else known.inward
        if hop.other in side or len(side) >= MAX_NEIGHBOURS:
            return
        side.append(hop.other)
        self._memory.changed(hop.key, "a", hop.pane)
        for bucket in (hop.pane - 1, hop.pane):
            found = [self._memory.account(hop.key, pane, self._half) for pane in (bucket, bucket + 1)]
            others = dict.fromkeys(name for each in found for name in (each.inward if hop.outward else each.outward))
            for other in others:
                start, end = (other, hop.other) if hop.outward else (hop.other, other)
                if start != end:
                    self._send(
                        Path(
                            key=pair_key(self._rule.name, self._ring(), start, end),
                            rule=self._rule.name,
                            bucket=bucket,
                            start=start,
                            middle=hop.account,
                            end=end,
                        )
                    )

    def _join(self, key: str, bucket: int, ends: tuple[str, str], middle: str) -> None:
        """The first of `ends` leads to the second, by `middle`. Where a way back is known there is a ring."""
        pair = self._memory.pair(key, bucket, self._half)
        there, back = (pair.forth, pair.back) if ends[0] < ends[1] else (pair.back, pair.forth)
        if middle not in there and not (middle and len(there) > MAX_PATHS):
            ways = [way for way in back if self._closes(middle, way)]
            closed = [way for way in ways if not any(self._closes(other, way) for other in there)]
            there.append(middle)
            self._memory.changed(key, "p", bucket)
            if ways:
                self._release_way(bucket, ends, middle)
            for way in closed:
                self._release_way(bucket, (ends[1], ends[0]), way)
        if any(
            "" in one and any(self._closes("", way) for way in other) for one, other in ((there, back), (back, there))
        ):
            self._release(key, bucket)

    def _closes(self, way: str, other: str) -> bool:
        """Whether two ways between the same accounts, there and back, are a ring that is short enough."""
        return sum(2 if middle else 1 for middle in (way, other)) <= self._ring().longest

    def _release_way(self, bucket: int, ends: tuple[str, str], middle: str) -> None:
        """Releases the pairs along a way that leads through another account."""
        for first, second in ((ends[0], middle), (middle, ends[1])) if middle else ():
            where = pair_key(self._rule.name, self._ring(), first, second)
            self._send(Release(key=where, rule=self._rule.name, bucket=bucket))

    def _ring(self) -> Ring:
        assert isinstance(self._crowd, Ring)  # noqa: S101 - only a ring's rule has promotions, hops and paths
        return self._crowd

    def _cell(self, key: str, pane: int) -> Cell:
        return self._memory.cell(key, pane, self._half)

    def _send(self, message: Message) -> None:
        self._result.sends.append((self._index, message))
