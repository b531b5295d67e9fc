"""The crowds of one file, test or backtest in memory: sightings in, violations of many accounts together out.

What workers keep in a table and tell each other over a topic is kept and passed on here; the judgement is the same.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from rules.crowd_states import DueKeys, forget
from rules.crowds import Crowds
from rules.decisions import Violation
from rules.packs.model import Pack
from rules.sightings import Message, Sighting


class Gathering:
    """The rules of a pack that several events decide together, with their memory."""

    def __init__(self, pack: Pack) -> None:
        self._crowds = Crowds(pack)
        self._due = DueKeys()
        self.states: dict[str, bytes] = {}

    def take(self, sightings: Iterable[Sighting]) -> Iterator[Violation]:
        """The violations that `sightings` lead to, one after the other, through all that keys tell each other."""
        pending: deque[Message] = deque(sightings)
        while pending:
            gathered = self._crowds.gather([pending.popleft()], self.states.get)
            for key, state in gathered.states.items():
                if state is None:
                    self.states.pop(key, None)
                else:
                    self._due.add(key, state, known=key in self.states)
                    self.states[key] = state
            pending.extend(message for _, message in gathered.sends)
            yield from (violation for _, violation in gathered.violations)

    def forget(self, now: int) -> None:
        """Drops what is long past when events of `now` (ms) arrive."""
        for key in self._due.take(now):
            for gone in forget(key, self.states[key]):
                self.states.pop(gone, None)
