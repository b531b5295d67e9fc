"""A broken pack never loads, and says in one go what is wrong: file, line, column, and what to do."""

# ruff: noqa: E501 - one row of a table, one line

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from rules.packs import InvalidPackError, Pack, load_pack
from rules.packs.source import did_you_mean
from tests.rules.conftest import WritePack
from tests.rules.making import TINY

BASE = """
    pack: {name: p, version: "1"}
    clauses:
      links.1: {title: {zh: 诱导, en: inducing}, first: [stop_spread], egregious: [ban_account]}
    ladders:
      all: {clauses: [links], window: 180d, grace: 1h, rungs: [{apply: first}]}
    lexicons:
      words: {words: [红包]}
    lists:
      own: {hosts: [qq.com]}
    signals:
      packet: {lexicon: words}
      phone: {pattern: '1[3-9]'}
    """
RULES = """
    rules:
      fraud:
        clause: links.1
        when: packet
    """


def errors(folder: Path) -> list[tuple[str, str, str]]:
    """(place, message, hint) of everything wrong with a pack; its folder is called `pack`."""
    with pytest.raises(InvalidPackError) as caught:
        load_pack(folder)
    return [(str(error.place).removeprefix("pack/"), error.message, error.hint) for error in caught.value.errors]


def the_error(folder: Path) -> tuple[str, str, str]:
    found = errors(folder)
    assert len(found) == 1, found
    return found[0]


def test_a_quota_may_name_the_rules_of_the_pack_and_suggests_them(write_pack: WritePack) -> None:
    quota = "limits: {quotas: {q: {each: rule, per: hour, at_most: 5, only: [%s]}}}"
    _, message, hint = the_error(write_pack(base=BASE, rules=RULES, extra=quota % "frau"))
    assert (message, hint) == ("no rule and no clause is 'frau'", "did you mean 'fraud'?")
    (found,) = load_pack(write_pack(base=BASE, rules=RULES, extra=quota % "fraud")).limits.quotas
    assert (found.name, found.only, found.at_most) == ("q", ("fraud",), 5)


def test_a_limit_that_names_what_is_wrong_itself_adds_no_error(write_pack: WritePack) -> None:
    rules = "rules: {fraud: {clause: links.1, when: packt}}"
    limits = "limits: {quotas: {q: {each: rule, per: hour, at_most: 5, only: [fraud]}}, protected: {hosts: [bad]}}"
    found = errors(write_pack(base=BASE, rules=rules, extra=limits, lists="lists: {bad: {hosts: [HTTP]}}"))
    assert sorted(message for _, message, _ in found) == ["'HTTP' is no host name", "unknown name 'packt'"]


def test_the_pack_that_these_tests_break_is_valid(write_pack: WritePack) -> None:
    pack = load_pack(write_pack(base=BASE, rules=RULES))
    assert isinstance(pack, Pack)
    assert list(pack.rules) == ["fraud"]


SECTION_ERRORS = [
    # (what the extra file says, place, message, hint)
    ("clause: {}", "1:1", "unknown key 'clause'", "did you mean 'clauses'?"),
    ("rules: [a]", "1:8", "expected keys and values, found a list", ""),
    ("rules: 5", "1:8", "expected keys and values, found '5'", ""),
    ("- a", "1:1", "expected keys and values, found a list", ""),
    ("hello", "1:1", "expected keys and values, found 'hello'", ""),
    ("? [a]\n: b", "1:3", "expected a text, found a list", ""),
    ("rules:\n  a: {clause: links.1}\n  a: {}", "3:3", "'a' is given twice", "first at line 2"),
    ("lexicons: {words: {words: [a]}}", "1:12", "'words' is defined twice", "first at pack/base.yaml:7:3"),
    ("pack: {name: other}", "1:8", "'name' is defined twice", "first at pack/base.yaml:1:8"),
    ("pack: {licence: MIT}", "1:8", "unknown key 'licence'", "name, version, description"),
    ("rules: {<<: {a: b}}", "1:9", "'<<' is no name for a rule", "small letters"),
    # clauses and ladders
    ("clauses: {one: {title: {zh: 一, en: one}}}", "1:11", "'one' is no name", "names look like"),
    ("clauses: {links.2: {}}", "1:20", "'title' is missing", ""),
    ("clauses: {links.2: {title: {zh: 一}}}", "1:28", "'en' is missing", ""),
    ("clauses: {links.2: {title: {zh: 一, en: one}, fisrt: []}}", "1:46", "unknown key 'fisrt'", "'first'"),
    (
        "clauses: {links.2: {title: {zh: 一, en: one}, first: [ban_acount]}}",
        "1:54",
        "unknown value 'ban_acount'",
        "did you mean 'ban_account'?",
    ),
    ("clauses: {links.2: {title: {zh: 一, en: one}, handling: later}}", "1:56", "unknown value 'later'", "by_report"),
    ("clauses: {games.1: {title: {zh: 一, en: one}}}", "1:11", "no ladder covers clause 'games.1'", ""),
    ("ladders: {x: {clauses: [link], window: 1d, grace: 1h, rungs: [{apply: first}]}}", "1:11", "no clause is 'link'", "did you mean 'links.1'?"),
    ("ladders: {x: {clauses: [links], window: 1d, grace: 1h, rungs: [{apply: first}]}}", "1:11", "'links' is on two ladders", "ladder 'all'"),
    ("ladders: {x: {clauses: [links.1], window: 1d, grace: 1h, rungs: []}}", "1:65", "a ladder has at least one rung", ""),
    ("ladders: {x: {clauses: [links.1], window: 1d, grace: 1h, rungs: [{apply: first, for: 2d}]}}", "1:65", "a rung lasts longer than the window", "forgotten"),
    ("ladders: {x: {clauses: [links.1], window: 1h, grace: 1h, rungs: [{apply: warn}, {apply: first}]}}", "1:65", "the last rung cannot be reached", ""),
    ("ladders: {x: {clauses: [links.1], window: 1d, grace: 1h, rungs: [{apply: frist}]}}", "1:74", "unknown value 'frist'", "'first'"),
    ("ladders: {x: {clauses: [links.1], window: 9d, grace: 1d, half_life: 1h, rungs: [{apply: warn}, {apply: first}]}}", "1:69", "cannot be reached: with this half-life the highest is 1", "longer half-life"),
    # durations and numbers
    ("ladders: {x: {clauses: [links.1], window: 180, grace: 1h, rungs: [{apply: first}]}}", "1:43", "expected a duration, found '180'", "12h, 7d"),
    ("ladders: {x: {clauses: [links.1], window: 1 month, grace: 1h, rungs: [{apply: first}]}}", "1:43", "expected a duration", "12h"),
    ("ladders: {x: {clauses: [links.1], window: 0d, grace: 1h, rungs: [{apply: first}]}}", "1:43", "expected a duration", "12h"),
    ("ladders: {x: {clauses: [links.1], window: -1d, grace: 1h, rungs: [{apply: first}]}}", "1:43", "expected a duration", "12h"),
    ("ladders: {x: {clauses: [links.1], window: 36501d, grace: 1h, rungs: [{apply: first}]}}", "1:43", "'36501d' is too long", "100 years"),
    (f"ladders: {{x: {{clauses: [links.1], window: {'9' * 5000}d, grace: 1h, rungs: [{{apply: first}}]}}}}", "1:43", "expected a duration", "12h"),
    ("signals: {s: {lexicon: words, at_least: many}}", "1:41", "expected a number, found 'many'", ""),
    ("signals: {s: {lexicon: words, at_least: .nan}}", "1:41", "expected a number", ""),
    ("signals: {s: {lexicon: words, at_least: 1e400}}", "1:41", "expected a number", ""),
    # lexicons and lists
    ("lexicons: {l: {}}", "1:15", "the lexicon is empty", "`words:`"),
    ("lexicons: {l: {word: [a]}}", "1:16", "unknown key 'word'", "'words'"),
    ("lexicons: {l: {words: 红包}}", "1:23", "expected a list, found '红包'", "[a, b]"),
    ("lexicons: {l: {words: [[a]]}}", "1:24", "expected a text, found a list", ""),
    ("lexicons: {l: {words: [a, b, a]}}", "1:30", "'a' is in the lexicon twice", ""),
    ("lexicons: {l: {words: ['\u200b']}}", "1:24", "has no character that folding keeps", "1 to 60"),
    (f"lexicons: {{l: {{words: [{'字' * 61}]}}}}", "1:24", "is longer than 60 characters", "1 to 60"),
    ('lexicons: {l: {words: ["a\\0b"]}}', "1:24", "has a NUL", ""),
    ("lexicons: {l: {weighted: {a: 0}}}", "1:30", "weights lie between 0 and 1000", ""),
    ("lexicons: {l: {weighted: {a: heavy}}}", "1:30", "expected a number, found 'heavy'", ""),
    ("lexicons: {l: {operator: yes, test_words: [a]}}", "1:26", "unknown value 'yes'", "true"),
    ("lexicons: {l: {operator: true}}", "1:15", "an operator's lexicon needs `test_words`", "made-up"),
    ("lexicons: {l: {operator: true, test_words: ['']}}", "1:45", "has no character", "1 to 60"),
    ("lexicons: {l: {operator: true, words: [a], test_words: [b]}}", "1:15", "has no words of its own", "operator's list"),
    ("lists: {l: {hosts: [qq.com, 'http://a.com']}}", "1:29", "'http://a.com' is no host name", "example.com"),
    ("lists: {l: {hosts: [QQ.com]}}", "1:21", "'QQ.com' is no host name", "lower case"),
    ("lists: {l: {hosts: ['*.qq.com']}}", "1:21", "'*.qq.com' is no host name", "no wildcard"),
    ("lists: {l: {hosts: ['a.com:80']}}", "1:21", "'a.com:80' is no host name", "no port"),
    ("lists: {l: {brands: [WeChat]}}", "1:22", "'WeChat' cannot stand in a host name", "small letters"),
    ("lists: {l: {hosts: [a.com], protected: true, shared: true}}", "1:54", "not what customers have below", "one of the two"),
    # limits
    ("limits: {quota: {}}", "1:10", "unknown key 'quota'", "did you mean 'quotas'?"),
    ("limits: {quotas: [a]}", "1:18", "expected keys and values, found a list", ""),
    ("limits: {quotas: {One: {each: all, per: day, at_most: 1}}}", "1:19", "'One' is no name for one of the quotas", "[a-z]"),
    ("limits: {quotas: {q: {per: day, at_most: 1}}}", "1:22", "'each' is missing", ""),
    ("limits: {quotas: {q: {each: rules, per: day, at_most: 1}}}", "1:29", "unknown value 'rules'", "did you mean 'rule'?"),
    ("limits: {quotas: {q: {each: all, per: week, at_most: 1}}}", "1:39", "unknown value 'week'", "day, hour"),
    ("limits: {quotas: {q: {each: all, per: day, at_most: 1.5}}}", "1:53", "expected a whole number, found '1.5'", "0 to 1000000000000"),
    ("limits: {quotas: {q: {each: all, per: day, at_most: -1}}}", "1:53", "expected a whole number, found '-1'", "0 to"),
    ("limits: {quotas: {q: {each: all, per: day, most: 1}}}", "1:22", "'at_most' is missing", ""),
    ("limits: {quotas: {q: {each: all, per: day, at_most: 1, onyl: [links]}}}", "1:56", "unknown key 'onyl'", "'only'"),
    ("limits: {quotas: {q: {each: all, per: day, at_most: 1, only: []}}}", "1:62", "`only` names at least one", "leave it out"),
    ("limits: {quotas: {q: {each: all, per: day, at_most: 1, only: [link]}}}", "1:63", "no rule and no clause is 'link'", "did you mean 'links.1'?"),
    ("limits: {protected: {host: [own]}}", "1:22", "unknown key 'host'", "did you mean 'hosts'?"),
    ("limits: {protected: {hosts: [won]}}", "1:30", "unknown list 'won'", "did you mean 'own'?"),
    ("limits: {protected: {networks: [192.0.2.1/24]}}", "1:33", "no block of addresses: 192.0.2.1/24 has host bits set", "192.0.2.0/24"),
    ("limits: {protected: {networks: [qq.com]}}", "1:33", "no block of addresses", "2001:db8::/32"),
    ("limits: {protected: {followers: 0}}", "1:33", "expected a whole number, found '0'", "1 to"),
    ("limits: {protected: {recipients: many}}", "1:34", "expected a number, found 'many'", ""),
    # signals
    ("signals: {s: {}}", "1:14", "a signal is exactly one of lexicon, ", ""),
    ("signals: {s: {lexicon: words, link: any}}", "1:14", "a signal is exactly one of", ""),
    ("signals: {Bad-Name: {link: any}}", "1:11", "'Bad-Name' is no name", "[a-z]"),
    ("signals: {s: {lexicon: wrods}}", "1:24", "unknown lexicon 'wrods'", "did you mean 'words'?"),
    ("signals: {s: {lexicon: words, field: [text]}}", "1:31", "unknown key 'field'", "'fields'"),
    ("signals: {s: {lexicon: words, fields: [body]}}", "1:40", "unknown value 'body'", "title"),
    ("signals: {s: {pattern: '(a'}}", "1:24", "no RE2 pattern", "no look-around"),
    ("signals: {s: {pattern: '(?=a)'}}", "1:24", "no RE2 pattern", "no look-around"),
    ("signals: {s: {pattern: 'a{99999}'}}", "1:24", "no RE2 pattern", "no look-around"),
    ("signals: {s: {link: shorten}}", "1:21", "unknown value 'shorten'", "'shortener'"),
    ("signals: {s: {link: host_in}}", "1:14", "`link: host_in` needs a `list:`", ""),
    ("signals: {s: {link: host_in, list: won}}", "1:36", "unknown list 'won'", "did you mean 'own'?"),
    ("signals: {s: {page: asks_for}}", "1:14", "`any_of` goes with `page: asks_for`", "phone"),
    ("signals: {s: {page: form, any_of: [phone]}}", "1:14", "`any_of` goes with `page: asks_for`", "phone"),
    ("signals: {s: {event: channel}}", "1:14", "`event: channel` needs `is:`", ""),
    ("signals: {s: {event: recipients, is: many}}", "1:14", "`event: recipients` is a number", ""),
    ("signals: {s: {event: channel, is: everyone}}", "1:35", "unknown value 'everyone'", "followers"),
    ("signals: {s: {behaviour: count, of: report, within: 1h}}", "1:37", "unknown value 'report'", "post"),
    ("signals: {s: {behaviour: partners, of: post, within: 1h}}", "1:14", "`behaviour: partners` is about mass sends", ""),
    ("signals: {s: {behaviour: count, of: post, where: {channel: nearby}, within: 1h}}", "1:50", "only mass sends have a channel", ""),
    ("signals: {s: {behaviour: count, of: mass_send, where: {chanel: nearby}, within: 1h}}", "1:55", "'channel' is missing", ""),
    # rules
    ("rules: {r: {when: packet}}", "1:12", "'clause' is missing", ""),
    ("rules: {r: {clause: links.1}}", "1:12", "'when' is missing", ""),
    ("rules: {Fraud: {clause: links.1, when: packet}}", "1:9", "'Fraud' is no name for a rule", "small letters"),
    ("rules: {r: {clause: links.9, when: packet}}", "1:21", "unknown clause 'links.9'", "did you mean 'links.1'?"),
    ("rules: {r: {clause: links.1, when: paket}}", "1:36", "unknown name 'paket'", "did you mean 'packet'?"),
    ("rules: {r: {clause: links.1, when: 'packet and paket'}}", "1:48", "unknown name 'paket'", "'packet'"),
    ("rules: {r: {clause: links.1, when: packet and}}", "1:36", "`when` cannot be read as an expression", ""),
    ("rules: {r: {clause: links.1, when: [packet]}}", "1:36", "expected a text, found a list", ""),
    ("rules: {r: {clause: links.1, when: packet, unless: f(phone)}}", "1:52", "`unless` only names", ""),
    ("rules: {r: {clause: links.1, when: packet, egregious_when: \"phone > 'x'\"}}", "1:69", "`egregious_when` only numbers can be compared", ""),
    ("rules: {r: {clause: links.1, when: phone}}", "1:36", "the rule could be true when nothing has fired", "`and`"),
    ("rules: {r: {clause: links.1, when: not packet}}", "1:36", "the rule could be true when nothing has fired", "`and`"),
    ("rules: {r: {clause: links.1, when: packet or phone}}", "1:36", "the rule could be true when nothing has fired", ""),
    ("rules: {r: {clause: links.1, when: rules.r}}", "1:36", "rules refer to each other in a circle", "r → r"),
    ("rules: {r: {clause: links.1, when: rules.x}}", "1:36", "unknown name 'rules.x'", "rules.r"),
    ("rules: {r: {clause: links.1, when: packet, mode: on}}", "1:50", "unknown value 'on'", "enforce"),
    ("rules: {r: {clause: links.1, when: packet, charges: [user]}}", "1:54", "unknown value 'user'", "account"),
    ("rules: {r: {clause: links.1, when: packet, hit: [a]}}", "1:44", "unknown key 'hit'", "'hits'"),
    ("rules: {r: {clause: links.1, when: packet, notice: {zh: 一}}}", "1:52", "'en' is missing", ""),
    # cases
    ("rules: {r: {clause: links.1, when: packet, hits: text}}", "1:50", "expected a list, found 'text'", "[a, b]"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{txt: a}]}}", "1:52", "a post has no field 'txt'", "'text'"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{type: post, url: a}]}}", "1:64", "a post has no field 'url'", ""),
    ("rules: {r: {clause: links.1, when: packet, hits: [{type: report}]}}", "1:58", "unknown value 'report'", "post"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{type: share, page: {txt: a}}]}}", "1:72", "a page has no field 'txt'", "'text'"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: a, repeat: 0}]}}", "1:69", "expected a whole number of times", "1 to"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: a, repeat: 2.5}]}}", "1:69", "expected a whole number of times", "1 to"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: a, repeat: 1000000}]}}", "1:69", "expected a whole number of times", "1 to"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: a, repeat: 9, every: 36500d}]}}", "1:79", "the case lasts more than 10 years", ""),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: 2016-13-45}]}}", "1:51", "cannot be read", "in quotes"),
    ("rules: {r: {clause: links.1, when: packet, hits: [{text: !!python/object:os.system x}]}}", "1:51", "could not determine a constructor", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"), SECTION_ERRORS, ids=[row[0][:60] for row in SECTION_ERRORS]
)
def test_an_error_has_its_place_its_message_and_a_hint(
    write_pack: WritePack, text: str, place: str, message: str, hint: str
) -> None:
    found = the_error(write_pack(base=BASE, extra=text))
    assert found[0] == f"extra.yaml:{place}"
    assert message in found[1]
    assert hint in found[2]


NO_YAML = [
    (b"rules: {", "2:1", "no YAML"),
    (b"rules:\n\ta: b", "2:1", "no YAML"),
    (b"rules: 'open", "1:13", "no YAML"),
    (b"rules: *nobody", "1:8", "no YAML"),
    (b"a: b\n---\na: c", "2:1", "no YAML"),
    (b"rules:\n  a: \x01", "2:6", "no YAML: a control character"),
    (b"pack:\n  name: \xff", "2:9", "not UTF-8"),
    ("rules: {}".encode("utf-16"), "1:1", "not UTF-8"),
    (b"a: " + b"[" * 100_000, "1:53", "nested too deeply"),
    (b"{a: " * 100_000, "1:201", "nested too deeply"),
]


@pytest.mark.parametrize(("data", "place", "message"), NO_YAML, ids=[row[0][:20] for row in NO_YAML])
def test_what_is_no_yaml_is_refused_where_it_stops_being_it(
    write_pack: WritePack, data: bytes, place: str, message: str
) -> None:
    found = the_error(write_pack(base=BASE, extra=data))
    assert found[0] == f"extra.yaml:{place}"
    assert message in found[1]


def test_aliases_that_multiply_are_refused_without_being_multiplied(write_pack: WritePack) -> None:
    rule = "  r{}: {{clause: links.1, when: packet, hits: &h{} [{}]}}".format
    lines = [rule(0, 0, "lol"), *(rule(n, n, ", ".join([f"*h{n - 1}"] * 9)) for n in range(1, 30))]
    found = errors(write_pack(base=BASE, extra="\n".join(["rules:", *lines])))
    assert [message for _, message, _ in found] == ["expected a text, found a list"] * 28  # a list of texts is a case


def test_a_page_that_contains_itself_is_refused(write_pack: WritePack) -> None:
    text = "rules: {r: {clause: links.1, when: packet, hits: [{type: share, page: &p {html: *p, text: x, more: *p}}]}}"
    assert "a page has no field 'more'" in the_error(write_pack(base=BASE, extra=text))[1]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    place, message, hint = the_error(tmp_path / "nowhere")
    assert place == f"{tmp_path / 'nowhere'}:1:1"
    assert (message, "folder" in hint) == ("there is no such folder", True)


def test_an_empty_folder_is_no_pack(write_pack: WritePack) -> None:
    folder = write_pack()
    assert the_error(folder) == (f"{folder}:1:1", "the folder holds no *.yaml file", "")


def test_empty_files_make_no_pack(write_pack: WritePack) -> None:
    _, message, hint = the_error(write_pack(empty="", comment="# nothing\n"))
    assert message == "the pack has no name or no version"
    assert "pack: {name:" in hint


def test_a_file_that_cannot_be_read_is_named(write_pack: WritePack) -> None:
    folder = write_pack(base=BASE)
    (folder / "folder.yaml").mkdir()
    place, message, _ = the_error(folder)
    assert (place, "cannot be read" in message) == ("folder.yaml:1:1", True)


def test_a_byte_order_mark_is_no_error(write_pack: WritePack) -> None:
    assert load_pack(write_pack(base=b"\xef\xbb\xbf" + dedent(BASE).encode())).label == "p@1"


def test_sections_may_be_spread_over_files_and_folders(write_pack: WritePack) -> None:
    folder = write_pack(base=BASE)
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "rules.yaml").write_text(dedent(RULES))
    assert list(load_pack(folder).rules) == ["fraud"]


def test_two_rules_that_refer_to_each_other_are_a_circle(write_pack: WritePack) -> None:
    extra = "rules: {one: {clause: links.1, when: rules.two}, two: {clause: links.1, when: rules.one}}"
    circle = ("extra.yaml:1:79", "rules refer to each other in a circle", "one → two → one")
    assert circle in errors(write_pack(base=BASE, extra=extra))


def test_a_long_chain_of_rules_is_refused_and_not_climbed(write_pack: WritePack) -> None:
    rules = [f"  r{n}: {{clause: links.1, when: rules.r{n + 1}}}" for n in range(2000)]
    extra = "\n".join(["rules:", *rules, "  r2000: {clause: links.1, when: packet}"])
    assert any("a chain of more than" in message for _, message, _ in errors(write_pack(base=BASE, extra=extra)))


def test_a_rule_may_refer_to_one_that_is_defined_later(write_pack: WritePack) -> None:
    extra = "rules: {a: {clause: links.1, when: rules.b}, b: {clause: links.1, when: packet and phone}}"
    pack = load_pack(write_pack(base=BASE, extra=extra))
    assert list(pack.rules) == ["b", "a"]


def test_what_follows_from_an_error_is_no_error_of_its_own(write_pack: WritePack) -> None:
    extra = """
    lexicons: {wrong: {words: ['']}}
    signals: {said: {lexicon: wrong}}
    rules:
      a: {clause: links.1, when: rules.b}
      b: {clause: links.1, when: said}
      c: {clause: links.2, when: packet}
      d: {clause: links.1, when: nothing}
    clauses: {links.2: {}}
    """
    found = errors(write_pack(base=BASE, extra=extra))
    assert [(place, message) for place, message, _ in found] == [
        ("extra.yaml:1:28", "'' has no character that folding keeps"),
        ("extra.yaml:7:30", "unknown name 'nothing'"),
        ("extra.yaml:8:20", "'title' is missing"),
    ]


def test_everything_wrong_is_said_at_once_in_order_of_place(write_pack: WritePack) -> None:
    found = errors(
        write_pack(
            base=BASE,
            a="""
            signals:
              one: {lexicon: wrods}
              two: {pattern: '('}
            """,
            b="""
            rules:
              x: {clause: links.7, when: packet}
              y: {clause: links.1, when: packed}
            lexicons:
              none: {}
            """,
        )
    )
    places = ["a.yaml:2:18", "a.yaml:3:18", "b.yaml:2:15", "b.yaml:3:30", "b.yaml:5:9"]
    assert [place for place, _, _ in found] == places


def test_files_that_cannot_be_read_are_all_named_and_nothing_that_follows_from_them(write_pack: WritePack) -> None:
    found = errors(write_pack(base=BASE, rules="rules: {r: {clause: links.1, when: gone}}", x="{", y="sginals: {}"))
    assert [place for place, _, _ in found] == ["x.yaml:2:1", "y.yaml:1:1"]


def test_errors_read_as_lines_with_their_hints(write_pack: WritePack) -> None:
    with pytest.raises(InvalidPackError) as caught:
        load_pack(write_pack(base=BASE, extra="clause: {}"))
    assert str(caught.value) == "pack/extra.yaml:1:1: unknown key 'clause'\n    did you mean 'clauses'?"


def test_a_hint_lists_what_is_known_when_nothing_is_close() -> None:
    assert did_you_mean("zzz", ["alpha", "beta"]) == "known here: alpha, beta"
    assert did_you_mean("zzz", []) == "none is defined"


@pytest.mark.parametrize("damage", range(24))
def test_the_tiny_pack_with_one_line_gone_loads_whole_or_not_at_all(tmp_path: Path, damage: int) -> None:
    """Whatever line is lost, the pack has all its rules, or fewer by what the line said, or is refused."""
    lines = (TINY / "pack.yaml").read_text("utf-8").splitlines()
    folder = tmp_path / "pack"
    folder.mkdir()
    del lines[damage * len(lines) // 24]
    (folder / "pack.yaml").write_text("\n".join(lines), "utf-8")
    try:
        pack = load_pack(folder)
    except InvalidPackError as error:
        assert all(found.place.line >= 1 for found in error.errors)  # noqa: PT017 - either outcome is right
        return
    assert set(pack.ladder_of) == set(pack.clauses)
    assert all(rule.clause in pack.clauses for rule in pack.rules.values())
