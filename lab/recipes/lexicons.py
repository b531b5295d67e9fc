"""Makes the shipped pack's learned lexicons again: `python -m lab.recipes.lexicons LABELLED [NAME…] [--part train]`.

Beside the labelled file it reads `ordinary.jsonl`, texts of everyday registers that labelled files lack, written for
this purpose: notices of banks and carriers, family chat, warnings of the police, services at home, people who speak
against a slur; and what the pack's own rules list as harmless (`innocents.py`). All of them are benign.

Each budget is a share of the false hits that the whole pack may have, which is one benign text in a thousand: clauses
whose texts tell them apart get little and need little, and rumours, which hardly differ from other posts, get most.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from lab.corpus import part_of, read_rows
from lab.learn.documents import read_documents
from lab.learn.fit import Learner, Recipe
from lab.learn.write import lexicon_yaml
from lab.recipes.innocents import innocent_rows

FOLDER = Path(__file__).parents[2] / "rules" / "packs" / "wechat" / "learned"
ORDINARY = Path(__file__).with_name("ordinary.jsonl")
WRITTEN = ("look_alike/", "passes/")
"""Sources of texts that were written to look like a clause: harder than what people send."""
HEED = 3.0
"""The weight of such a row. Rumours and clickbait leave them out: none was written to look like either."""
RECIPES: dict[str, tuple[tuple[str, ...], str, Recipe]] = {
    "fraud": (("links.4",), "fraud by message and by telephone", Recipe(false_hits=1.2, others=0.003, heed=HEED)),
    "advertising": (("links.6",), "advertising nobody asked for", Recipe(false_hits=0.8, others=0.003, heed=HEED)),
    "gambling": (("links.9.7",), "gambling and prostitution on offer", Recipe(false_hits=0.8, others=0.05, heed=HEED)),
    "forged_papers": (
        ("links.9.11",),
        "forged papers and invoices",
        Recipe(4000, false_hits=0.2, others=0.05, heed=HEED),
    ),
    "rumours": (("links.5",), "rumours", Recipe(55_000, false_hits=2.4, common=0.0, contrast=1.0, heed=0.0)),
    "vulgarity": (
        ("links.7.2",),
        "insults and vulgarity",
        Recipe(
            20_000, false_hits=3.6, others=0.05, common=0.0, penalty=0.3, contrast=0.1, near=2, length=0.3, heed=HEED
        ),
    ),
    "clickbait": (("links.7.1",), "clickbait", Recipe(false_hits=1.6, titles=True, common=0.0, length=0.4, heed=0.0)),
}
"""Name -> the clauses, a description, and how to learn it."""


def main() -> None:
    """Learns the lexicons and writes them where the shipped pack has them, or into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--part", choices=("all", "train"), default="all")
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - RECIPES.keys():
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}")
    rows = [row for row in read_rows(arguments.labelled) if arguments.part == "all" or part_of(row) == arguments.part]
    rows.extend(read_rows(ORDINARY))
    rows.extend(innocent_rows())
    arguments.out.mkdir(parents=True, exist_ok=True)
    learner = Learner(read_documents(rows))
    for name in arguments.names or RECIPES:
        clauses, description, recipe = RECIPES[name]
        fitted = learner.fit(clauses, replace(recipe, written=WRITTEN))
        at_one = f"recall {fitted.recall:.3f}, {fitted.false_hits:.2f} false hits in 10,000, cross-validated"
        trained = {
            "clauses": ", ".join(clauses),
            "rows": f"{fitted.positive} of the clause, {fitted.benign} benign ({arguments.part})",
            "recipe": f"python -m lab.recipes.lexicons LABELLED {name}",
            "at 1": at_one,
        }
        text = lexicon_yaml(name, fitted, description=description, trained=trained)
        (arguments.out / f"{name}.yaml").write_text(text, "utf-8")
        sys.stdout.write(f"{name}: {at_one}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
