"""One input after the other, applied to the records of their subjects: the heart of ENFORCE. Pure.

A violation becomes an offence, unless it is known or retracted, and announces what it newly leads to; one that a person
must approve opens or changes a review instead. A moderator's decision changes which offences count; what follows no
more is lifted, what follows instead is announced, and the records of linked subjects are told.
"""

from collections import Counter
from collections.abc import Callable, Container
from typing import assert_never

from rules.announcing import Trigger, enforcement, lift
from rules.cases import Occasion, approved, ended, opened
from rules.decisions import BY_HAND, Enforcement, Lift, Review, ReviewReason, Violation
from rules.evasion import Gravity, evading
from rules.events import Appeal, InvalidEventError, Moderation, Order, Report, ReviewDecision, from_millis, millis
from rules.holdings import Holding, forgiven_until, holdings, of_ladder
from rules.orders import kept_orders
from rules.packs.model import Ladder, Pack
from rules.relays import Evading, Relay, Retraction
from rules.reports import StoredReport, reported_times, reporters
from rules.sanctions import Offence, matters, remembered, standing, waiting
from rules.subject_state import (
    HELD,
    MAX_DECIDED,
    MAX_REPORTS,
    PENDING,
    WAITING,
    Record,
    StoredAppeal,
    StoredOrder,
    SubjectState,
    is_enforced,
    ladder_name,
)
from rules.subjects import kind_of, sanctions_for
from rules.unwinding import behind, linked_subjects, retract

SubjectInput = Violation | Report | Moderation | Relay
Why = tuple[ReviewReason, str]
_BY_REPORT: Why = ("by_report", "the clause is enforced by a person's decision")


class Hearing:
    """The inputs of one batch. `states` are those it has touched, `changed` the subjects whose state is another now."""

    def __init__(self, pack: Pack, load: Callable[[str], SubjectState]) -> None:
        self.pack = pack
        self.states: dict[str, SubjectState] = {}
        self.changed: dict[str, None] = {}
        self.decisions: list[Enforcement | Lift | Review] = []
        self.relays: list[Relay] = []
        self.overturned: Counter[str] = Counter()
        self._load = load

    def apply(self, item: SubjectInput) -> None:
        """Applies one input. Raises InvalidEventError for a moderator's decision with nothing to decide."""
        state = self.states.get(item.subject)
        if state is None:
            state = self.states[item.subject] = self._load(item.subject)
        if self._apply(Record(item.subject, state), item):
            self.changed[item.subject] = None

    def _apply(self, to: Record, item: SubjectInput) -> bool:  # noqa: PLR0911 - one for each kind of input
        """Whether the state changed."""
        match item:
            case Violation():
                return self._violation(to, item)
            case Report():
                return self._report(to, item)
            case Appeal():
                return self._appeal(to, item)
            case ReviewDecision():
                return self._decision(to, item)
            case Order():
                return self._order(to, item)
            case Retraction():
                return self._retraction(to, item)
            case Evading():
                return self._evading(to, item)
            case _ as never:
                assert_never(never)

    # What people did.

    def _violation(self, to: Record, item: Violation) -> bool:
        clause = self.pack.clauses.get(item.clause)
        cause = bytes.fromhex(item.cause)
        if item.mode != "enforce" or clause is None or to.state.knows(cause, self.pack.ladder_of[clause.id].name):
            return False
        gravity: Gravity = "egregious" if item.severity == "egregious" else "ordinary"
        if gravity == "ordinary" and any(known == cause for _, known in to.state.evading):
            gravity = "evasion"
        linked = tuple(item.linked)
        offence = Offence(millis(item.time), cause, clause.id, item.rule, gravity, item.holds_share_api, linked)
        trigger = Trigger(item.rule, item.evidence, item.time)
        ladder = self.pack.ladder_of[clause.id]
        if clause.by_report:
            key = ladder.name + (WAITING if clause.reports is not None else PENDING)
            return self._wait(to, offence, key, _BY_REPORT, trigger)
        return self._enforce(to, offence, ladder, trigger, item)

    def _wait(self, to: Record, offence: Offence, key: str, why: Why, trigger: Trigger) -> bool:
        """Adds an offence to those that wait for a person's approval."""
        state, ladder = to.state, self.pack.ladders[ladder_name(key)]
        old = state.offences.get(key, [])
        until_reported = key.endswith(WAITING)
        if forgiven_until(state.orders) >= offence.time or not (until_reported or matters(old, offence, ladder)):
            return False
        kept = (waiting if until_reported else remembered)([*old, offence], ladder)
        if kept == old:
            return False
        state.offences[key] = kept
        state.time = max(state.time, offence.time)
        self._open(to, key, why, trigger)
        return True

    def _enforce(self, to: Record, offence: Offence, ladder: Ladder, trigger: Trigger, violation: Violation) -> bool:
        """Adds an offence to those that count, or to those that a safety limit holds back."""
        state = to.state
        old, held = state.enforced(ladder.name), state.offences.get(ladder.name + HELD, [])
        if not matters(old, offence, ladder):
            self._tell_evading(to, ladder, old, old, offence)
            return False
        if held and not matters(held, offence, ladder):
            return False
        kept = remembered([*old, offence], ladder)
        if kept == old:
            return False
        news = self._news(to, kept, ladder)
        why = self._limit(to, violation) if any(found.action != "warn" for found in news) else None
        if why is not None:
            return self._wait(to, offence, ladder.name + HELD, why, trigger)
        state.offences[ladder.name] = kept
        state.time = max(state.time, offence.time)
        self._tell_evading(to, ladder, old, kept)
        for found in news:
            self._announce(to, found, trigger)
        return True

    def _limit(self, to: Record, violation: Violation) -> Why | None:
        """Why a sanction must not be imposed without a person's approval."""
        return None

    def _report(self, to: Record, item: Report) -> bool:
        state = to.state
        report = StoredReport(millis(item.time), item.id, item.reporter, item.category)
        if any(old.id == report.id for old in state.reports):
            return False
        state.reports = sorted([*state.reports, report], key=_time_and_id)[-MAX_REPORTS:]
        state.time = max(state.time, report.time)
        for key in list(state.offences):
            if key.endswith(WAITING):
                self._open(to, key, _BY_REPORT, Trigger("", [], item.time))
        return True

    # What moderators decided.

    def _appeal(self, to: Record, item: Appeal) -> bool:
        state, time = to.state, millis(item.time)
        if any(old.id == item.id for old in state.appeals):
            return False
        for old in state.appeals:
            if old.enforcement == item.enforcement:
                raise InvalidEventError("final", f"{item.enforcement} was {old.verdict} by the appeal {old.id}")
        by_hand = [held for held in holdings(to, self.pack, BY_HAND) if held.id == item.enforcement]
        found = [] if by_hand else behind(to, self.pack, item.enforcement)
        if found is None:
            raise InvalidEventError("unknown_enforcement", f"{to.subject} has none {item.enforcement[:100]!r}")
        appeal = StoredAppeal(time, item.id, item.enforcement, item.verdict)
        state.appeals = [*state.appeals, appeal][-MAX_DECIDED:]
        before = self._begin(to, time)
        trigger = Trigger("", [], item.time, item.id, item.moderator, item.reason)
        if item.verdict == "upheld":
            return True
        if by_hand:
            order = StoredOrder(time, item.id, "clear", by_hand[0].action, None)
            state.orders = kept_orders([*state.orders, order], MAX_DECIDED)
            self._settle(to, before, trigger)
            return True
        self._take_back(to, [offence.cause for offence in found], before, trigger)
        self.overturned.update(offence.rule for offence in found)
        for other, causes in linked_subjects(found):
            self.relays.append(
                Retraction(
                    subject=other,
                    causes=causes,
                    appeal=item.id,
                    enforcement=item.enforcement,
                    of=to.subject,
                    moderator=item.moderator,
                    reason=item.reason,
                    time=item.time,
                )
            )
        return True

    def _retraction(self, to: Record, item: Retraction) -> bool:
        causes = [bytes.fromhex(cause) for cause in item.causes]
        if all(any(known.cause == cause for known in to.state.retracted) for cause in causes):
            return False
        before = self._begin(to, millis(item.time))
        trigger = Trigger("", [], item.time, item.appeal, item.moderator, item.reason)
        self._take_back(to, causes, before, trigger)
        return True

    def _take_back(self, to: Record, causes: list[bytes], before: list[Holding], trigger: Trigger) -> None:
        """Retracts offences, and settles what follows."""
        ladders = [ladder for ladder in self.pack.ladders.values() if to.state.enforced(ladder.name)]
        old = {ladder.name: to.state.enforced(ladder.name) for ladder in ladders}
        gone = retract(to.state, causes, millis(trigger.time))
        trigger.rules = sorted({offence.rule for offence in gone})
        for ladder in ladders:
            self._tell_evading(to, ladder, old[ladder.name], to.state.enforced(ladder.name))
        self._settle(to, before, trigger)

    def _decision(self, to: Record, item: ReviewDecision) -> bool:
        state, time = to.state, millis(item.time)
        key = next((key for key, case in state.cases.items() if case.id == item.review), None)
        if key is None:
            raise InvalidEventError("unknown_review", f"{to.subject} has no open review {item.review[:100]!r}")
        ladder = self.pack.ladders[ladder_name(key)]
        about = [offence for offence in self._ripe(state, key) if offence.time <= time]
        if not about:
            raise InvalidEventError(
                "unknown_review", f"all of the review {item.review[:100]!r} is later than {item.time}"
            )
        before = self._begin(to, time)
        trigger = Trigger("", [], item.time, item.id, item.moderator, item.reason)
        occasion = Occasion("", [], time, item.id)
        why: Why = (state.cases[key].reason, item.reason)
        self.decisions.append(
            ended(to, key, item.verdict, self.pack, about=about, detail=item.reason, occasion=occasion)
        )
        rest = [offence for offence in state.offences[key] if offence not in about]
        if rest:
            state.offences[key] = rest
        else:
            del state.offences[key]
        if item.verdict == "approved":
            state.offences[ladder.name] = remembered([*state.enforced(ladder.name), *approved(about, time)], ladder)
        else:
            state.retracted = sorted({*state.retracted, *about})
        self._settle(to, before, trigger)
        if rest:
            self._open(to, key, why, trigger)
        return True

    def _order(self, to: Record, item: Order) -> bool:
        state, time = to.state, millis(item.time)
        if any(old.id == item.id for old in state.orders):
            return False
        if item.do == "sanction":
            if item.action is None:
                raise InvalidEventError("invalid", "an order to sanction names an action")
            if not sanctions_for(kind_of(to.subject), (item.action,), owns_share_api=True):
                raise InvalidEventError("cannot_land", f"{item.action} does not land on {to.subject}")
        if item.until is not None and item.until <= item.time:
            raise InvalidEventError("invalid", "the order ends before it begins")
        before = self._begin(to, time)
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
        self._settle(to, before, Trigger("", [], item.time, item.id, item.moderator, item.reason))
        return True

    # What other subjects' records tell.

    def _evading(self, to: Record, item: Evading) -> bool:
        state, cause = to.state, bytes.fromhex(item.cause)
        known = any(old == cause for _, old in state.evading)
        if known == item.on:
            return False
        before = self._begin(to, 0)
        if item.on:
            state.evading = sorted([*state.evading, (millis(item.time), cause)])[-MAX_REPORTS:]
        else:
            state.evading = [each for each in state.evading if each[1] != cause]
        was: Gravity = "ordinary" if item.on else "evasion"
        now: Gravity = "evasion" if item.on else "ordinary"
        rule = ""
        for key, offences in state.offences.items():
            if any(offence.cause == cause and offence.gravity == was for offence in offences):
                rule = next(offence.rule for offence in offences if offence.cause == cause)
                state.offences[key] = sorted(
                    offence._replace(gravity=now) if offence.cause == cause else offence for offence in offences
                )
        self._settle(to, before, Trigger(rule, [], item.time))
        return True

    def _tell_evading(
        self, to: Record, ladder: Ladder, before: list[Offence], after: list[Offence], beyond: Offence | None = None
    ) -> None:
        """Tells domains that they came new to this IP while it was punished, or that it turned out they had not.

        before, after: the offences that count. beyond: one that is too much to be remembered.
        """
        if ladder.evasion is None or not ladder.evasion.punished_ip or kind_of(to.subject) != "ip":
            return
        old = self._evading_of(ladder, before, before) if before is not after else {}
        new = self._evading_of(ladder, after, after) if before is not after else {}
        if beyond is not None:
            new |= self._evading_of(ladder, [beyond], after)
        for cause in sorted(new.keys() ^ old.keys()):
            offence, domain = (new if cause in new else old)[cause]
            time = from_millis(offence.time)
            self.relays.append(Evading(subject=domain, cause=cause.hex(), on=cause in new, ip=to.subject, time=time))

    def _evading_of(
        self, ladder: Ladder, offences: list[Offence], among: list[Offence]
    ) -> dict[bytes, tuple[Offence, str]]:
        """cause -> the offence and the domain that was new, of those offences on an IP for which that is so."""
        clauses = self.pack.clauses
        found: dict[bytes, tuple[Offence, str]] = {}
        for offence in offences:
            domain = evading(offence, among, lambda earlier: standing("ip", earlier, ladder, clauses))
            if domain:
                found[offence.cause] = offence, domain
        return found

    # What follows.

    def _begin(self, to: Record, time: int) -> list[Holding]:
        """What holds before a change at `time`, in ms."""
        to.state.time = max(to.state.time, time)
        return holdings(to, self.pack)

    def _settle(self, to: Record, before: list[Holding], trigger: Trigger) -> None:
        """Announces what holds now and has not been announced, lifts what held before and does no more, and brings the
        open reviews up to date."""
        state = to.state
        after = {(found.ladder, found.action): found for found in holdings(to, self.pack)}
        for held in before:
            if (held.ladder, held.action) not in after:
                if held.holds(state.time):
                    self.decisions.append(lift(to.subject, held, trigger, self.pack))
                state.announced.get(held.ladder, {}).pop(held.action, None)
        for held in after.values():
            if state.announced.get(held.ladder, {}).get(held.action) == bytes.fromhex(held.id):
                continue
            if held.holds(state.time):
                self._announce(to, held, trigger)
        for key, case in list(state.cases.items()):
            if self._ripe(state, key):
                self._open(to, key, (case.reason, _BY_REPORT[1]), trigger)
            else:
                occasion = Occasion("", [], millis(trigger.time), trigger.because)
                detail = trigger.reason or "what it was about is gone"
                self.decisions.append(ended(to, key, "closed", self.pack, about=[], detail=detail, occasion=occasion))

    def _news(self, to: Record, offences: list[Offence], ladder: Ladder) -> list[Holding]:
        """What offences of a ladder lead to that has not been announced."""
        known = to.state.announced.get(ladder.name, {})
        found = of_ladder(to, offences, ladder, self.pack)
        return [held for held in found if known.get(held.action) != bytes.fromhex(held.id)]

    def _announce(self, to: Record, held: Holding, trigger: Trigger) -> None:
        known = to.state.announced.setdefault(held.ladder, {})
        previous = known.get(held.action)
        self.decisions.append(enforcement(to.subject, held, trigger, self.pack, previous))
        known[held.action] = bytes.fromhex(held.id)

    def _open(self, to: Record, key: str, why: Why, trigger: Trigger) -> None:
        """Opens the review of what waits for `key`, or brings it up to date."""
        waits = self._ripe(to.state, key)
        if not waits:
            return
        heard: set[str] = set()
        for offence in waits:
            if (wanted := self.pack.clauses[offence.clause].reports) is not None:
                heard |= reporters(offence.time, wanted, to.state.reports)
        rule = trigger.rule or waits[-1].rule
        occasion = Occasion(rule, trigger.evidence, millis(trigger.time), trigger.because, len(heard))
        review = opened(to, key, waits, self.pack, why=why, occasion=occasion)
        if review is not None:
            self.decisions.append(review)

    def _ripe(self, state: SubjectState, key: str) -> list[Offence]:
        """The offences of a key that may lead to something: of those that wait for reports, the ones with enough."""
        known = [offence for offence in state.offences.get(key, ()) if offence.clause in self.pack.clauses]
        if not key.endswith(WAITING):
            return known
        times: dict[str, list[int]] = {}
        for offence in known:
            times.setdefault(offence.clause, []).append(offence.time)
        ripe: dict[str, Container[int]] = {}
        for clause, found in times.items():
            wanted = self.pack.clauses[clause].reports
            ripe[clause] = found if wanted is None else reported_times(found, wanted, state.reports)
        ladder = self.pack.ladders[ladder_name(key)]
        return remembered((offence for offence in known if offence.time in ripe[offence.clause]), ladder)


def _time_and_id(stored: StoredReport) -> tuple[int, str]:
    return stored.time, stored.id
