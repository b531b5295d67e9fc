"""Hosts that stand in running text, however their dots are disguised; and text that only looks like hosts."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rules.hosts_in_text
from rules.events import MAX_TEXT
from rules.hosts_in_text import hosts_in_texts
from rules.links import public_suffix


def names(text: str) -> list[str]:
    return [host.name for host in hosts_in_texts([text])]


def quoted(text: str) -> list[str]:
    return [text[host.start : host.end] for host in hosts_in_texts([text])]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("evil.com", "evil.com"),
        ("EVIL.COM", "EVIL.COM"),
        ("加evil.com领取", "evil.com"),
        ("evil點com", "evil點com"),
        ("evil点com", "evil点com"),
        ("登录evil 点 com", "evil 点 com"),
        ("evil。com", "evil。com"),
        ("evil｡com", "evil｡com"),
        ("evil．com", "evil．com"),
        ("evil·com", "evil·com"),
        ("evil•com", "evil•com"),
        ("加evil . com领奖", "evil . com"),
        ("evil .com", "evil .com"),
        ("evil. com", "evil. com"),
        ("evil[.]com", "evil[.]com"),
        ("evil(.)com", "evil(.)com"),
        ("evil（点）com", "evil（点）com"),
        ("evil【.】com", "evil【.】com"),
        ("evil [ dot ] com", "evil [ dot ] com"),
        ("evil dot com", "evil dot com"),
        ("ｅｖｉｌ．ｃｏｍ", "ｅｖｉｌ．ｃｏｍ"),
        ("ⓔⓥⓘⓛ.com", "ⓔⓥⓘⓛ.com"),
        ("𝐞𝐯𝐢𝐥.𝐜𝐨𝐦", "𝐞𝐯𝐢𝐥.𝐜𝐨𝐦"),
        ("ev\u200bil.c\u00adom", "ev\u200bil.c\u00adom"),
        ("evil.cоm", "evil.cоm"),  # Cyrillic о
        ("http://evil.com领取", "http://evil.com"),
        ("http://evil。com/x", "http://evil。com/x"),
        ("hxxp://evil[.]com", "evil[.]com"),
        ("https ://evil.com", "https ://evil.com"),
        ("http://qq.com@evil.com/a", "http://qq.com@evil.com/a"),
        ("http://qq.com%2f@evil.com", "http://qq.com%2f@evil.com"),
        ("evil.com:8080/x", "evil.com"),
        ("(evil.com)", "evil.com"),
        ("我的网站:evil.com，欢迎", "evil.com"),
        ("第一句。evil.com", "evil.com"),
    ],
)
def test_a_host_is_found_and_quoted_as_written(text: str, quote: str) -> None:
    assert names(text) == ["evil.com"]
    assert quoted(text) == [quote]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("www。evil。com。cn", ["www.evil.com.cn"]),
        ("www. evil . com", ["www.evil.com"]),
        ("see evil.com. Another.com is", ["evil.com", "another.com"]),
        ("visit evil.me/x ok", ["evil.me"]),
        ("www.evil.me", ["www.evil.me"]),
        ("t。cn/abc", ["t.cn"]),
        ("163点com", ["163.com"]),
        ("еvil.com", ["xn--vil-qdd.com"]),  # another host than evil.com, and links lead there
        ("http://淘宝.com/x", ["xn--pbt173b.com"]),
        ("http://2130706433/", ["127.0.0.1"]),
        ("http://0x7f.1/a", ["127.0.0.1"]),
        ("http://[::1]/", ["[::1]"]),
        ("http://a.com/?url=http%3A%2F%2Fevil.cn%2Fx", ["a.com", "evil.cn"]),
    ],
)
def test_the_hosts_of_a_text(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "好的。com口",
        "好的。",
        "3.5元",
        "v1.2.3",
        "1.1.1.1",
        "微.信",
        "周·杰伦",
        "8点com见",
        "今天8点tv直播",
        "12点。com",
        "I like this.In fact",
        "The shop.Online is",
        "contact.me",
        "node.js",
        "e.g. this",
        "a@evil.com",
        "mail to a.b@evil.com please",
        "......",
        "他说。OK",
        "第3.第4",
        "evil.nosuchdomain",
        "http://",
        "http://evil",
        "com.cn",
        "\ud800.com",
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert names(text) == []


def test_each_host_says_which_text_it_stands_in() -> None:
    texts = ["", "a", ".", "evil.com", "好", ":", "x.evil.cn"]
    assert [(host.text, host.name) for host in hosts_in_texts(texts)] == [(3, "evil.com"), (6, "x.evil.cn")]
    assert hosts_in_texts([]) == []


def test_texts_do_not_run_together() -> None:
    assert hosts_in_texts(["evil", ".com", "evil.", "com", "a", "dot com"]) == []


@given(st.lists(st.text(".。点dotcmn/: []@h\u200bｃ\0\ud800", max_size=40), max_size=5))
def test_any_texts_are_read_and_never_an_error(texts: list[str]) -> None:
    for host in hosts_in_texts(texts):
        assert 0 <= host.start < host.end <= len(texts[host.text])


WORD = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])", fullmatch=True).filter(
    lambda word: "--" not in word and word not in {"dot", "http", "https", "hxxp", "www"}
)
DOTS = st.sampled_from(
    [".", "。", "．", "｡", "点", "點", "·", " . ", "[.]", "（.）", "(点)", "【。】", " dot ", "[dot]", " .", " 點 "]
)
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


@given(
    st.lists(WORD, min_size=1, max_size=3),
    st.sampled_from(["com", "cn", "net", "top", "vip", "com.cn"]),
    st.data(),
    st.sampled_from(["", "登录", "点击：", "速看 ", "。"]),
    st.sampled_from(["", "领取", "，快来", " 好", "！"]),
)
def test_any_disguise_of_a_host_gives_the_host(
    labels: list[str], domain: str, data: st.DataObject, before: str, after: str
) -> None:
    parts = [*labels, *domain.split(".")]
    assume(public_suffix(".".join(parts)) == domain)  # x0.com is a suffix of its own
    written = parts[0]
    for part in parts[1:]:
        letters = data.draw(st.sampled_from([part, part.upper(), part.translate(FULL_WIDTH), "\u200b".join(part)]))
        written += data.draw(DOTS) + letters
    assert names(before + written + after) == [".".join(parts)]


@given(
    st.text(
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF) | st.sampled_from("，。！？0123456789.年月日点元 "),
        max_size=80,
    )
)
def test_chinese_prose_with_numbers_has_no_hosts(text: str) -> None:
    assert names(text) == []


HOSTILE = [
    "a.", "a.com ", "http://", "http:// ", "a . ", "dot ", "a dot ", ".", "@a.com", "aHR0c", "[.", "a[.", "a[.]", " ",
    "a.\u200b", "%25", "a-", "a点", "www.", "。c",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_text_made_to_stall_takes_no_time(piece: str) -> None:
    """Each takes at most 0.4 s; 3 s of this process leave room for a slow machine."""
    text = (piece * MAX_TEXT)[:MAX_TEXT]
    start = process_time()
    found = hosts_in_texts([text, f"http://a.cn/?u={text}", f"x.{text}com"])
    assert process_time() - start < 3
    assert len(found) <= 3_003


PIECES = st.sampled_from(
    "evil com cn www . 点 。 点com .com .cn/ a-b 加 领取 @ ＠ : / http:// \u200b \u3000 【.】 ， a.b 163 ㎝ é 8 ".split(
        " "
    )
)


@given(st.lists(PIECES | st.sampled_from(["x" * 90, "字" * 90, "x." * 50]), max_size=12).map("".join))
def test_reading_only_stretches_without_chinese_finds_the_same(text: str) -> None:
    found = hosts_in_texts([text])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            rules.hosts_in_text,
            "_stretches",
            lambda places, written: rules.hosts_in_text._windows(places, len(written)),
        )
        assert hosts_in_texts([text]) == found


@pytest.mark.parametrize(
    "text", ["www.2.t", "www.a.b", "看 www.2.T", "www.ａ.Ｂ", "www.2.t.", "www.a.b:", "WWW.X.Y", "www.二.三点c"]
)
def test_a_text_may_end_with_a_domain_of_one_letter(text: str) -> None:
    assert [host.name for host in hosts_in_texts([text])] == []
