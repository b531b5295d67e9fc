"""URLs and hosts: what an event's links point at, and whether a host passes for somebody else's.

WHATWG parsing by ada-url, registrable domains by the bundled public suffix list; nothing is fetched
and nothing is resolved. Hosts repeat, so what is known of one is kept in a bounded cache.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import ada_url
from publicsuffixlist import PublicSuffixList

from rules.text import fold

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


def host_names(urls: Iterable[str]) -> list[str]:
    """The hosts of `urls`, ASCII and lower case, without those that cannot be read."""
    names: list[str] = []
    for url in urls:
        # Nearly every link is plain, and its host was seen before: then no parser is needed.
        host = url.split("/", 3)[2] if url.startswith(("https://", "http://")) else ""
        if len(host) <= _MAX_HOST and _is_plain_host(host):
            names.append(host)
        elif (link := parse_link(url)) is not None:
            names.append(link.host.name)
    return names


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


class Brands:
    """Recognises hosts that pass for a protected brand without being one of its own."""

    def __init__(self, official: frozenset[str], brands: Iterable[str]) -> None:
        """`official`: the brand's own hosts; `brands`: its names, as they occur in host labels."""
        self._official = official
        self._brands = tuple(brands)
        self._inserted = tuple(host for host in official if host.count(".") == 1)
        self._resembles = lru_cache(_CACHED_HOSTS)(self._test)

    def resembles(self, name: str) -> bool:
        """Whether the host looks like the brand's and is not."""
        return self._resembles(name)

    def _test(self, name: str) -> bool:
        host = host_of(name)
        if host.is_ip or in_list(name, self._official):
            return False
        labels = name.removesuffix(host.domain).rstrip(".")
        if any(f".{official}." in f".{labels}." for official in self._inserted):
            return True
        skeletons = [_skeleton(label) for label in name.split(".")[:-1]]
        return any(self._label_resembles(skeleton) for skeleton in skeletons)

    def _label_resembles(self, label: str) -> bool:
        parts = label.split("-")
        for brand in self._brands:
            if brand in parts:
                return True
            if len(brand) >= 5 and (brand in label or any(_one_edit(part, brand) for part in parts)):
                return True
        return False


def _skeleton(label: str) -> str:
    """The label as an eye reads it: punycode decoded, look-alikes and digits folded to letters."""
    if label.startswith("xn--"):
        try:
            label = ada_url.idna_to_unicode(label.encode()) or label
        except (ValueError, UnicodeError):
            return label
    folded = fold(label)
    return folded if folded.isdigit() else folded.translate(_DIGIT_LETTERS).replace("vv", "w").replace("rn", "m")


_DIGIT_LETTERS = str.maketrans("01", "ol")


def _one_edit(word: str, brand: str) -> bool:
    """Whether one letter changed, missing, added, or swapped with its neighbour makes `word` the brand."""
    if word == brand:
        return True
    if abs(len(word) - len(brand)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, brand, strict=False)) if a != b), min(len(word), len(brand)))
    rest, target = word[at:], brand[at:]
    return (
        rest[1:] == target[1:]
        or rest == target[1:]
        or rest[1:] == target
        or (rest[:2] == target[1::-1] and rest[2:] == target[2:])
    )
