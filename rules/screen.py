"""SCREEN: a batch of events and their accounts' states in, violations and new states out. Pure.

Texts of the whole batch are folded, matched and scored together. Rules are looked at only for events
in which one of their triggers fired; links, pages, patterns and fields of the event are looked at only
when a rule asks for them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from rules.allocation import keep_memory
from rules.behaviour import AccountState, Behaviours, decode_state, encode_state
from rules.crowd_keys import EVIDENCE, Candidate, sightings_of
from rules.decisions import EventRef, Evidence, Severity, SubjectKind, Violation, content_id, linked
from rules.event_hosts import urls_of, written_hosts
from rules.events import Content, Page, Post, Share, recipients_of
from rules.facts import WORKED_OUT, EventFacts, Tests, describe
from rules.learned import LearnedSet
from rules.near_duplicates import simhashes
from rules.needs import KIND, TYPES, Needs, needs_by_type
from rules.packs.model import FIELDS, BehaviourSignal, LearnedSignal, LexiconSignal, Pack, PatternSignal, Rule
from rules.pages import read_html
from rules.protection import Protection
from rules.scoring import Scored, Scorer, Segments
from rules.sightings import Sighting
from rules.subjects import subjects_of
from rules.triggers import Triggers, is_bare

_MAX_EVIDENCE = 8
_MAX_QUOTE = 120
_TITLE, _TEXT, _DESC, _HTML, _PAGE_TITLE, _PAGE_TEXT, _PAGE_HTML, _BUTTONS, _FORM, _LINK = range(len(FIELDS))


class Arrival(NamedTuple):
    """An event as it came: from `source`, as number `position` of `stream` (a topic, or a file's lines of a type).

    Positions of one account in one stream grow, and a stream carries one type of event.
    """

    event: Content
    source: str
    stream: str
    position: int


@dataclass(frozen=True, slots=True)
class Screened:
    """What a batch led to.

    violations: in order of arrival; `arrivals` says for each which arrival of the batch it belongs to.
    states:     the new behaviour state of each account that changed, by account.
    sightings:  events that are violations if enough others meet them, each with the index of its arrival.
    """

    violations: list[Violation]
    arrivals: list[int]
    states: dict[str, bytes]
    sightings: list[tuple[int, Sighting]] = field(default_factory=list)


class Screen:
    """A pack, compiled for screening. Compiling takes about a second; screening keeps no state."""

    def __init__(self, pack: Pack, *, test_words: bool = False) -> None:
        """`test_words`: stand-in words fill the operator's lexicons, for inline cases."""
        keep_memory()
        self.pack = pack
        words = {name: lexicon.in_use(test_words=test_words) for name, lexicon in pack.lexicons.items()}
        signals = list(pack.signals.values())
        self._tests = Tests(pack)
        self._reads_links = any("link" in getattr(signal, "fields", ()) for signal in signals)
        self._protection = Protection(pack)
        self._rules = [rule for rule in pack.rules.values() if rule.mode != "off"]
        self._mentioned = {
            rule.name: sorted(rule.when.names, key=lambda name: (not self._is_lexicon(name), name))
            for rule in self._rules
        }
        triggered_by: list[dict[str, list[tuple[float, int]]]] = [{} for _ in TYPES]
        self._besides: list[list[Needs]] = []
        """For each of TYPES and each rule, what of its other needs is known of every event that is looked at."""
        for triggered, needs in zip(triggered_by, needs_by_type(pack), strict=True):
            self._besides.append([_known(pack, needs[rule.name][1:]) for rule in self._rules])
            for index, rule in enumerate(self._rules):
                for name, least in needs[rule.name][0].items():
                    triggered.setdefault(name, []).append((least, index))
        self._triggered = [{name: _Triggered(rules) for name, rules in triggered.items()} for triggered in triggered_by]
        """For each of TYPES: signal -> rules that it can make true."""
        lexicons = [signal for signal in signals if isinstance(signal, LexiconSignal)]
        needed = [
            {name: min(value for value, _ in rules) for name, rules in triggered.items()} for triggered in triggered_by
        ]
        triggers = dict.fromkeys(name for triggered in triggered_by for name in triggered)
        learned = LearnedSet([signal for signal in signals if isinstance(signal, LearnedSignal)], pack.learned)
        self._scorer = Scorer(lexicons, words, needed, learned)
        others = [
            name
            for name in triggers
            if not isinstance(pack.signals[name], LexiconSignal | LearnedSignal | BehaviourSignal | PatternSignal)
        ]
        self._triggers = Triggers(others, self._tests)
        self._plainly = self._triggers.quiet_when_bare()
        """The types of events that are nothing but a text, if they are bare, and fire no triggers but words."""
        behaviours = [signal for signal in signals if isinstance(signal, BehaviourSignal)]
        self._behaviours = Behaviours(behaviours, triggers)
        self._nothing = {name: 0.0 for name, signal in pack.signals.items() if isinstance(signal, WORKED_OUT)}

    def screen(self, arrivals: Sequence[Arrival], state_of: Callable[[str], bytes | None]) -> Screened:
        """Judges a batch. `state_of(account)` is the account's encoded behaviour state, None without one."""
        kinds = [KIND[type(event)] for event, _, _, _ in arrivals]
        if len(set(kinds)) < 2:
            return self._screen(arrivals, kinds, range(len(arrivals)), state_of)
        # One type after the other: the same steps in a row, on texts of a kind, take a twentieth less time
        came = sorted(range(len(arrivals)), key=kinds.__getitem__)
        found = self._screen([arrivals[at] for at in came], [kinds[at] for at in came], came, state_of)
        by_arrival = sorted(range(len(found.violations)), key=[came[at] for at in found.arrivals].__getitem__)
        return Screened(
            [found.violations[at] for at in by_arrival],
            [came[found.arrivals[at]] for at in by_arrival],
            found.states,
            sorted([(came[at], sighting) for at, sighting in found.sightings], key=itemgetter(0)),
        )

    def _screen(
        self,
        arrivals: Sequence[Arrival],
        kinds: Sequence[int],
        came: Sequence[int],
        state_of: Callable[[str], bytes | None],
    ) -> Screened:
        """The same for arrivals in any order, told in that order. Of each, `kinds`: the index of its type in TYPES;
        `came`: as which it came."""
        segments = Segments()
        others: dict[int, Sequence[str]] = {}
        counted: list[int] = []
        plainly, always = self._plainly, self._behaviours.always
        bare: list[str] = []  # the texts of those in a row that are nothing else, as most are
        for index, (event, _, _, _) in enumerate(arrivals):
            kind = type(event)
            if kind in plainly and not isinstance(event, Share) and not event.title and is_bare(event):
                bare.append(event.text)
            else:
                if bare:
                    segments.begin_each(_TEXT, bare)
                    bare.clear()
                self._add_texts(segments, event)
                if fired := self._triggers.fired(event):
                    others[index] = fired
            if kind in always and self._behaviours.always_counts(event):
                counted.append(index)
        segments.begin_each(_TEXT, bare)
        written = written_hosts(segments)
        for index, mentions in written.items():
            if named := list(self._triggers.fired_by(mentions)):
                others[index] = [*others.get(index, ()), *named]
        scored = self._scorer.score(segments)
        behaviours = self._behaviours
        wanted = {*others, *counted}
        hits = scored.hits(kinds, sorted(wanted))
        suspects = sorted(wanted | hits.keys())
        history = _History(behaviours, arrivals, scored, state_of)
        watched = [at for at in suspects if behaviours.watches(arrivals[at].event)]
        history.count(sorted(watched, key=came.__getitem__))  # a state takes the events of a stream as they come
        violations: list[Violation] = []
        places: list[int] = []
        waiting: list[Candidate] = []
        for index in suspects:
            if index in history.known:
                continue
            arrival = arrivals[index]
            values = hits.get(index, {}) | history.values.get(index, {})
            candidates = self._candidates(KIND[type(arrival.event)], values, others.get(index, ()))
            if not candidates:
                continue
            facts = EventFacts(
                self._nothing | values, self._tests, arrival.event, scored, index, written=written.get(index, ())
            )
            violations.extend(self._judge(arrival, facts, candidates, waiting))
            places.extend([index] * (len(violations) - len(places)))
        sightings = sightings_of(waiting, scored, self.pack.label) if waiting else []
        return Screened(violations, places, history.states(), sightings)

    def facts(self, event: Content) -> EventFacts:
        """Every signal of one event by name, for explaining; no history."""
        segments = Segments()
        self._add_texts(segments, event)
        scored = self._scorer.score(segments)
        written = written_hosts(segments).get(0, ())
        return EventFacts(
            scored.hits([KIND[type(event)]], [0]).get(0, {}), self._tests, event, scored, 0, written=written
        )

    def _add_texts(self, segments: Segments, event: Content) -> None:
        _add_texts(segments, event)
        if self._reads_links:
            for url in urls_of(event):
                segments.add(_LINK, url)

    def _is_lexicon(self, name: str) -> bool:
        return isinstance(self.pack.signals.get(name), LexiconSignal | LearnedSignal)

    def _candidates(self, kind: int, values: Mapping[str, float], others: Sequence[str]) -> list[int]:
        """The rules that an event of TYPES[kind] makes possible, those referred to before those referring.

        values: the word and behaviour signals that fired; others: the triggers of other kinds that did.
        """
        triggered, besides = self._triggered[kind], self._besides[kind]
        found: set[int] = set()
        for name in others:
            if (rules := triggered.get(name)) is not None:
                found |= rules.of_any
        for name, value in values.items():
            if (rules := triggered.get(name)) is not None:
                found |= rules.at(value)
        return sorted([rule for rule in found if not besides[rule] or _met(besides[rule], values)])

    def _judge(
        self, arrival: Arrival, facts: EventFacts, candidates: Iterable[int], waiting: list[Candidate]
    ) -> Iterator[Violation]:
        """Evaluates rules, in this order. Those that several events decide together add to `waiting`."""
        subjects: list[tuple[SubjectKind, str]] = []
        for index in candidates:
            rule = self._rules[index]
            if not rule.when.evaluate(facts):
                continue
            facts[f"rules.{rule.name}"] = 1.0
            egregious = rule.egregious_when is not None and rule.egregious_when.evaluate(facts)
            severity: Severity = "egregious" if egregious else "ordinary"
            if not subjects:
                subjects = subjects_of(arrival.event, self._protection.covers)
            if rule.crowd is None:
                yield from self._violations(arrival, rule, facts, severity, subjects)
            else:
                evidence = self._evidence(rule, facts, EVIDENCE)
                shared = self._protection.shared(subjects)
                waiting.append(
                    Candidate(facts.index, arrival.event, arrival.source, rule, severity, evidence, subjects, shared)
                )

    def _violations(
        self,
        arrival: Arrival,
        rule: Rule,
        facts: EventFacts,
        severity: Severity,
        subjects: list[tuple[SubjectKind, str]],
    ) -> Iterator[Violation]:
        event = arrival.event
        evidence = self._evidence(rule, facts)
        has_app = any(kind == "app" for kind, _ in subjects)
        charged = [subject for kind, subject in subjects if kind in rule.charges]
        cause = content_id(arrival.source, event.id, rule.name)
        for kind, subject in subjects:
            if kind not in rule.charges:
                continue
            yield Violation(
                id=content_id(cause, subject),
                cause=cause,
                event=EventRef(event.id, event.type),
                subject=subject,
                clause=rule.clause,
                rule=rule.name,
                mode=rule.mode,
                severity=severity,
                evidence=evidence,
                time=event.time,
                pack=self.pack.label,
                holds_share_api=kind == "account" and not has_app,
                linked=linked(subject, charged),
                followers=event.followers if kind == "account" else 0,
                recipients=recipients_of(event) if kind == "account" else 0,
            )

    def _evidence(self, rule: Rule, facts: EventFacts, most: int = _MAX_EVIDENCE) -> list[Evidence]:
        """What made the rule fire: words where they stand, and what else was found; at most `most` pieces."""
        pieces: list[Evidence] = []
        for name in self._fired_behind(rule, facts):
            if facts[name] > 0:
                found = facts.described.get(name)
                if found is None:  # several rules mention a signal
                    found = facts.described[name] = list(islice(describe(facts, name, _MAX_QUOTE), _MAX_EVIDENCE))
                pieces += found
                if len(pieces) >= most:
                    break
        return pieces[:most]

    def _fired_behind(self, rule: Rule, facts: EventFacts) -> Iterator[str]:
        """The signals a rule mentions, words first, and those of the rules it refers to that fired."""
        for name in self._mentioned[rule.name]:
            if not name.startswith("rules."):
                yield name
            elif facts[name] > 0:
                yield from self._fired_behind(self.pack.rules[name.removeprefix("rules.")], facts)


def _known(pack: Pack, needs: Needs) -> Needs:
    """The needs of which every signal is worked out for an event before its rules are looked at."""
    return [each for each in needs if all(isinstance(pack.signals[name], WORKED_OUT) for name in each)]


def _met(needs: Needs, values: Mapping[str, float]) -> bool:
    for each in needs:
        for name, least in each.items():
            if name in values and values[name] >= least:
                break
        else:
            return False
    return True


class _Triggered:
    """The rules that a signal can make true, by index.

    of_any: all of them.
    """

    def __init__(self, rules: Sequence[tuple[float, int]]) -> None:
        """`rules`: each with the value that the signal must have."""
        self.of_any = frozenset(rule for _, rule in rules)
        self._values = sorted({least for least, _ in rules})
        self._up_to = [frozenset(rule for least, rule in rules if least <= value) for value in (-np.inf, *self._values)]

    def at(self, value: float) -> frozenset[int]:
        """Those that the signal can make true with this value."""
        return self._up_to[bisect_right(self._values, value)]


class _History:
    """The behaviour of the accounts of one batch: counts events, brings the accounts' states forward."""

    def __init__(
        self,
        behaviours: Behaviours,
        arrivals: Sequence[Arrival],
        scored: Scored,
        state_of: Callable[[str], bytes | None],
    ) -> None:
        self._behaviours = behaviours
        self._arrivals = arrivals
        self._scored = scored
        self._state_of = state_of
        self._changed: dict[str, AccountState] = {}
        self.values: dict[int, dict[str, float]] = {}
        """By event, the behaviour signals that fire for it."""
        self.known: set[int] = set()
        """Events that the states had counted before: they were judged then, and their violations are out."""

    def count(self, events: Sequence[int]) -> None:
        """Counts these events of the batch, in order."""
        segments, codes_of = self._scored.segments, self._scored.folded.codes_of
        texts = {
            index: b"".join(codes_of(segment) for segment in segments.of(index) if segments.field[segment] != _LINK)
            for index in events
        }
        compared = [index for index in events if self._behaviours.compares(self._arrivals[index].event)]
        shapes = dict(zip(compared, simhashes([np.frombuffer(texts[at], np.uint32) for at in compared]), strict=True))
        for index in events:
            event, _, stream, position = self._arrivals[index]
            state = self._changed.get(event.account) or decode_state(self._state_of(event.account))
            if self._behaviours.seen(state, stream, position):
                self.known.add(index)
                continue
            self._changed[event.account] = state
            values = self._behaviours.count(state, event, texts[index], stream, position, shape=shapes.get(index))
            if values:
                self.values[index] = values

    def states(self) -> dict[str, bytes]:
        """The new states of the accounts that changed."""
        return {account: encode_state(state) for account, state in self._changed.items()}


def _add_texts(segments: Segments, event: Content) -> None:
    """Adds all texts of the next event. Visible text of HTML stands in fields of its own."""
    segments.begin()
    add = segments.add
    if isinstance(event, Share):
        if event.title:
            add(_TITLE, event.title)
        if event.desc:
            add(_DESC, event.desc)
        if event.page is not None:
            _add_page(segments, event.page)
        return
    if event.title:
        add(_TITLE, event.title)
    add(_TEXT, event.text)
    if isinstance(event, Post) and event.html:
        facts = read_html(event.html)
        add(_HTML, facts.text)
        add(_BUTTONS, facts.buttons)
        add(_FORM, facts.form)


def _add_page(segments: Segments, page: Page) -> None:
    add = segments.add
    if not page.html:
        if page.title:
            add(_PAGE_TITLE, page.title)
        add(_PAGE_TEXT, page.text)
        return
    facts = read_html(page.html)
    add(_PAGE_TITLE, page.title or facts.title)
    add(_PAGE_TEXT, page.text)
    add(_PAGE_HTML, facts.text)
    add(_BUTTONS, facts.buttons)
    add(_FORM, facts.form)
