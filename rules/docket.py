"""The records at hand while inputs are applied, and what follows when one changed: decisions, relays, reviews. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping

from rules.announcing import Trigger, enforcement, lift, lift_of
from rules.cases import Occasion, ended, opened
from rules.decisions import Action, Enforcement, Lift, Review, ReviewReason
from rules.events import millis
from rules.holdings import Holding, Ledger
from rules.offences import Offence
from rules.packs.model import Ladder, Pack
from rules.recent import Recent
from rules.relays import Relay
from rules.report_weights import Heard, weigh
from rules.sanctions import remembered
from rules.subject_state import (
    CAUSE,
    WAITING,
    Announced,
    Record,
    SubjectState,
    decode_subject,
    ladder_name,
)

Why = tuple[ReviewReason, str]
BY_REPORT: Why = ("by_report", "the clause is enforced by a person's decision")
_BRIGADE: Why = ("brigade", "many reports, but from new or linked people: they look arranged")


class Docket:
    """The records of one batch. `encoded`, `before`: what those that there were have been; of the latter only time,
    offences and orders, which say what is in force. `changed`: the subjects whose state is another now."""

    def __init__(self, pack: Pack, state_of: Callable[[str], bytes | None], recent: Recent) -> None:
        self.pack = pack
        self.state_of = state_of
        self._recent = recent
        self._records: dict[str, Record] = {}
        self.encoded: dict[str, bytes] = {}
        self.before: dict[str, SubjectState] = {}
        self.changed: dict[str, None] = {}
        self.decisions: list[Enforcement | Lift | Review] = []
        self.relays: list[Relay] = []
        self.overturned: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()
        self.told_again: Counter[ReviewReason] = Counter()
        self.ledger = Ledger(pack)

    def record(self, subject: str) -> Record:
        """The record of a subject, as changed so far."""
        record = self._records.get(subject)
        if record is None:
            data = self.state_of(subject)
            known = self._recent.take(subject, data) if data else None
            record = Record(subject, decode_subject(data)) if known is None else known.record
            self._records[subject], state = record, record.state
            if known is not None:
                self.ledger.begin_with(record, known.pages)
            if data:  # lists are replaced when they change, so these stay what they are
                self.encoded[subject] = data
                self.before[subject] = SubjectState(
                    time=state.time, offences=state.offences.copy(), orders=state.orders
                )
        return record

    def begin(self, of: Record, time: int) -> list[Holding]:
        """What holds before a change at `time`, in ms."""
        of.state.time = max(of.state.time, time)
        return self.ledger.holdings(of)

    def settle(self, of: Record, before: list[Holding], trigger: Trigger) -> list[Holding]:
        """Announces what holds now and has not been announced, lifts what held before and does no more, and what that
        had taken the place of, and brings the open reviews up to date. Returns what was announced.

        What a higher rung takes the place of is not lifted, as it is not when a violation climbs.
        """
        state = of.state
        follows = {(found.ladder, found.action): found for found in self.ledger.holdings(of)}
        after = {key: found for key, found in follows.items() if found.holds(state.time)}
        rungs = {found.ladder: found.rung for found in after.values()}
        for held in before:
            name = held.ladder, held.action
            if name not in after and rungs.get(held.ladder, 0) > held.rung:
                continue
            if name not in after and held.holds(state.time):
                self.decisions.append(lift(of.subject, held, trigger, self.pack))
                self._forget_announced(of, name, follows.get(name))
            elif name not in follows:
                self._forget_announced(of, name, None)
        self._lift_replaced(of, follows, trigger)
        news = [held for held in after.values() if self._is_new(of, held)]
        for held in news:
            self.announce(of, held, trigger)
        for key, case in list(state.cases.items()):
            self.open(of, key, (case.reason, case.detail), trigger)
            self.close_unripe(of, key, trigger)
        return news

    def close_unripe(self, of: Record, key: str, trigger: Trigger) -> None:
        """Closes the review that is open for `key` when nothing is left in it for a person to decide."""
        if key in of.state.cases and not self.ripe(of.state, key):
            occasion = Occasion("", [], millis(trigger.time), trigger.because)
            detail = trigger.reason or "what it was about is gone"
            self.decisions.append(ended(of, key, "closed", self.pack, about=[], detail=detail, occasion=occasion))

    def _lift_replaced(self, of: Record, follows: Mapping[tuple[str, Action], Holding], trigger: Trigger) -> None:
        """Lifts what was announced, and never lifted because a harder sanction of its ladder took its place, when that
        one is gone and it does not hold either."""
        state = of.state
        hard = {held.ladder for held in follows.values() if held.permanent}
        for told in state.trail:
            key = told.ladder, told.action
            found = follows.get(key)
            if not told.stands or told.ladder in hard:
                continue
            if found is not None and found.holds(state.time):
                continue
            if told.action == "warn":
                causes = {offence.cause[:CAUSE] for offence in state.enforced(told.ladder)}
                gone = causes.isdisjoint(told.causes)
            else:
                gone = told.ends is None or told.ends > state.time
            if gone:
                self.decisions.append(lift_of(of.subject, told, trigger, self.pack))
                self._forget_announced(of, key, found)

    def _forget_announced(self, of: Record, key: tuple[str, Action], instead: Holding | None) -> None:
        """Takes a sanction out of what was announced; `instead` is over, and needs no announcement."""
        of.state.untell(*key)
        if instead is not None:
            of.state.tell(_announced(instead))

    def news(self, of: Record, offences: list[Offence], ladder: Ladder) -> list[Holding]:
        """What offences of a ladder lead to that has not been announced."""
        return [held for held in self.ledger.of_ladder(of, offences, ladder) if self._is_new(of, held)]

    def announce(self, of: Record, held: Holding, trigger: Trigger) -> None:
        """Publishes a sanction."""
        last = of.state.told(held.ladder, held.action)
        previous = last.id if last is not None else None
        self.decisions.append(enforcement(of.subject, held, trigger, self.pack, previous))
        of.state.tell(_announced(held))

    def renew(self, of: Record, ladder: Ladder, trigger: Trigger) -> None:
        """Brings the open reviews of a ladder up to date: what approving them would do depends on what counts."""
        for key, case in list(of.state.cases.items()):
            if ladder_name(key) == ladder.name:
                self.open(of, key, (case.reason, case.detail), trigger)

    def open(self, of: Record, key: str, why: Why, trigger: Trigger) -> None:
        """Opens the review of what waits for `key`, or brings it up to date."""
        waits = self.ripe(of.state, key)
        if not waits:
            return
        people = 0
        if key.endswith(WAITING):
            heard = [self._heard(of.state, waits)[offence] for offence in waits]
            people = max(found.people for found in heard)
            why = BY_REPORT if any(not found.brigade for found in heard) else _BRIGADE
        occasion = Occasion(
            trigger.rule or waits[-1].rule, trigger.evidence, millis(trigger.time), trigger.because, people
        )
        was_open = key in of.state.cases
        review = opened(of, key, waits, self.pack, why=why, occasion=occasion)
        if review is not None:
            self.decisions.append(review)
            self.told_again[review.reason] += was_open

    def ripe(self, state: SubjectState, key: str) -> list[Offence]:
        """The offences of a key that a person may decide: of those that wait for reports, the ones with enough, or else
        those with what would be enough if it did not look arranged."""
        known = [offence for offence in state.offences.get(key, ()) if offence.clause in self.pack.clauses]
        ladder = self.pack.ladders.get(ladder_name(key))
        if ladder is None:  # the pack no longer has it
            return []
        if not key.endswith(WAITING):
            return known
        heard = self._heard(state, known)
        enough = [offence for offence in known if _is_enough(heard[offence], offence, self.pack)]
        doubtful = [offence for offence in known if heard[offence].brigade]
        return remembered(enough or doubtful, ladder)

    def _heard(self, state: SubjectState, offences: list[Offence]) -> Mapping[Offence, Heard]:
        """What was reported near offences."""
        found: dict[Offence, Heard] = {}
        for clause in dict.fromkeys(offence.clause for offence in offences):
            wanted = self.pack.clauses[clause].reports
            of_clause = [offence for offence in offences if offence.clause == clause]
            if wanted is None:  # the pack no longer asks for reports
                found |= dict.fromkeys(of_clause, Heard(0, 0.0, brigade=False))
                continue
            weighed = weigh([offence.time for offence in of_clause], wanted, state.reports)
            found |= {offence: weighed[offence.time] for offence in of_clause}
        return found

    def _is_new(self, of: Record, held: Holding) -> bool:
        last = of.state.told(held.ladder, held.action)
        return last is None or last.id.hex() != held.id


def _announced(held: Holding) -> Announced:
    behind = () if held.standing is None else (*held.standing.led, *held.standing.spell)
    causes = [*dict.fromkeys([offence.cause[:CAUSE] for offence in behind])]
    return Announced(bytes.fromhex(held.id), held.ladder, held.action, held.ends, causes)


def _is_enough(heard: Heard, offence: Offence, pack: Pack) -> bool:
    wanted = pack.clauses[offence.clause].reports
    return wanted is None or heard.weight >= wanted.reporters
