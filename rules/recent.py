"""The records of subjects that were at hand lately, so that a busy one is not decoded and worked out anew each batch.

Only what was decoded from, or encoded to, the very bytes that a batch finds in the table is used again: whatever became
of a plan, a record is taken for what it is. It is not shared: who takes it owns it, and gives it back when done.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from rules.holdings import Page
from rules.subject_state import Record

BYTES = 2 << 20
"""Of encoded records whose decoded ones are kept at most; what is decoded takes some ten times as much memory."""


class Kept(NamedTuple):
    """A record, what it is encoded as, and what its ladders are known to hold."""

    data: bytes
    record: Record
    pages: Sequence[Page]


class Recent:
    """The records used last, up to a number of encoded bytes."""

    def __init__(self, most_bytes: int = BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def take(self, subject: str, data: bytes) -> Kept | None:
        """The record of a subject where it is known to be what is encoded in `data`; it is not kept any more."""
        found = self._kept.pop(subject, None)
        if found is None:
            return None
        self._bytes -= len(found.data)
        return found if found.data == data else None

    def keep(self, kept: Kept) -> None:
        """Keeps a record that nobody will change any more, in place of others that were used before it."""
        self.take(kept.record.subject, b"")
        self._kept[kept.record.subject] = kept
        self._bytes += len(kept.data)
        while self._bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.data)

    def __len__(self) -> int:
        return len(self._kept)
