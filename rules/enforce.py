"""ENFORCE: violations, reports and moderators' decisions on subjects in; sanctions, reviews and new states out. Pure.

One state per subject. Each input is applied by itself (`rules/hearing.py`), so what is announced does not depend on how
a stream is cut into batches. Replays change nothing: what holds is a function of the set of violations, less those
retracted, and of the moderators' decisions in the order of their topic.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from rules.cases import Occasion, ended
from rules.charging import Charging
from rules.decisions import BY_HAND, Ban, BanEntry, Enforcement, Lift, Review, ReviewReason, Violation
from rules.docket import Docket
from rules.events import InvalidEventError, from_millis
from rules.hearing import Hearing, SubjectInput
from rules.holdings import Holding, Ledger, entries_of, holdings, in_force
from rules.packs.model import Pack
from rules.protection import Protection
from rules.quotas import Quotas, QuotaState, Usage
from rules.quotas import encode as encode_quotas
from rules.recent import Kept, Recent
from rules.relays import Relay
from rules.reporters import encode_reporter, forgotten, is_reporter
from rules.subject_state import (
    NEVER,
    QUOTAS,
    Record,
    SubjectState,
    decode_subject,
    encode_subject,
    is_enforced,
    ladder_name,
)

__all__ = ["Enforced", "Enforcer", "SubjectInput"]


@dataclass(slots=True)
class Enforced:
    """What a batch led to. `bans` and `states`: a value of None means there is nothing any more.

    relays:     what the subjects' records tell those of others.
    refused:    (index of the input, why) of moderators' decisions with nothing to decide.
    overturned: rule -> how many of its violations were retracted by an appeal: feedback against it.
    repeated:   type of event -> how many reports and moderators' decisions were known, and changed nothing.
    told_again: reason -> how many of the reviews with the status `open` were open before, and say something new.
    """

    decisions: list[Enforcement | Lift | Review] = field(default_factory=list)
    relays: list[Relay] = field(default_factory=list)
    bans: dict[str, Ban | None] = field(default_factory=dict)
    states: dict[str, bytes | None] = field(default_factory=dict)
    refused: list[tuple[int, InvalidEventError]] = field(default_factory=list)
    overturned: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    told_again: Counter[ReviewReason] = field(default_factory=Counter)

    def add(self, later: "Enforced", start: int) -> None:
        """Adds what the inputs from `start` on led to, found from the states that these led to."""
        self.decisions += later.decisions
        self.relays += later.relays
        self.bans |= later.bans
        for key, state in later.states.items():
            self.states.pop(key, None)  # in the order of the last change: the quotas come after what they count
            self.states[key] = state
        self.refused += [(start + index, error) for index, error in later.refused]
        self.overturned += later.overturned
        self.repeated += later.repeated
        self.told_again += later.told_again


class _Partition(msgspec.Struct, array_like=True):
    """What is kept under QUOTAS, with the first fields of a `SubjectState`: it is never due."""

    due: int
    banned: bool
    granted: bytes


_PARTITION = msgspec.msgpack.Encoder()
_PARTITIONS = msgspec.msgpack.Decoder(_Partition)


class Enforcer:
    """A pack's ladders, applied to subjects. Keeps no state itself, only what it decoded lately."""

    def __init__(self, pack: Pack, shares: int = 1) -> None:
        """`shares`: the partitions of subjects, which share the pack's quotas."""
        self.pack = pack
        self._protection = Protection(pack)
        self._quotas = Quotas(pack.limits.quotas, shares)
        self._horizon = 2 * max((ladder.window for ladder in pack.ladders.values()), default=0)
        """For how long (ms) a record remembers what no ladder bounds: reports, verdicts, what was retracted."""
        self._recent = Recent()

    def enforce(self, inputs: Sequence[SubjectInput], state_of: Callable[[str], bytes | None]) -> Enforced:
        """Applies `inputs` in order. `state_of(key)` is the encoded state of a subject, of a reporter, or QUOTAS, of
        one partition; None without one."""
        docket = Docket(self.pack, state_of, self._recent)
        charging = Charging(docket, self._protection, self._quotas, lambda: self._granted(state_of(QUOTAS)))
        hearing = Hearing(docket, charging)
        result = Enforced(
            docket.decisions,
            docket.relays,
            overturned=docket.overturned,
            repeated=docket.repeated,
            told_again=docket.told_again,
        )
        for index, item in enumerate(inputs):
            try:
                hearing.apply(item)
            except InvalidEventError as error:
                result.refused.append((index, error))
        for subject in docket.changed:
            before = docket.before.get(subject)
            self._keep(before, docket.record(subject), docket.ledger, result)
        self._remember(inputs, docket, result)
        for reporter, known in hearing.reporters.items():
            result.states[reporter] = encode_reporter(known)
        if charging.counted:  # last: after a crash in between, a batch of actions may be missing, none counts twice
            result.states[QUOTAS] = _PARTITION.encode(_Partition(NEVER, False, encode_quotas(charging.granted)))
        return result

    def _remember(self, inputs: Sequence[SubjectInput], docket: Docket, result: Enforced) -> None:
        """Keeps the records of a batch for the next ones, as they were encoded. One that other inputs than violations
        left as it was may have been touched before they were refused: it is decoded anew."""
        decided = {item.subject for item in inputs if not isinstance(item, Violation)}
        for subject in dict.fromkeys(item.subject for item in inputs if isinstance(item, Violation)):
            if subject in docket.changed:
                data = result.states[subject]
            else:
                data = None if subject in decided else docket.encoded.get(subject)
            if data:
                record = docket.record(subject)
                self._recent.keep(Kept(data, record, docket.ledger.pages(record)))

    def granted(self, data: bytes | None, at: int) -> list[Usage]:
        """How much of its share of each quota a partition has used at a time (ms), by its state for QUOTAS."""
        return self._quotas.used(self._granted(data), at)

    def _granted(self, data: bytes | None) -> QuotaState:
        return self._quotas.decode(_PARTITIONS.decode(data).granted if data is not None else None)

    def expire(self, subject: str, data: bytes, now: int) -> Enforced:
        """What the passing of time alone changes by `now` (ms): ended sanctions leave the ban list, and what is long
        past is forgotten, in the end the subject itself."""
        result = Enforced()
        if subject == QUOTAS:
            return result
        if is_reporter(subject):
            if forgotten(data, now):
                result.states[subject] = None
            return result
        state = decode_subject(data)
        if state.due == 0 or now < state.due:
            return result
        state.time = max(state.time, now)
        of = Record(subject, state)
        result.decisions += self._forget(of)
        self._keep(decode_subject(data), of, Ledger(self.pack), result)
        return result

    def in_force(self, subject: str, data: bytes | None, at: int) -> list[BanEntry]:
        """The sanctions in force for a subject `at` ms, by its encoded state."""
        state = decode_subject(data)
        state.time = at
        return in_force(Record(subject, state), self.pack)

    def _keep(self, before: SubjectState | None, of: Record, ledger: Ledger, result: Enforced) -> None:
        """Puts the state, and what changed on the ban list, into the result. before: None of a new subject."""
        subject, state = of
        had = entries_of(ledger.holdings(Record(subject, before)), before.time) if before is not None else []
        held = ledger.holdings(of)
        state.due = self._due(state, held)
        if not state.due:  # nothing is left, or what is left is long past
            result.decisions += self._forget(of)
            held = ledger.holdings(of)
        entries = entries_of(held, state.time)
        state.banned = bool(entries)
        result.states[subject] = encode_subject(state) if state.due else None
        if entries != had:
            result.bans[subject] = (
                Ban(subject=subject, sanctions=entries, time=from_millis(state.time)) if entries else None
            )

    def _due(self, state: SubjectState, held: Sequence[Holding]) -> int:
        """When time alone next changes something; 0 when nothing is left to remember."""
        due = [holding.ends for holding in held if holding.ends is not None]
        due += [at for at, _ in self._forgotten(state, held)]
        if any(holding.permanent for holding in held):
            due.append(NEVER)
        return min([at for at in due if at > state.time], default=0)

    def _forgotten(self, state: SubjectState, held: Sequence[Holding]) -> Iterator[tuple[int, str]]:
        """(when in ms, key in `SubjectState.offences`, or the name of a field) of what will be forgotten."""
        for_good = {holding.ladder for holding in held if holding.permanent}
        for key, offences in state.offences.items():
            ladder = self.pack.ladders.get(key) or self.pack.ladders.get(ladder_name(key))
            window = ladder.window if ladder is not None else self._horizon // 2
            if not (key in for_good and is_enforced(key)):
                yield offences[-1].time + 2 * window, key
        if state.reports or state.appeals or state.retracted:
            for name in ("reports", "appeals", "retracted"):
                if stored := getattr(state, name):
                    yield max(each.time for each in stored) + self._horizon, f".{name}"
        if state.evading:
            yield max(time for time, _ in state.evading) + self._horizon, ".evading"
        if state.orders and BY_HAND not in for_good:
            newest = max(max(order.time, order.until or 0) for order in state.orders)
            if not any(is_enforced(key) and old[0].time <= newest for key, old in state.offences.items()):
                # else what an order forgave, or stood in for, would come back
                yield newest + self._horizon, ".orders"

    def _forget(self, of: Record) -> Iterator[Review]:
        """Forgets what is long past; the reviews that this ends."""
        state = of.state
        for at, key in list(self._forgotten(state, holdings(of, self.pack))):
            if at > state.time:
                continue
            if key.startswith("."):
                setattr(state, key[1:], [])
                continue
            about = state.offences.pop(key)
            if key in state.cases:
                occasion = Occasion("", [], state.time)
                detail = "what it was about is long past"
                yield ended(of, key, "closed", self.pack, about=about, detail=detail, occasion=occasion)
        if not state.retracted:
            left = {*state.offences, *([BY_HAND] if state.orders else [])}
            state.trail = [told for told in state.trail if told.ladder in left]
