"""What moderators decide, applied to the records of subjects: appeals, decisions on reviews, orders. Pure.

An overturned appeal takes the violations behind the enforcement back, on the subject's own record and, by relays, on
those of all that were charged with the same. A final verdict stays. Manual beats automatic; see `rules/holdings.py`.
"""

import msgspec

from rules.announcing import Trigger
from rules.cases import Occasion, approved, ended
from rules.charging import Charging
from rules.docket import Docket, Why
from rules.events import Appeal, InvalidEventError, Order, ReviewDecision, millis
from rules.holdings import Holding, forgiven_until, ordered_id
from rules.offences import Offence
from rules.orders import kept_orders
from rules.relays import Retraction
from rules.remembering import remembered_after
from rules.reporting import tell_reporters
from rules.subject_state import (
    MAX_DECIDED,
    MAX_RETRACTED,
    VOID,
    Record,
    StoredAppeal,
    StoredOrder,
    is_enforced,
    ladder_name,
)
from rules.subjects import kind_of, sanctions_for
from rules.unwinding import behind, linked_subjects, retract


class Moderating:
    """Applies moderators' decisions to a docket."""

    def __init__(self, docket: Docket, charging: Charging) -> None:
        self._docket = docket
        self._charging = charging

    def appeal(self, of: Record, item: Appeal) -> bool:
        """A verdict on an enforcement; whether the record changed. Raises InvalidEventError."""
        state, time = of.state, millis(item.time)
        if any(old.id == item.id for old in state.appeals):
            return False
        for old in state.appeals:
            if old.enforcement == item.enforcement:
                raise InvalidEventError("final", f"{item.enforcement} was {old.verdict} by the appeal {old.id}")
        by_hand = [
            order
            for order in state.orders
            if order.do == "sanction" and ordered_id(of.subject, order) == item.enforcement
        ]
        found = [] if by_hand else behind(of, self._docket.pack, item.enforcement)
        if found is None:
            raise InvalidEventError("unknown_enforcement", f"{of.subject} has none {item.enforcement[:100]!r}")
        appeal = StoredAppeal(time, item.id, item.enforcement, item.verdict)
        state.appeals = [*state.appeals, appeal][-MAX_DECIDED:]
        before = self._docket.begin(of, time)
        trigger = Trigger("", [], item.time, item.id, item.moderator, item.reason)
        upheld = item.verdict == "upheld"
        tell_reporters(self._docket, of, found, upheld=upheld, time=time)
        if upheld:
            return True
        if by_hand:
            state.orders = [
                msgspec.structs.replace(order, do=VOID) if order in by_hand else order for order in state.orders
            ]
            self._docket.settle(of, before, trigger)
            return True
        upheld_causes = self._upheld(of)
        found = [offence for offence in found if offence.cause not in upheld_causes]
        gone = self._take_back(of, [offence.cause for offence in found], before, trigger)
        self._docket.overturned.update(offence.rule for offence in gone)
        for other, causes in linked_subjects(found):
            self._docket.relays.append(
                Retraction(
                    subject=other,
                    causes=causes,
                    appeal=item.id,
                    enforcement=item.enforcement,
                    of=of.subject,
                    moderator=item.moderator,
                    reason=item.reason,
                    time=item.time,
                )
            )
        return True

    def retraction(self, of: Record, item: Retraction) -> bool:
        """What an appeal of a linked subject takes back here."""
        upheld = self._upheld(of)
        causes = [found for cause in item.causes if (found := bytes.fromhex(cause)) not in upheld]
        if all(any(known.cause == cause for known in of.state.retracted) for cause in causes):
            return False
        before = self._docket.begin(of, millis(item.time))
        trigger = Trigger("", [], item.time, item.appeal, item.moderator, item.reason)
        self._take_back(of, causes, before, trigger)
        return True

    def _upheld(self, of: Record) -> set[bytes]:
        """The causes behind enforcements of this subject that a verdict has upheld: that is final, here."""
        verdicts = (old.enforcement for old in of.state.appeals if old.verdict == "upheld")
        return {offence.cause for name in verdicts for offence in behind(of, self._docket.pack, name) or ()}

    def _take_back(self, of: Record, causes: list[bytes], before: list[Holding], trigger: Trigger) -> list[Offence]:
        """Retracts offences, and settles what follows. Returns those that were there."""
        ladders = [ladder for ladder in self._docket.pack.ladders.values() if of.state.enforced(ladder.name)]
        old = {ladder.name: of.state.enforced(ladder.name) for ladder in ladders}
        gone = retract(of.state, causes, millis(trigger.time))
        trigger.rules = sorted({offence.rule for offence in gone})
        for ladder in ladders:
            before_it, after = old[ladder.name], of.state.enforced(ladder.name)
            self._charging.tell_evading(of, ladder, before_it, after, before_it)
        self._docket.settle(of, before, trigger)
        return gone

    def decision(self, of: Record, item: ReviewDecision) -> bool:
        """A verdict on a review; whether the record changed. Raises InvalidEventError."""
        state, time = of.state, millis(item.time)
        key = next((key for key, case in state.cases.items() if case.id == item.review), None)
        if key is None:
            raise InvalidEventError("unknown_review", f"{of.subject} has no open review {item.review[:100]!r}")
        about = [offence for offence in self._docket.ripe(state, key) if offence.time <= time]
        if not about:
            raise InvalidEventError(
                "unknown_review", f"all of the review {item.review[:100]!r} is later than {item.time}"
            )
        ladder = self._docket.pack.ladders[ladder_name(key)]
        before = self._docket.begin(of, time)
        trigger = Trigger("", [], item.time, item.id, item.moderator, item.reason)
        occasion = Occasion("", [], time, item.id)
        why: Why = (state.cases[key].reason, state.cases[key].detail)
        self._docket.decisions.append(
            ended(of, key, item.verdict, self._docket.pack, about=about, detail=item.reason, occasion=occasion)
        )
        rest = [offence for offence in state.offences[key] if offence not in about]
        if rest:
            state.offences[key] = rest
        else:
            del state.offences[key]
        upheld = item.verdict == "approved"
        tell_reporters(self._docket, of, about, upheld=upheld, time=time)
        if upheld:
            state.offences[ladder.name] = remembered_after(
                of, [*state.enforced(ladder.name), *approved(about, time, ladder)], ladder
            )
        else:
            state.retracted = sorted({*state.retracted, *about})[-MAX_RETRACTED:]
        self._docket.settle(of, before, trigger)
        if rest:
            self._docket.open(of, key, why, trigger)
        return True

    def order(self, of: Record, item: Order) -> bool:
        """A sanction imposed, or cleared away; whether the record changed. Raises InvalidEventError."""
        state, time = of.state, millis(item.time)
        if any(old.id == item.id for old in state.orders):
            return False
        if item.do == "sanction":
            if item.action is None:
                raise InvalidEventError("invalid", "an order to sanction names an action")
            if not sanctions_for(kind_of(of.subject), (item.action,), owns_share_api=True):
                raise InvalidEventError("cannot_land", f"{item.action} does not land on {of.subject}")
        if item.until is not None and item.until <= item.time:
            raise InvalidEventError("invalid", "the order ends before it begins")
        before = self._docket.begin(of, time)
        until = None if item.until is None else millis(item.until)
        state.orders = kept_orders(
            [*state.orders, StoredOrder(time, item.id, item.do, item.action, until)], MAX_DECIDED
        )
        since = forgiven_until(state.orders)
        for key, offences in list(state.offences.items()):
            if not is_enforced(key) and offences[0].time <= since:
                state.offences[key] = [offence for offence in offences if offence.time > since]
                if not state.offences[key]:
                    del state.offences[key]
        self._docket.settle(of, before, Trigger("", [], item.time, item.id, item.moderator, item.reason))
        return True
