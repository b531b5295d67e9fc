"""The shipped policy: every clause of both source documents is enforced as they say, and its cases hold."""

from __future__ import annotations

import pytest

from rules.packs import SHIPPED, Pack, load_pack
from rules.packs.check import check_pack

FIRST = {
    "links.1": {"stop_spread", "block_access", "suspend_share_api"},
    "links.2": {"stop_spread", "block_access"},
    "links.3": {"stop_spread", "block_access"},
    "links.4": {"ban_account", "ban_domain", "ban_ip"},
    "links.5": {"stop_spread", "block_access", "suspend_share_api"},
    "links.6": {"stop_spread", "block_access"},
    "links.7": {"stop_spread", "block_access"},
    "links.8": {"stop_spread", "block_access", "suspend_account"},
    "links.9": {"stop_spread", "block_access", "suspend_account"},
}
"""What the 2016 document says of a first violation, by group of clauses."""
LINKS = [
    *(f"links.1.{n}" for n in range(1, 5)),
    "links.2",
    "links.3",
    *(f"links.4.{n}" for n in range(1, 4)),
    "links.5",
    "links.6",
    "links.7.1",
    "links.7.2",
    "links.8",
    *(f"links.9.{n}" for n in range(1, 12)),
]
ACCOUNTS = [f"accounts.{n}" for n in range(1, 9)]
OPERATORS_OWN = {f"links.9.{n}" for n in (1, 2, 3, 4, 5, 6, 9, 10)}
"""Clauses whose words the operator supplies."""


@pytest.fixture(scope="module")
def pack() -> Pack:
    """The shipped pack."""
    return load_pack(SHIPPED)


def test_every_inline_case_holds_and_every_rule_has_both_kinds(pack: Pack) -> None:
    result = check_pack(pack)
    assert not result.failures, "\n".join(map(str, result.failures))
    assert not result.untested
    broken = [f"{case.place}: {case.rule} passes, {case.others} does not: {case.text}" for case in result.innocents]
    assert not broken, "\n".join(broken)
    assert not result.stale


def test_the_pack_has_the_clauses_of_both_documents_and_no_others(pack: Pack) -> None:
    assert sorted(pack.clauses) == sorted(LINKS + ACCOUNTS)


@pytest.mark.parametrize("clause", LINKS + ACCOUNTS)
def test_each_clause_has_a_rule_that_is_on(pack: Pack, clause: str) -> None:
    assert [rule.name for rule in pack.rules.values() if rule.clause == clause and rule.mode != "off"]


@pytest.mark.parametrize("clause", LINKS)
def test_first_sanctions_are_those_of_the_source(pack: Pack, clause: str) -> None:
    group = ".".join(clause.split(".")[:2])
    assert set(pack.clauses[clause].first) == FIRST[group]


def test_fraud_is_permanent_at_once(pack: Pack) -> None:
    for clause in ("links.4.1", "links.4.2", "links.4.3"):
        assert [rung.duration for rung in pack.ladder_of[clause].rungs] == [None]
        assert pack.ladder_of[clause].rungs[0].apply != "warn"


def test_an_alliance_alone_is_never_enforced(pack: Pack) -> None:
    modes = {rule.mode for rule in pack.rules.values() if rule.clause == "accounts.6"}
    assert modes == {"shadow"}


def test_clauses_processed_by_report_are_marked_so(pack: Pack) -> None:
    by_report = {clause.id for clause in pack.clauses.values() if clause.by_report}
    assert by_report == {"accounts.1", "accounts.2", "accounts.5"}


def test_words_on_matters_of_state_are_the_operators_own(pack: Pack) -> None:
    for rule in pack.rules.values():
        if rule.clause not in OPERATORS_OWN:
            continue
        lexicons = {getattr(pack.signals[name], "lexicon", None) for name in rule.when.triggers or ()}
        assert all(pack.lexicons[name].operator and not pack.lexicons[name].words for name in lexicons if name)
