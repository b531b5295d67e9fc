"""Packs made of packs: what is included, what an override changes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from rules.packs import SHIPPED, InvalidPackError, Pack, load_pack
from rules.packs.check import check_pack
from rules.packs.model import Protected, Quota

BASE = """
    pack: {name: base, version: "7"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread], egregious: [ban_account]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}
    lexicons:
      words: {weighted: {红包: 1, 中奖: 2}}
      secret: {operator: true, test_words: [虚构词]}
    lists:
      own: {hosts: [qq.com, wechat.com]}
    signals:
      packet: {lexicon: words, at_least: 2}
    rules:
      fraud.packet: {clause: links.1, when: packet, hits: [中奖], passes: [红色]}
      fraud.big: {clause: links.1, when: packet >= 3, hits: [红包中奖], passes: [中奖]}
      other: {clause: links.1, when: packet, hits: [中奖], passes: [红色]}
    """
OURS = """
    include: ../base
    pack: {name: ours, version: "1"}
    """

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files by path below a folder; returns the folder `ours`."""

    def make(files: Mapping[str, str]) -> Path:
        for name, text in {"base/pack.yaml": BASE, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), "utf-8")
        return tmp_path / "ours"

    return make


def ours(write: Write, override: str = "", **more: str) -> Pack:
    return load_pack(write({"ours/pack.yaml": OURS, "ours/override.yaml": override, **more}))


def the_error(write: Write, override: str, **more: str) -> str:
    with pytest.raises(InvalidPackError) as caught:
        ours(write, override, **more)
    assert len(caught.value.errors) == 1, str(caught.value)
    return str(caught.value)


def test_an_included_pack_is_part_of_the_pack_and_decisions_cite_both(write: Write) -> None:
    pack = ours(write)
    assert list(pack.rules) == ["fraud.packet", "fraud.big", "other"]
    assert (pack.name, pack.version, pack.label) == ("ours", "1", "ours@1+base@7")
    assert check_pack(pack).ok


def test_the_shipped_pack_is_included_by_its_name(write: Write) -> None:
    pack = load_pack(write({"ours/pack.yaml": 'include: wechat\npack: {name: ours, version: "1"}'}))
    shipped = load_pack(SHIPPED)
    assert pack.rules.keys() == shipped.rules.keys()
    assert pack.label == f"ours@1+{shipped.label}"


def test_a_rule_is_turned_to_shadow_and_keeps_the_rest(write: Write) -> None:
    pack = ours(write, "override: {rules: {fraud.big: {mode: shadow, notice: {zh: 一, en: one}}}}")
    rule = pack.rules["fraud.big"]
    assert (rule.mode, rule.notice.en, rule.when.source) == ("shadow", "one", "packet >= 3")
    assert [rule.mode for rule in pack.rules.values()] == ["enforce", "shadow", "enforce"]


def test_a_star_stands_for_several_rules_and_one_name_wins_over_it(write: Write) -> None:
    override = """
    override:
      rules:
        fraud.packet: {mode: enforce}
        'fraud.*': {mode: shadow}
    """
    modes = {name: rule.mode for name, rule in ours(write, override).rules.items()}
    assert modes == {"fraud.packet": "enforce", "fraud.big": "shadow", "other": "enforce"}


def test_a_key_is_taken_away_with_a_tilde(write: Write) -> None:
    pack = ours(write, "override: {signals: {packet: {at_least: ~}}}")
    assert pack.signals["packet"].at_least == 0  # type: ignore[union-attr]


def test_words_are_added_replaced_and_removed(write: Write) -> None:
    override = """
    override:
      lexicons:
        words:
          remove: [红包]
          add:
            weighted: {中奖: 5}
            words: [抽奖, {word: 奖品, whole: true}]
            groups: {more: {words: [免费]}}
    """
    lexicon = ours(write, override).lexicons["words"]
    assert lexicon.words == {"中奖": 5, "抽奖": 1, "奖品": 1, "免费": 1}
    assert lexicon.groups == {"more"}


def test_words_may_be_added_as_a_plain_list(write: Write) -> None:
    lexicon = ours(write, "override: {lexicons: {words: {add: [抽奖]}}}").lexicons["words"]
    assert lexicon.words == {"红包": 1, "中奖": 2, "抽奖": 1}


def test_hosts_are_added_and_removed(write: Write) -> None:
    pack = ours(write, "override: {lists: {own: {add: [a.example], remove: [qq.com], protected: true}}}")
    assert pack.lists["own"].hosts == {"wechat.com", "a.example"}
    assert pack.lists["own"].protected


def test_clauses_and_ladders_can_be_overridden(write: Write) -> None:
    override = """
    override:
      clauses: {links.1: {first: [block_access]}}
      ladders: {all: {window: 90d}}
    """
    pack = ours(write, override)
    assert pack.clauses["links.1"].first == ("block_access",)
    assert pack.ladders["all"].window == 90 * 86_400_000


def test_limits_can_be_overridden_quota_by_quota_and_key_by_key(write: Write) -> None:
    limits = """
    limits:
      quotas:
        rules: {each: rule, per: hour, at_most: 100, only: [fraud]}
        day: {each: all, per: day, at_most: 1000}
        gone: {each: clause, per: hour, at_most: 10}
      protected: {accounts: [ann], followers: 5000, networks: [192.0.2.0/24]}
    """
    override = """
    override:
      limits:
        quotas:
          rules: {at_most: 7, only: ~}
          gone: ~
          new: {each: all, per: hour, at_most: 3}
        protected: {accounts: [ben], networks: ~}
    """
    found = ours(write, override, **{"base/limits.yaml": limits}).limits
    assert {quota.name: quota for quota in found.quotas} == {
        "rules": Quota("rules", "rule", "hour", 7),
        "day": Quota("day", "all", "day", 1000),
        "new": Quota("new", "all", "hour", 3),
    }
    assert found.protected == Protected(accounts=frozenset({"ben"}), followers=5000)


def test_overrides_add_up_over_several_packs(write: Write) -> None:
    more = {
        "mid/pack.yaml": """
        include: [../base]
        pack: {name: mid, version: "2"}
        override:
          lexicons: {words: {add: [抽奖]}}
          rules: {other: {mode: shadow}}
        """
    }
    top = """
    include: ../mid
    pack: {name: ours, version: "1"}
    override: {lexicons: {words: {add: [免费], remove: [抽奖]}}, rules: {other: {charges: [link]}}}
    """
    pack = load_pack(write({**more, "ours/pack.yaml": top}))
    assert pack.lexicons["words"].words == {"红包": 1, "中奖": 2, "免费": 1}
    assert (pack.rules["other"].mode, pack.rules["other"].charges) == ("shadow", {"link"})
    assert pack.label == "ours@1+base@7+mid@2"


def test_what_two_packs_include_is_read_once(write: Write) -> None:
    mid = 'include: ../base\npack: {{name: {0}, version: "1"}}\nlexicons: {{{0}: {{words: [a]}}}}'
    top = 'include: [../a, ../b, ../base]\npack: {name: ours, version: "1"}'
    pack = load_pack(write({"a/p.yaml": mid.format("a"), "b/p.yaml": mid.format("b"), "ours/pack.yaml": top}))
    assert pack.label == "ours@1+base@7+a@1+b@1"


def test_a_single_file_can_be_included(write: Write) -> None:
    pack = ours(write, "include: ../common/words.yaml", **{"common/words.yaml": "lexicons: {more: {words: [a]}}"})
    assert set(pack.lexicons) == {"words", "secret", "more"}


ERRORS = [
    ("include: ../nowhere", "ours/override.yaml:1:10: there is no file or folder '../nowhere'", "looked for"),
    ("include: wechatt", "1:10: no pack is shipped as 'wechatt'", "did you mean 'wechat'? A folder beside"),
    ("include: ./pack.yaml", "1:10: './pack.yaml' is read anyway", "every *.yaml"),
    ("include: ../ours", "1:10: packs include each other in a circle", "ours → ../ours"),
    ("include: ..", "1:10: packs include each other in a circle", "ours → .."),
    ("include: ../base/readme.txt", "1:10: '../base/readme.txt' is no YAML file", "*.yaml"),
    ("include: [a: b]", "1:11: expected a text, found keys and values", ""),
    ("includes: ../base", "1:1: unknown key 'includes'", "did you mean 'include'?"),
    ("override: [rules]", "1:11: expected keys and values, found a list", ""),
    ("override: {rule: {}}", "1:12: unknown key 'rule'", "did you mean 'rules'?"),
    ("override: {rules: {fraud.pocket: {mode: off}}}", "there is no 'fraud.pocket' among the rules", "'fraud.packet'"),
    ("override: {rules: {'x.*': {mode: off}}}", "there is no 'x.*' among the rules that are included", ""),
    ("override: {lexicons: {'w*': {add: [a]}}}", "there is no 'w*' among the lexicons", "known here: secret, words"),
    ("override: {rules: {other: {moed: shadow}}}", "1:28: unknown key 'moed'", "did you mean 'mode'?"),
    ("override: {rules: {other: shadow}}", "1:27: expected keys and values, found 'shadow'", ""),
    ("override: {rules: {other: {when: pocket}}}", "1:34: unknown name 'pocket'", "did you mean 'packet'?"),
    ("override: {lexicons: {words: {remove: [红花]}}}", "1:40: '红花' is not in the lexicon", "known here: 中奖, 红包"),
    ("override: {lexicons: {words: {add: {word: [a]}}}}", "1:37: unknown key 'word'", "did you mean 'words'?"),
    ("override: {lexicons: {words: {add: [a, a]}}}", "1:40: 'a' is in the lexicon twice", "first at"),
    ("override: {lists: {own: {remove: [q.com]}}}", "1:35: 'q.com' is not in the list", "did you mean 'qq.com'?"),
    ("override: {lists: {own: {add: ['*.com']}}}", "1:32: '*.com' is no host name", "no wildcard"),
    ("override: {signals: {packet: {add: [a]}}}", "1:31: unknown key 'add'", ""),
    (
        "rules: {other: {clause: links.1, when: packet}}",
        "1:9: 'other' is included, from base/pack.yaml:16:3",
        "`override:`",
    ),
]


@pytest.mark.parametrize(("text", "message", "hint"), ERRORS, ids=[row[0] for row in ERRORS])
def test_what_cannot_be_included_or_overridden_is_refused_where_it_stands(
    write: Write, text: str, message: str, hint: str
) -> None:
    found = the_error(write, text, **{"base/readme.txt": "no pack"})
    assert message in found
    assert hint in found


def test_an_override_of_ones_own_is_refused(write: Write) -> None:
    own = "lexicons: {mine: {words: [a]}}\noverride: {lexicons: {mine: {add: [b]}}}"
    assert "there is no 'mine' among the lexicons that are included" in the_error(write, own)


def test_without_an_include_there_is_nothing_to_override(write: Write) -> None:
    folder = write({"ours/a.yaml": dedent(BASE) + "override: {rules: {other: {mode: shadow}}}"})
    with pytest.raises(InvalidPackError, match="nothing is included"):
        load_pack(folder)


def test_the_same_name_is_overridden_once(write: Write) -> None:
    two = {"ours/two.yaml": "override: {rules: {other: {mode: 'off'}}}"}
    found = the_error(write, "override: {rules: {other: {mode: shadow}}}", **two)
    assert "ours/two.yaml:1:20: 'other' is overridden twice" in found
    assert "first at ours/override.yaml:1:20" in found


def test_only_what_a_pack_includes_itself_can_it_override(write: Write) -> None:
    more = {"side/pack.yaml": "override: {rules: {other: {mode: shadow}}}\nlexicons: {s: {words: [a]}}"}
    assert "nothing is included" in the_error(write, "include: ../side", **more)


def test_a_circle_over_several_packs_is_named(write: Write) -> None:
    more = {"a/p.yaml": "include: ../b", "b/p.yaml": "include: ../ours"}
    found = the_error(write, "include: ../a", **more)
    assert "b/p.yaml:1:10: packs include each other in a circle\n    ours → a → b → ../ours" in found


def test_an_error_in_what_is_included_is_at_its_place_there(write: Write) -> None:
    assert "base/more.yaml:1:24: unknown lexicon 'wrods'" in the_error(
        write, "", **{"base/more.yaml": "signals: {s: {lexicon: wrods}}"}
    )


def test_a_pack_that_includes_needs_a_name_of_its_own(write: Write) -> None:
    with pytest.raises(InvalidPackError, match="no name or no version"):
        load_pack(write({"ours/pack.yaml": "include: ../base"}))


def test_yml_files_are_an_error_and_not_left_out(write: Write) -> None:
    assert "ours/more.yml:1:1: a pack's files are called *.yaml\n    rename it to more.yaml" in the_error(
        write, "", **{"ours/more.yml": "rules: {}"}
    )
