"""`warden score`: figures for people and for scripts, and errors that name the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lab.corpus import part_of
from streams.cli import warden
from tests.lab.making import CORPORA, made_pack, row, row_of, write_jsonl

ROWS = [
    row_of("假红包", "links.4.1", task="message"),
    row_of("真红包", "links.4.2", task="message"),
    row_of("侮辱词", "links.7.2", "links.9.8", source="web"),
    row_of("特价促销 <b>[red]\x1b[2J", id="ad", source="shop"),
    row_of("你好", source="shop"),
    row_of("您好", task="title", source="news"),
]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    made_pack(folder)
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "rows.jsonl.gz", ROWS)


def run(pack: Path, *arguments: object) -> Result:
    return CliRunner().invoke(warden, ["score", "--pack", str(pack), *map(str, arguments)])


def report(pack: Path, *arguments: object) -> dict[str, Any]:
    result = run(pack, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_json_has_the_figures_under_fixed_names(pack: Path, labelled: Path) -> None:
    found = report(pack, labelled)

    assert found["clauses"] == {
        "links.4": {"n": 2, "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)},
        "links.6": {"n": 0, "precision": 0.0, "recall": None, "f1": None},
        "links.7.2": {"n": 1, "precision": None, "recall": 1.0, "f1": 0.0},
        "links.9.8": {"n": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0},
    }
    assert found["benign"] == {
        "n": 3,
        "false_positive_rate": pytest.approx(1 / 3),
        "by_source": {"news": 0.0, "shop": 0.5},
    }
    assert found["recall_by_source"] == {"made": 0.5, "web": 1.0}
    assert found["counts"]["links.6"]["on_benign"] == 1
    assert [example["id"] for example in found["false_hits"]] == ["ad"]
    assert [example["text"] for example in found["misses"]["links.4"]] == ["真红包"]
    assert found["pack"] == "made@1"


def test_people_see_tables_without_control_characters(pack: Path, labelled: Path) -> None:
    result = run(pack, labelled)

    assert result.exit_code == 0
    assert "links.4" in result.stdout
    assert "50.0 %" in result.stdout
    assert "33.333 %" in result.stdout
    assert "<b>[red]\\u001b[2J" in result.stdout
    assert "\x1b" not in result.stdout


def test_rows_can_be_selected(pack: Path, labelled: Path) -> None:
    assert report(pack, labelled, "--where", "source=shop")["benign"]["n"] == 2
    assert report(pack, labelled, "--where", "clause=links.4", "--where", "task=message")["rows"] == 2
    kept = [part_of(row(str(item["text"]))) for item in ROWS].count("kept_out")
    if kept:
        assert report(pack, labelled, "--part", "kept-out")["rows"] == kept
    assert report(pack, labelled, "--part", "train")["rows"] == len(ROWS) - kept


def test_examples_are_limited(pack: Path, labelled: Path) -> None:
    found = report(pack, labelled, "--examples", "0")

    assert (found["false_hits"], found["misses"]["links.4"]) == ([], [])


def test_hosts_and_pages_are_scored_the_same_way(pack: Path, labelled: Path, tmp_path: Path) -> None:
    hosts = write_jsonl(
        tmp_path / "hosts.jsonl",
        [
            {"id": "weixin-pay.example.com", "label": "bad_lookalike"},
            {"id": "mp.qq.com", "label": "official"},
            {"id": "news.example.org", "label": "benign"},
            {"id": "evil.example.net", "label": "bad"},
        ],
    )
    pages = write_jsonl(tmp_path / "pages.jsonl.gz", [{"id": "p", "label": "ordinary", "html": "<p>你好</p>"}])

    alone = report(pack, "--hosts", hosts)
    together = report(pack, labelled, "--hosts", hosts, "--pages", pages)

    assert alone["clauses"]["links.4"]["recall"] == 1.0
    assert alone["benign"] == {"n": 2, "false_positive_rate": 0.0, "by_source": {"benign": 0.0, "official": 0.0}}
    assert alone["hosts"]["labels"] == {
        "bad_lookalike": {"n": 1, "hits": 1, "rate": 1.0},
        "official": {"n": 1, "hits": 0, "rate": 0.0},
        "benign": {"n": 1, "hits": 0, "rate": 0.0},
        "bad": {"n": 1, "hits": 0, "rate": 0.0},
    }
    assert together["clauses"]["links.4"]["n"] == 2, "hosts do not mix with the labelled rows"
    assert together["hosts"]["clauses"] == alone["clauses"]
    assert together["pages"]["benign"]["by_source"] == {"ordinary": 0.0}
    assert "hosts: 4 rows" in run(pack, "--hosts", hosts).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give LABELLED, --hosts FILE or --pages FILE"),
        (("{rows}", "--where", "colour=red"), "'colour=red' is no FIELD=PATTERN; fields: id, task, source, clause"),
        (("{rows}", "--where", "source=none"), "no row to score matches"),
        (("{rows}", "--part", "half"), "'half' is not one of"),
        (("{rows}.none",), "rows.jsonl.gz.none: No such file or directory"),
        (("--hosts", "{rows}"), "rows.jsonl.gz:1: "),
        (("--pages", "{rows}"), "rows.jsonl.gz:1: "),
        (("{rows}", "--examples", "1001"), "1001 is not in the range"),
    ],
)
def test_what_cannot_be_scored_is_explained(
    pack: Path, labelled: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(pack, *(argument.replace("{rows}", str(labelled)) for argument in arguments))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr


def test_a_bad_row_is_named(pack: Path, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [*ROWS[:2], {"id": "x", "task": "poem"}])

    result = run(pack, path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{path}:3: " in result.stderr


@pytest.mark.skipif(not CORPORA.exists(), reason=f"the development corpora are not at {CORPORA}")
def test_the_development_corpora_are_scored_whole(pack: Path) -> None:
    arguments = (CORPORA / "labelled.jsonl.gz", "--hosts", CORPORA / "hosts.jsonl.gz", "--examples", "1")

    found = report(pack, *arguments)

    assert found["rows"] > 30_000
    assert found["benign"]["n"] > 20_000
    assert found["clauses"]["links.4"]["n"] > 3000
    assert sum(label["n"] for label in found["hosts"]["labels"].values()) == found["hosts"]["rows"] > 9000
