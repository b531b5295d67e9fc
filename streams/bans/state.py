"""How following goes: what an operator, a probe or a metric asks of anything that follows the ban list."""

import time
from math import inf


class FollowState:
    """Counters and times of one follower; read from any thread."""

    def __init__(self) -> None:
        self.undecodable = 0
        """Records that were no ban list entries, and were left out."""
        self.loads = 0
        """Complete loads: one at the start, one for each time that the connection was opened again."""
        self.trouble = ""
        """Why the list is not being followed at the moment; empty while it is."""
        self._current_at = -inf

    @property
    def staleness_s(self) -> float:
        """Seconds since everything on the topic was last known to be taken in; `inf` before the first load.

        While the topic is followed this stays below about one second.
        """
        return time.monotonic() - self._current_at

    def loaded(self) -> None:
        """A load is complete."""
        self.loads += 1
        self.at_end(0.0)

    def at_end(self, age_s: float) -> None:
        """All that was on the topic `age_s` seconds ago has been taken in."""
        self._current_at = max(self._current_at, time.monotonic() - age_s)
        self.trouble = ""

    def lost(self, why: str) -> None:
        """The connection is gone."""
        self.trouble = why
