"""Makes the learned lexicons of landing pages again: `python -m lab.recipes.landing_pages LABELLED [NAME…]`.

Labelled files have few pages that lead their readers to share, to follow or to play. So most of what is learned here
comes from `landing_pages.jsonl`, texts of such pages and of harmless ones that use the same words, all written for
this purpose. Of the labelled file the pages are read, and everything benign; and what the pack's own rules list as
harmless (`innocents.py`).

The lexicons read only what a shared page shows, so posts and messages cost nothing. The rules that use them want
something else beside: see `induced_sharing.yaml` in the shipped pack.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from lab.corpus import Row, part_of, read_rows
from lab.learn.documents import read_documents
from lab.learn.fit import Learner, Recipe
from lab.learn.write import lexicon_yaml
from lab.recipes.innocents import innocent_rows
from lab.recipes.lexicons import FOLDER, HEED, ORDINARY, WRITTEN
from rules.packs.model import Field

PAGES = Path(__file__).with_name("landing_pages.jsonl")
FIELDS: frozenset[Field] = frozenset({"title", "desc", "page_title", "page_text", "page_html", "buttons"})
"""What a shared page shows: its card and itself."""
RECIPE = Recipe(8000, false_hits=5.0, others=0.02, penalty=0.3, written=WRITTEN, heed=HEED)
"""At 1 stand five benign rows in ten thousand: fewer would make the scale hang on single rows."""
CLAUSES: dict[str, tuple[str, str]] = {
    "sharing_pages": ("links.1", "pages that lead their readers to share them"),
    "following_pages": ("links.2", "pages that lead their readers to follow an account"),
    "game_pages": ("links.3", "small games, tests and fortunes"),
    "promotion_pages": ("links.4.1", "red packets, prizes and subsidies that do not exist"),
}
"""Name -> the clause and a description."""


def main() -> None:
    """Learns the lexicons and writes them where the shipped pack has them, or into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CLAUSES))
    parser.add_argument("--part", choices=("all", "train"), default="all", help="rows of LABELLED to learn from")
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - CLAUSES.keys():
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}; there are {', '.join(CLAUSES)}")
    rows = [row for row in read_rows(arguments.labelled) if _useful(row, arguments.part)]
    rows.extend(read_rows(ORDINARY))
    rows.extend(innocent_rows())
    rows.extend(read_rows(PAGES))
    arguments.out.mkdir(parents=True, exist_ok=True)
    learner = Learner(read_documents(rows))
    for name in arguments.names or CLAUSES:
        clause, description = CLAUSES[name]
        fitted = learner.fit((clause,), RECIPE)
        at_one = f"recall {fitted.recall:.3f}, {fitted.false_hits:.2f} false hits in 10,000, cross-validated"
        trained = {
            "clauses": clause,
            "rows": f"{fitted.positive} of the clause, {fitted.benign} benign ({arguments.part})",
            "recipe": f"python -m lab.recipes.landing_pages LABELLED {name}",
            "at 1": at_one,
        }
        shown = replace(fitted, parts=[(FIELDS, ngrams) for _, ngrams in fitted.parts])
        text = lexicon_yaml(name, shown, description=description, trained=trained)
        (arguments.out / f"{name}.yaml").write_text(text, "utf-8")
        sys.stdout.write(f"{name}: {at_one}\n")
        sys.stdout.flush()


def _useful(row: Row, part: str) -> bool:
    return (row.task == "page" or not row.clauses) and (part == "all" or part_of(row) == part)


if __name__ == "__main__":
    main()
