"""What a pack says, as immutable values: clauses, ladders, lexicons, lists, signals and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rules.conditions import Condition
from rules.decisions import Action, Mode, Notice, SubjectKind
from rules.events import EventType
from rules.packs.source import Place

Field = Literal["title", "text", "desc", "html", "page_title", "page_text", "page_html", "buttons"]
"""Parts of an event's text. `page_html` is the visible text of a page's HTML; packs say `page_text` for both."""
FIELDS: tuple[Field, ...] = (
    "title", "text", "desc", "html", "page_title", "page_text", "page_html", "buttons",
)  # fmt: skip

LinkTest = Literal["any", "shortener", "ip_literal", "punycode", "look_alike", "foreign", "host_in"]
LINK_TESTS: tuple[LinkTest, ...] = (
    "any", "shortener", "ip_literal", "punycode", "look_alike", "foreign", "host_in",
)  # fmt: skip
PageTest = Literal["any", "asks_for", "privacy_notice", "wechat_layout", "form"]
PAGE_TESTS: tuple[PageTest, ...] = ("any", "asks_for", "privacy_notice", "wechat_layout", "form")
PersonalData = Literal["phone", "id_number", "password", "birthday", "address", "bank_card"]
PERSONAL_DATA: tuple[PersonalData, ...] = (
    "phone", "id_number", "password", "birthday", "address", "bank_card",
)  # fmt: skip
EventTest = Literal["type", "scene", "channel", "recipients", "promotes", "copied_from", "app"]
EVENT_TESTS: tuple[EventTest, ...] = (
    "type", "scene", "channel", "recipients", "promotes", "copied_from", "app",
)  # fmt: skip
BehaviourTest = Literal["count", "recipients", "partners", "repeats"]
BEHAVIOUR_TESTS: tuple[BehaviourTest, ...] = ("count", "recipients", "partners", "repeats")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the policy. `by_report` ones are not enforced until users have reported."""

    id: str
    title: Notice
    text: str
    first: tuple[Action, ...]
    egregious: tuple[Action, ...]
    by_report: bool


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder. `duration` in milliseconds; None is permanent (or timeless, for a warning)."""

    apply: Literal["warn", "first", "egregious"]
    duration: int | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """How repeated violations of its clauses climb. `window` and `grace` in milliseconds."""

    name: str
    clauses: tuple[str, ...]
    window: int
    grace: int
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words as written, with weights. An operator's lexicon takes its words from outside the pack."""

    name: str
    words: Mapping[str, float]
    operator: bool
    test_words: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class HostList:
    """Hosts, each with everything below it. A protected host's domain is never charged."""

    name: str
    hosts: frozenset[str]
    brands: tuple[str, ...] = ()
    protected: bool = False


@dataclass(frozen=True, slots=True)
class LexiconSignal:
    """The summed weight of the distinct words found in `fields`, 0 below `at_least`."""

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
class LinkSignal:
    """The number of hosts of an event for which a test of `rules.links` holds."""

    name: str
    test: LinkTest
    hosts: HostList | None


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
    """A count over an account's recent events of one type. `within` in milliseconds."""

    name: str
    test: BehaviourTest
    of: EventType
    channels: frozenset[str] | None
    within: int


Signal = LexiconSignal | PatternSignal | LinkSignal | PageSignal | EventSignal | BehaviourSignal


@dataclass(frozen=True, slots=True)
class Case:
    """An event that must or must not fire a rule: `fields` as written, sent `repeat` times, `every` ms."""

    fields: Mapping[str, object]
    repeat: int
    every: int
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of breaking one clause."""

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

    @property
    def label(self) -> str:
        """`name@version`, as decisions cite it."""
        return f"{self.name}@{self.version}"

    def operator_lexicons(self) -> list[str]:
        """Names of the lexicons whose words the operator supplies."""
        return [lexicon.name for lexicon in self.lexicons.values() if lexicon.operator]
