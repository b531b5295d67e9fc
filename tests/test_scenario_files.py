"""Scenario files that are wrong: what is wrong is said with file, line, column and a hint, and nothing is read."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from rules.events import from_millis
from rules.packs import InvalidPackError
from tests.scenarios.acts import control_of, moderation_of
from tests.scenarios.compare import wrong_in
from tests.scenarios.model import Reviewed, Scenario
from tests.scenarios.names import Names, owner
from tests.scenarios.play import bodies_of, emptied, play
from tests.scenarios.read import FOLDER, read_scenarios
from tests.scenarios.shipped import shipped
from tests.scenarios.start import START
from tests.scenarios.told import Told

GOOD = """
    about: a file
    scenarios:
      a story:
        about: two posts
        clauses: [links.6]
        given:
          - {at: 0h, post: 一, by: ann, links: ["http://site.example/a"]}
          - {at: 1d 2h, share: "http://site.example/b", by: "bob{n}", ip: 203.0.113.7, page: 二, times: 3, every: 5m}
        then:
          - at: 2d
            in force:
              account bob{1-2}: {ban_account: for good}
              link http://site.example/a: {stop_spread: until 12h}
    """

DECIDED = """
    about: people decide
    pack: careful
    scenarios:
      a story:
        about: a post, and what follows
        clauses: [links.6]
        given:
          - {at: 0h, post: 一, by: ann, links: ["http://site.example/a"]}
          - {at: 3d, resume: rule spam.adverts, by: mo, why: mended}
          - {at: 1d, appeal: overturned, against: block_access on domain site.example, by: mo, why: a mistake}
          - {at: 1d, approve: account ann, by: mo, why: she did}
          - {at: 2d, impose: ban_domain on domain site.example, until: 9d, by: di, why: a court}
          - {at: 2d, clear: account ann, by: di, why: known}
        then:
          - at: 3d
            in force: nothing
            lifted: {domain site.example: [block_access]}
            refused: [final]
            reviews:
              account ann: {of: [links.6], because: quota, status: approved, proposes: [suspend_account]}
              domain site.example: [links.6]
    """


def read(folder: Path, text: str) -> list[Scenario]:
    (folder / "stories").mkdir()
    (folder / "stories" / "one.yaml").write_text(dedent(text).lstrip("\n"), "utf-8")
    return read_scenarios(folder / "stories")


def test_a_good_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    (story,) = read(tmp_path, GOOD)
    assert (story.id, story.differs) == ("one:a story", "")
    assert story.breaks == {"links.6"}
    assert story.never == frozenset()
    assert [step.at for step in story.steps] == [0, 93_600_000, 93_900_000, 94_200_000]
    assert story.steps[2].fields == {
        "scene": "moments",
        "url": "http://site.example/b",
        "account": "bob2",
        "page": {"text": "二", "ip": "203.0.113.7"},
    }
    assert story.checks[0].held == {
        "account:bob1": {"ban_account": None},
        "account:bob2": {"ban_account": None},
        "link:http://site.example/a": {"stop_spread": 43_200_000},
    }


WRONG = [
    ("post: 一", "post: 一, txt: 二", "one.yaml:7:27: a post has no field 'txt'\n    did you mean 'text'?"),
    ("by: ann", "by: ann, recipients: 3", "a post has no field 'recipients'"),
    ("post: 一, ", "", "the event has no type, or several\n    it begins with one of post, share, mass_send, report"),
    ("at: 0h", "at: 3x", "one.yaml:7:14: expected a time, found '3x'\n    whole numbers, each with one of"),
    ("at: 0h", "at: 4000d", "'4000d' is too long"),
    ("until 12h", "12h", "expected when it ends, found '12h'\n    `until 12h`, counted from the begin, or `for good`"),
    ("until 12h", "until noon", "expected a time, found 'noon'"),
    ("account bob{1-2}", "acount bob", "'acount bob' is no subject\n    did you mean 'account'?"),
    ("account bob{1-2}", "account", "'account' is no subject"),
    ("account bob{1-2}", "account bob{2-1}", "'{2-1}' is no range"),
    ("link http://site.example/a:", "link site.example:", "'site.example' is no link"),
    ("{ban_account: for good}", "{ban_domain: for good}", "no sanction 'ban_domain' lands on this subject"),
    ("{ban_account: for good}", "{ban_acount: for good}", "did you mean 'ban_account'?"),
    ("clauses: [links.6]", "clause: [links.6]", "'clauses' is missing"),
    ("in force:", "in_force:", "one.yaml:11:9: unknown key 'in_force'\n    did you mean 'in force'?"),
    ("at: 2d", "at: 1d", "events come after the last check\n    let the last check be later than they"),
    ("times: 3, every: 5m", "times: 3", "`times` and `every` stand together"),
    ("times: 3", "times: 1", "expected a number of times, found '1'\n    2 to 1000"),
    ("203.0.113.7", "8.8.8.8", "'8.8.8.8' is no address of 203.0.113.0/24"),
    ("at: 1d 2h,", "at: 1d 2h, arrives: 1d,", "the event arrives before it happens"),
    ("page: 二", "page: {txt: 二}", "a page has no field 'txt'\n    did you mean 'text'?"),
    ("about: two posts", "about: two posts\n        never: nobody", "unknown value 'nobody'\n    "),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[message[:40] for _, _, message in WRONG])
def test_what_is_wrong_is_named_with_its_place_and_a_hint(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(InvalidPackError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(caught.value)
    assert str(caught.value).startswith("stories/one.yaml:")


def test_what_people_decide_is_read_as_it_is_written(tmp_path: Path) -> None:
    (story,) = read(tmp_path, DECIDED)
    day = 86_400_000
    assert story.pack == "careful"
    assert [(act.at // day, act.kind, act.subject, act.action, act.until, act.rule) for act in story.acts] == [
        (1, "appeal", "domain:site.example", "block_access", None, ""),
        (1, "approve", "account:ann", None, None, ""),
        (2, "impose", "domain:site.example", "ban_domain", 9 * day, ""),
        (2, "clear", "account:ann", None, None, ""),
        (3, "resume", "", None, None, "spam.adverts"),
    ]
    assert [story.acts[0].overturns, story.acts[0].by, story.acts[0].why] == [True, "mo", "a mistake"]
    (check,) = story.checks
    assert check.lifted == {"domain:site.example": frozenset({"block_access"})}
    assert check.refused == ("final",)
    assert check.reviews == {
        "account:ann": Reviewed(frozenset({"links.6"}), "quota", "approved", frozenset({"suspend_account"})),
        "domain:site.example": Reviewed(frozenset({"links.6"})),
    }


WRONG_DECIDED = [
    ("appeal: overturned", "appeal: granted", "unknown value 'granted'"),
    ("against: block_access on", "against: ban_ip on", "no sanction 'ban_ip' lands on this subject"),
    ("against: block_access on domain", "against: domain", "is no sanction on a subject\n    block_access on domain"),
    ("against: block_access on domain site.example, ", "", "'against' is missing"),
    ("by: mo, why: a mistake", "by: mo", "'why' is missing"),
    ("approve: account ann,", "approve: 'account ann{1-2}',", "a person decides about one subject"),
    ("until: 9d", "until: 1d", "one.yaml:12:68: it ends before it begins\n    `until` counts from"),
    ("rule spam.adverts", "spam.adverts", "expected what to stop, found 'spam.adverts'\n    `everything`, or a rule"),
    ("pack: careful", "pack: carefull", "did you mean 'careful'?"),
    ("refused: [final]", "refused: [finally]", "unknown value 'finally'"),
    ("because: quota", "because: quotas", "did you mean 'quota'?"),
    ("of: [links.6], because", "because", "'of' is missing\n    the clauses of the review"),
    ("lifted: {domain site.example: [block_access]}", "lifted: {account ann: [ban_ip]}", "no sanction 'ban_ip' lands"),
    ("at: 3d\n", "at: 2d\n", "events come after the last check"),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), WRONG_DECIDED, ids=[message[:40] for _, _, message in WRONG_DECIDED]
)
def test_what_is_wrong_with_decisions_is_named_as_well(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert DECIDED.count(old) >= 1
    with pytest.raises(InvalidPackError) as caught:
        read(tmp_path, DECIDED.replace(old, new, 1))
    assert message in str(caught.value)
    assert str(caught.value).startswith("stories/one.yaml:")


ENDS_OTHERWISE = """
    about: what is checked is wrong
    scenarios:
      a story:
        about: one trade, one suspension
        clauses: [accounts.2, links.9.8]
        given:
          - {at: 0h, post: 本期互推好号，按粉结算, by: ann}
          - {at: 0h, post: 人肉他，让他身败名裂, by: ben}
          - {at: 1d, appeal: overturned, against: suspend_account on account ben, by: mo, why: satire}
          - {at: 2d, appeal: upheld, against: suspend_account on account ben, by: mo, why: no satire}
        then:
          - at: 2d
            in force: nothing
            lifted: {account ann: [warn]}
            reviews:
              account ann: {of: [accounts.5], because: quota, status: closed, proposes: [ban_account]}
              account ben: [links.9.8]
    """


def test_what_is_not_as_the_file_says_is_named_line_by_line(tmp_path: Path) -> None:
    (story,) = read(tmp_path, ENDS_OTHERWISE)
    assert [line.partition(": at 2d: ")[2] for line in wrong_in(story, play(emptied(shipped()), story))] == [
        "account:ann: reviews must be of accounts.5, are of accounts.2",
        "account:ann: the reason of its review must be quota, is by_report",
        "account:ann: the status of its review must be closed, is open",
        "account:ann: its review must propose ban_account, proposes warn",
        "account:ben: reviews must be of links.9.8, are of nothing",
        "account:ann: lifted must be warn, is nothing",
        "account:ben: lifted must be nothing, is suspend_account",
        "refused must be nothing, is final",
    ]


def test_a_decision_about_nothing_fails_at_its_place(tmp_path: Path) -> None:
    (story,) = read(tmp_path, DECIDED)
    with pytest.raises(
        AssertionError, match=r"one\.yaml:10:\d+: block_access on domain:site\.example was never announced"
    ):
        moderation_of(story, 0, Told())
    with pytest.raises(AssertionError, match=r"one\.yaml:11:\d+: account:ann has no review"):
        moderation_of(story, 1, Told())


def test_orders_and_halts_become_what_the_engine_takes(tmp_path: Path) -> None:
    (story,) = read(tmp_path, DECIDED)
    order = moderation_of(story, 2, Told())
    assert (order["do"], order["action"], order["subject"]) == ("sanction", "ban_domain", "domain:site-sc0000.example")
    assert order["until"] == from_millis(START + 9 * 86_400_000).isoformat()
    record = control_of(story, 4)
    assert (record.do, record.rule, record.by, record.why) == ("resume", "spam.adverts", "mo", "mended")


def test_all_that_is_wrong_in_all_files_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dedent(GOOD).replace("until 12h", "12h"), "utf-8")
    (tmp_path / "b.yaml").write_text("", "utf-8")
    with pytest.raises(InvalidPackError) as caught:
        read_scenarios(tmp_path)
    assert len(caught.value.errors) == 2


def test_names_are_a_scenarios_own_and_can_be_told_back() -> None:
    names = Names(612)
    written = [
        "account:ann",
        "app:quiz",
        "domain:site.example",
        "ip:203.0.113.7",
        "link:http://a.site.example/x?id=1",
        "link:https://mp.weixin.qq.com/s/real",
        "link:http://203.0.113.7/x",
    ]
    own = [names.subject(subject) for subject in written]
    assert [owner(subject) for subject in own] == [612] * 7
    assert [names.written(subject) for subject in own] == written
    assert not {*own} & {Names(611).subject(subject) for subject in written}
    assert owner("domain:qq.com") is None


def test_events_come_in_the_order_in_which_they_arrive(tmp_path: Path) -> None:
    (story,) = read(tmp_path, GOOD.replace("at: 0h,", "at: 0h, arrives: 1d 12h,"))
    bodies = bodies_of(story)
    assert [arrives // 3_600_000 for arrives, _ in bodies] == [26, 26, 26, 36]
    assert [body["time"] for _, body in bodies][-1] == from_millis(START).isoformat()
    assert len({body["id"] for _, body in bodies}) == 4


def test_the_example_of_the_readme_is_a_scenario(tmp_path: Path) -> None:
    _, _, rest = (FOLDER / "README.md").read_text("utf-8").partition("```yaml\n")
    (story,) = read(tmp_path, rest.partition("```")[0])
    assert wrong_in(story, play(emptied(shipped()), story)) == []
