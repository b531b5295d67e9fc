"""How far a partition is done when its deliveries finish in any order. Pure."""

from collections import deque


class Progress:
    """The offset below which everything of one partition is done."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._done: set[int] = set()
        self.position: int | None = None
        """What to commit: the offset of the first record that is not done; None when nothing was taken yet."""

    def take(self, offset: int) -> None:
        """A record was taken; offsets only grow."""
        self._open.append(offset)
        if self.position is None:
            self.position = offset

    def finish(self, offset: int) -> None:
        """Nothing remains to do for a record."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            first = self._open.popleft()
            self._done.discard(first)
            self.position = first + 1
