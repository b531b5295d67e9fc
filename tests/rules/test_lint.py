"""Remarks on a pack that works: nothing unused, unreachable or idle goes unseen, and nothing else is remarked on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.packs import load_pack
from rules.packs.lint import lint
from tests.rules.making import TINY


def remarks(folder: Path, *changes: tuple[str, str], more: str = "") -> list[str]:
    """What is said of the tiny pack with texts replaced, and another file beside it."""
    text = (TINY / "pack.yaml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "pack.yaml").write_text(text, "utf-8")
    if more:
        (folder / "more.yaml").write_text(more, "utf-8")
    return [remark.message for remark in lint(load_pack(folder), folder)]


def rule(name: str, fields: str) -> str:
    return f"rules:\n  {name}:\n    clause: links.1\n    {fields}\n    hits: [转发后解锁]\n    passes: [你好]\n"


def test_nothing_is_said_of_a_pack_that_means_what_it_says(tmp_path: Path) -> None:
    assert remarks(tmp_path) == []


def test_what_nothing_uses_is_named_where_it_stands(tmp_path: Path) -> None:
    more = (
        "lexicons:\n  spare: {words: [备用]}\n  used: {words: [词]}\n"
        "signals:\n  idle: {lexicon: used}\n"
        "lists:\n  l: {hosts: [a.example]}\n"
    )

    assert remarks(tmp_path, more=more) == [
        "lexicon 'spare' is used by no signal",
        "signal 'idle' is used by no rule",
        "list 'l' is used by no signal",
    ]
    places = [remark.place for remark in lint(load_pack(tmp_path), tmp_path)]
    assert [(Path(place.file).name, place.line) for place in places] == [
        ("more.yaml", 2),
        ("more.yaml", 5),
        ("more.yaml", 7),
    ]


def test_a_learned_lexicon_is_looked_at_as_well(tmp_path: Path) -> None:
    more = "learned:\n  spare: {ngrams: {1: 备用}}\n"

    assert remarks(tmp_path, more=more) == ["learned lexicon 'spare' is used by no signal"]


def test_a_protected_list_is_used_by_being_protected(tmp_path: Path) -> None:
    changes = (("    unless: own_host\n", ""), (', {type: share, url: "https://v.qq.com/x", title: 转发后解锁}', ""))

    assert remarks(tmp_path, *changes) == ["signal 'own_host' is used by no rule"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("[红包, 紅包]", "words that fold alike: 红包 = 紅包"),
        ("[红包, 红-包]", "words that fold alike: 红包 = 红-包"),
        ("[红包, ★红包]", "words that match only at the start or the end of a text: ★红包"),
        ("[红包~]", "words that match only at the start or the end of a text: 红包~"),
    ],
)
def test_words_that_add_nothing_or_are_hidden(tmp_path: Path, words: str, said: str) -> None:
    assert said in remarks(tmp_path, ("{words: [互推换量]}", f"{{words: [互推换量, {words[1:-1]}]}}"))


def test_many_words_are_counted(tmp_path: Path) -> None:
    words = ", ".join(f"★词{n}号" for n in range(9))

    (said,) = remarks(tmp_path, ("{words: [互推换量]}", f"{{words: [互推换量, {words}]}}"))

    assert said.endswith("★词4号 and 4 more")


def test_a_threshold_out_of_reach(tmp_path: Path) -> None:
    more = "lexicons:\n  w: {weighted: {甲乙: 1, 丙丁: 2}}\nsignals:\n  w: {lexicon: w, at_least: 4}\n"

    assert "signal 'w' never fires: all its words together weigh 3" in remarks(tmp_path, more=more)


def test_a_rule_that_is_never_true(tmp_path: Path) -> None:
    more = rule("sharing.never", "when: unlock and prize and not prize").replace("hits: [转发后解锁]", "mode: enforce")

    assert "sharing.never: the condition is never true" in remarks(tmp_path, more=more)


@pytest.mark.parametrize(
    ("fields", "idle"),
    [
        ("when: unlock and prize\n    unless: own_host", True),
        ("when: unlock and not own_host and recipients < 7", True),
        ("when: unlock and prize", False),
        ("when: unlock or prize", False),
        ("when: unlock and prize\n    unless: own_host\n    egregious_when: prize >= 3", False),
        ("when: unlock and prize\n    unless: own_host\n    charges: [ip]", True),
        ("when: unlock and prize\n    unless: own_host\n    mode: shadow", True),
    ],
)
def test_a_rule_in_the_shadow_of_another(tmp_path: Path, fields: str, idle: bool) -> None:
    said = remarks(tmp_path, more=rule("sharing.more", fields))

    message = "sharing.more adds nothing: sharing.unlock is true whenever it is, for the same clause"
    assert (message in said) is idle


def test_of_two_equal_rules_one_is_named(tmp_path: Path) -> None:
    said = remarks(tmp_path, more=rule("sharing.again", "when: unlock and not own_host"))

    assert len([message for message in said if "adds nothing" in message]) <= 1


def test_a_rule_that_another_refers_to_is_no_idle_one(tmp_path: Path) -> None:
    more = rule("sharing.more", "when: unlock and prize\n    unless: own_host") + (
        "  sharing.both: {clause: links.4, when: rules.sharing.more and phone, hits: [转发后解锁], passes: [你好]}\n"
    )

    assert not any("sharing.more adds nothing" in message for message in remarks(tmp_path, more=more))


def test_a_rule_that_is_off_is_not_looked_at(tmp_path: Path) -> None:
    said = remarks(tmp_path, more=rule("sharing.more", "when: unlock and prize\n    unless: own_host\n    mode: off"))

    assert not any("sharing.more" in message for message in said)
