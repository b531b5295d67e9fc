"""The known-good gate: every rule, enforced or in shadow, over text that is known to be fine.

A hit that is not on the accepted list is *new*; an accepted entry that nothing hits any more is *stale*. The list names
what a person has looked at and lets stand, one hit a line: rule, key and reason, with tabs between. The key is the id
of the text in the known-good file, or the hash of the text: `text:` and 16 hexadecimal digits, which follow the text
from file to file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast, get_args

import msgspec

from lab.corpus import TIME, Row, event_of
from lab.display import shown, text_of
from lab.files import CorpusError, numbered_lines
from lab.judging import judged
from rules.decisions import Violation
from rules.events import CONTENT_TYPES, Content, EventType, InvalidEventError, MassSend, Post, Share, decode_event
from rules.packs.model import Pack

MAX_HITS = 10_000
"""Most hits that are kept; more are only counted."""
_HASH = "text:"


class Good(NamedTuple):
    """One known-good text: its id, where it stands, and the event it is."""

    id: str
    line: int
    event: Content


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fires on a known-good text, made harmless to show. `key` is what an accepted list calls the text by
    its id, `hash` by what it says."""

    rule: str
    mode: str
    key: str
    hash: str
    line: int
    quotes: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """One line of an accepted list."""

    rule: str
    key: str
    reason: str
    line: int


@dataclass(slots=True)
class Gate:
    """What came of a known-good file. `more`: new hits beyond MAX_HITS. `accepted`: hits that the list lets stand."""

    texts: int = 0
    new: list[Hit] = field(default_factory=list)
    more: int = 0
    accepted: list[Hit] = field(default_factory=list)
    stale: list[Accepted] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no hit is new."""
        return not self.new and not self.more


class _Shape(msgspec.Struct, gc=False):
    """What tells an event from a row."""

    type: str | None = None
    task: str | None = None


_SHAPE = msgspec.json.Decoder(_Shape)
_ROW = msgspec.json.Decoder(Row)


def run_gate(pack: Pack, texts: Iterable[Good], accepted: Iterable[Accepted] = ()) -> Gate:
    """Judges every text by itself, with every rule that is not off."""
    listed = list(accepted)
    by_key = {(entry.rule, entry.key): entry for entry in listed}
    met: set[tuple[str, str]] = set()
    gate = Gate()
    for good, event, violations in judged(pack, ((good, good.event) for good in texts)):
        gate.texts += 1
        for violation in {violation.rule: violation for violation in violations}.values():
            hit = _hit(good, event, violation)
            keys = {(hit.rule, good.id), (hit.rule, hit.hash)} & by_key.keys()
            met |= keys
            if keys:
                if len(gate.accepted) < MAX_HITS:
                    gate.accepted.append(hit)
            elif len(gate.new) < MAX_HITS:
                gate.new.append(hit)
            else:
                gate.more += 1
    gate.stale = [entry for entry in listed if (entry.rule, entry.key) not in met]
    return gate


def read_known_good(path: Path) -> Iterator[Good]:
    """The texts of a file, each line one: a labelled row (rows with a clause are left out), an event with its `type`
    (post, share or mass_send), or, if it does not start with `{`, a plain text, judged as a post. May be gzipped.

    The id of a plain text is its hash. Raises CorpusError that names the line.
    """
    for number, body in numbered_lines(path):
        account = f"line-{number}"
        if not body.lstrip().startswith(b"{"):
            text = body.decode("utf-8", "replace").strip()
            event = Post(id=str(number), account=account, time=TIME, text=text)
            yield Good(text_hash(event), number, event)
            continue
        try:
            shape = _SHAPE.decode(body)
            if shape.type is not None:
                found = _content(shape.type, body)
                yield Good(found.id, number, msgspec.structs.replace(found, account=account))
                continue
            row = _ROW.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidEventError) as error:
            raise CorpusError(path, number, f"no labelled row and no event: {error}") from None
        if not row.clauses:
            yield Good(row.id, number, event_of(row, account))


def _content(kind: str, body: bytes) -> Content:
    if kind not in get_args(EventType):
        raise InvalidEventError("unknown_type", f"type {kind[:100]!r}")
    event = decode_event(cast(EventType, kind), body)
    if not isinstance(event, CONTENT_TYPES):
        raise InvalidEventError("unknown_type", f"a {kind} has no content to judge")
    return event


def text_hash(event: Content) -> str:
    """`text:` and a hash of what the event says, independent of its id, account and time."""
    match event:
        case Share(page=page):
            parts = [event.url, event.title, event.desc]
            parts += [page.title, page.text, page.html] if page is not None else []
        case Post():
            parts = [event.title, event.text, event.html]
        case MassSend():
            parts = [event.title, event.text]
    data = "\0".join(parts).rstrip("\0").encode("utf-8", "surrogatepass")
    return _HASH + blake2b(data, digest_size=8).hexdigest()


def read_accepted(path: Path) -> list[Accepted]:
    """The entries of an accepted list; blank lines and lines that start with `#` are comments.

    Raises CorpusError for a line without rule, key or reason, or an entry that stands there twice.
    """
    entries: dict[tuple[str, str], Accepted] = {}
    for number, body in numbered_lines(path):
        try:
            line = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(path, number, f"no UTF-8: {error.reason}") from None
        if line.startswith("#"):
            continue
        rule, key, reason = ([part.strip() for part in line.split("\t", 2)] + ["", ""])[:3]
        if not rule or not key:
            raise CorpusError(path, number, "an entry is rule, key and reason, with tabs between")
        if not reason:
            raise CorpusError(path, number, f"why may {rule} hit {key}? Write the reason after a third tab")
        if (rule, key) in entries:
            raise CorpusError(path, number, f"{rule} and {key} stand in line {entries[rule, key].line} already")
        entries[rule, key] = Accepted(rule, key, reason, number)
    return list(entries.values())


def proposed_list(gate: Gate, accepted: Iterable[Accepted]) -> str:
    """The accepted list as it would have to be: entries that still hold with their reasons, then the new hits, whose
    reasons a person must write before the list is taken, each with its text in a comment."""
    stale = {(entry.rule, entry.key) for entry in gate.stale}
    lines = ["# Known-good texts that rules may hit: rule, id or hash of the text, reason; tabs between."]
    lines += [
        f"{entry.rule}\t{entry.key}\t{entry.reason}" for entry in accepted if (entry.rule, entry.key) not in stale
    ]
    for hit in gate.new:
        lines += [f"# {hit.text}", f"{hit.rule}\t{hit.hash}\t"]
    return "\n".join(lines) + "\n"


def _hit(good: Good, event: Content, violation: Violation) -> Hit:
    quotes = dict.fromkeys(evidence.quote for evidence in violation.evidence)
    return Hit(
        rule=violation.rule,
        mode=violation.mode,
        key=shown(good.id, 80),
        hash=text_hash(event),
        line=good.line,
        quotes=[shown(quote, 40) for quote in list(quotes)[:5]],
        text=shown(text_of(event)),
    )
