"""Both halves together, for a file, a test, a backtest or an oracle: events in, decisions out, no broker.

The states that workers keep in tables are kept in dictionaries here; the judgement is the same code.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from rules.controls import Controls
from rules.decisions import Ban, BanEntry, Decision, Violation
from rules.enforce import Enforced, Enforcer, SubjectInput
from rules.events import Appeal, Event, InvalidEventError, MassSend, Order, Post, Report, ReviewDecision, Share, millis
from rules.gathering import Gathering
from rules.packs.model import Pack
from rules.screen import Arrival, Screen, Screened
from rules.sightings import Sighting
from rules.subject_state import is_other


class Screens(Protocol):
    """What judges content: a `Screen`, or something that asks several of them."""

    def screen(self, arrivals: Sequence[Arrival], state_of: Callable[[str], bytes | None]) -> Screened:
        """As `Screen.screen`."""


@dataclass(slots=True)
class Engine:
    """A pack and the states of accounts, of crowds and of subjects, in memory.

    `controls`: what is in shadow; may be set between batches. `screens`: what judges content, where that is not the
    pack alone: of a log that several packs judged, each its part.
    """

    pack: Pack
    accounts: dict[str, bytes] = field(default_factory=dict)
    subjects: dict[str, bytes] = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)
    """What ENFORCE keeps besides: the records of those who report, and of the quotas."""
    bans: dict[str, Ban] = field(default_factory=dict)
    refused: list[InvalidEventError] = field(default_factory=list)
    """Moderators' decisions with nothing to decide, and why."""
    controls: Controls = field(default_factory=Controls)
    screens: Screens | None = None
    _screen: Screens = field(init=False)
    _gathering: Gathering = field(init=False)
    _enforcer: Enforcer = field(init=False)
    _positions: dict[str, int] = field(default_factory=dict)
    _newest: int = 0

    def __post_init__(self) -> None:
        self._screen = Screen(self.pack) if self.screens is None else self.screens
        self._gathering = Gathering(self.pack)
        self._enforcer = Enforcer(self.pack)

    def judge(self, events: Iterable[Event], batch: int = 512) -> Iterator[Decision]:
        """The decisions on `events`, in order, judged `batch` at a time; the cut changes nothing."""
        pending: list[Event] = []
        for event in events:
            pending.append(event)
            if len(pending) >= batch:
                yield from self.judge_batch(pending)
                pending = []
        if pending:
            yield from self.judge_batch(pending)

    def judge_batch(self, events: list[Event]) -> Iterator[Decision]:
        """The decisions on one batch. A violation stands right before what it leads to."""
        places = [at for at, event in enumerate(events) if isinstance(event, Post | Share | MassSend)]
        content = [self._arrival(event) for event in events if isinstance(event, Post | Share | MassSend)]
        screened = self._screen.screen(content, self.accounts.get)
        self.accounts.update(screened.states)
        broken: dict[int, list[Violation]] = {}
        for violation, arrival in zip(screened.violations, screened.arrivals, strict=True):
            broken.setdefault(places[arrival], []).append(self.controls.of(violation))
        sighted: dict[int, list[Sighting]] = {}
        for arrival, sighting in screened.sightings:
            sighted.setdefault(places[arrival], []).append(sighting)
        for at, event in enumerate(events):
            match event:
                case Report() | Appeal() | ReviewDecision() | Order():
                    yield from self._apply(event)
                case Post() | Share() | MassSend():
                    for violation in broken.get(at, ()):
                        yield violation
                        yield from self._apply(violation)
                    for violation in map(self.controls.of, self._gathering.take(sighted.get(at, ()))):
                        yield violation
                        yield from self._apply(violation)
                case _ as never:
                    assert_never(never)
        self._newest = max(self._newest, max((millis(event.time) for event in events), default=0))
        self._gathering.forget(self._newest)

    @property
    def crowds(self) -> dict[str, bytes]:
        """What is kept of events that wait for others, by key."""
        return self._gathering.states

    def in_force(self, subject: str, at: int) -> list[BanEntry]:
        """The sanctions in force for `subject` at `at`, in ms."""
        return self._enforcer.in_force(subject, self.subjects.get(subject), at)

    def _arrival(self, event: Post | Share | MassSend) -> Arrival:
        position = self._positions.get(event.type, -1) + 1
        self._positions[event.type] = position
        return Arrival(event, event.type, event.type, position)

    def _apply(self, item: SubjectInput) -> Iterator[Decision]:
        """Applies an input, and all that the records of subjects tell each other about it."""
        pending = deque([item])
        while pending:
            enforced = self._enforcer.enforce([pending.popleft()], self._state_of)
            self._keep(enforced)
            pending.extend(enforced.relays)
            self.refused.extend(error for _, error in enforced.refused)
            yield from enforced.decisions

    def _state_of(self, key: str) -> bytes | None:
        return (self.others if is_other(key) else self.subjects).get(key)

    def _keep(self, enforced: Enforced) -> None:
        for key, state in enforced.states.items():
            states = self.others if is_other(key) else self.subjects
            if state is None:
                states.pop(key, None)
            else:
                states[key] = state
        for subject, ban in enforced.bans.items():
            if ban is None:
                self.bans.pop(subject, None)
            else:
                self.bans[subject] = ban
