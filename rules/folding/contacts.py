"""What stands for 加, and for a contact, only where a contact is given: 佳威信, 加V, 扣：12345678."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from rules.folding.codes import CodePoints, Positions, decode_points
from rules.folding.language import language
from rules.folding.variants import variants
from rules.folding.work import Change, Work

_TAIL = (
    r"(?![a-z])(?=[号群]?[:： ]{0,2}[a-z0-9][a-z0-9_\-]{4}"
    r"|[号:我聊咨详了领看获免进拉]|[\n。，！？!,?;；)）】\0 ]|$)"
)
"""What comes after a contact that 加 adds: an account name, words that ask to get in touch, the end of a clause."""
_ACCOUNT = r"(?=[号]?[:： ]{1,2}(?=[a-z_\-]*[0-9])[a-z0-9_\-]{6}|号?[0-9]{6,12}(?![0-9]))"
"""An account name or number."""
_WINDOW_BEFORE, _WINDOW_AFTER = 8, 32
"""Characters around what may name a contact that are looked at."""
_OTHER_ADDING = "增参附追外更施强"
_NUMERIC = "一二三四五六七八九十百千万两几第0123456789"


@cache
def contact_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What adds a contact, before it; and what names one, after 加 or before an account."""
    tables = variants()
    names = "|".join(sorted(map(re.escape, tables.contact), key=len, reverse=True))
    adding = "|".join(sorted(map(re.escape, tables.before), key=len, reverse=True))
    before = re.compile(rf"(?<![a-z0-9])({adding})(?= ?(?:微信|qq|威信|维信|v[信:： ]|群主|我(?:微信|qq|v)))")
    contact = re.compile(
        rf"(?:(?<=[加搜+])|(?<=[加搜+][ :])|(?<=联系))({names}){_TAIL}"
        rf"|(?<![a-z0-9\u4e00-\u9fff])({names}){_ACCOUNT}"
    )
    return before, contact


@cache
def _beginnings() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The characters that a match of each of `contact_patterns` may begin with."""
    tables = variants()
    before, contact = ("".join({name[0] for name in names}) for names in (tables.before, tables.contact))
    return re.compile(f"[{re.escape(before)}]"), re.compile(f"[{re.escape(contact)}]")


def _matches(pattern: re.Pattern[str], beginning: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """As `pattern.finditer(text)`, which would try the whole pattern at every character, not at `beginning` only."""
    end = 0
    for found in beginning.finditer(text):
        if found.start() >= end and (match := pattern.match(text, found.start())):
            end = match.end()
            yield match


def contacts(work: Work) -> Work:
    """What stands for 加 and for a contact only where a contact is given: 佳威信, 加V, 扣：12345678."""
    before, contact = contact_patterns()
    begins_before, begins_contact = _beginnings()
    text = decode_points(work.codes)
    changes = [
        Change(*match.span(1), "加")
        for match in _matches(before, begins_before, text)
        if _adds(text[max(match.start(1) - 1, 0) : match.start(1)], match[1])
    ]
    if changes:
        work = work.changed(changes)
        text = decode_points(work.codes)
    named = variants().contact
    changes = []
    for match in _matches(contact, begins_contact, text):
        group = 1 if match[1] else 2
        start, end = match.span(group)
        lead = text[max(0, start - 2) : start].rstrip(" :")
        if group == 1 and lead[-1:] == "加" and lead[:-1] and lead[-2] in _OTHER_ADDING:
            continue
        changes.append(Change(start, end, named[match[group]]))
    return work.changed(changes)


def _adds(before: str, written: str) -> bool:
    """Whether `written` stands for 加 and is not the end of a word or number that begins with `before`."""
    if written == "十" and before and before in _NUMERIC:
        return False
    return not (before and language().pairs.get(ord(before) << 16 | ord(written[0])))


def contact_pairs() -> set[int]:
    """The keys of the pairs that what names a contact begins or ends with."""
    tables = variants()
    pairs = {(lead, name[0]) for lead in "加搜系+" for name in tables.contact}
    pairs |= {(name[-1], after) for name in tables.contact if len(name) == 1 for after in ":号"}
    pairs |= {(name[-1], first) for name in tables.before for first in "微q威维v群我"}
    pairs |= {(name[0], name[1]) for name in tables.contact if len(name) > 1}
    return {ord(left) << 16 | ord(right) for left, right in pairs}


def names_contact(codes: CodePoints, places: Positions) -> Positions:
    """Those of the `places`, of pairs that contacts begin or end with, around which `contacts` finds one."""
    before, contact = contact_patterns()
    found = []
    for place in places.tolist():
        text, _ = window(codes, place, _WINDOW_BEFORE, _WINDOW_AFTER)
        if before.search(text) or contact.search(text):
            found.append(place)
    return np.array(found, np.int64)


def window(codes: CodePoints, place: int, before: int, after: int) -> tuple[str, int]:
    """What stands around `place` in its text, so many characters before and after it, and where `place` is in it."""
    start = max(0, place - before)
    around = decode_points(codes[start : place + after])
    at = place - start
    cut = around.rfind("\0", 0, at) + 1
    end = around.find("\0", at)
    return around[cut : end if end >= 0 else None], at - cut
