"""The operator's words as records: what is taken in, how they come together with the lists, and what a change does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rules.packs import Pack, load_pack
from rules.screen import Screen
from rules.words import Word
from streams import operator_words
from streams.metrics import Metrics
from streams.operator_words import Following, OperatorWords, WordRecord, listed
from streams.packs_in_force import PacksInForce
from streams.settings import Settings

PACK = """
pack: {name: p, version: "1"}
clauses: {links.9.1: {title: {zh: 九, en: nine}, first: [stop_spread]}}
ladders: {l: {clauses: [links.9], window: 180d, grace: 1h, rungs: [{apply: first}]}}
lexicons: {one: {operator: true, test_words: [虚构词]}}
signals: {first: {lexicon: one}}
rules: {named: {clause: links.9.1, when: first, hits: [虚构词], passes: [你好]}}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.yaml").write_text(PACK, "utf-8")
    return load_pack(tmp_path)


def record(key: str | None, value: bytes | None = b"{}", offset: int = 0, timestamp: int = 1_000) -> Any:
    return SimpleNamespace(
        topic="words", partition=0, offset=offset, key=None if key is None else key.encode(), value=value, headers=(),
        timestamp=timestamp,
    )  # fmt: skip


def taken(*records: Any) -> OperatorWords:
    words = OperatorWords()
    for each in records:
        words.apply(each)
    return words


def test_the_newest_record_of_a_word_counts_and_a_tombstone_takes_it_away() -> None:
    words = taken(
        record("one/乙"),
        record("one/甲", b'{"weight": 2, "pinyin": true}', 1),
        record("one/丙", offset=2),
        record("one/甲", b'{"weight": 3, "fold": false, "group": "g"}', 3),
        record("one/丙", None, 4),
        record("two/a/b", offset=5),
    )
    assert words.of("one") == [Word("乙"), Word("甲", 3.0, "g", fold=False)]
    assert words.of("two") == [Word("a/b")]
    assert (len(words), words.positions) == (3, {("words", 0): 6})


def test_a_wrong_record_takes_the_word_away_and_a_right_one_mends_it(pack: Pack) -> None:
    words = taken(record("one/甲"), record("one/甲", b"[]", 7))
    assert words.of("one") == []
    assert [problem.partition(":")[0] for problem in words.problems(pack)] == [
        "words, partition 0, offset 7 is no word"
    ]
    words.apply(record("one/甲"))
    assert (words.of("one"), words.problems(pack)) == ([Word("甲")], [])


@pytest.mark.parametrize("value", [b"", b"\xff", b"null", b'{"weight": "2"}', b'{"weigth": 2}', b"[" * 100_000])
def test_no_record_stops_the_reading(pack: Pack, value: bytes) -> None:
    words = taken(
        record("one/甲", value), record(None), record("", value), record("\u200b"), record("one/" + "x" * 100)
    )
    assert len(words) == 0
    assert all("\n" not in problem and len(problem) < 400 for problem in words.problems(pack))


def test_words_of_the_topic_stand_beside_those_of_the_lists_and_win_over_them(pack: Pack) -> None:
    own = pack.with_words({"one": [Word("甲", 5.0), Word("乙")]})
    words = taken(record("one/甲", b'{"weight": 2}'), record("one/丙"), record("three/丁"))
    merged = words.merged(own)
    assert set(merged.lexicons["one"].entries) == {Word("甲", 2.0), Word("乙"), Word("丙")}
    assert merged.label != own.label != pack.label
    assert [(row["word"], row["weight"], row["from"]) for row in listed(own, words)] == [
        ("丙", 1.0, "topic"),
        ("乙", 1.0, "list"),
        ("甲", 2.0, "topic"),
    ]
    assert words.problems(own) == [f"the pack {own.label} has no operator lexicon 'three': known here: one"]


def test_a_record_says_all_that_a_word_has_besides_its_text() -> None:
    assert WordRecord.__struct_fields__ == Word._fields[1:]


def follow(
    monkeypatch: pytest.MonkeyPatch,
    pack: Pack,
    fetches: list[list[Any]],
    *,
    words: OperatorWords | None = None,
    metrics: Metrics | None = None,
) -> list[tuple[str, Screen]]:
    """What a worker is given to judge with, as these fetches come in."""
    used: list[tuple[str, Screen]] = []
    words = OperatorWords() if words is None else words
    packs = PacksInForce(pack, words=words)

    class Recording:
        """The packs in force, which note down what is put in force."""

        packs = property(lambda _: packs.packs)
        labels = property(lambda _: packs.labels)

        async def use_words(self) -> None:
            await packs.use_words()
            screen = packs.current.live
            used.append((packs.labels[0], screen))

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[Any]:
        yield SimpleNamespace(assignment=list)

    async def changes(_: object) -> AsyncIterator[list[Any]]:
        for fetch in fetches:
            yield fetch

    monkeypatch.setattr(operator_words, "opened", opened)
    monkeypatch.setattr(operator_words, "changes", changes)
    monkeypatch.setattr(operator_words, "QUIET_S", 0.0)
    following = Following(Settings(), Recording(), words, metrics or Metrics())
    asyncio.run(following.run())
    return used


def test_a_change_is_compiled_and_used_and_what_changes_nothing_is_not(
    monkeypatch: pytest.MonkeyPatch, pack: Pack
) -> None:
    used = follow(monkeypatch, pack, [[], [record("one/甲")], [record("one/甲")], [record("one/乙", None)], []])
    label = pack.with_words({"one": ["甲"]}).label
    assert [(found, screen.pack.label) for found, screen in used] == [(label, label)]


def test_words_that_cannot_be_compiled_leave_the_pack_in_use_and_are_logged(
    monkeypatch: pytest.MonkeyPatch, pack: Pack, caplog: pytest.LogCaptureFixture
) -> None:
    many = [record(f"one/{chr(0x3400 + n)}{chr(0x3400 + n + 1)}") for n in range(0, 20_000, 2)]
    with caplog.at_level(logging.ERROR):
        used = follow(monkeypatch, pack, [many, [record("one/甲")]])
    assert len(used) == 0
    assert "cannot be compiled, p@1 stays in use" in caplog.text


def test_each_problem_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, pack: Pack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        follow(monkeypatch, pack, [[record("one/甲", b"x")], [record("one/乙")], [record("one/丙")]])
    assert caplog.text.count("is no word") == 1


def exported(metrics: Metrics) -> dict[str, float]:
    """The samples about the operator's words."""
    lines = metrics.exposition().decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith("warden_operator_words"))
    return {name.removeprefix("warden_operator_words"): float(value) for name, value in samples}


def test_the_words_in_force_and_their_last_change_are_counted(monkeypatch: pytest.MonkeyPatch, pack: Pack) -> None:
    own, metrics = pack.with_words({"one": [Word("表一"), Word("表二")]}), Metrics()
    # Given a worker that starts with a word of the topic, and one for a lexicon that the pack does not have
    words = taken(record("one/甲", offset=3, timestamp=5_000), record("three/乙", offset=4, timestamp=4_000))
    follow(monkeypatch, own, [[]], words=words, metrics=metrics)
    assert exported(metrics) == {'{lexicon="one"}': 3, '_offset{partition="0"}': 5, "_changed_timestamp_seconds": 5.0}
    # When one more comes and another, that is also on the list, changes nothing
    follow(
        monkeypatch,
        own,
        [[record("one/丙", offset=5, timestamp=7_500)], [record("one/表一", offset=6, timestamp=8_000)]],
        words=words,
        metrics=metrics,
    )
    # Then both are in force
    assert exported(metrics) == {'{lexicon="one"}': 4, '_offset{partition="0"}': 7, "_changed_timestamp_seconds": 8.0}


def test_words_that_cannot_be_compiled_are_not_in_force(monkeypatch: pytest.MonkeyPatch, pack: Pack) -> None:
    metrics = Metrics()
    many = [record(f"one/{chr(0x3400 + n)}{chr(0x3400 + n + 1)}", offset=n) for n in range(0, 20_000, 2)]

    follow(monkeypatch, pack, [many], metrics=metrics)

    assert exported(metrics) == {'{lexicon="one"}': 0, "_changed_timestamp_seconds": 0}
