"""URLs and hosts: what an event's links point at.

WHATWG parsing by ada-url, registrable domains by the bundled public suffix list; nothing is fetched
and nothing is resolved. Hosts repeat, so what is known of one is kept in a bounded cache.
"""

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import ada_url
from publicsuffixlist import PublicSuffixList

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLAIN_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.[a-z]{{2,24}}")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|https?:", re.I)
_OTHER_SCHEME = re.compile(r"(?:javascript|data|mailto|tel|sms|about|blob|file):", re.I)
_DOTS = str.maketrans({"點": ".", "点": ".", "。": ".", "．": ".", "｡": ".", "•": ".", "·": "."})
_MAX_HOST = 253
"""Longest name of the domain name system, RFC 1035; a longer one leads nowhere."""
_CACHED_HOSTS = 100_000
_CACHED_URLS = 20_000
_LONGEST_CACHED_URL = 512
"""In code points; so the cache is bounded in bytes as well, whatever people send."""
_MAX_NESTED = 10
_MAX_ENCODINGS = 3
"""How often a nested URL may have been percent-encoded."""
_NESTED_URL = re.compile(r"https?:/{1,2}[^\s&\"'<>]{1,2048}", re.I)
_BASE64_URL = re.compile(r"aHR0c[A-Za-z0-9+/_-]{6,2048}")
_URL_SAFE = str.maketrans("+/", "-_")
_SUFFIXES = PublicSuffixList()

SHORTENERS = frozenset(
    "t.cn url.cn dwz.cn suo.im suo.nz mrw.so c7.gg dwz.win t.hk reurl.cc u.nu is.gd v.gd bit.ly tinyurl.com "
    "goo.gl ow.ly buff.ly t.co rb.gy cutt.ly s.id 6du.in sourl.cn m6z.cn rrd.me 985.so tb.cn w.url.cn "
    "sohu.gg a.app.qq.com 3.cn dwz.mk shorturl.at surl.li".split()
)
"""Hosts whose links stand for other links."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `domain` is the registrable domain, the host itself where there is none, or the IP."""

    name: str
    domain: str
    is_ip: bool
    is_shortener: bool
    is_punycode: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One link: `href` is the WHATWG form without its fragment."""

    href: str
    host: Host


def host_name(url: str) -> str | None:
    """The host of `url`, ASCII and lower case; None when it cannot be read."""
    # Nearly every link is plain, and its host was seen before: then no parser is needed.
    host = url.split("/", 3)[2] if url.startswith(("https://", "http://")) else ""
    if len(host) <= _MAX_HOST and _is_plain_host(host):
        return host
    link = parse_link(url)
    return link.host.name if link is not None else None


@lru_cache(_CACHED_HOSTS)
def _is_plain_host(text: str) -> bool:
    """Whether what stands between the slashes is a host name and nothing else, as WHATWG parsing would leave it."""
    return _PLAIN_HOST.fullmatch(text) is not None


def parse_link(url: str) -> Link | None:
    """The link in `url`, written as people write them (a scheme may be missing); None when it is no web link."""
    return _parse_short_link(url) if len(url) <= _LONGEST_CACHED_URL else _parse_link(url)


@lru_cache(_CACHED_URLS)
def _parse_short_link(url: str) -> Link | None:
    return _parse_link(url)


def _parse_link(url: str) -> Link | None:
    text = url.strip()
    if _OTHER_SCHEME.match(text):
        return None
    if not _SCHEME.match(text):
        text = "http://" + text.lstrip("/")
    parsed = _parse(text)
    if parsed is None or "." not in parsed.hostname:  # a dot may be written as a word: evil点com
        parsed = _parse(_mend(text)) or parsed
    if parsed is None or parsed.protocol not in {"http:", "https:"} or not parsed.hostname.strip("."):
        return None
    if len(parsed.hostname) > _MAX_HOST:
        return None
    href = parsed.href
    if parsed.hash:
        href = href[: href.index("#")]
    return Link(href, host_of(parsed.hostname))


def _parse(text: str) -> ada_url.URL | None:
    try:
        return ada_url.URL(text)
    except (ValueError, UnicodeError):
        return None


def _mend(text: str) -> str:
    """Dots written as words or signs, and spaces, taken out of the host part."""
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{''.join(host.translate(_DOTS).split())}{slash}{path}"


@lru_cache(_CACHED_HOSTS)
def host_of(name: str) -> Host:
    """What is known of a host by its name alone; `name` is ASCII and lower case, IPv6 in brackets."""
    bare = name.rstrip(".")
    is_ip = bare.startswith("[") or (bare.replace(".", "").isdigit() and bare.count(".") == 3)
    if is_ip:
        return Host(bare, bare.strip("[]"), True, False, False)
    domain = _SUFFIXES.privatesuffix(bare) or bare
    punycode = any(label.startswith("xn--") for label in bare.split("."))
    return Host(bare, domain, False, bare in SHORTENERS or domain in SHORTENERS, punycode)


def may_nest(url: str) -> bool:
    """Whether `nested_urls` is worth asking, which for nearly every link it is not."""
    return url.find("http", 8) != -1 or "aHR0c" in url


def nested_urls(url: str) -> list[str]:
    """The URLs that a URL carries in its query or path, as redirectors take them: plain, percent-encoded once or more,
    or in base64. Those inside them are not looked for."""
    found: list[str] = []
    if "aHR0c" in url:
        found.extend(decoded for word in _BASE64_URL.findall(url)[:_MAX_NESTED] if (decoded := _from_base64(word)))
    for _ in range(_MAX_ENCODINGS):
        found.extend(_NESTED_URL.findall(url, 8)[:_MAX_NESTED])
        if found or "%" not in url:
            break
        url = unquote(url)
    return found[:_MAX_NESTED]


def _from_base64(word: str) -> str | None:
    try:
        decoded = urlsafe_b64decode(word.translate(_URL_SAFE) + "=" * (-len(word) % 4))
    except ValueError:
        return None
    return decoded.decode("utf-8", "replace")


@lru_cache(_CACHED_HOSTS)
def public_suffix(name: str) -> str:
    """The part of a host under which anybody registers names (cn, com.cn, github.io); empty for an unknown one."""
    return _SUFFIXES.publicsuffix(name.rstrip("."), accept_unknown=False) or ""


def in_list(name: str, hosts: frozenset[str]) -> bool:
    """Whether `hosts` has the host or one it stands below."""
    if name in hosts:
        return True
    at = name.find(".")
    while at != -1:
        if name[at + 1 :] in hosts:
            return True
        at = name.find(".", at + 1)
    return False
