"""What moving batches costs and how steady it is: rebalances, commits, waits for brokers, recovery.

Counted without Prometheus; `streams/live_metrics.py` shows it.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

Step = Literal["sends", "changelog", "commit"]
"""What is waited for: the acknowledgements of a plan's sends, of its writes, and of a commit of offsets."""


@dataclass(slots=True)
class Waited:
    """How often, and for how many seconds together."""

    times: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Vitals:
    """Counters of one worker since it started; written by its event loop alone."""

    rebalances: int = 0
    """Assignments of partitions, the first among them."""
    commits_failed: int = 0
    """Commits that moved nothing, because the brokers refused them: their records may be read again."""
    waits: dict[Step, Waited] = field(default_factory=lambda: {step: Waited() for step in get_args(Step)})

    def waited(self, step: Step, seconds: float) -> None:
        """One wait that ended well."""
        of = self.waits[step]
        of.times += 1
        of.seconds += seconds


class Recovering(NamedTuple):
    """What is left to read of changelogs: partitions of tables, and records."""

    partitions: int
    records: int
