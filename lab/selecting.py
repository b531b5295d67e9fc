"""Which rows of a corpus to take: `field=pattern` conditions and the parts of the split."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from lab.corpus import Part, Row, groups_of, part_of

Field = Literal["id", "task", "source", "clause"]
FIELDS: tuple[Field, ...] = get_args(Field)


@dataclass(frozen=True, slots=True)
class Condition:
    """A field whose value must match a shell pattern. `clause` matches when one of the row's clauses or clause
    groups does; the clause of a benign row is `benign`."""

    field: Field
    pattern: str

    def holds(self, row: Row) -> bool:
        """Whether `row` matches."""
        match self.field:
            case "clause":
                values: Iterable[str] = (*row.clauses, *groups_of(row)) if row.clauses else ("benign",)
            case "id":
                values = (row.id,)
            case "task":
                values = (row.task,)
            case "source":
                values = (row.source,)
        return any(fnmatchcase(value, self.pattern) for value in values)


def read_condition(text: str) -> Condition:
    """`field=pattern`. Raises ValueError that says what is wrong."""
    name, equals, pattern = text.partition("=")
    for field in FIELDS:
        if name == field and equals and pattern:
            return Condition(field, pattern)
    raise ValueError(f"{text!r} is no FIELD=PATTERN; fields: {', '.join(FIELDS)}")


def selected(rows: Iterable[Row], conditions: Iterable[Condition] = (), part: Part | None = None) -> Iterator[Row]:
    """The rows for which all `conditions` hold, of one part of the split or of both."""
    held = list(conditions)
    for row in rows:
        if all(condition.holds(row) for condition in held) and (part is None or part_of(row) == part):
            yield row
