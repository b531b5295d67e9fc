"""The known-good gate: what is fine stays unhit, or somebody has said why not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lab.files import CorpusError
from lab.known_good import Accepted, proposed_list, read_accepted, read_known_good, run_gate, text_hash
from rules.events import MassSend, Share
from rules.packs import SHIPPED, Pack, load_pack
from tests.lab.making import DATA, made_pack, row_of, write_jsonl
from tests.rules.making import post, share

KNOWN_GOOD = DATA / "known_good.jsonl"
ACCEPTED = DATA / "known_good_accepted.tsv"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return made_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_jsonl(
        tmp_path / "good.jsonl", [row_of("你好"), row_of("特价促销", id="ad"), row_of("可疑词", id="odd")]
    )


def test_every_hit_is_new_without_a_list_in_shadow_too(pack: Pack, good: Path) -> None:
    gate = run_gate(pack, read_known_good(good))

    assert (gate.texts, gate.ok) == (3, False)
    assert [(hit.rule, hit.mode, hit.key, hit.line, hit.quotes) for hit in gate.new] == [
        ("spam.advert", "enforce", "ad", 2, ["特价促销"]),
        ("doubtful", "shadow", "odd", 3, ["可疑词"]),
    ]


def test_what_is_accepted_by_id_or_by_text_is_not_new(pack: Pack, good: Path) -> None:
    hashed = text_hash(post("可疑词"))
    listed = [Accepted("spam.advert", "ad", "why not", 1), Accepted("doubtful", hashed, "seen", 2)]

    gate = run_gate(pack, read_known_good(good), listed)

    assert (gate.ok, len(gate.accepted), gate.stale) == (True, 2, [])


def test_an_entry_accepts_one_rule_only_and_goes_stale(pack: Pack, good: Path) -> None:
    listed = [Accepted("insult", "ad", "?", 1), Accepted("spam.advert", "gone", "?", 2)]

    gate = run_gate(pack, read_known_good(good), listed)

    assert not gate.ok
    assert gate.stale == listed


def test_a_line_is_a_row_an_event_or_a_text(tmp_path: Path) -> None:
    path = tmp_path / "good"
    event = {"type": "share", "id": "s", "account": "a", "time": "2026-01-01T00:00:00Z", "url": "https://a.example/",
             "scene": "chat"}  # fmt: skip
    lines = [
        json.dumps(row_of("一", task="message")),
        json.dumps(row_of("二", "links.6")),
        json.dumps(event),
        "三",
        "",
        "四",
    ]
    path.write_text("\n".join(lines), "utf-8")

    found = list(read_known_good(path))

    assert [(one.line, one.id) for one in found[:2]] == [(1, "row 一"), (3, "s")]
    assert isinstance(found[0].event, MassSend)
    assert isinstance(found[1].event, Share)
    assert [(one.line, one.event.text) for one in found[2:]] == [(4, "三"), (6, "四")]  # type: ignore[union-attr]
    assert found[2].id == text_hash(post("三"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "no labelled row and no event"),
        ('{"type": "poem"}', "type 'poem'"),
        ('{"type": "post", "id": "1"}', "missing required field"),
        ('{"text": "x"}', "missing required field"),
        (
            '{"type": "appeal", "id": "1", "subject": "account:a", "enforcement": "e", "verdict": "upheld",'
            ' "moderator": "m", "reason": "", "time": "2026-01-01T00:00:00Z"}',
            "a appeal has no content",
        ),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "good.jsonl"
    path.write_text("你好\n" + line, "utf-8")

    with pytest.raises(CorpusError, match=r"good\.jsonl:2: ") as error:
        list(read_known_good(path))

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# fine\n\nrule.a\tid\n", ":3: why may rule.a hit id"),
        ("rule.a\tid\t \n", ":1: why may"),
        ("rule.a id reason\n", ":1: an entry is rule, key and reason"),
        ("a\tb\tc\n\na\tb\td\n", ":3: a and b stand in line 1 already"),
    ],
)
def test_a_list_without_reasons_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "accepted.tsv"
    path.write_text(text, "utf-8")

    with pytest.raises(CorpusError) as error:
        read_accepted(path)

    assert problem in str(error.value)


def test_a_proposal_asks_for_the_reasons_that_are_missing(pack: Pack, good: Path, tmp_path: Path) -> None:
    listed = [Accepted("spam.advert", "ad", "a shop's own", 1), Accepted("insult", "gone", "?", 2)]
    path = tmp_path / "accepted.tsv"

    path.write_text(proposed_list(run_gate(pack, read_known_good(good), listed), listed), "utf-8")

    text = path.read_text("utf-8")
    assert "spam.advert\tad\ta shop's own\n" in text
    assert "insult" not in text
    with pytest.raises(CorpusError, match="why may doubtful hit text:"):
        read_accepted(path)
    path.write_text(text.replace(f"{text_hash(post('可疑词'))}\t", f"{text_hash(post('可疑词'))}\tseen"), "utf-8")
    assert run_gate(pack, read_known_good(good), read_accepted(path)).ok


def test_the_hash_follows_what_is_said() -> None:
    assert text_hash(post("x", id="1")) == text_hash(post("x", id="2", account="b"))
    assert text_hash(post("x")) != text_hash(post("y"))
    assert text_hash(post("y", title="x")) != text_hash(post("x", title="y"))
    assert text_hash(share("https://a.example/")) != text_hash(share("https://b.example/"))


def test_the_known_good_texts_are_many_and_varied() -> None:
    texts = list(read_known_good(KNOWN_GOOD))

    assert len(texts) >= 300
    assert len({text_hash(text.event) for text in texts}) == len({text.id for text in texts}) == len(texts)
    assert min(Counter(text.event.type for text in texts).values()) >= 10
    assert {text.event.type for text in texts} == {"post", "mass_send", "share"}


def test_no_rule_of_the_shipped_pack_hits_known_good_text() -> None:
    gate = run_gate(load_pack(SHIPPED), read_known_good(KNOWN_GOOD), read_accepted(ACCEPTED))

    assert gate.ok, "\n".join(f"{hit.rule} ({hit.mode}): {hit.text}: {hit.quotes}" for hit in gate.new)
