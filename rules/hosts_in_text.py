"""Hosts that stand in running text: with or without a scheme, and with the dot disguised.

evil点com, evil。com, evil . com, evil[.]com, evil dot com and ｅｖｉｌ．ｃｏｍ all mean evil.com;
3.5元, v1.2, 好的。com口 and the end of a sentence mean no host. A table lookup over the whole batch finds the few
places where a dot of any kind has a letter behind it and a letter or digit before it; only what surrounds those
places is read.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints, decode_points, encode_points, joined_points
from rules.folding.points import fold_points
from rules.links import host_name, host_of, may_nest, nested_urls, public_suffix
from rules.scans.hosts import dots

_COMMON = frozenset(
    "com cn net org cc top vip xyz club pw wang win site online shop store fun icu ltd biz info tk ml ga mobi work "
    "live link pro red tech ink ren xin asia love tv app cloud men bid loan".split()
)
"""Top-level domains that stand for a host even where its dot is disguised. Any other takes a plain dot, and a scheme,
www or a path: in, me, so, is and it also begin sentences."""
_OLDEST = frozenset({"com", "cn", "net", "org", "cc"})
"""Those that nobody takes for the first word of a sentence: Site. and Shop. can be one."""
_AFTER_A_SPACE = frozenset({"com", "net", "cn"})
"""Those that stand for a host behind a dot and a space, where sentences begin as well."""
_MAX_HOSTS = 1_000
"""Hosts read from one text."""
_ROOM = 256
_BEFORE, _BEHIND = 300, 80
"""Characters read around a place that may be a host's dot: a host has at most 253."""

_LETTER = r"a-z0-9_\u00df-\u024f\u0370-\u03ff\u0400-\u052f-"
_GAP = r"[ \t]{0,2}"
_DOT = (
    rf"(?:{_GAP}[\[({{<【〔]{_GAP}(?:\.|点|dot){_GAP}[\])}}>】〕]{_GAP}|{_GAP}[.点]{_GAP}|[ \t]{{1,2}}dot[ \t]{{1,2}})"
)
_RUN = re.compile(rf"(?<![{_LETTER}])[{_LETTER}]++(?:{_DOT}[{_LETTER}]++)++")
"""A name with its dots, as far as it goes. Possessive, and never begun within a name: linear in the text."""
_DOTS = re.compile(rf"({_DOT})")
_URL = re.compile(r"(?<![a-z])h(?:tt|xx)ps?[ \t]?:[ \t]?[/\\]{2}([^\s<>\"'“”‘’()《》【】,;!、。]{1,2048})")
_AUTHORITY = re.compile(r"[a-z0-9._~%@:\[\]-]+")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_MAILBOX = re.compile(r"(?<![a-z0-9._%+:/-])[a-z0-9._%+-]{1,64}@$")
_HAS_LETTER = re.compile(r"[^0-9]").search
_SHORTEST_DISGUISED = 3
"""Digits before a 点 from which on it is no hour: 163点com, but 8点tv."""
_MOST_LABELS = 10
_LONGEST_MAILBOX = 70
_LONGEST_COMMON = max(map(len, _COMMON))
_NO_CHINESE = re.compile("[^\u4e00-\u9fff点點]*+(?:[点點][^\u4e00-\u9fff点點]*+)*+")
_PATH = re.compile(r"[/?#][!-~]*")

_ONE_TO_ONE_BLOCKS = (
    range(0x2400),
    range(0x2500, 0x2700),
    range(0x3000, 0x3400),
    range(0x4E00, 0xA000),
    range(0xFF00, 0xFFF0),
)
_NOT_ONE = 0xFFFF_FFFF
_DOT_SIGNS = ".。．｡﹒·•‧・∙⋅点點"
_LATIN, _DIGIT, _IS_GAP, _FIRST, _IS_D, _COLON, _IS_DOT = 1, 2, 4, 8, 32, 64, 128
"""What a character can be in a host, as bits of a byte. From _IS_D on: what a host can be found by. _FIRST: the first
letter of a domain that stands for a host behind a dot and a space."""


@dataclass(frozen=True, slots=True)
class TextHost:
    """A host that text number `text` names at [start, end), in code points of the text as written. `name` is as links
    have it: ASCII, lower case."""

    text: int
    start: int
    end: int
    name: str


def hosts_in_texts(
    texts: Sequence[str], joined: CodePoints | None = None, wanted: Callable[[int], bool] = lambda _: True
) -> list[TextHost]:
    """The hosts that stand in `texts`, in order. `joined`: their `joined_points`, where somebody has them already.
    `wanted`: whether the text of this number is to be read."""
    found: list[TextHost] = []
    for text, places in _places(texts, joined_points(texts) if joined is None else joined).items():
        if wanted(text):
            found.extend(_hosts_around(text, texts[text], places))
    return found


def _places(texts: Sequence[str], codes: CodePoints) -> dict[int, list[int]]:
    """Text -> where in it a host's dot, or a scheme's colon, may stand."""
    if not texts:
        return {}
    room = _ROOM + codes.size // 256
    while True:
        places = np.empty(room, np.int64)
        count = dots(codes.data, _kinds().data, places.data)
        if count <= room:
            break
        room = count
    places = places[:count]
    if not count:
        return {}
    starts = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    of = np.searchsorted(starts, places, side="right")
    result: dict[int, list[int]] = {}
    for text, place in zip(of.tolist(), places.tolist(), strict=True):
        result.setdefault(text, []).append(place - (int(starts[text - 1]) if text else 0))
    return result


def _hosts_around(text: int, written: str, places: list[int]) -> Iterator[TextHost]:
    """The hosts in one text, of which only the surroundings of `places` are read."""
    count = 0
    with_scheme = not _colons().isdisjoint([written[place] for place in places])
    for start, end in _windows(places, len(written)) if with_scheme else _stretches(places, written):
        plain = _plain(written[start:end])
        for first, end_of, name in _hosts(plain):
            yield TextHost(text, start + plain.origin[first], start + plain.origin[end_of - 1] + 1, name)
            count += 1
            if count >= _MAX_HOSTS:
                return


def _windows(places: list[int], length: int) -> Iterator[tuple[int, int]]:
    """[start, end) of what surrounds the places, those that meet joined."""
    start, end = max(places[0] - _BEFORE, 0), places[0] + _BEHIND
    for place in places[1:]:
        if place - _BEFORE > end:
            yield start, min(end, length)
            start = place - _BEFORE
        end = place + _BEHIND
    yield start, min(end, length)


def _stretches(places: list[int], written: str) -> Iterator[tuple[int, int]]:
    """The same where no host has a scheme: then none goes on over a Chinese character that is no dot."""
    start, end = -1, -1
    for place in places:
        after = _NO_CHINESE.match(written, place, place + _BEHIND)
        behind = after.end() if after else place + 1
        if place >= end:
            before = _NO_CHINESE.match(written[max(place - _BEFORE, 0) : place][::-1])
            first = place - (before.end() if before else 0)
            if first > end:
                if end >= 0:
                    yield start, end
                start = first
        end = behind
    yield start, end


class _Plain(NamedTuple):
    """A text in compatibility forms and lower case, dots of all kinds as dots, without marks that show nothing; and for
    each character the index of the one `written` that it comes from."""

    text: str
    origin: Sequence[int]
    written: str

    def begins_sentence(self, at: int) -> bool:
        """Whether the word that begins at `at` was written as a sentence's first one; one letter at the end is none."""
        begins = [self.written[place] for place in self.origin[at : at + 2]]
        return len(begins) == 2 and begins[0].isupper() and not begins[1].isupper()


def _plain(written: str) -> _Plain:
    if written.isascii():
        return _Plain(written.lower(), range(len(written)), written)
    codes = _one_to_one().take(encode_points(written))
    if codes.max() < _NOT_ONE:
        return _Plain(decode_points(codes), range(len(written)), written)
    parts = [_plain_character(character) for character in written]
    return _Plain("".join(parts), [index for index, part in enumerate(parts) for _ in part], written)


@cache
def _one_to_one() -> CodePoints:
    """uint32[0x110000]: the character that stays of each one of which one does, else _NOT_ONE; a constant of the
    program. A flat table: a text's characters lie close to one another there, unlike those of a dictionary."""
    table = np.full(0x110000, _NOT_ONE, np.uint32)
    for block in _ONE_TO_ONE_BLOCKS:
        for point in block:
            plain = _plain_character(chr(point))
            if len(plain) == 1:
                table[point] = ord(plain)
    return table


@lru_cache(8192)
def _plain_character(character: str) -> str:
    if character in _DOT_SIGNS:
        return "点" if character in "点點" else "."
    form = unicodedata.normalize("NFKC", character).lower()
    return "".join(c for c in form if unicodedata.category(c) not in {"Cf", "Mn", "Me"})


_Found = tuple[int, int, str]
"""(start, end, name)"""


def _hosts(plain: _Plain) -> list[_Found]:
    text = plain.text
    found = list(_with_scheme(text)) if "//" in text or "\\" in text else []
    read = [(start, end) for start, end, _ in found]
    for run in _RUN.finditer(text):
        while read and read[0][1] <= run.start():
            read.pop(0)
        if read and read[0][0] <= run.start():
            continue
        before = text[max(run.start() - _LONGEST_MAILBOX, 0) : run.start()]
        if before.endswith("@") and _MAILBOX.search(before):
            continue
        found.extend(_in_run(plain, run.start(), run.end()))
    return sorted(found)


def _with_scheme(plain: str) -> Iterator[_Found]:
    for url in _URL.finditer(plain):
        rest = url[1]
        authority = _AUTHORITY.match(rest)
        if authority is not None and (name := _host(authority[0])) is not None:
            path = _PATH.match(rest, authority.end())
            end = url.start(1) + (path.end() if path else authority.end())
        else:
            word = _AUTHORITY_END.split(rest, 1)[0]
            if len(word) > _BEFORE or (name := _host(word)) is None:
                continue
            end = url.start(1) + len(word)
        yield url.start(), end, name
        for nested in nested_urls(url[0]) if may_nest(url[0]) else ():
            if (inner := _host(nested)) is not None:
                yield url.start(), end, inner


def _host(url: str) -> str | None:
    """The host of a URL, which may lack its scheme; None when the world knows none such: it is neither an address nor
    a name below a public suffix."""
    name = host_name(url if "://" in url else "http://" + url)
    if name is None or (not host_of(name).is_ip and public_suffix(name) in {"", name}):
        return None
    return name


def _in_run(plain: _Plain, start: int, end: int) -> Iterator[_Found]:
    """The hosts in labels and dots that follow one another, from `start` to `end`; a sentence's end parts two."""
    pieces = _DOTS.split(plain.text[start:end])
    first, at, labels = start, start, [pieces[0]]
    best: tuple[int, list[str]] | None = None
    at += len(pieces[0])
    disguised = False
    for dot, label in zip(pieces[1::2], pieces[2::2], strict=True):
        sentence = dot[0] == "." and dot[-1] in " \t"
        if sentence and labels != ["www"] and (best or label not in _AFTER_A_SPACE):
            if best and (name := _host(".".join(best[1]))):
                yield first, best[0], name
            first, labels, best, disguised = at + len(dot), [label], None, False
            at = first + len(label)
            continue
        hours = dot.strip() == "点" and len(labels[-1]) < _SHORTEST_DISGUISED and not _HAS_LETTER(labels[-1])
        disguised = disguised or dot != "."
        start_of, at = at + len(dot), at + len(dot) + len(label)
        if (
            not label.isascii()
            and len(label) <= _LONGEST_COMMON
            and (spelled := decode_points(fold_points(label))) in _COMMON
        ):
            label = spelled  # noqa: PLW2901 - com with a Cyrillic о
        labels.append(label)
        label = labels[-1]  # noqa: PLW2901
        known = label in _COMMON or (not disguised and (labels[0] == "www" or plain.text[at : at + 1] in {"/", ":"}))
        if known and not hours and (label in _OLDEST or not plain.begins_sentence(start_of)):
            best = at, labels[-_MOST_LABELS:]
    if best and (name := _host(".".join(best[1]))):
        yield first, best[0], name


def _domain(label: str) -> str:
    """The label; or the top-level domain that it looks like, as com with a Cyrillic о."""
    if label.isascii() or len(label) > _LONGEST_COMMON:
        return label
    spelled = decode_points(fold_points(label))
    return spelled if spelled in _COMMON else label


@cache
def _colons() -> frozenset[str]:
    """The characters that a scheme may end with."""
    return frozenset(map(chr, np.flatnonzero(_kinds() & _COLON).tolist()))


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point can be in a host; a constant of the program, built on first use."""
    kinds = np.zeros(0x110000, np.uint8)
    for block in (range(0x3100), range(0xFE00, 0x10000), range(0x1D400, 0x1D800), range(0x1F100, 0x1F200)):
        for point in block:
            character = chr(point)
            plain = _plain_character(character)
            if re.fullmatch(f"[{_LETTER}]+", plain):
                kinds[point] = _DIGIT if plain.isdigit() else _LATIN
            elif not plain or plain in " \t[]({})<>【】〔〕":
                kinds[point] = _IS_GAP
            if plain in {name[0] for name in _AFTER_A_SPACE}:
                kinds[point] |= _FIRST
            if plain in "d:/\\":
                kinds[point] |= {"d": _IS_D, ":": _COLON, "/": _COLON, "\\": _COLON}.get(plain, 0)
    kinds[0] = 0
    for sign in _DOT_SIGNS:
        kinds[ord(sign)] = _IS_DOT
    return kinds
