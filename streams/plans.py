"""What an agent reads, and what it wants done: a batch of records, and the plan that it leads to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from faust.types import TP

from streams.records import Extent, extent_of
from streams.sending import Send
from streams.stores import Write

if TYPE_CHECKING:
    from streams.batches import Group

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Plan:
    """What a batch leads to. Sends, in order for each partition; then writes, in order; and before both of them the
    writes of `first`."""

    sends: list[Send] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    first: list[Write] = field(default_factory=list)


class NotYetError(RuntimeError):
    """A handle cannot judge a batch yet, says why, and has changed nothing: it is asked again in a while."""


class Lease(NamedTuple):
    """The right to act for a partition of a group: it ends with the assignment it came from."""

    group: Group
    partition: int
    generation: int
    epoch: int


@dataclass(slots=True, eq=False)
class RecordBatch:
    """Records (`streams.records.Record`) of one partition number over a group's topics, in merged order."""

    lease: Lease
    records: Sequence[Any]
    offsets: Mapping[TP, int]  # of each topic-partition among the records: the offset after its last one
    known_extent: Extent | None = None

    @property
    def extent(self) -> Extent:
        """What the records amount to."""
        return extent_of(self.records) if self.known_extent is None else self.known_extent

    @property
    def group(self) -> Group:
        return self.lease.group

    @property
    def partition(self) -> int:
        return self.lease.partition

    @property
    def generation(self) -> int:
        return self.lease.generation

    @property
    def epoch(self) -> int:
        return self.lease.epoch


Handle = Callable[[RecordBatch], Plan]

Together = Callable[[Sequence[RecordBatch]], Sequence[Plan | None]]
"""The plans of batches of several partitions, as a handle would make one after the other; None: not yet."""


def made_now(make_plan: Callable[[], Plan]) -> Plan | None:
    """The plan; None when it cannot be made yet."""
    try:
        return make_plan()
    except NotYetError as error:
        logger.debug("A batch waits: %s", error)
        return None
