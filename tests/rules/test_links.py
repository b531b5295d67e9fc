"""URLs as people and spammers write them, and the hosts behind them."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.links import SHORTENERS, host_name, host_of, in_list, may_nest, nested_urls, parse_link, public_suffix


def host(url: str) -> str | None:
    """The host of a link; None when it is no web link."""
    link = parse_link(url)
    return link.host.name if link else None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://evil.cn", "evil.cn"),
        ("HTTPS://EVIL.cn/A", "evil.cn"),
        ("evil.cn", "evil.cn"),
        ("evil.cn/path?x#y", "evil.cn"),
        ("//evil.cn/", "evil.cn"),
        ("http:/evil.cn/", "evil.cn"),
        ("http:evil.cn", "evil.cn"),
        ("https:\\\\evil.cn\\x", "evil.cn"),
        ("  http://evil.cn \n", "evil.cn"),
        ("http://ev\til.\ncn/", "evil.cn"),
        ("http://evil.cn:8080/", "evil.cn"),
        ("evil.cn:8080/x", "evil.cn"),
        ("http://evil.cn./", "evil.cn"),
        ("http://%65vil.cn/", "evil.cn"),
        ("http://ⓔⓥⓘⓛ.cn/", "evil.cn"),
        ("http://ｅｖｉｌ．ｃｎ/", "evil.cn"),
        ("http://evil。cn/", "evil.cn"),
        ("http://evil｡cn/", "evil.cn"),
        ("http://evil点cn/", "evil.cn"),
        ("evil點cn", "evil.cn"),
        ("http://evil•cn/x", "evil.cn"),
        ("http://evil . cn/", "evil.cn"),
        ("http://evil\u200b.cn/", "evil.cn"),
        ("http://qq.com@evil.cn", "evil.cn"),
        ("http://qq.com:80@evil.cn/", "evil.cn"),
        ("http://qq.com%2F@evil.cn/", "evil.cn"),
        ("http://qq.com\\@evil.cn", "qq.com"),  # a backslash is a slash: the browser goes to qq.com
        ("http://evil.cn?@qq.com/", "evil.cn"),
        ("http://evil.cn#@qq.com/", "evil.cn"),
        ("http://qq.com.evil.cn/", "qq.com.evil.cn"),
        ("http://中国.cn/", "xn--fiqs8s.cn"),
        ("http://1.2.3.4/", "1.2.3.4"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://[2001:DB8:0::1]:80/", "[2001:db8::1]"),
    ],
)
def test_a_link_leads_where_a_browser_would_go(url: str, name: str) -> None:
    assert host(url) == name
    assert host_name(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:1",
        "data:text/html,<b>",
        "mailto:alice@evil.cn",
        "tel:13800138000",
        "ftp://evil.cn/",
        "weixin://dl/business",
        "http://",
        "//",
        " ",
        "http://[::1/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://./",
        "http://" + "a." * 4_000 + "cn/",
        "http://evil\ud800.cn/",
        "?",
    ],
)
def test_what_is_no_web_link_has_no_host(url: str) -> None:
    assert host(url) is None


@given(st.text(max_size=40) | st.text("htp:/.@\\[]#?%1a点 x\t", max_size=20))
def test_any_text_is_a_link_or_none_and_never_an_error(text: str) -> None:
    name = host_name(text)
    assert name is None or (name and name == name.lower())


LABEL = st.from_regex(re.compile(r"[a-z]([a-z0-9-]{0,3}[a-z0-9])?", re.A), fullmatch=True).filter(
    lambda label: not label.startswith("xn--")
)


@given(st.lists(LABEL, min_size=1, max_size=3), st.sampled_from(["", "/", "?q", "#f", ":8080/x"]))
def test_the_short_way_to_a_host_agrees_with_the_parser(labels: list[str], rest: str) -> None:
    url = f"http://{'.'.join(labels)}.com{rest}"
    assert host_name(url) == host(url)


def test_two_spellings_of_a_link_are_one_link() -> None:
    first, second = parse_link("HTTP://Evil.cn:80/a b#one"), parse_link("http://evil.cn/a%20b#two")
    assert first is not None
    assert first == second
    assert first.href == "http://evil.cn/a%20b"


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("a.b.evil.com.cn", "evil.com.cn"),
        ("evil.github.io", "evil.github.io"),
        ("evil.cn", "evil.cn"),
        ("localhost", "localhost"),
        ("com.cn", "com.cn"),
        ("www.evil.xn--fiqs8s", "evil.xn--fiqs8s"),
        ("1.2.3.4", "1.2.3.4"),
        ("[::1]", "::1"),
    ],
)
def test_the_domain_of_a_host_is_what_somebody_registered(name: str, domain: str) -> None:
    assert host_of(name).domain == domain


def test_what_is_known_of_a_host_by_its_name() -> None:
    assert host_of("1.2.3.4").is_ip
    assert host_of("[::1]").is_ip
    assert not host_of("1.2.3.4.com").is_ip
    assert host_of("t.cn").is_shortener
    assert host_of("www.bit.ly").is_shortener
    assert not host_of("not-t.cn").is_shortener
    assert host_of("www.xn--fiqs8s.cn").is_punycode
    assert not host_of("fxn--x.cn").is_punycode


def test_shorteners_are_host_names() -> None:
    assert all(host(f"http://{name}/x") == name for name in SHORTENERS)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("qq.com", True),
        ("v.qq.com", True),
        ("a.b.qq.com", True),
        ("aqq.com", False),
        ("qq.com.evil.cn", False),
        ("com", False),
        ("qq.co", False),
    ],
)
def test_a_list_has_its_hosts_and_what_stands_below_them(name: str, listed: bool) -> None:
    assert in_list(name, frozenset({"qq.com"})) is listed


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://0x7f000001/", "127.0.0.1"),
        ("http://0177.0.0.1/", "127.0.0.1"),
        ("http://017700000001/", "127.0.0.1"),
        ("http://127.1/", "127.0.0.1"),
        ("http://0x7f.0.0x1/", "127.0.0.1"),
        ("http://１２７.0.0.1/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]"),
    ],
)
def test_an_address_is_one_however_it_is_written(url: str, name: str) -> None:
    assert host_name(url) == name
    assert host_of(name).is_ip


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_every_number_of_32_bits_is_an_address(number: int, written: str) -> None:
    parts = number.to_bytes(4, "big")
    assert host_name(f"http://{written.format(number)}/") == ".".join(map(str, parts))


@pytest.mark.parametrize(
    ("url", "nested"),
    [
        ("http://a.cn/?url=http://b.cn/x&y=1", ["http://b.cn/x"]),
        ("http://a.cn/?url=http%3A%2F%2Fb.cn%2Fx", ["http://b.cn/x"]),
        ("http://a.cn/?u=http%253A%252F%252Fb.cn", ["http://b.cn"]),
        ("http://a.cn/?u=https%3a%2f%2fb.cn&v=http://c.cn", ["http://c.cn"]),
        ("http://a.cn/jump/https://b.cn/x", ["https://b.cn/x"]),
        ("http://a.cn/?t=aHR0cDovL2IuY24veA==", ["http://b.cn/x"]),
        ("http://a.cn/?t=aHR0cDovL2IuY24veA", ["http://b.cn/x"]),
        ("http://a.cn/x", []),
        ("http://http.cn/x", []),
    ],
)
def test_a_url_within_a_url_is_found(url: str, nested: list[str]) -> None:
    assert nested_urls(url) == nested
    assert may_nest(url) or not nested


@given(st.text("htp:/%253Aa.cnHR0Lyz=&?_-", max_size=80))
def test_any_text_may_hold_urls_and_never_an_error(text: str) -> None:
    assert len(nested_urls("http://" + text)) <= 10


def test_a_url_full_of_urls_takes_no_time_and_gives_ten() -> None:
    start = process_time()
    for filler in ("http://b.cn ", "http:", "aHR0cDovL2IuY24veA== ", "%25", "aHR0c"):
        assert len(nested_urls("http://a.cn/?" + filler * 100_000)) <= 10
    assert process_time() - start < 3


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.evil.com.cn", "com.cn"), ("evil.cn", "cn"), ("x.github.io", "github.io"), ("a.nosuch", "")]
)
def test_a_public_suffix_is_where_anybody_registers(name: str, suffix: str) -> None:
    assert public_suffix(name) == suffix
