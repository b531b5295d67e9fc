"""What is held against a subject: the sanctions its ladders lead to, and those that moderators ordered. Pure.

Manual beats automatic. A clearing order forgives, for one action or for all, whatever was done before it (or until the
time it exempts the subject to); an imposed sanction takes the place of the automatic one of the same action, until
something new is done. Of several orders on one action the last counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import get_args

import msgspec

from rules.decisions import BY_HAND, Action, BanEntry, content_id
from rules.events import from_millis
from rules.offences import Offence
from rules.packs.model import Ladder, Pack
from rules.standing import Climb, Standing, standing
from rules.subject_state import VOID, Record, StoredOrder, is_enforced
from rules.subjects import kind_of

_ACTIONS: tuple[Action, ...] = get_args(Action)
_NOTHING = {-1: frozenset(_ACTIONS)}


instant = lru_cache(4096)(from_millis)
"""`from_millis`, of times that are told on the ban list as well as in an announcement."""


class Holding(msgspec.Struct, frozen=True, gc=False):
    """One sanction against a subject, in force or over. Times in ms; `ends` None when nothing ends it.

    `standing` is what its ladder holds, None for what a moderator ordered.
    """

    id: str
    action: Action
    ladder: str
    rung: int
    starts: int
    ends: int | None
    standing: Standing | None

    @property
    def permanent(self) -> bool:
        """Whether it forbids something for good; a warning never does."""
        return self.ends is None and self.action != "warn"

    def holds(self, at: int) -> bool:
        """Whether it is in force at `at` ms, or is a warning."""
        return self.ends is None or self.ends > at

    @property
    def until(self) -> int | None:
        """`ends`; of a warning when a sanction in its place would end."""
        return self.ends if self.standing is None else self.standing.ends

    @property
    def clauses(self) -> list[str]:
        """The clauses that were broken."""
        spell = self.standing.spell if self.standing is not None else ()
        return [spell[0].clause] if len(spell) == 1 else sorted({offence.clause for offence in spell})

    def entry(self) -> BanEntry:
        """The same on the ban list."""
        return BanEntry(
            action=self.action,
            ladder=self.ladder,
            rung=self.rung,
            permanent=self.permanent,
            starts=instant(self.starts),
            ends=None if self.ends is None else instant(self.ends),
            clauses=self.clauses,
            enforcement=self.id,
        )


class Page(msgspec.Struct, frozen=True):
    """What the offences and orders of a subject's ladder, by its name, lead to. `climb`: of all of them, where no order
    is in the way and the pack has every clause; so that one more can be added."""

    ladder: str
    offences: list[Offence]
    orders: list[StoredOrder]
    holdings: list[Holding]
    climb: Climb | None


class Ledger:
    """What ladders hold against the subjects of a batch, worked out once for the same offences and orders: lists of
    these are replaced when they change, never changed themselves."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._first: dict[tuple[str, str], Page] = {}
        """What held when the batch began, or whatever was asked for first."""
        self._last: dict[tuple[str, str], Page] = {}
        """What held before the newest."""
        self._newest: dict[tuple[str, str], Page] = {}

    def begin_with(self, of: Record, pages: Iterable[Page]) -> None:
        """Takes over what was worked out for a record as it is now; see `pages`."""
        for page in pages:
            self._first[of.subject, page.ladder] = self._newest[of.subject, page.ladder] = page

    def pages(self, of: Record) -> list[Page]:
        """What has been worked out for a record as it is now."""
        state, found = of.state, []
        for name, offences in state.offences.items():
            page = self._newest.get((of.subject, name))
            if page is not None and page.offences is offences and page.orders is state.orders:
                found.append(page)
        return found

    def of_ladder(self, of: Record, offences: list[Offence], ladder: Ladder) -> list[Holding]:
        """See `of_ladder`."""
        key, orders = (of.subject, ladder.name), of.state.orders
        known = self._newest.get(key)
        if known is not None:
            if known.offences is offences and known.orders is orders:
                return known.holdings
            first = self._first[key]
            if first.offences is offences and first.orders is orders:
                return first.holdings
            self._last[key] = known
        elif (old := of.state.enforced(ladder.name)) and old is not offences:
            self.of_ladder(of, old, ladder)  # what held before, which is asked for in the end
            known = self._newest[key]
        page = self._newest[key] = self._page(of, offences, ladder, known)
        self._first.setdefault(key, page)
        return page.holdings

    def had(self, of: Record, offences: list[Offence], ladder: Ladder) -> list[Holding]:
        """The same of offences that mostly are those of before the newest, in a list of its own."""
        key, orders = (of.subject, ladder.name), of.state.orders
        for page in (self._last.get(key), self._first.get(key)):
            if page is not None and page.orders is orders and page.offences == offences:
                return page.holdings
        return of_ladder(of, offences, ladder, self._pack)

    def is_open(self, of: Record, offences: list[Offence], ladder: Ladder) -> bool:
        """Whether it is known of all that counts on a ladder that it stays; see `Climb.is_open`."""
        self.of_ladder(of, offences, ladder)
        page = self._newest[of.subject, ladder.name]
        return page.offences is offences and page.climb is not None and page.climb.is_open

    def _page(self, of: Record, offences: list[Offence], ladder: Ladder, known: Page | None) -> Page:
        orders, climb, before = of.state.orders, None, []
        if orders:
            return Page(ladder.name, offences, orders, of_ladder(of, offences, ladder, self._pack), None)
        more = offences
        if known is not None:
            before = known.holdings
            if known.climb is not None and offences[:-1] == known.offences:
                climb, more = known.climb, offences[-1:]
        if climb is None:
            climb = Climb(kind_of(of.subject), ladder, self._pack.clauses)
        for offence in more:
            if offence.time < 0 or offence.clause not in self._pack.clauses:
                return Page(ladder.name, offences, orders, of_ladder(of, offences, ladder, self._pack), None)
            climb.add(offence)
        return Page(ladder.name, offences, orders, _all(of.subject, ladder, climb.standing(), before), climb)

    def holdings(self, of: Record) -> list[Holding]:
        """All sanctions that a state leads to; at most one of each ladder and action."""
        found: list[Holding] = []
        for key, offences in of.state.offences.items():
            ladder = self._pack.ladders.get(key)
            if is_enforced(key) and ladder is not None:
                found += self.of_ladder(of, offences, ladder)
        return [*found, *_ordered(of)] if of.state.orders else found


def holdings(of: Record, pack: Pack) -> list[Holding]:
    """All sanctions that a state leads to; at most one of each ladder and action."""
    return Ledger(pack).holdings(of)


def of_ladder(of: Record, offences: list[Offence], ladder: Ladder, pack: Pack) -> list[Holding]:
    """What the offences of a ladder lead to, after a moderator's orders."""
    known = [offence for offence in offences if offence.clause in pack.clauses]
    if not known:
        return []
    found: list[Holding] = []
    orders = of.state.orders
    for since, actions in forgiven(orders).items():
        held = standing(kind_of(of.subject), [each for each in known if each.time > since], ladder, pack.clauses)
        found += [
            each
            for each in _all(of.subject, ladder, held)
            if each.action in actions and not _replaced(each.action, orders, known[-1].time)
        ]
    return found


def _all(subject: str, ladder: Ladder, held: Standing | None, before: Iterable[Holding] = ()) -> list[Holding]:
    """A holding for each action of what a ladder holds. before: the ladder's holdings until now, which may be the same
    sanctions."""
    if held is None:
        return []
    names = {(old.action, old.rung, old.starts, old.until): old.id for old in before}
    found = [_holding(subject, ladder.name, held, action, names) for action in held.actions]
    for action, offence in held.later:
        later = msgspec.structs.replace(held, starts=offence.time, spell=(*held.spell, offence))
        found.append(_holding(subject, ladder.name, later, action, names))
    return found


def in_force(of: Record, pack: Pack) -> list[BanEntry]:
    """The sanctions in force at the state's own time; warnings forbid nothing and are left out."""
    return entries_of(holdings(of, pack), of.state.time)


def entries_of(held: Iterable[Holding], at: int) -> list[BanEntry]:
    """Of the sanctions held against a subject those in force at `at` ms, in the order of the ban list."""
    entries = [holding.entry() for holding in held if holding.action != "warn" and holding.holds(at)]
    return sorted(entries, key=lambda entry: (entry.action, entry.ladder))


def _identity(subject: str, ladder: str, action: str, rung: int, *, starts: int, ends: int | None) -> str:
    """The id of an enforcement: a function of what holds, for whom, and from when to when."""
    until = "" if ends is None else str(ends)
    return content_id("enforcement", subject, ladder, action, str(rung), str(starts), until)


def _holding(
    subject: str,
    ladder: str,
    held: Standing,
    action: Action,
    names: Mapping[tuple[Action, int, int, int | None], str],
) -> Holding:
    name = names.get((action, held.rung, held.starts, held.ends))
    if name is None:
        name = _identity(subject, ladder, action, held.rung, starts=held.starts, ends=held.ends)
    ends = None if action == "warn" else held.ends
    return Holding(name, action, ladder, held.rung, held.starts, ends, held)


def forgiven(orders: list[StoredOrder]) -> Mapping[int, frozenset[Action]]:
    """Up to when (ms) what was done leads to nothing, -1 for never -> the actions that it does not lead to."""
    if not orders:
        return _NOTHING
    since = dict.fromkeys(_ACTIONS, -1)
    for order in orders:
        if order.do == "clear":
            until = max(order.time, order.until or 0)
            for action in _ACTIONS if order.action is None else (order.action,):
                since[action] = max(since[action], until)
    return {time: frozenset(each for each in _ACTIONS if since[each] == time) for time in set(since.values())}


def forgiven_until(orders: list[StoredOrder]) -> int:
    """Up to when (ms) all that was done is forgiven; -1 for never."""
    cleared = (max(order.time, order.until or 0) for order in orders if order.do == "clear" and order.action is None)
    return max(cleared, default=-1)


def _replaced(action: Action, orders: list[StoredOrder], newest: int) -> bool:
    """Whether a moderator's sanction stands in for the automatic one: nothing was done since."""
    last = last_order(orders, action)
    return last is not None and last.do == "sanction" and newest <= last.time


def last_order(orders: list[StoredOrder], action: Action) -> StoredOrder | None:
    """The order that counts for an action."""
    for order in reversed(orders):
        if order.do == VOID:
            continue
        if order.action == action or (order.action is None and order.do == "clear"):
            return order
    return None


def ordered_id(subject: str, order: StoredOrder) -> str:
    """The id of the enforcement that an order to sanction leads to."""
    return _identity(subject, BY_HAND, order.action or "", 0, starts=order.time, ends=order.until)


def _ordered(of: Record) -> Iterator[Holding]:
    orders = of.state.orders
    for action in dict.fromkeys(order.action for order in orders if order.action is not None):
        last = last_order(orders, action)
        if last is not None and last.do == "sanction":
            yield Holding(ordered_id(of.subject, last), action, BY_HAND, 0, last.time, last.until, None)
