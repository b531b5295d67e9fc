"""Violations as offences on the records of those they charge: counted, or waiting for a person. Pure.

A clause may ask for a person's decision; so does a safety limit, where a sanction would hit bystanders or a quota is
used up. What waits leads to nothing until it is approved.
"""

from collections.abc import Callable, Sequence
from functools import partial

from rules.announcing import Trigger
from rules.decisions import SUBJECT_KINDS, EventRef, Violation, content_id, linked
from rules.docket import BY_REPORT, Docket, Why
from rules.evasion import evading
from rules.events import from_millis, millis
from rules.holdings import Holding, forgiven_until
from rules.offences import Gravity, Offence
from rules.packs.model import Ladder
from rules.protection import Protection
from rules.quotas import Quotas, QuotaState
from rules.relays import Evading
from rules.remembering import added_after, matters_after, remembered_after
from rules.sanctions import OF_A_KIND, alike, waiting
from rules.subject_state import HELD, MAX_EVADING, PENDING, WAITING, Record, ladder_name
from rules.subjects import kind_of


class Charging:
    """Charges the subjects of a docket. `granted`: see `rules.quotas`; `counted`: whether it has changed."""

    def __init__(
        self, docket: Docket, protection: Protection, quotas: Quotas, granted: Callable[[], QuotaState]
    ) -> None:
        """`granted`: what this partition's quotas have granted; asked once, when an action is about to be taken."""
        self._docket = docket
        self._protection = protection
        self._quotas = quotas
        self._load = granted
        self._loaded: QuotaState | None = None
        self.counted = False

    @property
    def granted(self) -> QuotaState:
        """What the quotas of this partition have granted, this batch's actions included."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def violation(self, of: Record, item: Violation) -> bool:
        """Charges a subject with a violation; whether its record changed."""
        clause = self._docket.pack.clauses.get(item.clause)
        if item.mode != "enforce" or clause is None:
            return False
        state, cause, ladder = of.state, bytes.fromhex(item.cause), self._docket.pack.ladder_of[clause.id]
        if state.knows(cause, ladder.name):
            return False
        gravity: Gravity = "egregious" if item.severity == "egregious" else "ordinary"
        if gravity == "ordinary" and state.evading and any(known == cause for _, known in state.evading):
            gravity = "evasion"
        offence = _offence_of(item, gravity)
        if state.retracted and self._of_those_retracted(of, offence, ladder):
            return False
        if clause.by_report:
            key = ladder.name + (WAITING if clause.reports is not None else PENDING)
            return self._wait(of, offence, key, BY_REPORT, _trigger_of(item))
        return self._enforce(of, offence, ladder, item)

    def _of_those_retracted(self, of: Record, offence: Offence, ladder: Ladder) -> bool:
        """Whether so many of a kind are retracted that more of them may have been behind the same, and forgotten."""
        gone = [old for old in of.state.retracted if old <= offence and old.clause == offence.clause]
        return len(gone) >= OF_A_KIND and len(alike(gone, offence, ladder, kind_of(of.subject))) >= OF_A_KIND

    def _wait(self, of: Record, offence: Offence, key: str, why: Why, trigger: Trigger) -> bool:
        """Adds an offence to those that wait for a person's approval."""
        state, ladder = of.state, self._docket.pack.ladders[ladder_name(key)]
        old = state.offences.get(key, [])
        until_reported = key.endswith(WAITING)
        if forgiven_until(state.orders) >= offence.time or not (
            until_reported or matters_after(of, old, offence, ladder)
        ):
            return False
        both = [*old, offence]
        kept = waiting(both, ladder, kind_of(of.subject)) if until_reported else remembered_after(of, both, ladder)
        if kept == old:
            return False
        state.offences[key] = kept
        state.time = max(state.time, offence.time)
        self._docket.open(of, key, why, trigger)
        return True

    def _enforce(self, of: Record, offence: Offence, ladder: Ladder, violation: Violation) -> bool:
        """Adds an offence to those that count, or to those that a safety limit holds back."""
        state = of.state
        old, held = state.enforced(ladder.name), state.offences.get(ladder.name + HELD, [])
        changed = added_after(of, old, offence, ladder, lambda: self._docket.ledger.is_open(of, old, ladder))
        if changed is None:
            self.tell_evading(of, ladder, [], old, [offence])
            return False
        kept, decides = changed
        if not decides:
            state.offences[ladder.name] = kept
            state.time = max(state.time, offence.time)
            return True
        if held and not matters_after(of, held, offence, ladder) and self._limit(of, violation) is not None:
            return False
        news = self._docket.news(of, kept, ladder)
        why = self._limit(of, violation) if any(found.action != "warn" for found in news) else None
        if why is not None:
            return self._wait(of, offence, ladder.name + HELD, why, _trigger_of(violation))
        state.offences[ladder.name] = kept
        state.time = max(state.time, offence.time)
        if self._tells_evading(of, ladder):
            self.tell_evading(of, ladder, old, kept, [each for each in {*old, offence} if each.time >= offence.time])
        if news or state.cases:
            trigger = _trigger_of(violation)
            for found in news:
                self._docket.announce(of, found, trigger)
            self._docket.renew(of, ladder, trigger)
            self._count(news, offence)
        return True

    def _limit(self, of: Record, violation: Violation) -> Why | None:
        """Why a sanction must not be imposed without a person's approval."""
        reason = self._protection.reason(of.subject, violation)
        if reason is not None:
            return "protected", reason
        quota = self._quotas.exceeded(self.granted, violation.rule, violation.clause, millis(violation.time))
        if quota is None:
            return None
        return "quota", f"the quota {quota.name} is used up: {quota.at_most} actions each {quota.per} for {quota.each}"

    def _count(self, news: Sequence[Holding], offence: Offence) -> None:
        """Counts automatic actions that an offence led to."""
        taken = [held for held in news if held.action != "warn"]
        if taken:
            granted = self.granted
            self._quotas.count(granted, offence.rule, offence.clause, offence.time, len(taken))
            self.counted = bool(granted.granted)

    def evading(self, of: Record, item: Evading) -> bool:
        """Marks a domain's violation as an evasion, or takes the mark away; whether the record changed."""
        state, cause = of.state, bytes.fromhex(item.cause)
        known = any(old == cause for _, old in state.evading)
        if known == item.on:
            return False
        before = self._docket.begin(of, 0)
        if item.on:
            state.evading = sorted([*state.evading, (millis(item.time), cause)])[-MAX_EVADING:]
        else:
            state.evading = [each for each in state.evading if each[1] != cause]
        marked = self._mark(of, cause, on=item.on)
        if not marked and item.on and self._is_forgotten(of, item):
            self.violation(of, _charge_of(item))  # says what it was, and counts it
            return True
        if marked and item.on:
            self._hold_back(of, item, cause)
        news = self._docket.settle(of, before, Trigger(marked[0].rule if marked else "", [], item.time))
        if marked:
            self._count(news, marked[0])
        return True

    def _hold_back(self, of: Record, item: Evading, cause: bytes) -> None:
        """Lets an evasion wait for a person where a safety limit holds back what it leads to, as if the mark had come
        before its violation; what the violation alone led to is taken back with it."""
        charge = _charge_of(item)
        for ladder in self._docket.pack.ladders.values():
            counted = of.state.enforced(ladder.name)
            found = [offence for offence in counted if offence.cause == cause]
            if not found or all(held.action == "warn" for held in self._docket.news(of, counted, ladder)):
                continue
            why = self._limit(of, charge)
            if why is None:
                continue
            others = [offence for offence in counted if offence not in found]
            if others:
                of.state.offences[ladder.name] = others
            else:
                del of.state.offences[ladder.name]
            for offence in found:
                self._wait(of, offence, ladder.name + HELD, why, Trigger(offence.rule, [], item.time))

    def _mark(self, of: Record, cause: bytes, *, on: bool) -> list[Offence]:
        """Makes what has a cause an evasion, or no longer one; forgets what is then too much. Returns what it was."""
        was: Gravity = "ordinary" if on else "evasion"
        now: Gravity = "evasion" if on else "ordinary"
        marked: list[Offence] = []
        for key, offences in list(of.state.offences.items()):
            found = [offence for offence in offences if offence.cause == cause and offence.gravity == was]
            if found:
                marked += found
                others = [offence for offence in offences if offence not in found]
                both = [*others, *(offence._replace(gravity=now) for offence in found)]
                ladder = self._docket.pack.ladders.get(ladder_name(key))
                if ladder is None:
                    of.state.offences[key] = sorted(both)
                elif key.endswith(WAITING):
                    of.state.offences[key] = waiting(both, ladder, kind_of(of.subject))
                else:
                    of.state.offences[key] = remembered_after(of, both, ladder)
        return marked

    def _is_forgotten(self, of: Record, item: Evading) -> bool:
        """Whether a domain's violation was, or would be, left out for others that lead to the same, were it no
        evasion. Others are yet to arrive, or retracted."""
        ladder = self._docket.pack.ladder_of.get(item.clause)
        if ladder is None or of.state.knows(bytes.fromhex(item.cause), ladder.name):
            return False
        offence = _offence_of(_charge_of(item), "ordinary")
        keys = (ladder.name, ladder.name + HELD)
        remembered = (other for key in keys for other in of.state.offences.get(key, []))
        found = alike(sorted(remembered), offence, ladder, kind_of(of.subject))
        return sum(other <= offence for other in found) >= OF_A_KIND

    def _tells_evading(self, of: Record, ladder: Ladder) -> bool:
        return ladder.evasion is not None and ladder.evasion.punished_ip and kind_of(of.subject) == "ip"

    def _punished(self, of: Record, ladder: Ladder, time: int, offences: list[Offence]) -> bool:
        held = self._docket.ledger.had(of, offences, ladder)
        return any(each.action != "warn" and each.holds(time) for each in held)

    def tell_evading(
        self, of: Record, ladder: Ladder, before: list[Offence], after: list[Offence], about: Sequence[Offence]
    ) -> None:
        """Tells domains that they came new to this IP while it was punished, or that it turned out they had not.

        before, after: the offences that count. about: those for which it may be another matter now; what is forgotten
        between is none.
        """
        if not self._tells_evading(of, ladder):
            return
        known = set(before)
        old = self._evading_of(of, ladder, [each for each in about if each in known], before)
        new = self._evading_of(of, ladder, about, after)
        for cause in sorted(new.keys() ^ old.keys()):
            offence, domain = (new if cause in new else old)[cause]
            time = from_millis(offence.time)
            charged = sorted((of.subject, *offence.linked), key=lambda subject: SUBJECT_KINDS.index(kind_of(subject)))
            self._docket.relays.append(
                Evading(
                    subject=domain,
                    cause=cause.hex(),
                    on=cause in new,
                    ip=of.subject,
                    time=time,
                    clause=offence.clause,
                    rule=offence.rule,
                    linked=linked(domain, charged),
                )
            )

    def _evading_of(
        self, of: Record, ladder: Ladder, offences: Sequence[Offence], among: list[Offence]
    ) -> dict[bytes, tuple[Offence, str]]:
        """cause -> the offence and the domain that was new, of those offences on an IP for which that is so."""
        found: dict[bytes, tuple[Offence, str]] = {}
        for offence in offences:
            domain = evading(offence, among, partial(self._punished, of, ladder, offence.time))
            if domain:
                found[offence.cause] = offence, domain
        return found


def _trigger_of(item: Violation) -> Trigger:
    return Trigger(item.rule, item.evidence, item.time)


def _offence_of(item: Violation, gravity: Gravity) -> Offence:
    cause, linked = bytes.fromhex(item.cause), tuple(item.linked)
    return Offence(millis(item.time), cause, item.clause, item.rule, gravity, item.holds_share_api, linked)


def _charge_of(item: Evading) -> Violation:
    """A domain's violation, as the IP that was charged with the same tells of it: all but where it was found."""
    return Violation(
        id=content_id(item.cause, item.subject),
        cause=item.cause,
        event=EventRef("", ""),
        subject=item.subject,
        clause=item.clause,
        rule=item.rule,
        mode="enforce",
        severity="ordinary",
        evidence=[],
        time=item.time,
        pack="",
        linked=item.linked,
    )
