"""What an event has in common with others: the keys under which the sightings of a crowd or a ring meet.

Worked out for the few events for which such a rule's `when` holds, all of a batch together.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from rules.decisions import EventRef, Evidence, Severity
from rules.events import Content, MassSend, Post, Share, recipients_of
from rules.near_duplicates import minhash_bands
from rules.packs.model import FIELDS, Crowd, CrowdKey, Field, Ring, Rule
from rules.scoring import Scored
from rules.sightings import MAX_SUBJECTS, Charge, Sighting, hashed, key_of, pair_key
from rules.text import CodePoints

MAX_KEYS = 8
"""Domains, links and so on of one event that are looked at."""
MAX_PROMOTED = 16
"""Promoted accounts of one mass send that are looked at for rings."""
MIN_TAGS = 40
"""Tags of a page without text, below which its layout says nothing."""
_MAX_HTML = 200_000
EVIDENCE = 3
"""Pieces of evidence that one event in waiting keeps."""
_FIRST = ("account", "domain", "ip", "app")
_OF_TEXT: tuple[Field, ...] = ("title", "text", "desc", "html")
_OF_PAGE: tuple[Field, ...] = ("page_title", "page_text", "page_html", "buttons")
READ: dict[CrowdKey, frozenset[int]] = {
    "text": frozenset(FIELDS.index(field) for field in _OF_TEXT),
    "page": frozenset(FIELDS.index(field) for field in _OF_PAGE),
}
"""What near copies are told by: the fields that are read."""
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,20})([^<>]{0,300})")
_CLASS = re.compile(r"\bclass\s?=\s?[\"']?([\w -]{1,60})")


class Candidate(NamedTuple):
    """An event, number `at` of its batch, for which the `when` of a rule with a crowd or ring holds.

    subjects: (kind, subject) of all whom the event could be charged to.
    shared:   those of them that so many have in common that nothing follows from it: protected hosts.
    """

    at: int
    event: Content
    source: str
    rule: Rule
    severity: Severity
    evidence: Sequence[Evidence]
    subjects: Sequence[tuple[str, str]]
    shared: frozenset[str] = frozenset()


def sightings_of(candidates: Sequence[Candidate], scored: Scored, pack: str) -> list[tuple[int, Sighting]]:
    """The sightings of `candidates`, each with the index of its event. An event may lead to several, or none."""
    bands = _Bands(candidates, scored)
    return [(candidate.at, found) for candidate in candidates for found in _sightings(candidate, bands, pack)]


def _sightings(candidate: Candidate, bands: "_Bands", pack: str) -> Iterator[Sighting]:
    rule, crowd = candidate.rule, candidate.rule.crowd
    if isinstance(crowd, Ring):
        event = candidate.event
        if isinstance(event, MassSend):
            charge = _charge(candidate, pack)
            source = hashed(event.account)
            for target in dict.fromkeys(map(hashed, islice(event.promotes, MAX_PROMOTED))):
                if target != source:
                    key, ring = pair_key(rule.name, crowd, source, target), (source, target)
                    yield Sighting(key=key, rule=rule.name, members=[source], charge=charge, ring=ring)
    elif crowd is not None:
        members = [hashed(name) for name in _named(candidate, crowd.distinct)]
        if members:
            charge = _charge(candidate, pack)
            for key, groups in _keys(candidate, rule.name, crowd, bands):
                yield Sighting(key=key, rule=rule.name, members=members, charge=charge, groups=groups)


def _keys(candidate: Candidate, rule: str, crowd: Crowd, bands: "_Bands") -> Iterator[tuple[str, list[str]]]:
    """(key, groups) of all that the event may have in common with others."""
    if crowd.same not in READ:
        for name in _named(candidate, crowd.same):
            yield key_of(rule, crowd, name), []
        return
    found = bands.of(candidate.at, crowd.same)
    if found:
        names = [f"{band:x}" for band in found]
        home = key_of(rule, crowd, "home", *names)
        yield home, [key_of(rule, crowd, "band", str(number), name) for number, name in enumerate(names)]


def _named(candidate: Candidate, kind: str) -> list[str]:
    return [name for each, name in candidate.subjects if each == kind and name not in candidate.shared][:MAX_KEYS]


def _charge(candidate: Candidate, pack: str) -> Charge:
    """What the event would be charged with; links last, so that they are what a limit leaves out."""
    event, rule = candidate.event, candidate.rule
    charged = [(kind, name) for kind, name in candidate.subjects if kind in rule.charges]
    charged.sort(key=lambda found: found[0] not in _FIRST)
    return Charge(
        source=candidate.source,
        event=EventRef(event.id, event.type),
        severity=candidate.severity,
        evidence=list(candidate.evidence[:EVIDENCE]),
        time=event.time,
        pack=pack,
        subjects=[name for _, name in charged[:MAX_SUBJECTS]],
        holds_share_api=all(kind != "app" for kind, _ in candidate.subjects),
        followers=event.followers,
        recipients=recipients_of(event),
    )


class _Bands:
    """The MinHash bands of the texts and pages of some events, hashed together."""

    def __init__(self, candidates: Iterable[Candidate], scored: Scored) -> None:
        wanted: dict[tuple[int, CrowdKey], Content] = {}
        for candidate in candidates:
            crowd = candidate.rule.crowd
            if isinstance(crowd, Crowd) and crowd.same in READ:
                wanted[candidate.at, crowd.same] = candidate.event
        texts = [codes_of(scored, index, same) for index, same in wanted]
        self._of = dict(zip(wanted, minhash_bands(texts), strict=True))
        silent = [(at, event) for at, event in wanted.items() if at[1] == "page" and not self._of[at]]
        if silent:
            layouts = minhash_bands([layout_of(html_of(event)) for _, event in silent])
            self._of.update({at: bands for (at, _), bands in zip(silent, layouts, strict=True)})

    def of(self, index: int, same: CrowdKey) -> tuple[int, ...]:
        """The bands of one event's text or page; none where it says too little."""
        return self._of[index, same]


def layout_of(html: str) -> CodePoints:
    """The tags of a page with their classes as a text of one made-up character each; empty for fewer than MIN_TAGS.

    For pages that show pictures only. Pages with text go by their text: a site builder gives thousands one layout.
    """
    tags = [zlib.crc32(tag.encode("utf-8", "replace")) for tag in _tags(html[:_MAX_HTML])]
    if len(tags) < MIN_TAGS:
        return np.zeros(0, np.uint32)
    return (np.array(tags, np.uint64) % np.uint64(0x5000) + np.uint64(0x4E00)).astype(np.uint32)


def _tags(html: str) -> Iterator[str]:
    for match in _TAG.finditer(html):
        named = _CLASS.search(match[2])
        yield f"{match[1].lower()} {named[1] if named else ''}"


def html_of(event: Content) -> str:
    """The HTML that `layout_of` reads, empty without any."""
    match event:
        case Share():
            return event.page.html if event.page is not None else ""
        case Post():
            return event.html
        case MassSend():
            return ""


def codes_of(scored: Scored, index: int, same: CrowdKey) -> CodePoints:
    """The folded characters of an event's texts, or of its page's (one of READ), one text after the other."""
    folded, segments, fields = scored.folded, scored.segments, READ[same]
    parts = [
        folded.codes[folded.bounds[segment] : folded.bounds[segment + 1]]
        for segment in segments.of(index)
        if segments.field[segment] in fields
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint32)
