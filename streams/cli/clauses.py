"""`warden clauses`: the policy as a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import console, pack_of, pack_option, settings_of, write_json

if TYPE_CHECKING:
    from rules.packs import Pack


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it enforces a clause: its mode, and how many cases test it each way."""

    name: str
    mode: str
    hits: int
    passes: int


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause: its rules, its sanctions, and how repeated violations climb."""

    clause: str
    title: dict[str, str]
    handling: str
    rules: list[RuleRow]
    first: list[str]
    egregious: list[str]
    ladder: str
    rungs: list[str]
    cases: int


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list, one object a clause.")
@pack_option
@click.pass_context
def clauses(ctx: click.Context, as_json: bool, pack: Path | None) -> None:
    """Show the policy clause by clause: title, the rules that enforce it, their modes, sanctions, cases tested.

    \b
    warden clauses
    warden clauses --json | jq '.[] | select(.cases < 4).clause'
    """
    rows = clause_rows(pack_of(settings_of(ctx, pack=pack)))
    if as_json:
        write_json(rows)
        return
    _print_table(rows)


def clause_rows(pack: "Pack") -> list[ClauseRow]:
    """Every clause of a pack, in the pack's order."""
    rules: dict[str, list[RuleRow]] = {}
    for rule in pack.rules.values():
        rules.setdefault(rule.clause, []).append(RuleRow(rule.name, rule.mode, len(rule.hits), len(rule.passes)))
    rows = []
    for clause in pack.clauses.values():
        ladder, own = pack.ladder_of[clause.id], rules.get(clause.id, [])
        rows.append(
            ClauseRow(
                clause=clause.id,
                title={"zh": clause.title.zh, "en": clause.title.en},
                handling="by_report" if clause.by_report else "automatic",
                rules=own,
                first=list(clause.first),
                egregious=list(clause.egregious),
                ladder=ladder.name,
                rungs=[f"{rung.apply} {duration(rung.duration)}".strip() for rung in ladder.rungs],
                cases=sum(rule.hits + rule.passes for rule in own if rule.mode != "off"),
            )
        )
    return rows


def duration(milliseconds: int | None) -> str:
    """A ladder's duration as packs write it: 12h, 7d; empty for None."""
    if milliseconds is None:
        return ""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds / 1000:g}s"


def _print_table(rows: Iterable[ClauseRow]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("clause", "title", "rules", "first", "egregious", "ladder", "cases")
    table.columns[-1].justify = "right"
    for row in rows:
        names = "\n".join(rule.name + ("" if rule.mode == "enforce" else f" ({rule.mode})") for rule in row.rules)
        ladder = row.ladder + (" (by review)" if row.handling == "by_report" else "")
        cells = (
            row.clause,
            f"{row.title['zh']}\n{row.title['en']}",
            names or "none",
            "\n".join(row.first),
            "\n".join(row.egregious),
            f"{ladder}\n{', '.join(row.rungs)}",
            str(row.cases),
        )
        table.add_row(*(Text(cell) for cell in cells), end_section=True)
    console().print(table)
