"""What a pack withstands: counted per kind of row, on rows that hit before."""

from collections import Counter

import msgspec
import pytest

from lab.corpus import Row
from lab.evasions import resistance
from lab.evasions.resistance import Disguise, Kept, Resistance, Trial, disguised, pairs, singles
from rules.packs import load_pack
from rules.packs.model import Pack
from tests.rules.making import TINY

ZERO_WIDTH = Disguise((("zero_width", 0.3),))
HOMOPHONES = Disguise((("homophones", 1.0),))
"""No rule can know what was meant when every character is another one."""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(TINY)


def row(name: str, text: str, *clauses: str) -> Row:
    return Row(id=name, task="post", source="own", clauses=list(clauses), text=text)


ROWS = [
    row("hit", "快来看，分享后查看答案", "links.1.1"),
    row("missed", "今天天气很好", "links.1.1"),
    row("other", "分享后查看答案", "links.4.1"),
    row("benign", "明天上午开会"),
    row("false", "转发后解锁"),
]


def run(pack: Pack, *disguises: Disguise) -> Resistance:
    trial = Trial(pack, ROWS)
    trial.run(disguises, limit=10, benign_limit=10)
    return trial.result


def test_only_rows_hit_for_their_own_group_count(pack: Pack) -> None:
    result = run(pack, ZERO_WIDTH)
    assert result.rows == len(ROWS)
    assert result.weights == {"links.1": 1}
    assert result.kept[ZERO_WIDTH].tried == {"links.1": 1}


def test_kept_and_lost(pack: Pack) -> None:
    result = run(pack, ZERO_WIDTH, HOMOPHONES)
    assert result.share([ZERO_WIDTH]) == 1.0
    assert result.share([HOMOPHONES]) == 0.0
    assert result.share([ZERO_WIDTH, HOMOPHONES]) == 0.5
    (loss,) = result.losses
    assert loss.disguise == "homophones"
    assert loss.rules == ["sharing.unlock"]
    assert loss.quotes == ["分享后查看答案"]
    assert loss.before == "快来看，分享后查看答案"
    assert loss.after != loss.before


def test_benign_rows_hit_before_are_not_added(pack: Pack) -> None:
    counts = run(pack, ZERO_WIDTH).benign[ZERO_WIDTH]
    assert (counts.tried, counts.before, counts.after, counts.added) == (2, 1, 1, 0)


def test_benign_rows_hit_only_in_disguise_are_added(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        resistance, "disguised", lambda row, *_: msgspec.structs.replace(row, text=row.text + "转发后解锁")
    )
    result = run(pack, ZERO_WIDTH)
    assert result.benign[ZERO_WIDTH].added == 1
    assert result.added_by_source == {"own": 1}
    (hit,) = result.false_hits
    assert hit.id == "benign"
    assert hit.rules == ["sharing.unlock"]


def test_shares_weigh_kinds_by_their_rows() -> None:
    kept = Kept()
    for hit in (True, False):
        kept.add("common", hit)
    kept.add("rare", kept=False)
    assert kept.share(Counter(common=3, rare=1)) == pytest.approx(0.375)
    assert Kept().share(Counter(common=3)) is None


def test_rows_without_anything_to_change_stay_themselves() -> None:
    digits = Disguise((("digits", 1.0),))
    assert disguised(ROWS[0], digits, 0) is not None
    assert disguised(ROWS[0], digits, 0) == ROWS[0]
    titled = msgspec.structs.replace(ROWS[0], title="第1名")
    assert disguised(titled, digits, 0).title != "第1名"


def test_every_technique_and_every_pair_at_several_strengths() -> None:
    assert [one.steps for one in singles(["full_width"])] == [(("full_width", s),) for s in (0.3, 0.6, 1.0)]
    found = pairs(["zero_width", "reversed", "initials"])
    assert [(one.name, one.harsh) for one in found[::3]] == [
        ("zero_width + reversed", False),
        ("zero_width + initials", True),
        ("reversed + initials", True),
    ]
    assert {strength for one in found for _, strength in one.steps[:1] if one.name.startswith("zero")} == {
        0.1,
        0.3,
        0.6,
    }
