"""What only history can show: how often, to how many, with whom, and how repetitively an account sends.

One state per account, bounded in bytes. Features look only at events of one type, whose order within
an account is the order of its topic-partition, so they do not depend on how topics interleave. An
event at or before the position a state has reached was judged before, and its violations are out.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import assert_never

import msgspec

from rules.decay import Decayed, add, value_at
from rules.events import Content, EventType, MassSend, Post, Share, millis
from rules.near_duplicates import MAX_DISTANCE, distance
from rules.packs.model import BehaviourSignal

MAX_ENTRIES = 64
"""Events remembered per account and type; a count therefore never exceeds 64 + 1."""
MAX_PARTNERS = 20
"""Promoted accounts remembered of one event."""
MAX_STATE_BYTES = 32_768
"""No account's state is larger: at most 23 KB of entries, 0.9 KB of positions, and 0.4 KB for each of up to twenty
`rate` and `reach` signals. A usual one has 50 bytes for each event of the longest window."""
_CHANNELS = ("", "followers", "nearby", "drift_bottle")


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One remembered event: `time` in ms, the others as hashes of 8 bytes or small numbers.

    text:  a hash of all it says. shape: the simhash of it, None when it says little or nobody asks.
    """

    time: int
    event: bytes
    channel: int
    recipients: int
    text: bytes
    partners: list[bytes]
    shape: int | None = None


class AccountState(msgspec.Struct, array_like=True):
    """All that is remembered of an account: entries by event type, how far each stream was read, and the decayed
    counters, by what they count."""

    entries: dict[str, list[Entry]] = {}
    positions: dict[str, int] = {}
    decayed: dict[str, Decayed] = {}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(AccountState)


def decode_state(data: bytes | None) -> AccountState:
    """The state in `data`; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else AccountState()


def encode_state(state: AccountState) -> bytes:
    """`state` as msgpack: about 50 bytes an entry."""
    return _ENCODER.encode(state)


class Behaviours:
    """The behaviour signals of a pack over account states."""

    def __init__(self, signals: Sequence[BehaviourSignal], triggers: Collection[str]) -> None:
        """`triggers`: names of the signals that can make a rule look at an event by themselves."""
        self._always: dict[EventType, list[BehaviourSignal]] = {}
        for signal in signals:
            if signal.name in triggers:
                self._always.setdefault(signal.of, []).append(signal)
        self.always = frozenset(struct for struct in (Post, Share, MassSend) if struct.type in self._always)
        """The types of events of which `always_counts` may be true."""
        self._signals: dict[EventType, list[BehaviourSignal]] = {}
        for signal in signals:
            self._signals.setdefault(signal.of, []).append(signal)
        self._window = {kind: max(signal.within for signal in found) for kind, found in self._signals.items()}
        self._compared = {signal.of for signal in signals if signal.test == "similar"}
        self._counters = {signal.name: _counter(signal) for signal in signals if signal.test in {"rate", "reach"}}

    def watches(self, event: Content) -> bool:
        """Whether some signal is about events of this type."""
        return event.type in self._signals

    def compares(self, event: Content) -> bool:
        """Whether some signal asks how alike events of this type are: only then is a simhash of use."""
        return event.type in self._compared

    def always_counts(self, event: Content) -> bool:
        """Whether a signal that can trigger a rule by itself is about this event.

        Other events are counted only where something else makes a rule look at them: that spares the account's
        state, and its record on the changelog, for what nobody would ask about.
        """
        if (signals := self._always.get(event.type)) is None:
            return False
        return any(
            signal.channels is None or (isinstance(event, MassSend) and event.channel in signal.channels)
            for signal in signals
        )

    def seen(self, state: AccountState, stream: str, position: int) -> bool:
        """Whether the event at `position` of `stream` is already in the state."""
        return position <= state.positions.get(stream, -1)

    def count(
        self,
        state: AccountState,
        event: Content,
        folded_text: bytes,
        stream: str,
        position: int,
        *,
        shape: int | None = None,
    ) -> dict[str, float]:
        """Adds the event to the state; returns the value of every signal that fires for it.

        `folded_text` stands for what the event says: equal bytes are a repeat; `shape` is the simhash of it.
        """
        entry, partners = _entry(event, folded_text, shape)
        entries = state.entries.setdefault(event.type, [])
        newest = max(entry.time, max((old.time for old in entries), default=0))
        kept = [old for old in entries if old.time > newest - self._window[event.type]]
        is_new = all(old.event != entry.event for old in kept)
        values: dict[str, float] = {}
        for signal in self._signals[event.type]:
            counter = self._counters.get(signal.name)
            if counter is None:
                value = _value(signal, kept, entry, partners)
            else:
                value = _decayed(signal, state.decayed.setdefault(counter, {}), entry, is_new)
            if value > 0:
                values[signal.name] = value
        if is_new:
            kept.append(entry)
        state.entries[event.type] = kept[-MAX_ENTRIES:]
        state.positions[stream] = position
        known = self._counters.values()
        state.decayed = {name: counter for name, counter in state.decayed.items() if counter and name in known}
        return values


def _counter(signal: BehaviourSignal) -> str:
    """What a decayed counter counts, as its name in states: a signal that is changed starts a new one."""
    return f"{signal.test}:{signal.of}:{','.join(sorted(signal.channels or ()))}:{signal.within}"


def _entry(event: Content, folded_text: bytes, shape: int | None) -> tuple[Entry, set[bytes]]:
    """What is remembered of the event, and all the accounts it promotes."""
    channel, recipients, partners = 0, 0, []
    if isinstance(event, MassSend):
        channel = _CHANNELS.index(event.channel)
        recipients = event.recipients
        partners = [_hash(account.encode("utf-8", "surrogatepass")) for account in event.promotes]
    event_id = _hash(event.id.encode("utf-8", "surrogatepass"))
    kept = list(dict.fromkeys(partners))[:MAX_PARTNERS]
    return Entry(millis(event.time), event_id, channel, recipients, _hash(folded_text), kept, shape), set(partners)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def _channels(signal: BehaviourSignal) -> set[int] | None:
    return {_CHANNELS.index(name) for name in signal.channels} if signal.channels else None


def _decayed(signal: BehaviourSignal, counter: Decayed, entry: Entry, is_new: bool) -> float:
    channels = _channels(signal)
    if channels is not None and entry.channel not in channels:
        return 0
    if is_new:
        add(counter, entry.time, entry.recipients if signal.test == "reach" else 1, signal.within)
    return value_at(counter, entry.time, signal.within)


def _value(signal: BehaviourSignal, entries: list[Entry], entry: Entry, partners: set[bytes]) -> float:
    channels = _channels(signal)
    if channels is not None and entry.channel not in channels:
        return 0
    window = [
        old
        for old in entries
        if entry.time - signal.within < old.time <= entry.time
        and old.event != entry.event
        and (channels is None or old.channel in channels)
    ]
    match signal.test:
        case "count":
            return len(window) + 1
        case "recipients":
            return sum(old.recipients for old in window) + entry.recipients
        case "partners":
            return len(partners.union(*(old.partners for old in window)))
        case "repeats":
            return sum(1 for old in window if old.text == entry.text)
        case "similar":
            return sum(1 for old in window if _alike(old, entry))
        case "rate" | "reach":
            raise AssertionError("decayed counters are no windows")
        case _ as never:
            assert_never(never)


def _alike(old: Entry, entry: Entry) -> bool:
    """Whether two entries say nearly the same; texts too short for a simhash must be equal."""
    if old.shape is None or entry.shape is None:
        return old.text == entry.text
    return distance(old.shape, entry.shape) <= MAX_DISTANCE
