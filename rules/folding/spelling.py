"""Words in pinyin or in letters, whole or in part: weixin, wei xin, wei信, v信, dai款 and 贷kuanfu务.

Letters are read only as tokens of their own, outside addresses and Latin phrases, and only when all of them are
accounted for: daikuanfuwu is 贷款服务, and shanghai stays.
"""

import re
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints, Positions, decode_points
from rules.folding.contacts import contact_patterns, window
from rules.folding.variants import LATIN, variants
from rules.folding.work import Change, Work

Keys = NDArray[np.int64]

LONGEST_RUN = 12
"""Letters of a run that has a key of its own: five bits each."""
LEAST_CHAIN = 5
"""Letters of a run that may be several words in a row."""
CHAIN_PREFIX = 4
"""Its first letters, which `LatinKeys.chains` knows."""
CHAIN_SHIFT = 5 * (LONGEST_RUN - CHAIN_PREFIX)
_LONGEST_CHAIN = 40
_DIALS = frozenset("微信 qq qq群 微信群 加微信 电话 手机 手机号".split())
"""Words that an account name or a number may follow without a space."""
_ACCOUNT_NUMBER = re.compile("[0-9]{5}")
_SURE_LETTERS = 5
"""Letters from which pinyin may have digits beside it."""
_CARRIED = frozenset("http https www qq vip app td cell".split())
"""What may stand beside pinyin without a space, as it stands beside characters: 点击http://…"""
_BETWEEN = " .-_*·~|/\\+'"
_ADDRESS = "./@:_-=&?%#\\"
_MOST_UNITS = 5
_LONGEST_FORM = 24
_WINDOW_BEFORE, _WINDOW_AFTER = 24, 64
"""Characters around a run of letters that are looked at."""


class _Piece(NamedTuple):
    """text[start:end], without separators, reads `word`; None for what is carried along."""

    start: int
    end: int
    word: str | None


def latin_variants(work: Work) -> Work:
    """Words in pinyin, in letters, or partly so."""
    text = decode_points(work.codes)
    changes: list[Change] = []
    end = 0
    for run in LATIN.finditer(text):
        if run.start() < end or not _promising(run[0]):
            continue
        pieces = _read(text, run, end)
        changes += [_trimmed(text, piece.start, piece.end, piece.word) for piece in pieces if piece.word]
        end = pieces[-1].end if pieces else end
    return work.changed(changes)


def _trimmed(text: str, start: int, end: int, word: str) -> Change:
    """The change without the characters at both ends that stay, so that evidence quotes each where it stands."""
    while len(word) > 1 and text[start] == word[0]:
        start, word = start + 1, word[1:]
    while len(word) > 1 and text[end - 1] == word[-1]:
        end, word = end - 1, word[:-1]
    while text[start] in _BETWEEN:
        start += 1
    return Change(start, end, word)


def _promising(run: str) -> bool:
    if run in variants().runs:
        return True
    return LEAST_CHAIN <= len(run) <= _LONGEST_CHAIN and _is_chain(run)


@lru_cache(maxsize=4096)
def _is_chain(run: str) -> bool:
    """Whether `run` is nothing but syllables of listed words, and what they carry along."""
    pieces = variants().syllables | _CARRIED
    ends = {0}
    for start in range(len(run)):
        if start in ends:
            ends.update(end for end in range(start + 1, min(len(run), start + 6) + 1) if run[start:end] in pieces)
    return len(run) in ends


@cache
def _chain_prefixes() -> frozenset[str]:
    syllables = variants().syllables
    return frozenset((one + other)[:CHAIN_PREFIX] for one in syllables for other in syllables)


def _read(text: str, run: re.Match[str], floor: int) -> list[_Piece]:
    """The words that `run` and what stands around it from `floor` on read as; none if letters are left over."""
    if len(run[0]) > _LONGEST_CHAIN:
        return []
    before = _units_before(text, run.start(), floor)
    units = before + _units(text, run.start())
    places = [place for start, end in units for place in range(start, end)]
    letters = "".join(text[start:end] for start, end in units)
    ends = [*accumulate(end - start for start, end in units)]
    least = ends[len(before)]
    first = least - len(run[0])
    forms = variants().latin
    failed: set[int] = set()

    def tile(at: int) -> list[tuple[int, int, str | None]] | None:
        if at >= least and at in ends:
            return []
        if at in failed:
            return None
        for end in range(min(len(letters), at + _LONGEST_FORM), at, -1):
            form = letters[at:end]
            word = forms.get(form)
            if (word or form in _CARRIED) and (rest := tile(end)) is not None:
                return [(at, end, word), *rest]
        failed.add(at)
        return None

    for start in range(max(0, first - len(before)), first + 1):
        tiles = tile(start)
        if tiles and tiles[0][1] > first and any(word for _, _, word in tiles):
            pieces = [_Piece(places[low], places[high - 1] + 1, word) for low, high, word in tiles]
            if _is_apart(text, pieces):
                return pieces
    return []


def _units(text: str, at: int) -> list[tuple[int, int]]:
    """[start, end) of runs of letters and single Chinese characters from `at` on, a separator or two apart."""
    found: list[tuple[int, int]] = []
    while len(found) < _MOST_UNITS and at < len(text):
        if (run := LATIN.match(text, at)) and run.end() - at <= _LONGEST_CHAIN:
            found.append(run.span())
        elif "\u4e00" <= text[at] < "\ua000":
            found.append((at, at + 1))
        else:
            break
        at = found[-1][1]
        skipped = 0
        while at < len(text) and text[at] in _BETWEEN and skipped < 2:
            at, skipped = at + 1, skipped + 1
    return found


def _units_before(text: str, at: int, floor: int) -> list[tuple[int, int]]:
    """The Chinese characters before `at`, as many as a form may begin with."""
    found: list[tuple[int, int]] = []
    while len(found) < _MOST_UNITS - 2:
        skipped = 0
        while at > floor and text[at - 1] in _BETWEEN and skipped < 2:
            at, skipped = at - 1, skipped + 1
        if at <= floor or not "\u4e00" <= text[at - 1] < "\ua000":
            break
        found.insert(0, (at - 1, at))
        at -= 1
    return found


def _is_apart(text: str, pieces: list[_Piece]) -> bool:
    """Whether letters at both edges of the pieces belong to no longer token, address, or Latin phrase."""
    start, end = pieces[0].start, pieces[-1].end
    dials = pieces[-1].word in _DIALS
    sure = end - start >= _SURE_LETTERS
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if text[start].isascii() and before:
        if before[-1] in "@/_&=?#%\\" or (before[-1].isascii() and before[-1].isalnum() and not sure):
            return False
        if before[-1] in ".:-" and before[:-1].isascii() and before[:-1].isalnum():
            return False
    if text[end - 1].isascii() and after and pieces[-1].word:
        if after[0].isascii() and after[0].isalnum():
            token = _TOKEN.match(text, end)
            if not ((dials and _ACCOUNT_NUMBER.match(text, end)) or (sure and not (token and token[1]))):
                return False
        joins = after[0] in _ADDRESS and len(after) > 1 and after[1].isascii() and after[1].isalnum()
        if joins and not (dials and after[0] in ":-_"):
            return False
    if not text[start:end].isascii() or pieces[-1].word is None:
        return True
    return not _latin_beside(text[max(0, start - 24) : start].rstrip(" ")[::-1]) and (
        dials or not _latin_beside(text[end : end + 24].lstrip(" "))
    )


_TOKEN = re.compile(r"[a-z0-9]{0,64}([./@])?")


def _latin_beside(text: str) -> bool:
    """Whether `text`, read from the word outwards, begins with letters that are no pinyin of a listed word."""
    run = LATIN.match(text)
    known = variants().runs | _CARRIED
    return run is not None and run[0] not in known and run[0][::-1] not in known


class LatinKeys(NamedTuple):
    """Sorted keys, int64[n] each. runs: runs of letters that occur in forms. whole: those that are forms, or contacts.
    beside: runs with the Chinese character before or after them, in forms.

    chains: bool[2 ** 20], by the first letters of a run (its key without the last CHAIN_SHIFT bits), whether it may
    be several words in a row.
    """

    runs: Keys
    whole: Keys
    beside: Keys
    chains: NDArray[np.bool_]


@cache
def latin_keys() -> LatinKeys:
    """By which runs of letters that may be part of a form are found."""
    tables = variants()
    whole = {form for form in tables.latin if form.isascii() and form.isalpha()}
    contact = {name for name in tables.contact if name.isascii()}
    beside = {
        (run_key(run[0]), ord(form[place]))
        for form in tables.latin
        for run in LATIN.finditer(form)
        for place in (run.start() - 1, run.end())
        if 0 <= place < len(form)
    }
    beside |= {(run_key(name), ord(around)) for name in contact for around in "加搜系+:"}
    beside |= {(run_key(form[0]), ord(form[1])) for form in whole if len(form) == 2}  # w x, v.x
    known = {run_key(run) for run in (*tables.runs, *contact) if len(run) <= LONGEST_RUN}
    forms = {run_key(form) for form in whole if len(form) <= LONGEST_RUN}
    pairs = np.array(sorted(beside), np.int64)
    chains = np.zeros(1 << 5 * CHAIN_PREFIX, np.bool_)
    chains[[run_key(prefix) >> CHAIN_SHIFT for prefix in _chain_prefixes()]] = True
    return LatinKeys(
        np.array(sorted(known), np.int64),
        np.array(sorted(forms), np.int64),
        np.sort(beside_keys(pairs[:, 0], pairs[:, 1].astype(np.uint32))),
        chains,
    )


def run_key(run: str) -> int:
    """The key of a run of letters: of the first LONGEST_RUN."""
    key = 0
    for letter in run[:LONGEST_RUN].ljust(LONGEST_RUN, "`"):
        key = key << 5 | (ord(letter) - 96)
    return key


def beside_keys(runs: Keys, characters: CodePoints) -> Keys:
    """int64[n]: the keys of runs, by their own keys, each beside a character."""
    return (runs * np.int64(1_000_003)) ^ characters


def spells(codes: CodePoints, places: Positions) -> Positions:
    """Those of the `places`, where known runs of letters begin, at which one may be part of a form or a contact."""
    found = []
    contact, named = contact_patterns()[1], variants().contact
    for place in places.tolist():
        found_run = LATIN.match(decode_points(codes[place : place + _LONGEST_CHAIN + 1]))
        if not found_run or not (_promising(found_run[0]) or found_run[0] in named):
            continue
        text, at = window(codes, place, _WINDOW_BEFORE, _WINDOW_AFTER)
        run = LATIN.match(text, at)
        if run and (_read(text, run, 0) or (run[0] in named and contact.search(text))):
            found.append(place)
    return np.array(found, np.int64)
