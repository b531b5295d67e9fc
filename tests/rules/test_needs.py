"""What must have fired, by type of event: rules about other types are never looked at."""

from collections.abc import Callable
from pathlib import Path

from rules.events import MassSend, Post, Share
from rules.needs import KIND, needs_by_type
from rules.packs import load_pack

PACK = """
pack: {name: needs, version: "1"}
clauses:
  c.1: {title: {zh: 一, en: one}, first: [ban_account]}
ladders: {all: {clauses: [c], window: 1d, grace: 1h, rungs: [{apply: first}]}}
lexicons:
  words: {words: [加群, 进群]}
  more: {words: [转发]}
signals:
  joins: {lexicon: words}
  passes_on: {lexicon: more}
  is_mass_send: {event: type, is: mass_send}
  is_share: {event: type, is: share}
  recommends: {event: promotes}
  overlay: {page: overlay}
rules:
  r.sends: {clause: c.1, when: is_mass_send and joins}
  r.both: {clause: c.1, when: (is_share and passes_on) or (is_mass_send and joins >= 2)}
  r.refers: {clause: c.1, when: is_mass_send and rules.r.both}
  r.field: {clause: c.1, when: recommends and passes_on}
  r.page: {clause: c.1, when: overlay and joins}
  r.not: {clause: c.1, when: joins and not is_share}
"""


def test_rules_about_other_types_need_what_never_fires(write_pack: Callable[..., Path]) -> None:
    needs = needs_by_type(load_pack(write_pack(pack=PACK)))
    post, share, mass_send = (
        {name: found[0] for name, found in needs[KIND[struct]].items()} for struct in (Post, Share, MassSend)
    )
    assert [post[f"r.{name}"] for name in ("sends", "both", "refers", "field")] == [{}, {}, {}, {}]
    assert share["r.both"] == {"passes_on": 0.0}
    assert share["r.sends"] == share["r.refers"] == share["r.field"] == {}
    assert set(mass_send["r.both"]) == {"joins"}
    assert mass_send["r.both"]["joins"] >= 2 - 1e-6
    assert set(mass_send["r.refers"]) <= {"joins", "is_mass_send"}
    assert mass_send["r.refers"]
    assert mass_send["r.field"]
    assert mass_send["r.page"] == {}
    assert set(post["r.page"]) <= {"overlay", "joins"}
    assert post["r.page"]
    # What is denied is no reason to leave a rule out.
    assert share["r.not"] == post["r.not"] == {"joins": 0.0}


def test_everything_that_must_have_fired_is_named(write_pack: Callable[..., Path]) -> None:
    needs = needs_by_type(load_pack(write_pack(pack=PACK)))[KIND[MassSend]]
    assert sorted(map(sorted, needs["r.sends"])) == [["is_mass_send"], ["joins"]]
    assert sorted(map(sorted, needs["r.not"])) == [["joins"]]
    assert {name for each in needs["r.field"] for name in each} == {"recommends", "passes_on"}
