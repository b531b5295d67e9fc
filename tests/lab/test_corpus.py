"""Labelled text: rows become the events their task says, and parts do not move."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.corpus import benign, event_of, group_of, groups_of, part_of, read_rows
from lab.files import CorpusError
from rules.events import MassSend, Post, Share
from tests.lab.making import CORPORA, row, row_of, write_jsonl


@pytest.mark.parametrize(
    ("clause", "group"),
    [
        ("links.1.3", "links.1"),
        ("links.2", "links.2"),
        ("links.4.2", "links.4"),
        ("links.7.1", "links.7.1"),
        ("links.7.2", "links.7.2"),
        ("links.8", "links.8"),
        ("links.9.11", "links.9.11"),
        ("links.9.1", "links.9.1"),
        ("accounts.3", "accounts.3"),
    ],
)
def test_clauses_are_grouped_as_they_are_scored(clause: str, group: str) -> None:
    assert group_of(clause) == group


def test_a_row_is_in_each_group_once() -> None:
    assert groups_of(row("x", "links.4.1", "links.4.2", "links.9.8")) == {"links.4", "links.9.8"}
    assert benign(row("x"))
    assert not benign(row("x", "links.6"))


def test_the_task_says_what_kind_of_event_a_row_was() -> None:
    message, post, title, article, page = (
        event_of(row("words", task=task, title="head" if task == "article" else ""))
        for task in ("message", "post", "title", "article", "page")
    )

    assert isinstance(message, MassSend)
    assert (message.text, message.recipients) == ("words", 1)
    assert isinstance(post, Post)
    assert post.text == "words"
    assert isinstance(title, Post)
    assert (title.text, title.title) == ("words", "")
    assert isinstance(article, Post)
    assert (article.title, article.text) == ("head", "words")
    assert isinstance(page, Share)
    assert page.page is not None
    assert page.page.text == "words"


def test_each_row_has_an_account_of_its_own() -> None:
    assert event_of(row("x", id="1")).account != event_of(row("x", id="2")).account
    assert event_of(row("x"), "me").account == "me"


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_files_are_read_gzipped_or_not(tmp_path: Path, name: str) -> None:
    path = write_jsonl(tmp_path / name, [row_of("一"), row_of("二", "links.6", title="题")])

    first, second = read_rows(path)

    assert (first.text, first.clauses, first.title) == ("一", [], "")
    assert (second.text, second.clauses, second.title) == ("二", ["links.6"], "题")


def test_a_gzipped_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(write_jsonl(tmp_path / "plain", [row_of("一")]).read_bytes()))

    assert [found.text for found in read_rows(path)] == ["一"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "1"}', "missing required field `task`"),
        ('{"id": "1", "task": "poem", "source": "s", "clauses": [], "text": "x"}', "Invalid enum value 'poem'"),
        ('{"id": "1", "task": "post", "source": "s", "clauses": "links.6", "text": "x"}', "Expected `array`"),
        (
            '{"id": "1", "task": "post", "source": "s", "clauses": [], "text": "' + "长" * 200_001 + '"}',
            "Expected `str` of length <= 200000",
        ),
        ("[]", "Expected `object`"),
        ("{", "no JSON object"),
        ("\x00", "no JSON object"),
        ('{"x": ' + "[" * 100_000, "no JSON object"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str, problem: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [row_of("一")])
    path.write_text(path.read_text("utf-8") + "\n" + line + "\n", "utf-8")

    with pytest.raises(CorpusError, match=r"rows\.jsonl:3: ") as error:
        list(read_rows(path))

    assert problem in str(error.value)


def test_files_that_cannot_be_read_are_explained(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(b"x" * 10_000)[:-40])

    with pytest.raises(CorpusError, match="No such file"):
        list(read_rows(tmp_path / "none"))
    with pytest.raises(CorpusError, match="damaged"):
        list(read_rows(damaged))
    with pytest.raises(CorpusError, match="directory"):
        list(read_rows(tmp_path))


def test_texts_of_one_template_are_in_one_part() -> None:
    template = "您好，您的快递{}已滞留，请于{}点前联系客服处理，逾期将退回发件方，电话{}"

    parts = {part_of(row(template.format(n, n % 24, 4000 + n), id=str(n))) for n in range(200)}

    assert len(parts) == 1


@given(st.text(max_size=100))
def test_the_part_follows_from_the_letters_alone(text: str) -> None:
    spaced = " ".join(text)

    assert part_of(row(text, id="a")) in {"train", "kept_out"}
    if any(map(str.isalpha, text)):
        assert part_of(row(text, id="a")) == part_of(row(f"1{spaced}!", "links.6", id="b"))


def test_a_quarter_is_kept_out() -> None:
    letters = [chr(0x4E00 + n) + chr(0x5E00 + 7 * n % 3000) for n in range(4000)]
    parts = Counter(part_of(row(text)) for text in letters)

    assert 0.22 < parts["kept_out"] / 4000 < 0.28


@pytest.mark.skipif(not CORPORA.exists(), reason=f"the development corpora are not at {CORPORA}")
def test_the_development_corpus_is_read_whole() -> None:
    rows = list(read_rows(CORPORA / "labelled.jsonl.gz"))

    assert len(rows) > 30_000
    assert {found.task for found in rows} == {"message", "post", "title", "article", "page"}
    kept_out = Counter(part_of(found) for found in rows if not benign(found))
    assert 0.2 < kept_out["kept_out"] / kept_out.total() < 0.3
