"""`warden score`: how good a pack is on labelled text, hosts and pages."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli.common import Failure, console, pack_of, pack_option, progress_bar, settings_of, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from lab.corpus import Part
    from lab.labelled import Labelled
    from lab.score import Example, Score, Source
    from lab.selecting import Condition

T = TypeVar("T")
_FILE = click.Path(path_type=Path)
_EVERY = 1000
"""Rows between two looks at the progress."""


@click.command()
@click.argument("labelled", required=False, type=_FILE)
@click.option("--hosts", type=_FILE, metavar="FILE", help="Score labelled hosts, each as a share of it.")
@click.option("--pages", type=_FILE, metavar="FILE", help="Score saved pages, each as a share from a foreign host.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="FIELD=PATTERN",
    help="Only rows of LABELLED whose id, task, source or clause matches a shell pattern; may be repeated.",
)
@click.option(
    "--part",
    type=click.Choice(["all", "train", "kept-out"]),
    default="all",
    show_default=True,
    help="The part of LABELLED that `warden learn` trains on, or the quarter it never sees.",
)
@click.option(
    "--examples", type=click.IntRange(0, 1000), default=5, show_default=True, help="Misses per group, and false hits."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pack_option
@click.pass_context
def score(
    ctx: click.Context,
    *,
    labelled: Path | None,
    hosts: Path | None,
    pages: Path | None,
    conditions: tuple[str, ...],
    part: str,
    examples: int,
    as_json: bool,
    pack: Path | None,
) -> None:
    """Measure a pack on LABELLED: JSON lines of `id, task, source, clauses, text[, title]`, which may be gzipped.

    `task` says what kind of event a row was: message (a mass send), post, title, article (posts), page (a share whose
    page shows the text). A row counts as hit for a clause group when an enforced rule of the group fires; of a row
    with several clauses any one will do. Groups: links.1 to links.6 and links.8 as wholes; links.7.N, links.9.N and
    accounts.N each alone.

    Hosts are `id, label` with official, benign, bad or bad_lookalike; pages are `id, label, html` with wechat_article
    or ordinary. Look-alikes and copied article layouts belong to links.4.

    \b
    warden score labelled.jsonl.gz
    warden score labelled.jsonl.gz --part kept-out --where 'source=telecom*' --examples 20
    warden score --hosts hosts.jsonl.gz --pages pages.jsonl.gz --json
    """
    from lab.labelled import of_hosts, of_pages, of_rows
    from lab.selecting import selected
    from lab.sites import read_hosts, read_pages

    if labelled is None and hosts is None and pages is None:
        raise click.UsageError("give LABELLED, --hosts FILE or --pages FILE")
    held = [_condition(text) for text in conditions]
    chosen = _part(part)
    loaded = pack_of(settings_of(ctx, pack=pack))

    def scored(name: str, items: Iterable["Labelled"]) -> "Score":
        from lab.files import CorpusError
        from lab.score import score

        try:
            return score(loaded, _watched(name, items), examples)
        except CorpusError as error:
            raise Failure(f"cannot score {name}\n{error}", 2) from None

    scores: dict[str, Score] = {}
    if labelled is not None:
        from lab.corpus import read_rows

        scores["labelled"] = scored("labelled", of_rows(selected(read_rows(labelled), held, chosen)))
        if not scores["labelled"].rows:
            raise Failure(f"{labelled}: no row to score" + (" matches" if held or chosen else ""), 2)
    if hosts is not None:
        scores["hosts"] = scored("hosts", of_hosts(read_hosts(hosts)))
    if pages is not None:
        scores["pages"] = scored("pages", of_pages(read_pages(pages)))
    if as_json:
        write_json(_report(loaded.label, part, conditions, scores))
    else:
        _show(console(), loaded.label, scores)


def _condition(text: str) -> "Condition":
    from lab.selecting import read_condition

    try:
        return read_condition(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--where") from None


def _part(name: str) -> "Part | None":
    parts: dict[str, Part] = {"train": "train", "kept-out": "kept_out"}
    return parts.get(name)


def _watched(name: str, items: Iterable[T]) -> Iterator[T]:
    """`items`, counted on a progress display."""
    with progress_bar() as bar:
        task = bar.add_task(f"scoring {name}", total=None, note="")
        for number, item in enumerate(items, 1):
            yield item
            if number % _EVERY == 0:
                bar.update(task, note=f"{number:,} read")


def _report(pack: str, part: str, conditions: tuple[str, ...], scores: dict[str, "Score"]) -> dict[str, Any]:
    """The JSON object. `clauses` and `benign` are those of LABELLED; without it, of the only other file, if one."""
    main = scores.get("labelled") or next(iter(scores.values()))
    report: dict[str, Any] = {"pack": pack, **_figures(main)}
    if "labelled" in scores:
        report |= {"part": part, "where": list(conditions)}
    for name in ("hosts", "pages"):
        if name in scores:
            report[name] = _figures(scores[name]) | {"labels": _labels(scores[name])}
    return report


def _figures(score: "Score") -> dict[str, Any]:
    counts = {
        name: {
            "n": group.n,
            "recalled": group.recalled,
            "hits": group.hits,
            "right": group.right,
            "on_benign": group.on_benign,
            "on_other_clauses": group.hits - group.right - group.on_benign,
        }
        for name, group in score.groups.items()
    }
    return {
        **score.figures(),
        "rows": score.rows,
        "counts": counts,
        "recall_by_source": score.recall_by_source(),
        "rules": score.rules,
        "misses": score.misses,
        "false_hits": score.false_hits,
    }


def _labels(score: "Score") -> dict[str, dict[str, float]]:
    """Label of hosts or pages -> how many there are, and how many of them an enforced rule hits."""
    found: dict[str, dict[str, float]] = {}
    for name, source in score.sources.items():
        n = source.benign + source.labelled + source.unknown
        hits = source.false_hits + source.recalled + source.unknown_hit
        found[name] = {"n": n, "hits": hits, "rate": hits / n}
    return found


def _show(out: "Console", pack: str, scores: dict[str, "Score"]) -> None:
    from rich.text import Text

    for name, score in scores.items():
        out.print(Text(f"{name}: {score.rows:,} rows judged by {pack}", style="bold"))
        if score.groups:
            _show_groups(out, score)
        _show_sources(out, score)
        for group, examples in score.misses.items():
            _show_examples(out, f"missed: {group}", examples)
        _show_examples(out, "hit though benign", score.false_hits)


def _show_groups(out: "Console", score: "Score") -> None:
    from rich.table import Table

    table = Table("clause group", title="clauses", title_justify="left")
    for heading in ("n", "recall", "precision", "F1", "hits", "on benign", "on other clauses"):
        table.add_column(heading, justify="right")
    for name, group in score.groups.items():
        wrong = group.hits - group.right - group.on_benign
        rates = (_rate(group.recall), _rate(group.precision), _rate(group.f1))
        table.add_row(name, f"{group.n:,}", *rates, f"{group.hits:,}", f"{group.on_benign:,}", f"{wrong:,}")
    out.print(table)


def _show_sources(out: "Console", score: "Score") -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.display import shown
    from lab.score import Source

    table = Table("source", title="sources", title_justify="left")
    for heading in ("benign", "hit", "false-positive rate", "with a clause", "recall", "unlabelled", "hit"):
        table.add_column(heading, justify="right")

    total = Source()
    for name, found in sorted(score.sources.items()):
        table.add_row(Text(shown(name, 60)), *_source_cells(found))
        total += found
    table.add_section()
    table.add_row("all", *_source_cells(total))
    out.print(table)


def _source_cells(found: "Source") -> list[str]:
    benign = (f"{found.benign:,}", f"{found.false_hits:,}", _rate(found.false_hits / max(found.benign, 1), 3))
    labelled = (f"{found.labelled:,}", _rate(found.recalled / max(found.labelled, 1)))
    unknown = (f"{found.unknown:,}", f"{found.unknown_hit:,}")
    return [
        *(benign if found.benign else ("", "", "")),
        *(labelled if found.labelled else ("", "")),
        *(unknown if found.unknown else ("", "")),
    ]


def _show_examples(out: "Console", title: str, examples: list["Example"]) -> None:
    """The rows that went wrong, as plain text: nothing in them is markup."""
    from rich.table import Table
    from rich.text import Text

    if not examples:
        return
    table = Table("source", "id", "text", "rules that fired", "on", title=title, title_justify="left")
    for found in examples:
        cells = (found.source, found.id, found.text, "\n".join(found.rules) or "none", " ".join(found.quotes))
        table.add_row(*map(Text, cells))
    out.print(table)


def _rate(value: float | None, digits: int = 1) -> str:
    """`98.5 %`; a dash for what is undefined."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"
