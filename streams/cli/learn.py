"""`warden learn`: a lexicon of weighted n-grams from labelled text."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, console, progress_bar, write_json

if TYPE_CHECKING:
    from lab.learn.fit import Fitted, Recipe

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("labelled", nargs=-1, required=True, type=_FILE)
@click.option("--clause", "clauses", multiple=True, required=True, help="A clause, or the start of several: links.4.")
@click.option("--out", required=True, type=_FILE, help="The YAML file to write; it goes into a pack's folder.")
@click.option("--name", help="Name of the lexicon; the file's name by default.")
@click.option("--ngrams", type=click.IntRange(10, 200_000), default=10_000, show_default=True, help="How many to keep.")
@click.option(
    "--false-hits",
    type=click.FloatRange(0.01, 1000),
    default=1.0,
    show_default=True,
    help="Benign rows in ten thousand that may score 1 or more.",
)
@click.option("--titles", is_flag=True, help="Learn titles on their own as well, beside the whole text.")
@click.option(
    "--others",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Weight of a row of another clause; more makes fewer of them hit, and fewer of the clause's own.",
)
@click.option(
    "--part",
    type=click.Choice(["all", "train"]),
    default="train",
    show_default=True,
    help="Learn from three quarters of the rows, so that `warden score --part kept-out` is honest, or from all.",
)
@click.option("--json", "as_json", is_flag=True, help="What was learned as one JSON object.")
def learn(
    *,
    labelled: tuple[Path, ...],
    clauses: tuple[str, ...],
    out: Path,
    name: str | None,
    ngrams: int,
    false_hits: float,
    titles: bool,
    others: float,
    part: str,
    as_json: bool,
) -> None:
    """Learn a lexicon from the files LABELLED, and write it as YAML that a person can read and edit.

    Rows are as `warden score` reads them. N-grams that tell the clause's rows from benign ones get a weight, and a
    value of 1 is set where `--false-hits` of ten thousand benign rows score as high, found on rows that were not
    learned from.

    \b
    warden learn labelled.jsonl.gz --clause links.6 --out pack/advertising.yaml
    warden score labelled.jsonl.gz --pack pack --part kept-out

    In the pack, `signals: {advertising: {learned: advertising}}` and `when: advertising >= 1` use it. It needs
    scikit-learn: pip install 'streamwarden[learn]'.
    """
    try:
        from lab.learn.fit import Learner, LearnError, Recipe
    except ImportError as error:
        raise Failure(f"`warden learn` needs scikit-learn ({error}): pip install 'streamwarden[learn]'") from None
    from lab.corpus import part_of, read_rows
    from lab.files import CorpusError
    from lab.learn.documents import read_documents
    from lab.learn.write import lexicon_yaml

    recipe = Recipe(ngrams=ngrams, false_hits=false_hits, titles=titles, others=others)
    try:
        rows = [row for row in chain.from_iterable(map(read_rows, labelled)) if part == "all" or part_of(row) == part]
        with progress_bar() as bar:
            task = bar.add_task("learning", total=None, note="reading")
            fitted = Learner(read_documents(rows)).fit(
                clauses,
                recipe,
                lambda what, done, of: bar.update(task, completed=done, total=of, note=what),
            )
    except (CorpusError, LearnError) as error:
        raise Failure(str(error)) from None
    lexicon = name or out.stem
    trained = _trained(clauses, labelled, part, recipe, fitted)
    try:
        out.write_text(lexicon_yaml(lexicon, fitted, description=f"learned for {', '.join(clauses)}", trained=trained))
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}") from None
    if as_json:
        write_json({
            "name": lexicon,
            "file": str(out),
            "ngrams": sum(len(weights) for _, weights in fitted.parts),
            "rows": {"clause": fitted.positive, "benign": fitted.benign},
            "cross_validated": {"recall": fitted.recall, "false_hits_per_10000": fitted.false_hits},
        })  # fmt: skip
        return
    kept = sum(len(weights) for _, weights in fitted.parts)
    console().print(
        f"{out}: {lexicon}, {kept:,} n-grams from {fitted.positive:,} rows of the clause and {fitted.benign:,} benign "
        f"ones.\nOn rows not learned from, a value of 1 has recall {fitted.recall:.3f} at {fitted.false_hits:.2f} "
        "false hits in 10,000.",
        markup=False,
        highlight=False,
    )


def _trained(
    clauses: tuple[str, ...], labelled: tuple[Path, ...], part: str, recipe: "Recipe", fitted: "Fitted"
) -> dict[str, str]:
    """What the file says of its making."""
    return {
        "clauses": ", ".join(clauses),
        "from": f"{', '.join(path.name for path in labelled)} ({part})",
        "rows": f"{fitted.positive} of the clause, {fitted.benign} benign",
        "recipe": f"ngrams {recipe.ngrams}, false hits {recipe.false_hits:g}, others {recipe.others:g}",
        "at 1": f"recall {fitted.recall:.3f}, {fitted.false_hits:.2f} false hits in 10,000, cross-validated",
    }
