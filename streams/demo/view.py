"""The demo's terminal view, made with rich. Shows; counts nothing. Texts of events are never read as markup."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rules.packs import Pack
from streams.demo.tally import Tally

_STYLES = {
    "warn": "yellow",
    "stop_spread": "dark_orange",
    "block_access": "red",
    "suspend_share_api": "red",
    "suspend_account": "red",
}
_QUOTE = 28


def screen(
    tally: Tally, pack: Pack, url: str, total: int | None, console: tuple[str, str] = ("", "")
) -> RenderableType:
    """The whole view. `console`: its URL and the token that logs in; empty without one."""
    columns = Table.grid(expand=True, padding=(0, 1))
    columns.add_column(ratio=2)
    columns.add_column(ratio=5)
    columns.add_row(_violations(tally, pack), _enforcements(tally))
    return Group(_head(tally, total), columns, *_console(*console), _foot(url))


def summary_table(summary: Mapping[str, Any]) -> Table:
    """The totals, one a line."""
    table = Table(title="Summary", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in summary.items():
        if isinstance(value, Mapping):
            for action, number in value.items():
                table.add_row(f"  {action}", str(number))
        else:
            table.add_row(name.replace("_", " "), str(value))
    return table


def _head(tally: Tally, total: int | None) -> Panel:
    wanted = f" of {total:,}" if total else ""
    line = Text.assemble(
        ("events/s ", "dim"),
        (f"{tally.rate:,.0f}", "bold green"),
        ("   judged ", "dim"),
        (f"{tally.judged:,}{wanted}", "bold"),
        ("   lag ", "dim"),
        (f"{tally.lag:,}", "bold"),
        ("   on the ban list ", "dim"),
        (f"{tally.banned():,}", "bold red"),
        ("   reviews ", "dim"),
        (f"{tally.reviews:,}", "bold"),
        ("   dead letters ", "dim"),
        (f"{tally.dead_letters:,}", "bold"),
    )
    return Panel(line, title="Streamwarden", title_align="left")


def _violations(tally: Tally, pack: Pack) -> Table:
    table = Table(title="Violations by clause", expand=True, title_justify="left")
    table.add_column("clause", no_wrap=True, min_width=10)
    table.add_column("title", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("found", justify="right", no_wrap=True, min_width=5)
    for clause, number in tally.violations.most_common(14):
        known = pack.clauses.get(clause)
        table.add_row(clause, Text(known.title.zh if known else ""), f"{number:,}")
    return table


def _enforcements(tally: Tally) -> Table:
    table = Table(title="Latest enforcement", expand=True, title_justify="left")
    table.add_column("action", no_wrap=True)
    table.add_column("subject", overflow="ellipsis", no_wrap=True, ratio=3)
    table.add_column("rung", justify="right", no_wrap=True)
    table.add_column("until", no_wrap=True)
    table.add_column("evidence", overflow="ellipsis", no_wrap=True, ratio=4)
    for event in list(tally.recent):
        action = event["action"]
        table.add_row(
            Text(action, style=_STYLES.get(action, "bold red")),
            Text(event["subject"]),
            str(event["rung"]),
            "for good" if event["permanent"] else (event["ends"] or "-")[:16].replace("T", " "),
            _evidence(event),
        )
    return table


def _evidence(event: Mapping[str, Any]) -> Text:
    """The quotes, as text: what people wrote must not become markup."""
    text = Text()
    for item in event["evidence"][:3]:
        text.append(f"“{item['quote'][:_QUOTE]}” ", style="cyan")
    text.append(",".join(event["clauses"]), style="dim")
    return text


def _console(url: str, token: str) -> tuple[Text, ...]:
    """Where a browser goes, and what it is asked for there."""
    if not url:
        return ()
    return (Text.assemble(("console ", "dim"), (url, "bold green"), ("   token ", "dim"), (token, "bold")),)


def _foot(url: str) -> Text:
    return Text.assemble(
        ("metrics ", "dim"), f"{url}/metrics", ("   health ", "dim"), f"{url}/healthz", ("   stop with Ctrl-C", "dim")
    )
