"""What a pack says, as immutable values: clauses, ladders, lexicons, lists, signals and rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from rules.conditions import Condition
from rules.decisions import Action, Mode, Notice, SubjectKind
from rules.events import EventType
from rules.packs.source import Place
from rules.words import Word

Field = Literal["title", "text", "desc", "html", "page_title", "page_text", "page_html", "buttons", "form", "link"]
"""Parts of an event's text. `page_html` is the visible text of a page's HTML; packs say `page_text` for both.
`form`: what stands at the things to fill in. `link` is a URL as written."""
FIELDS: tuple[Field, ...] = (
    "title", "text", "desc", "html", "page_title", "page_text", "page_html", "buttons", "form", "link",
)  # fmt: skip
FIELDS_BY_DEFAULT: frozenset[Field] = frozenset(FIELDS) - {"link"}
"""What a signal reads that names no fields: what people read. URLs are read by signals that ask for them."""

TextTest = Literal["length", "lines", "digits", "latin"]
TEXT_TESTS: tuple[TextTest, ...] = ("length", "lines", "digits", "latin")
LinkTest = Literal["any", "shortener", "ip_literal", "punycode", "look_alike", "foreign", "host_in"]
LINK_TESTS: tuple[LinkTest, ...] = (
    "any", "shortener", "ip_literal", "punycode", "look_alike", "foreign", "host_in",
)  # fmt: skip
LinkScope = Literal["all", "links", "page"]
"""All hosts of an event, those in its text included; those of its links and redirects; or the one that serves its page
(without a page: those of its links)."""
LINK_SCOPES: tuple[LinkScope, ...] = ("all", "links", "page")
PageTest = Literal["any", "asks_for", "privacy_notice", "wechat_layout", "form", "overlay", "share_guide"]
PAGE_TESTS: tuple[PageTest, ...] = (
    "any", "asks_for", "privacy_notice", "wechat_layout", "form", "overlay", "share_guide",
)  # fmt: skip
PersonalData = Literal["phone", "id_number", "password", "birthday", "address", "bank_card"]
PERSONAL_DATA: tuple[PersonalData, ...] = (
    "phone", "id_number", "password", "birthday", "address", "bank_card",
)  # fmt: skip
EventTest = Literal["type", "scene", "channel", "recipients", "promotes", "copied_from", "app"]
EVENT_TESTS: tuple[EventTest, ...] = (
    "type", "scene", "channel", "recipients", "promotes", "copied_from", "app",
)  # fmt: skip
BehaviourTest = Literal["count", "recipients", "partners", "repeats", "similar", "rate", "reach"]
BEHAVIOUR_TESTS: tuple[BehaviourTest, ...] = (
    "count", "recipients", "partners", "repeats", "similar", "rate", "reach",
)  # fmt: skip
CrowdKey = Literal["text", "page", "account", "link", "domain", "ip", "app"]
QuotaEach = Literal["rule", "clause", "all"]
"""Whether every rule has a quota of its own, every clause, or all actions have one together."""
QUOTA_EACH: tuple[QuotaEach, ...] = ("rule", "clause", "all")
QuotaPer = Literal["hour", "day"]
QUOTA_PER: tuple[QuotaPer, ...] = ("hour", "day")
CROWD_KEYS: tuple[CrowdKey, ...] = ("text", "page", "account", "link", "domain", "ip", "app")


@dataclass(frozen=True, slots=True)
class Reports:
    """How many distinct reporters of a subject a violation waits for, within how many ms of it, before or after.

    `categories`: only reports of these categories count; empty for all.
    """

    reporters: int
    within: int
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the policy. `by_report` ones open a review for a person and are never enforced alone; with
    `reports`, only once enough users have reported the subject."""

    id: str
    title: Notice
    text: str
    first: tuple[Action, ...]
    egregious: tuple[Action, ...]
    by_report: bool
    reports: Reports | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder. `duration` in milliseconds; None is permanent (or timeless, for a warning)."""

    apply: Literal["warn", "first", "egregious"]
    duration: int | None


@dataclass(frozen=True, slots=True)
class Evasion:
    """What counts as dodging sanctions, and leads to the last rung at once: an account's violations with so many
    `domains` within `within` ms (0 domains: never), and a domain whose first violation came from a `punished_ip`."""

    domains: int
    within: int
    punished_ip: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """How repeated violations of its clauses climb. `window`, `grace` and `half_life` in milliseconds; None for a
    history that does not fade within the window."""

    name: str
    clauses: tuple[str, ...]
    window: int
    grace: int
    rungs: tuple[Rung, ...]
    half_life: int | None = None
    evasion: Evasion | None = None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words as written, with their weights and options. An operator's lexicon takes its words from outside the pack;
    `test_words` stand in for them in inline cases."""

    name: str
    entries: tuple[Word, ...]
    operator: bool
    test_words: tuple[str, ...]
    place: Place

    @property
    def words(self) -> dict[str, float]:
        """Word -> weight."""
        return {word.text: word.weight for word in self.entries}

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(word.group for word in self.entries if word.group)

    def in_use(self, *, test_words: bool) -> tuple[Word, ...]:
        """The words to look for; with `test_words`, an operator's lexicon has those that stand in for its own."""
        return tuple(map(Word, self.test_words)) if test_words and self.operator else self.entries


@dataclass(frozen=True, slots=True)
class HostList:
    """Hosts, each with everything below it.

    protected: no sanction lands on their domains by itself. shared: the same, but customers have names of their own
    below them, each a domain by the public suffix list, and those are not protected.
    """

    name: str
    hosts: frozenset[str]
    brands: tuple[str, ...] = ()
    protected: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class LexiconSignal:
    """The summed weight of the distinct words found in `fields`, 0 below `at_least`.

    `groups`: only words of these groups count, None for all; words of `except_groups` never do.
    """

    name: str
    lexicon: str
    fields: frozenset[Field]
    at_least: float
    groups: frozenset[str] | None = None
    except_groups: frozenset[str] = frozenset()

    def counts(self, word: Word) -> bool:
        """Whether a word of the lexicon counts for this signal."""
        return word.group not in self.except_groups and (self.groups is None or word.group in self.groups)


@dataclass(frozen=True, slots=True)
class LearnedPart:
    """N-grams of a learned lexicon that count in `fields`: n-gram -> weight, as folded text has them."""

    fields: frozenset[Field]
    ngrams: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LearnedLexicon:
    """A linear classifier of text as a lexicon: `bias`, and n-grams with their weights. `length`: the power of their
    number that their sum is divided by. See `rules.learned`."""

    name: str
    bias: float
    parts: tuple[LearnedPart, ...]
    place: Place
    length: float = 0.5


@dataclass(frozen=True, slots=True)
class LearnedSignal:
    """The value of a learned lexicon over `fields`, 0 below `at_least` and where none of its n-grams stands."""

    name: str
    lexicon: str
    fields: frozenset[Field]
    at_least: float


@dataclass(frozen=True, slots=True)
class PatternSignal:
    """The number of matches of an RE2 pattern in `fields`."""

    name: str
    pattern: str
    fields: frozenset[Field]
    original: bool


@dataclass(frozen=True, slots=True)
class TextSignal:
    """A measure of the folded text in `fields`: how many characters, lines, digits or Latin letters it has."""

    name: str
    test: TextTest
    fields: frozenset[Field]


@dataclass(frozen=True, slots=True)
class LinkSignal:
    """The number of hosts of an event for which a test of `rules.links` holds."""

    name: str
    test: LinkTest
    hosts: HostList | None
    scope: LinkScope = "all"


@dataclass(frozen=True, slots=True)
class PageSignal:
    """What a test of `rules.pages` finds on the landing page."""

    name: str
    test: PageTest
    any_of: frozenset[PersonalData]


@dataclass(frozen=True, slots=True)
class EventSignal:
    """A field of the event: its number, or 1 where it is one of the words `any_of`."""

    name: str
    test: EventTest
    any_of: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class BehaviourSignal:
    """A count over an account's recent events of one type. `within` in milliseconds: a window, or a half-life."""

    name: str
    test: BehaviourTest
    of: EventType
    channels: frozenset[str] | None
    within: int


Signal = (
    LexiconSignal | LearnedSignal | PatternSignal | TextSignal | LinkSignal | PageSignal | EventSignal | BehaviourSignal
)


@dataclass(frozen=True, slots=True)
class Case:
    """An event that must or must not fire a rule: `fields` as written, sent `repeat` times, `every` ms.

    accounts: how many accounts take turns in sending it. after: ms from the event before it.
    before:   the events sent before it, when the case is a list; the last one decides.
    also:     other rules that it fires as well, and may.
    """

    fields: Mapping[str, object]
    repeat: int
    every: int
    place: Place
    accounts: int = 1
    after: int = 0
    before: tuple["Case", ...] = ()
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Crowd:
    """What must come together before a rule's events are violations: within `within` ms, events that have `same` in
    common and come from at least `at_least` distinct `distinct`."""

    same: CrowdKey
    distinct: SubjectKind
    at_least: int
    within: int


@dataclass(frozen=True, slots=True)
class Ring:
    """The same of mass sends that promote accounts: a ring of at most `longest` accounts, each of which promotes the
    next, within `within` ms. Two that promote each other are a ring of two."""

    longest: int
    within: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of breaking one clause. With a `crowd`, by events of several accounts together."""

    name: str
    clause: str
    when: Condition
    egregious_when: Condition | None
    mode: Mode
    charges: frozenset[SubjectKind]
    notice: Notice
    hits: tuple[Case, ...]
    passes: tuple[Case, ...]
    place: Place
    crowd: Crowd | Ring | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """How many automatic actions `each` rule or clause, or all together, may lead to within an hour or a day of event
    time. `only`: those of these rules and clauses, or that start with these names; of all where it is empty."""

    name: str
    each: QuotaEach
    per: QuotaPer
    at_most: int
    only: tuple[str, ...] = ()

    def covers(self, rule: str, clause: str) -> bool:
        """Whether an action for this rule and clause counts."""
        return not self.only or any(begins(rule, name) or begins(clause, name) for name in self.only)


@dataclass(frozen=True, slots=True)
class Protected:
    """What is never sanctioned automatically, besides the hosts of lists that are `protected` or `shared`.

    hosts:      names of further lists, each host with everything below it.
    networks:   blocks of addresses. accounts: names.
    followers:  accounts that so many follow, or more; recipients: accounts whose mass send went to so many, or more.
                None for no such limit.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    accounts: frozenset[str] = frozenset()
    followers: int | None = None
    recipients: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far automatic enforcement may go; what lies beyond waits for a person."""

    quotas: tuple[Quota, ...] = ()
    protected: Protected = Protected()


@dataclass(frozen=True, slots=True)
class Pack:
    """A whole, valid policy. `rules` are ordered so that a rule stands after those it refers to."""

    name: str
    version: str
    description: str
    clauses: Mapping[str, Clause]
    ladders: Mapping[str, Ladder]
    lexicons: Mapping[str, Lexicon]
    lists: Mapping[str, HostList]
    signals: Mapping[str, Signal]
    rules: Mapping[str, Rule]
    ladder_of: Mapping[str, Ladder] = field(default_factory=dict)
    learned: Mapping[str, LearnedLexicon] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    """`name@version` of the packs that are included."""

    limits: Limits = Limits()
    revision: str = ""
    """A digest of the operator's words, whatever their order, with their weights and options; empty without any."""

    @property
    def label(self) -> str:
        """What decisions cite: `name@version` of the pack and of those it includes, and which words the operator had
        given: `ours@3+wechat@2016.4.2+words.1f0c59be2b7a`."""
        words = [f"words.{self.revision}"] if self.revision else []
        return "+".join([f"{self.name}@{self.version}", *self.includes, *words])

    def with_words(self, words: Mapping[str, Iterable[Word | str]]) -> "Pack":
        """The pack with these words in its operator lexicons, by name, in place of those they had."""
        entries = {
            name: tuple(Word(word) if isinstance(word, str) else word for word in words.get(name, ()))
            for name, lexicon in self.lexicons.items()
            if lexicon.operator
        }
        lexicons = {
            name: replace(lexicon, entries=entries[name]) if name in entries else lexicon
            for name, lexicon in self.lexicons.items()
        }
        return replace(self, lexicons=lexicons, revision=_digest(entries))

    def operator_lexicons(self) -> list[str]:
        """Names of the lexicons whose words the operator supplies."""
        return [lexicon.name for lexicon in self.lexicons.values() if lexicon.operator]


def begins(name: str, start: str) -> bool:
    """Whether `start` is the name of a rule or clause, or the start of one: `links.4` of `links.4.1`."""
    return name == start or name.startswith(start + ".")


def _digest(words: Mapping[str, Iterable[Word]]) -> str:
    given = sorted((name, *word) for name, entries in words.items() for word in entries)
    if not given:
        return ""
    parts = (str(part).encode("utf-8", "surrogatepass") for entry in given for part in entry)
    return blake2b(b"".join(len(part).to_bytes(4, "big") + part for part in parts), digest_size=6).hexdigest()
