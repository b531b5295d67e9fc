"""The cases beside the rules: a failing one, and a rule without any, do not go unnoticed."""

from __future__ import annotations

import pytest

from rules.packs import InvalidPackError, Pack, load_pack
from rules.packs.check import CheckResult, check_pack
from tests.rules.conftest import WritePack

BASE = """
    pack: {name: p, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}
    lexicons:
      words: {words: [红包]}
      secret: {operator: true, test_words: [虚构词]}
    signals:
      packet: {lexicon: words}
      secret: {lexicon: secret}
      often: {behaviour: count, of: post, within: 1h}
    """


def checked(write_pack: WritePack, rules: str) -> CheckResult:
    return check_pack(load_pack(write_pack(base=BASE, rules=rules)))


def test_the_tiny_pack_passes_its_own_cases(tiny: Pack) -> None:
    result = check_pack(tiny)
    assert result.ok
    assert result.cases == sum(result.cases_of.values()) == 15


def test_a_hit_that_misses_is_a_failure_at_its_place(write_pack: WritePack) -> None:
    result = checked(write_pack, "rules: {r: {clause: links.1, when: packet, hits: [红包, 红色], passes: [无]}}")
    assert [str(failure) for failure in result.failures] == ["pack/rules.yaml:1:55: r: must hit but does not: '红色'"]
    assert not result.ok


def test_a_pass_that_hits_is_a_failure_that_names_what_fired(write_pack: WritePack) -> None:
    result = checked(write_pack, "rules: {r: {clause: links.1, when: packet, hits: [红包], passes: [红 包]}}")
    assert [str(failure) for failure in result.failures] == [
        "pack/rules.yaml:1:65: r: must not hit but does: '红 包'; fired: r"
    ]


@pytest.mark.parametrize("cases", ["hits: [红包]", "passes: [无]", "notice: {zh: 一, en: one}"])
def test_a_rule_without_hits_or_without_passes_is_untested(write_pack: WritePack, cases: str) -> None:
    result = checked(write_pack, f"rules: {{r: {{clause: links.1, when: packet, {cases}}}}}")
    assert (result.untested, result.ok) == (["r"], False)


def test_a_rule_that_is_off_has_no_cases_to_run(write_pack: WritePack) -> None:
    result = checked(write_pack, "rules: {r: {clause: links.1, when: packet, mode: 'off', hits: [无]}}")
    assert (result.cases, result.untested, result.ok) == (0, [], True)


def test_a_rule_in_shadow_is_tested_like_any(write_pack: WritePack) -> None:
    result = checked(write_pack, "rules: {r: {clause: links.1, when: packet, mode: shadow, hits: [无], passes: [无]}}")
    assert len(result.failures) == 1


def test_of_a_repeated_event_the_last_is_judged(write_pack: WritePack) -> None:
    rules = """
    rules:
      r:
        clause: links.1
        when: often >= 3
        hits: [{text: a, repeat: 3, every: 10m}]
        passes: [{text: a, repeat: 2, every: 10m}, {text: a, repeat: 3, every: 1h}]
    """
    assert checked(write_pack, rules).ok


def test_cases_do_not_know_of_each_other(write_pack: WritePack) -> None:
    rules = """
    rules:
      r:
        clause: links.1
        when: often >= 3
        hits: [{text: a, repeat: 3, every: 1s}]
        passes: [a, a, a, {text: a, repeat: 2, every: 1s}]
    """
    assert checked(write_pack, rules).ok


def test_an_operators_lexicon_is_tested_with_its_made_up_words(write_pack: WritePack) -> None:
    rules = "rules: {r: {clause: links.1, when: secret, hits: [虚构词], passes: [真词]}}"
    pack = load_pack(write_pack(base=BASE, rules=rules), {"secret": ["真词"]})
    assert check_pack(pack).ok
    assert pack.lexicons["secret"].words == {"真词": 1.0}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{text: 5}", "Expected `str`"),
        ("{text: [a]}", "Expected `str`"),
        ("{text: 2016-01-01}", "Expected `str`"),
        ("{type: share, scene: shop}", "Invalid enum value"),
        ("{type: mass_send, recipients: -1}", "Expected `int` >= 0"),
    ],
)
def test_a_case_that_is_no_valid_event_is_an_error_at_its_place(write_pack: WritePack, case: str, message: str) -> None:
    rules = f"rules: {{r: {{clause: links.1, when: packet, hits: [{case}]}}}}"
    with pytest.raises(InvalidPackError) as caught:
        checked(write_pack, rules)
    (error,) = caught.value.errors
    assert (str(error.place), message in error.message) == ("pack/rules.yaml:1:51", True)


def test_every_case_that_is_no_valid_event_is_named(write_pack: WritePack) -> None:
    with pytest.raises(InvalidPackError) as caught:
        checked(write_pack, "rules: {r: {clause: links.1, when: packet, hits: [{text: 5}, a, {text: 6}]}}")
    assert [error.place.column for error in caught.value.errors] == [51, 65]


CROWD = """
    rules:
      r:
        clause: links.1
        when: packet
        crowd: {same: text, distinct: account, at_least: 3, within: 1h}
        hits:
          - {text: "发红包啦，大家快来抢，手快有手慢无 {n}", repeat: 3, accounts: 3, every: 1m}
          - - {text: 发红包啦，大家快来抢，手快有手慢无, account: a}
            - {text: 发红包啦，大家快来抢，手快有手慢无, account: b}
            - {text: 发红包啦，大家快来抢，手快有手慢无, account: c, after: 10m}
        passes:
          - 发红包啦，大家快来抢，手快有手慢无
          - {text: 发红包啦，大家快来抢，手快有手慢无, repeat: 9, every: 1m}
          - {text: 发红包啦，大家快来抢，手快有手慢无, repeat: 2, accounts: 2, every: 1m}
          - - {text: 发红包啦，大家快来抢，手快有手慢无, repeat: 2, accounts: 2}
            - {text: 发红包啦，大家快来抢，手快有手慢无, account: late, after: 2h}
    """


def test_a_case_may_have_several_accounts_and_cases_do_not_meet(write_pack: WritePack) -> None:
    result = checked(write_pack, CROWD)
    assert (result.ok, result.cases) == (True, 6), result.failures


def test_in_a_case_of_several_events_accounts_keep_their_names_towards_each_other(write_pack: WritePack) -> None:
    rules = """
    rules:
      r:
        clause: links.1
        when: packet
        ring: {within: 1d}
        hits:
          - - {type: mass_send, text: 红包, account: a, promotes: [b]}
            - {type: mass_send, text: 红包, account: b, promotes: [a]}
        passes:
          - - {type: mass_send, text: 红包, account: a, promotes: [c]}
            - {type: mass_send, text: 红包, account: b, promotes: [a]}
    """
    assert checked(write_pack, rules).ok


TWO_CLAUSES = (
    BASE.replace(
        "      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}\n",
        "      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread]}\n"
        "      links.2: {title: {zh: 关注, en: following}, first: [stop_spread]}\n",
    )
    .replace("      words: {words: [红包]}", "      words: {words: [红包]}\n      loud: {words: [快来]}")
    .replace("      packet: {lexicon: words}", "      packet: {lexicon: words}\n      loud: {lexicon: loud}")
)


def crossed(write_pack: WritePack, first: str, second: str) -> CheckResult:
    """Two rules of two clauses, with these cases beside what they must have."""
    rules = f"""
    rules:
      a: {{clause: links.1, when: packet, {first}}}
      b: {{clause: links.2, when: loud, {second}}}
    """
    return check_pack(load_pack(write_pack(base=TWO_CLAUSES, rules=rules)))


def test_a_pass_that_breaks_another_rule_is_named_at_its_place(write_pack: WritePack) -> None:
    result = crossed(write_pack, "hits: [红包], passes: [无, 快来看]", "hits: [快来], passes: [无]")

    (found,) = result.innocents
    assert (found.rule, found.expected, found.text, found.others) == ("a", False, "快来看", ("b",))
    assert str(found.place) == "pack/rules.yaml:2:62"
    assert (result.ok, result.overlaps, result.stale) == (True, [], [])


def test_a_pass_that_says_what_it_breaks_is_fine(write_pack: WritePack) -> None:
    result = crossed(write_pack, "hits: [红包], passes: [{text: 快来看, also: [b]}]", "hits: [快来], passes: [无]")

    assert (result.innocents, result.stale) == ([], [])


def test_a_name_in_also_that_is_not_broken_is_stale(write_pack: WritePack) -> None:
    result = crossed(write_pack, "hits: [红包], passes: [{text: 看, also: [b]}]", "hits: [快来], passes: [无]")

    (found,) = result.stale
    assert (found.rule, found.others) == ("a", ("b",))


def test_a_hit_that_breaks_another_clause_is_an_overlap(write_pack: WritePack) -> None:
    result = crossed(write_pack, "hits: [红包快来], passes: [无]", "hits: [快来], passes: [无]")

    assert [(found.rule, found.expected, found.others) for found in result.overlaps] == [("a", True, ("b",))]
    assert result.innocents == []


def test_rules_in_shadow_and_rules_that_are_off_break_nothing(write_pack: WritePack) -> None:
    for mode in ("shadow", "'off'"):
        result = crossed(write_pack, "hits: [红包], passes: [快来看]", f"mode: {mode}, hits: [快来], passes: [无]")
        assert result.innocents == []


def test_what_comes_before_the_event_that_decides_may_break_others(write_pack: WritePack) -> None:
    passes = "passes: [[快来看, {text: 看, after: 1m}]]"
    assert crossed(write_pack, f"hits: [红包], {passes}", "hits: [快来], passes: [无]").innocents == []


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{text: 看, also: [c]}", "`also` names 'c', which is no rule"),
        ("{text: 看, also: b}", "expected a list"),
        ("[{text: 看, also: [b]}, 看]", "`also` stands with an event that does not decide"),
    ],
)
def test_also_that_means_nothing_is_an_error(write_pack: WritePack, case: str, message: str) -> None:
    with pytest.raises(InvalidPackError, match=message):
        crossed(write_pack, f"hits: [红包], passes: [{case}]", "hits: [快来], passes: [无]")
