"""The shipped pack on disguised texts: offending ones stay hit, benign ones stay unhit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.corpus import Row
from lab.evasions import TECHNIQUES
from lab.evasions.resistance import Resistance, Trial, pairs, singles
from rules.packs import SHIPPED, load_pack

DATA = Path(__file__).parents[1] / "data" / "evasions"
GOAL = 0.95
USUAL = [name for name, technique in TECHNIQUES.items() if not technique.harsh]


def own_rows() -> Iterator[Row]:
    lines = (DATA / "offending.tsv").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        clause, text = line.split("\t")
        task = "page" if clause.startswith(("links.1", "links.2", "links.3")) else "message"
        yield Row(id=f"offending-{number}", task=task, source="own", clauses=[clause], text=text)
    for number, text in enumerate((DATA / "benign.txt").read_text(encoding="utf-8").splitlines()):
        yield Row(id=f"benign-{number}", task="message", source="own", clauses=[], text=text)


@pytest.fixture(scope="module")
def result() -> Resistance:
    trial = Trial(load_pack(SHIPPED), own_rows())
    trial.run([*singles(USUAL), *pairs(USUAL)], limit=50, benign_limit=100)
    return trial.result


def test_enough_offending_texts_hit_undisguised_to_tell(result: Resistance) -> None:
    """They are written from outside the pack's training, by somebody who had not seen it: 33 of 44 hit."""
    offending = sum(1 for row in own_rows() if row.clauses)
    assert result.weights.total() >= 0.7 * offending


@pytest.mark.parametrize("steps", [1, 2])
def test_offending_texts_stay_hit_in_disguise(result: Resistance, steps: int) -> None:
    disguises = [one for one in result.kept if len(one.steps) == steps]
    together = result.by_kind(disguises)
    worst = sorted(disguises, key=lambda one: result.share([one]) or 0.0)[:10]
    assert together.kept.total() >= GOAL * together.tried.total(), [(one.steps, result.share([one])) for one in worst]


def test_benign_texts_are_hardly_hit_in_disguise(result: Resistance) -> None:
    """Undisguised none is hit; in disguise, English in columns reads as scattered letters: 12 tries in 12,000."""
    tries = sum(counts.tried for counts in result.benign.values())
    assert tries > 10_000
    assert len(result.false_hits) <= tries / 500
