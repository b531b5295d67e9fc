"""Learning lexicons: what is learned, what is written, and that the engine scores as the learner does."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lab.corpus import Row
from lab.learn.documents import read_documents
from lab.learn.fit import Learner, LearnError, Recipe
from lab.learn.write import lexicon_yaml
from rules.packs.load import load_pack
from rules.packs.model import FIELDS
from rules.screen import Screen
from rules.text import fold_batch
from streams.cli import warden
from tests.rules.making import post

PACK = """
pack: {name: p, version: "1"}
clauses:
  a.1: {title: {zh: 甲, en: A}, first: [suspend_account]}
ladders:
  only: {clauses: [a.1], window: 10d, grace: 1h, rungs: [{apply: first, for: 1d}]}
signals: {papers: {learned: papers}}
rules: {papers: {clause: a.1, when: papers >= 1}}
"""
PAPERS = ["毕业证", "身份证", "驾驶证", "营业执照", "发票", "学位证"]
OFFERS = ["代办", "办理", "代开", "制作", "专业办"]
ORDINARY = ["今天", "天气", "孩子", "吃饭", "下班", "电影", "公园", "周末", "学校", "丢了", "补办", "窗口", "提醒"]


def rows(count: int = 240) -> list[Row]:
    chance = random.Random(5)
    found = []
    for at in range(count):
        papers, offer = chance.choice(PAPERS), chance.choice(OFFERS)
        number = "".join(chance.choices("0123456789", k=9))
        words = "".join(chance.sample(ORDINARY, 4))
        found.append(
            Row(f"p{at}", "message", "made", ["a.1"], f"{offer}{papers}，联系13{number}{chance.choice(ORDINARY)}")
        )
        found.append(Row(f"b{at}", "post", "made", [], f"{words}，{chance.choice(PAPERS)}{chance.choice(ORDINARY)}"))
        found.append(Row(f"o{at}", "post", "made", ["b.2"], f"澳门{words}开户"))
    return found


def write_pack(folder: Path, lexicon: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pack.yaml").write_text(PACK, "utf-8")
    (folder / "papers.yaml").write_text(lexicon, "utf-8")
    return folder


def test_what_tells_the_clause_is_learned(tmp_path: Path) -> None:
    fitted = Learner(read_documents(rows())).fit(["a"], Recipe(ngrams=300, false_hits=50))
    assert fitted.recall > 0.95
    assert fitted.false_hits <= 100
    ngrams = fitted.parts[0][1]
    assert len(ngrams) == 300
    assert ngrams["代办"] > 0 > min(ngrams.get(word, 0) for word in ORDINARY)
    text = lexicon_yaml("papers", fitted, description='made "up"', trained={"rows": "1"})
    screen = Screen(load_pack(write_pack(tmp_path / "pack", text)))
    assert screen.facts(post(text="专业办理驾驶证，联系13612345678"))["papers"] >= 1
    assert screen.facts(post(text="周末学校提醒，身份证丢了去窗口补办"))["papers"] < 1


def test_the_engine_scores_as_the_learner_does(tmp_path: Path) -> None:
    """Written with few different weights, and read back, a lexicon still ranks texts as it was fitted."""
    fitted = Learner(read_documents(rows())).fit(["a.1"], Recipe(ngrams=400))
    pack = load_pack(write_pack(tmp_path / "pack", lexicon_yaml("papers", fitted, description="", trained={})))
    weights = fitted.parts[0][1]
    texts = [row.text for row in rows()][:60]
    folded = fold_batch(texts)
    exact = []
    for index in range(len(texts)):
        text = folded.text(index)
        present = {text[at : at + n] for n in range(1, 5) for at in range(len(text) - n + 1)} & weights.keys()
        exact.append(fitted.bias + sum(weights[ngram] for ngram in present) / max(1, len(present)) ** 0.5)
    scorer = Screen(pack)._scorer.learned
    events, fields = np.arange(len(texts)), np.full(len(texts), FIELDS.index("text"))
    scored = scorer.score(folded, events, fields, len(texts)).values[:, 0]
    assert scored == pytest.approx(np.maximum(exact, 0), abs=0.05 * max(map(abs, exact)))


def test_a_contrast_takes_only_what_stands_in_the_sources_of_the_clause(tmp_path: Path) -> None:
    """Texts of another source must not lend their words, and `length` must reach the file that a pack reads."""
    elsewhere = [Row(f"e{at}", "post", "elsewhere", [], f"球队主场{ORDINARY[at % 6]}获胜") for at in range(60)]
    documents = read_documents(rows() + elsewhere)
    labels = documents.labels(["a"])
    assert {documents.sources[at] for at in np.flatnonzero(labels.near)} == {"made"}
    fitted = Learner(documents).fit(["a"], Recipe(ngrams=300, false_hits=50, contrast=0.1, near=2, length=0.3))
    assert fitted.recall > 0.95
    ngrams = fitted.parts[0][1]
    assert ngrams["代办"] > 0
    assert not any("球" in ngram for ngram in ngrams)
    pack = load_pack(write_pack(tmp_path / "pack", lexicon_yaml("papers", fitted, description="", trained={})))
    assert pack.learned["papers"].length == 0.3
    assert Screen(pack).facts(post(text="专业办理驾驶证，联系13612345678"))["papers"] >= 1


def test_where_its_sources_have_nothing_benign_a_clause_is_near_everything_benign() -> None:
    mixed = [
        Row("1", "post", "x", ["a.1"], "办证"),
        Row("2", "post", "y", [], "天气"),
        Row("3", "post", "y", ["b.1"], "茶"),
    ]
    assert read_documents(mixed).labels(["a"]).near.tolist() == [False, True, False]


def test_titles_can_be_learned_on_their_own() -> None:
    chance = random.Random(3)
    made = []
    for at in range(80):
        body = "".join(chance.sample(ORDINARY, 6))
        made.append(Row(f"p{at}", "article", "made", ["a.1"], body, f"震惊！{chance.choice(ORDINARY)}竟然"))
        made.append(Row(f"b{at}", "article", "made", [], body, f"{chance.choice(ORDINARY)}通知"))
    fitted = Learner(read_documents(made)).fit(["a.1"], Recipe(ngrams=50, false_hits=100, titles=True))
    (title_fields, title), (_, whole) = fitted.parts
    assert "text" not in title_fields
    assert "title" in title_fields
    assert title["震惊"] > 0
    assert fitted.recall == 1
    assert not any("\0" in ngram for ngram in whole)


@pytest.mark.parametrize("clauses", [["z.9"], ["a.1"]])
def test_too_few_rows_are_refused(clauses: list[str]) -> None:
    few = [row for row in rows(100) if row.clauses] if clauses == ["a.1"] else rows(100)
    with pytest.raises(LearnError, match="are needed"):
        Learner(read_documents(few)).fit(clauses, Recipe())


def test_the_command_writes_a_file_that_a_pack_reads(tmp_path: Path) -> None:
    labelled = tmp_path / "rows.jsonl"
    labelled.write_text(
        "\n".join(
            json.dumps({"id": r.id, "task": r.task, "source": r.source, "clauses": r.clauses, "text": r.text})
            for r in rows()
        ),
        "utf-8",
    )
    folder = write_pack(tmp_path / "pack", "")
    out = folder / "papers.yaml"
    asked = ["learn", str(labelled), "--clause", "a.1", "--out", str(out), "--ngrams", "300", "--json"]
    done = CliRunner().invoke(warden, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["ngrams"] == 300
    assert told["cross_validated"]["recall"] > 0.9
    lexicon = load_pack(folder).learned["papers"]
    assert len(lexicon.parts[0].ngrams) == 300
    assert "# " not in out.read_text("utf-8").split("ngrams:")[0]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    labelled = tmp_path / "rows.jsonl"
    labelled.write_text('{"id": "1", "task": "post", "source": "s", "clauses": [], "text": "好"}\n', "utf-8")
    done = CliRunner().invoke(warden, ["learn", str(labelled), "--clause", "a.1", "--out", str(tmp_path / "x.yaml")])
    assert done.exit_code == 1
    assert "0 rows are of the clause" in done.stderr
    assert not (tmp_path / "x.yaml").exists()


def test_written_rows_are_heeded_but_not_counted_in_the_scale() -> None:
    """Rows that were written to look like the clause do not raise what a value means, and pull their like below it."""
    written = [
        Row(f"w{at}", "post", "look_alike/offices", [], f"窗口代办{paper}，{word}请带身份证原件")
        for at, (paper, word) in enumerate((paper, word) for paper in PAPERS for word in ORDINARY)
    ]
    documents = read_documents([*rows(), *written])
    counted = Learner(documents).fit(["a"], Recipe(ngrams=300, false_hits=50))
    apart = Learner(documents).fit(["a"], Recipe(ngrams=300, false_hits=50, written=("look_alike/",)))
    heeded = Learner(documents).fit(["a"], Recipe(ngrams=300, false_hits=50, written=("look_alike/",), heed=5.0))
    assert apart.benign == counted.benign
    assert apart.recall >= counted.recall
    assert heeded.parts[0][1]["窗口"] < 0
