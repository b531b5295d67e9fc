"""Controls: what somebody, or a rule whose hit rate left its band, has put to shadow; a function of a log of records.

Each record halts or resumes one target: a rule, or everything. Targets do not touch each other: a rule that was put to
shadow by name stays there when everything is resumed. For each target the last record of the log counts, and a record
whose id the log has already is a repeat and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from rules.decisions import Violation
from rules.events import Name, Time

MAX_WHY = 2_000
"""Longest reason, in characters."""

Do = Literal["halt", "resume"]


class ControlRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="control"):
    """Somebody halts or resumes automatic enforcement: all of it, or, with `rule`, that of one rule.

    `by`: who; `why`: the reason, for the audit; `time`: when, by the clock of whoever wrote it. The order of the log
    counts, and not `time`.
    """

    id: Name
    do: Do
    rule: Name | None
    by: Name
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WHY)]
    time: Time

    @property
    def target(self) -> str:
        """What it is about: `all`, or `rule/NAME`."""
        return "all" if self.rule is None else f"rule/{self.rule}"


@dataclass(frozen=True, slots=True)
class Controls:
    """What is in shadow by control, as of one moment.

    halted:   everything is. shadowed: the rules that are, by name.
    resumed:  rule -> id of the record that last resumed it by name; with it the history of its hit rate began anew.
    """

    halted: bool = False
    shadowed: frozenset[str] = frozenset()
    resumed: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is in shadow."""
        return self.halted or bool(self.shadowed)

    def of(self, violation: Violation) -> Violation:
        """The violation as it counts under these controls: the same, or with the mode "shadow"."""
        if violation.mode == "enforce" and (self.halted or violation.rule in self.shadowed):
            return msgspec.structs.replace(violation, mode="shadow")
        return violation

    def and_shadowed(self, rules: frozenset[str]) -> "Controls":
        """These controls with `rules` in shadow as well."""
        return Controls(self.halted, self.shadowed | rules, self.resumed) if rules - self.shadowed else self


class ControlLog:
    """The records in their order: what they come to, and who did what, when and why."""

    def __init__(self) -> None:
        self.records: list[ControlRecord] = []
        self._ids: set[str] = set()
        self._last: dict[str, ControlRecord] = {}

    def add(self, record: ControlRecord) -> bool:
        """Takes in the next record; False for a repeat."""
        if record.id in self._ids:
            return False
        self._ids.add(record.id)
        self.records.append(record)
        self._last[record.target] = record
        return True

    @property
    def controls(self) -> Controls:
        """What the records come to."""
        standing = self.standing()
        return Controls(
            halted=any(record.rule is None for record in standing),
            shadowed=frozenset(record.rule for record in standing if record.rule is not None),
            resumed=self._resumed(),
        )

    def standing(self) -> list[ControlRecord]:
        """The halts that hold, in order of the log."""
        return [record for record in self.records if record.do == "halt" and self._last[record.target] is record]

    def _resumed(self) -> dict[str, str]:
        return {record.rule: record.id for record in self.records if record.do == "resume" and record.rule is not None}
