"""Evasion: `python -m benchmarks.evasion ../shared/corpora/labelled.jsonl.gz [--pairs] [--limit N] [--json]`.

Takes the labelled rows that an enforced rule of their clause group hits, disguises them with every technique of
lab/evasions at several strengths, and prints which share is still hit; and what benign rows are hit in disguise that
were not before. By default only the part of the rows that no lexicon was trained on. With --pairs also two
techniques at a time. "Harsh" techniques, which spammers seldom use or readers have to guess, are not in the total.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import orjson

from lab.corpus import Part, read_rows
from lab.evasions import TECHNIQUES
from lab.evasions.resistance import Added, Disguise, Example, Resistance, Trial, pairs, singles
from lab.files import CorpusError
from lab.selecting import selected
from rules.packs import SHIPPED, InvalidPackError, load_pack

_PARTS: dict[str, Part | None] = {"all": None, "train": "train", "kept-out": "kept_out"}
_GOAL = 0.95


def main() -> None:
    """Runs the benchmark."""
    arguments = _arguments()
    names = list(arguments.techniques or TECHNIQUES)
    began = time.monotonic()
    try:
        pack = load_pack(arguments.pack)
        rows = list(selected(read_rows(arguments.labelled), part=_PARTS[arguments.part]))
    except (CorpusError, InvalidPackError, OSError) as error:
        sys.exit(str(error))
    trial = Trial(pack, rows, arguments.seed)
    trial.run(singles(names), arguments.limit, arguments.benign, arguments.examples)
    if arguments.pairs:
        trial.run(pairs(names), max(1, arguments.limit // 4), max(1, arguments.benign // 5), min(1, arguments.examples))
    figures = _figures(trial.result)
    if arguments.json:
        sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    _print(trial.result, arguments.examples)
    print(f"\n{time.monotonic() - began:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelled", type=Path, help="labelled rows, JSON lines, may be gzipped")
    parser.add_argument("--pack", type=Path, default=SHIPPED, help="folder of the pack (default: the shipped one)")
    parser.add_argument("--part", choices=_PARTS, default="kept-out", help="part of the rows (default: kept-out)")
    parser.add_argument("--limit", type=int, default=24, help="rows of each kind for each disguise (default: 24)")
    parser.add_argument("--benign", type=int, default=300, help="benign rows for each disguise (default: 300)")
    parser.add_argument("--techniques", nargs="+", choices=TECHNIQUES, metavar="NAME", help=", ".join(TECHNIQUES))
    parser.add_argument("--pairs", action="store_true", help="two techniques at a time as well")
    parser.add_argument("--examples", type=int, default=3, help="losses shown of each technique (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other samples (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def _figures(result: Resistance) -> dict[str, object]:
    usual = [one for one in result.kept if not one.harsh]
    by_kind = result.by_kind(usual)
    return {
        "rows": result.rows,
        "hits": dict(result.weights),
        "retention": result.share(usual),
        "retention_one": result.share(one for one in usual if len(one.steps) == 1),
        "retention_two": result.share(one for one in usual if len(one.steps) == 2),
        "retention_with_harsh": result.share(result.kept),
        "by_technique": {
            name: {
                "harsh": disguises[0].harsh,
                "retention": result.share(disguises),
                "by_strength": {
                    "/".join(f"{strength:g}" for _, strength in one.steps): {
                        "tried": result.kept[one].tried.total(),
                        "retention": result.share([one]),
                    }
                    for one in disguises
                },
            }
            for name, disguises in _named(result.kept).items()
        },
        "by_kind": {kind: {"tried": n, "retention": by_kind.kept[kind] / n} for kind, n in by_kind.tried.items()},
        "benign": {
            **_sums(result.benign.values()),
            "added_by_technique": {
                name: added
                for name, disguises in _named(result.benign).items()
                if (added := sum(result.benign[one].added for one in disguises))
            },
            "added_by_source": dict(result.added_by_source),
        },
        "losses": [example._asdict() for example in result.losses],
        "false_hits": [example._asdict() for example in result.false_hits],
    }


def _sums(counts: Iterable[Added]) -> dict[str, float]:
    every = list(counts)
    tried, added = sum(one.tried for one in every), sum(one.added for one in every)
    return {
        "tried": tried,
        "before": sum(one.before for one in every),
        "after": sum(one.after for one in every),
        "added": added,
        "added_rate": added / tried if tried else 0.0,
    }


def _named(disguises: Iterable[Disguise]) -> dict[str, list[Disguise]]:
    found: dict[str, list[Disguise]] = {}
    for one in disguises:
        found.setdefault(one.name, []).append(one)
    return found


def _percent(share: float | None) -> str:
    return "    –  " if share is None else f"{share:7.1%}"


def _print(result: Resistance, examples: int) -> None:
    usual = [one for one in result.kept if not one.harsh]
    print(f"{result.rows:,} rows, {result.weights.total():,} of them hit; still hit in disguise (goal {_GOAL:.0%}):")
    for label, number in (("one technique", 1), ("two techniques", 2)):
        share = result.share(one for one in usual if len(one.steps) == number)
        harsh = result.share(one for one in result.kept if len(one.steps) == number)
        if harsh is not None:
            print(f"  {label:16}{_percent(share)}   with harsh ones {_percent(harsh)}")
    print("\nby technique; strengths from weak to strong")
    named = _named(result.kept)
    for name, disguises in named.items():
        if len(disguises[0].steps) == 1:
            cells = "  ".join(_percent(result.share([one])) for one in disguises)
            marks = " (harsh)" if disguises[0].harsh else ""
            print(f"  {name + marks:30}{_percent(result.share(disguises))}   {cells}")
    two = [(result.share(found) or 0.0, name) for name, found in named.items() if len(found[0].steps) == 2]
    if two:
        print(f"\nworst of {len(two)} pairs")
        for share, name in sorted(two)[:25]:
            print(f"  {name:50}{_percent(share)}")
    print("\nby kind of row")
    by_kind = result.by_kind(usual)
    for kind, n in sorted(by_kind.tried.items()):
        print(f"  {kind:28}{_percent(by_kind.kept[kind] / n)}   of {n:,}; {result.weights[kind]:,} rows hit")
    sums = _sums(result.benign.values())
    print(f"\nbenign rows in disguise: {sums['tried']:,}; hit before {sums['before']:,}, after {sums['after']:,};")
    print(f"  added {sums['added']:,} ({sums['added_rate']:.3%}); by source {dict(result.added_by_source)}")
    for name, disguises in _named(result.benign).items():
        if added := sum(result.benign[one].added for one in disguises):
            print(f"  {name:50}{added:4} of {sum(result.benign[one].tried for one in disguises):,}")
    _print_examples("lost", result.losses)
    _print_examples("added", result.false_hits[: 10 * examples])


def _print_examples(label: str, examples: list[Example]) -> None:
    if examples:
        print(f"\n{label}")
    for example in examples:
        strengths = "/".join(f"{strength:g}" for strength in example.strengths)
        print(f"  {example.disguise} {strengths}: {example.id} {example.source}; {', '.join(example.rules)}")
        print(f"    before: {example.before}\n    after:  {example.after}\n    hit on: {' · '.join(example.quotes)}")


if __name__ == "__main__":
    main()
