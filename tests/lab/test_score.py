"""Scores: what counts as a hit, a miss and a false hit."""

from __future__ import annotations

import pytest

from lab.labelled import of_hosts, of_pages, of_rows
from lab.score import Group, Score, score
from lab.sites import Host, SavedPage
from rules.packs import Pack
from tests.lab.making import made_pack, row

ARTICLE = """
<div id="js_article"><div class="rich_media_area_primary"><h1 class="rich_media_title" id="activity-name">标题</h1>
<div class="rich_media_meta_list"><a id="js_name">某号</a></div>
<div class="rich_media_content" id="js_content">正文</div></div></div>
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return made_pack(tmp_path_factory.mktemp("packs") / "made")


def scored(pack: Pack, *rows: object, examples: int = 5) -> Score:
    return score(pack, of_rows(rows), examples)  # type: ignore[arg-type]


def test_a_clause_of_the_same_group_is_a_hit(pack: Pack) -> None:
    found = scored(pack, row("假红包来了", "links.4.2"), row("真红包", "links.4.1")).groups["links.4"]

    assert (found.n, found.recalled, found.recall, found.precision) == (2, 1, 0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3)


def test_any_one_of_several_clauses_counts_as_a_hit(pack: Pack) -> None:
    groups = scored(pack, row("侮辱词", "links.7.2", "links.9.8"), row("低俗词", "links.7.2", "links.9.8")).groups

    assert groups["links.7.2"].recall == groups["links.9.8"].recall == 1.0
    assert groups["links.7.2"].precision == groups["links.9.8"].precision == 1.0
    assert groups["links.7.2"].hits == 1


def test_rules_in_shadow_mode_never_count(pack: Pack) -> None:
    found = scored(pack, row("可疑词", "links.6"), row("可疑词"))

    assert (found.groups["links.6"].recall, found.groups["links.6"].precision) == (0.0, None)
    assert found.false_positive_rate == 0.0
    assert found.misses["links.6"][0].rules == ["doubtful (shadow)"]
    assert (found.rules["doubtful"].right, found.rules["doubtful"].on_benign) == (1, 1)


def test_wrong_hits_on_other_clauses_are_told_from_false_positives(pack: Pack) -> None:
    found = scored(
        pack, row("特价促销"), row("特价促销 假红包", "links.4.1"), row("特价促销", "links.6"), row("你好"), row("您好")
    )

    spam = found.groups["links.6"]
    assert (spam.hits, spam.right, spam.on_benign, spam.precision) == (3, 1, 1, pytest.approx(1 / 3))
    assert found.groups["links.4"].recall == 1.0
    assert (found.benign, found.false_positive_rate) == (3, pytest.approx(1 / 3))


def test_benign_rows_are_counted_by_source(pack: Pack) -> None:
    rows = [row("特价促销", source="a"), row("你好", source="a"), row("你好", source="b"), row("侮辱词", "links.9.8")]

    found = scored(pack, *rows)

    assert found.false_positive_rates() == {"a": 0.5, "b": 0.0}
    assert found.recall_by_source() == {"made": 1.0}
    assert found.figures() == {
        "clauses": {
            "links.6": {"n": 0, "precision": 0.0, "recall": None, "f1": None},
            "links.9.8": {"n": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0},
        },
        "benign": {"n": 3, "false_positive_rate": pytest.approx(1 / 3), "by_source": {"a": 0.5, "b": 0.0}},
    }


def test_no_row_knows_of_another(pack: Pack) -> None:
    tasks = ["message", "post", "title", "article", "page"]
    rows = [
        row("侮辱词" if n % 2 else "你好", *(["links.9.8"] if n % 2 else []), task=tasks[n % 5]) for n in range(1500)
    ]

    together = scored(pack, *rows)

    assert together.groups["links.9.8"] == Group(n=750, recalled=750, hits=750, right=750)
    assert together.false_positive_rate == 0.0


def test_rows_with_one_id_are_rows_of_their_own(pack: Pack) -> None:
    found = scored(pack, row("侮辱词", "links.9.8", id="1"), row("你好", "links.9.8", id="1"))

    assert found.groups["links.9.8"].recall == 0.5


def test_the_worst_come_first_and_are_bounded(pack: Pack) -> None:
    rows = [row("侮辱词", id="one"), row("侮辱词 低俗词 特价促销", id="three"), row("侮辱词 低俗词", id="two")]
    missed = [row("说" * n, "links.9.8", id=f"m{n}") for n in (3, 50, 7)] + [
        row("特价促销" * 40, "links.9.8", id="spam")
    ]

    found = scored(pack, *rows, *missed, examples=2)

    assert [example.id for example in found.false_hits] == ["three", "two"]
    assert [example.id for example in found.misses["links.9.8"]] == ["m50", "m7"]
    assert scored(pack, *rows, examples=0).false_hits == []


def test_hostile_text_is_harmless_in_examples(pack: Pack) -> None:
    hostile = "侮辱词\x1b]0;owned\x07\u202e[red]\n\t" + "长" * 5000

    (example,) = scored(pack, row(hostile, id="\x1b[2Jid")).false_hits

    assert example.text.startswith("侮辱词\\u001b]0;owned\\u0007\\u202e[red]  ")
    assert len(example.text) < 400
    assert example.id == "\\u001b[2Jid"
    assert example.quotes == ["侮辱词"]


def test_nothing_to_score_has_no_rates(pack: Pack) -> None:
    found = scored(pack)

    assert (found.rows, found.false_positive_rate, found.groups) == (0, None, {})


def test_hosts_are_shared_and_judged(pack: Pack) -> None:
    hosts = [
        Host("weixin-pay.example.com", "bad_lookalike"),
        Host("elsewhere.example.com", "bad_lookalike"),
        Host("mp.qq.com", "official"),
        Host("weixin-login.example.org", "benign"),
        Host("news.example.org", "benign"),
        Host("weixin-evil.example.net", "bad"),
    ]

    found = score(pack, of_hosts(hosts))

    assert found.groups["links.4"].recall == 0.5
    assert found.false_positive_rates() == {"benign": 0.5, "official": 0.0}
    assert (found.sources["bad"].unknown, found.sources["bad"].unknown_hit) == (1, 1)
    assert found.groups["links.4"].hits == 2, "bad hosts of which nothing is known count for no precision"


def test_pages_are_served_from_a_foreign_host(pack: Pack) -> None:
    pages = [SavedPage("a", "wechat_article", ARTICLE), SavedPage("b", "ordinary", "<p>正文</p>")]

    found = score(pack, of_pages(pages))

    assert found.groups["links.4"].recall == 1.0
    assert found.false_positive_rates() == {"ordinary": 0.0}
