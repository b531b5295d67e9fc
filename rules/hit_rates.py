"""Hit rates: how often each rule hits among the events it judges, and whether that has left its usual band.

A rule that suddenly hits far more often than it used to is more likely wrong - a word too many, an upstream field that
changed its meaning - than right a thousand times over. `HitRates` counts for one partition and says when that happens.

*What is counted.* Hits and events, for posts, shares and mass sends apart, because their mix changes. A rule that
several events decide together counts where its `when` holds: its violations come a whole crowd at a time, and no test
that takes events for independent could judge them. Events are taken in blocks of BLOCK, and in a block a rule counts
one hit an account: otherwise one account that floods the platform could put the rule that catches it out of force.
Blocks are cut by number, so the counts do not depend on how records are batched.

*The band.* Blocks add up to windows of event time, and closed windows to a history that fades by halves. At the end of
each block the hits of the open window are compared with the history: of all hits known, H in the history of N events
and k in the window of n, how many would fall into the window if the rate were `factor` times the usual? At most
f n / (f n + N) of them, and independently of each other: a binomial test, whose p-value is right however short the
history is (Przyborowski and Wilenski, Biometrika 31, 1940: two Poisson rates, given their sum). Its tail is bounded by
Chernoff's exp(-T KL(k/T, q)) (Hoeffding, JASA 58, 1963, theorem 1), which needs no special functions and errs on the
side of not tripping. So do decayed sums, which vary less than as many hits would, and rates too high for Poisson's law.

*Only upwards.* A rule that hits less than it used to sanctions nobody wrongly.

*Why a backlog does not trip.* Rates are hits for each event, not for each second, so it does not matter how fast events
are judged; and windows follow the time of events, so a backlog runs through windows as it would have live. An event
that comes late counts in the window that is open, with all others that do; a window never opens again.

*After a trip* the rule leaves the counts until the next window; by then the record of its trip keeps it in shadow, or,
if that was lost with the partition, it trips again. When it is resumed its history begins anew, with what it hits now:
it is judged again once the new history is long enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from rules.controls import ControlRecord
from rules.decisions import content_id
from rules.events import STRUCTS, Content, EventType
from rules.needs import KIND, TYPES

BLOCK = 1_000
"""Events between two looks. A rule that goes wrong trips at the end of the block in which its hits are enough."""
AUTHOR = "streamwarden"
"""Who puts a rule to shadow that left its band."""
_NAMES: dict[type, EventType] = {struct: name for name, struct in STRUCTS.items()}


@dataclass(frozen=True, slots=True)
class Band:
    """When a rate has left its band. Times in ms.

    window:      ten minutes: hits gather fast enough for rare rules, and an hour's rush is several windows of history.
    half_life:   windows that had events after which a window weighs half: a day, so that every hour of it counts.
    factor:      how much more than usual is still usual: days and nights, holidays and campaigns differ by less.
    p:           the most a single look may err when the rate *is* `factor` times the usual. With 300 rules and types, 8
                 partitions and a look every second that is one error in five days at the edge of the band, and none
                 within it.
    min_events:  events of the type in the history, and ...
    min_windows: ... windows, before a rule is judged at all: it should have seen more than one rush.
    min_hits:    hits in the window: fewer harm few, and a person can look at them.
    """

    window: int = 600_000
    half_life: float = 144.0
    factor: float = 3.0
    p: float = 1e-9
    min_events: int = 10_000
    min_windows: int = 3
    min_hits: int = 50


BAND = Band()


class Watched(NamedTuple):
    """What is to be counted: rules that enforce and are not in shadow, and what their histories began with: their last
    resumptions (see `Controls`), and of which accounts they judge, if not all."""

    rules: frozenset[str]
    resumed: Mapping[str, str]


class Trip(NamedTuple):
    """A rule that left its band: `hits` of `events` of `type` in the window, where `usual` is the rate.

    `log_p`: the natural logarithm of the p-value's bound. `after`: the resumption that its history began with, or "".
    """

    rule: str
    type: EventType
    hits: int
    events: int
    usual: float
    log_p: float
    after: str

    def record(self, time: datetime) -> ControlRecord:
        """What puts the rule to shadow. The id names the rule and the resumption before, and nothing else: whichever
        workers find the trip, and however often, it is one record of the log, and none after the next resumption."""
        return ControlRecord(
            id=content_id("trip", self.rule, self.after), do="halt", rule=self.rule, by=AUTHOR, why=self.why, time=time
        )

    @property
    def why(self) -> str:
        """The figures, for a person."""
        return (
            f"hit rate left its band: {self.hits:,} hits among {self.events:,} events of type {self.type} "
            f"({_percent(self.hits / self.events)}), usually {_percent(self.usual)}; p < 1e{_exponent(self.log_p)}"
        )


class HitCounts(NamedTuple):
    """A rule's counts for events of one type: in the open window, and decayed over the closed ones."""

    hits: int
    events: int
    past_hits: float
    past_events: float


class Past(msgspec.Struct, array_like=True):
    """A rule's history: decayed sums of events and hits, for each of TYPES, over closed windows."""

    after: str = ""
    windows: int = 0
    events: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(TYPES))
    hits: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(TYPES))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, Past])


class HitRates:
    """The rates of all rules among the events of one partition. What is kept grows with rules, not with events."""

    def __init__(self, data: bytes | None = None, band: Band = BAND) -> None:
        """`data`: what `closed` last gave. Raises msgspec.DecodeError for foreign bytes."""
        self._band = band
        self._past: dict[str, Past] = _DECODER.decode(data) if data else {}
        self._watched = Watched(frozenset(), {})
        self._window: int | None = None
        self._newest = 0
        self._counted: set[str] = set()
        """Rules that were counted for all of the open window."""
        self._events = [0] * len(TYPES)
        self._hits: dict[tuple[str, int], int] = {}
        self._block = 0
        self._seen: set[tuple[str, int, str]] = set()
        self._closed = False
        self._tripped: dict[str, str] = {}

    def count(
        self, at: int, events: Sequence[Content], hits: Iterable[tuple[int, str]], watched: Watched
    ) -> list[Trip]:
        """Counts a batch of `events` whose newest is of `at` (ms); returns the rules that left their band in it.

        hits: (index of an event, rule), a rule perhaps several times. watched: the same object until it changes.
        """
        if watched is not self._watched:
            self._watch(watched)
        self._newest = max(self._newest, at)
        if self._window is None:
            self._open()
        types = list(map(type, events))
        pending = sorted({hit for hit in hits if hit[1] in watched.rules}, reverse=True)
        trips: list[Trip] = []
        start = 0
        while start < len(events):
            end = min(start + BLOCK - self._block, len(events))
            block = types[start:end]
            for kind, struct in enumerate(TYPES):
                self._events[kind] += block.count(struct)
            while pending and pending[-1][0] < end:
                index, rule = pending.pop()
                self._hit(rule, KIND[types[index]], events[index].account)
            self._block += end - start
            start = end
            if self._block == BLOCK:
                trips += self._end_block()
        return trips

    @property
    def tripped(self) -> frozenset[str]:
        """The rules that tripped in the open window, or as it began, and were not resumed since: they are in shadow
        before the log says so."""
        return frozenset(self._tripped)

    def standing(self) -> dict[tuple[str, EventType], HitCounts]:
        """The counts of the rules that are watched and have hit events of a type."""
        return {
            (rule, _NAMES[struct]): HitCounts(
                self._hits.get((rule, kind), 0), self._events[kind], past.hits[kind], past.events[kind]
            )
            for rule in self._counted
            for past in [self._past.get(rule) or Past()]
            for kind, struct in enumerate(TYPES)
            if past.hits[kind] or (rule, kind) in self._hits
        }

    def closed(self) -> bytes | None:
        """The history, when a window was closed since this was last asked."""
        if not self._closed:
            return None
        self._closed = False
        return _ENCODER.encode(self._past)

    def _hit(self, rule: str, kind: int, account: str) -> None:
        if rule in self._counted and (rule, kind, account) not in self._seen:
            self._seen.add((rule, kind, account))
            self._hits[rule, kind] = self._hits.get((rule, kind), 0) + 1

    def _watch(self, watched: Watched) -> None:
        """Rules that are not watched any more, and those that were resumed, have no history."""
        self._watched = watched
        for rule in [rule for rule, past in self._past.items() if not self._holds(rule, past.after)]:
            del self._past[rule]
            self._counted.discard(rule)
        self._counted &= watched.rules
        self._tripped = {rule: after for rule, after in self._tripped.items() if watched.resumed.get(rule, "") == after}

    def _holds(self, rule: str, after: str) -> bool:
        return rule in self._watched.rules and self._watched.resumed.get(rule, "") == after

    def _end_block(self) -> list[Trip]:
        self._block = 0
        self._seen.clear()
        trips = list(self._look())
        if self._newest // self._band.window > (self._window or 0):
            self._close()
            self._open(trips)
        return trips

    def _look(self) -> Iterable[Trip]:
        """Compares the open window with the history. A rule that trips is not counted for the rest of the window."""
        band = self._band
        for (rule, kind), hits in self._hits.items():
            past = self._past.get(rule)
            if hits < band.min_hits or rule not in self._counted or past is None:
                continue
            if past.windows < band.min_windows or past.events[kind] < band.min_events:
                continue
            now = self._events[kind] * band.factor
            log_p = log_tail(hits, hits + past.hits[kind], now / (now + past.events[kind]))
            if log_p < math.log(band.p):
                self._counted.discard(rule)
                self._tripped[rule] = past.after
                usual = past.hits[kind] / past.events[kind]
                yield Trip(rule, _NAMES[TYPES[kind]], hits, self._events[kind], usual, log_p, past.after)

    def _open(self, trips: Iterable[Trip] = ()) -> None:
        """Begins a window. `trips` of a moment ago hold in it, too: the log could not say so yet."""
        self._window = self._newest // self._band.window
        self._tripped = {trip.rule: trip.after for trip in trips}
        self._counted = {*self._watched.rules} - self._tripped.keys()
        self._events = [0] * len(TYPES)
        self._hits = {}

    def _close(self) -> None:
        """Adds the window to the history of the rules that were counted for all of it."""
        kept = 0.5 ** (1 / self._band.half_life)
        for rule in self._counted:
            past = self._past.get(rule)
            if past is None:
                past = self._past[rule] = Past(self._watched.resumed.get(rule, ""))
            past.windows += 1
            past.events = [old * kept + new for old, new in zip(past.events, self._events, strict=True)]
            past.hits = [old * kept + self._hits.get((rule, kind), 0) for kind, old in enumerate(past.hits)]
        self._closed = True


def log_tail(hits: float, trials: float, chance: float) -> float:
    """The natural logarithm of a bound on the probability of `hits` or more in `trials` of `chance` each (Chernoff)."""
    share = hits / trials
    if share <= chance:
        return 0.0
    rest = (1 - share) * math.log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return -trials * (share * math.log(share / chance) + rest)


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"


def _exponent(log_p: float) -> int:
    return math.ceil(log_p / math.log(10))
