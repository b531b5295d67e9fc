"""URLs as people and spammers write them, the hosts behind them, and hosts that pass for somebody else's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.links import SHORTENERS, Brands, host_names, host_of, in_list, parse_link


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
    assert host_names([url]) == [name]


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
    names = host_names([text])
    assert all(name and name == name.lower() for name in names)


LABEL = st.from_regex(re.compile(r"[a-z]([a-z0-9-]{0,3}[a-z0-9])?", re.A), fullmatch=True).filter(
    lambda label: not label.startswith("xn--")
)


@given(st.lists(LABEL, min_size=1, max_size=3), st.sampled_from(["", "/", "?q", "#f", ":8080/x"]))
def test_the_short_way_to_a_host_agrees_with_the_parser(labels: list[str], rest: str) -> None:
    url = f"http://{'.'.join(labels)}.com{rest}"
    assert host_names([url]) == [host(url)]


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


BRANDS = Brands(frozenset({"qq.com", "weixin.com"}), ["weixin", "qq"])


@pytest.mark.parametrize(
    "name",
    [
        "qq.com.evil.cn",
        "weixin.com-login.cn",
        "weixin.com.verify.evil.cn",
        "weixin.evil.cn",
        "weixin-pay.cn",
        "myweixinpay.cn",
        "weixln.cn",
        "wiexin.cn",
        "weixi.cn",
        "weixxin.cn",
        "we1xin.cn",
        "weix1n.net",
        "qq-login.cn",
        "login-qq.evil.cn",
        "qq.net",
        "weíxin.com".encode("idna").decode(),
        "wеiхin.cn".encode("idna").decode(),  # Cyrillic е and х
    ],
)
def test_a_host_that_passes_for_the_brand_is_a_look_alike(name: str) -> None:
    assert BRANDS.resembles(name)


@pytest.mark.parametrize(
    "name",
    [
        "qq.com",
        "v.qq.com",
        "mp.weixin.com",
        "evil.cn",
        "aqq.cn",
        "qqmusic.cn",
        "1.2.3.4",
        "[::1]",
        "localhost",
        "wei.cn",
    ],
)
def test_the_brand_itself_and_others_are_no_look_alikes(name: str) -> None:
    assert not BRANDS.resembles(name)
