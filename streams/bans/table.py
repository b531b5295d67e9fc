"""The lookup table: for each action, the subjects it is in force for, and until when. Pure."""

from math import inf
from typing import get_args

from rules.decisions import Action, Ban

ACTIONS: tuple[Action, ...] = tuple(action for action in get_args(Action) if action != "warn")
"""What can be in force; a warning forbids nothing."""


def ends_of(ban: Ban | None) -> dict[Action, float]:
    """When each action of `ban` ends, in seconds since 1970; `inf` for good. Several ladders: the last of them."""
    found: dict[Action, float] = {}
    for entry in ban.sanctions if ban is not None else ():
        if entry.action != "warn":
            ends = inf if entry.ends is None else entry.ends.timestamp()
            found[entry.action] = max(ends, found.get(entry.action, ends))
    return found


class Table:
    """Ends by action and subject. One thread may write while others read `ends`."""

    def __init__(self) -> None:
        self.ends: dict[Action, dict[str, float]] = {action: {} for action in ACTIONS}
        """action -> subject -> end in seconds since 1970, `inf` for good."""
        self._size = 0

    def put(self, subject: str, ban: Ban | None) -> None:
        """What is in force for `subject` now. What still holds is written before what does not is taken away, so
        that no reader sees the subject free in between."""
        new = ends_of(ban)
        had = any(subject in ends for ends in self.ends.values())
        for action, end in new.items():
            self.ends[action][subject] = end
        if had:
            for action, ends in self.ends.items():
                if action not in new:
                    ends.pop(subject, None)
        self._size += bool(new) - had

    def __len__(self) -> int:
        """Subjects with a sanction, those included whose sanctions have ended since their last record."""
        return self._size
