"""What only history can show: how often, to how many, with whom, and how repetitively an account sends.

One state per account, bounded in entries. Features look only at events of one type, whose order within
an account is the order of its topic-partition, so they do not depend on how topics interleave. An
event at or before the position a state has reached was judged before, and its violations are out.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import assert_never

import msgspec

from rules.events import Content, EventType, MassSend, millis
from rules.packs.model import BehaviourSignal

MAX_ENTRIES = 64
"""Events remembered per account and type; a count therefore never exceeds 64 + 1."""
_CHANNELS = ("", "followers", "nearby", "drift_bottle")


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One remembered event: `time` in ms, the others as hashes of 8 bytes or small numbers."""

    time: int
    event: bytes
    channel: int
    recipients: int
    text: bytes
    partners: list[bytes]


class AccountState(msgspec.Struct, array_like=True):
    """All that is remembered of an account: entries by event type, and how far each stream was read."""

    entries: dict[str, list[Entry]] = {}
    positions: dict[str, int] = {}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(AccountState)


def decode_state(data: bytes | None) -> AccountState:
    """The state in `data`; an empty one for None. Raises msgspec.DecodeError for foreign bytes."""
    return _DECODER.decode(data) if data else AccountState()


def encode_state(state: AccountState) -> bytes:
    """`state` as msgpack: about 40 bytes an entry."""
    return _ENCODER.encode(state)


class Behaviours:
    """The behaviour signals of a pack over account states."""

    def __init__(self, signals: Sequence[BehaviourSignal], triggers: Collection[str]) -> None:
        """`triggers`: names of the signals that can make a rule look at an event by themselves."""
        self._always: dict[EventType, list[BehaviourSignal]] = {}
        for signal in signals:
            if signal.name in triggers:
                self._always.setdefault(signal.of, []).append(signal)
        self._signals: dict[EventType, list[BehaviourSignal]] = {}
        for signal in signals:
            self._signals.setdefault(signal.of, []).append(signal)
        self._window = {kind: max(signal.within for signal in found) for kind, found in self._signals.items()}

    def watches(self, event: Content) -> bool:
        """Whether some signal is about events of this type."""
        return event.type in self._signals

    def always_counts(self, event: Content) -> bool:
        """Whether a signal that can trigger a rule by itself is about this event.

        Other events are counted only where something else makes a rule look at them: that spares the account's
        state, and its record on the changelog, for what nobody would ask about.
        """
        return any(
            signal.channels is None or (isinstance(event, MassSend) and event.channel in signal.channels)
            for signal in self._always.get(event.type, ())
        )

    def seen(self, state: AccountState, stream: str, position: int) -> bool:
        """Whether the event at `position` of `stream` is already in the state."""
        return position <= state.positions.get(stream, -1)

    def count(
        self, state: AccountState, event: Content, folded_text: bytes, stream: str, position: int
    ) -> dict[str, float]:
        """Adds the event to the state; returns the value of every signal that fires for it.

        `folded_text` stands for what the event says: equal bytes are a repeat.
        """
        entry = _entry(event, folded_text)
        entries = state.entries.setdefault(event.type, [])
        newest = max(entry.time, max((old.time for old in entries), default=0))
        kept = [old for old in entries if old.time > newest - self._window[event.type]]
        values = {
            signal.name: value for signal in self._signals[event.type] if (value := _value(signal, kept, entry)) > 0
        }
        if all(old.event != entry.event for old in kept):
            kept.append(entry)
        state.entries[event.type] = kept[-MAX_ENTRIES:]
        state.positions[stream] = position
        return values


def _entry(event: Content, folded_text: bytes) -> Entry:
    channel, recipients, partners = 0, 0, []
    if isinstance(event, MassSend):
        channel = _CHANNELS.index(event.channel)
        recipients = event.recipients
        partners = [_hash(account.encode("utf-8", "surrogatepass")) for account in event.promotes]
    event_id = _hash(event.id.encode("utf-8", "surrogatepass"))
    return Entry(millis(event.time), event_id, channel, recipients, _hash(folded_text), partners)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def _value(signal: BehaviourSignal, entries: list[Entry], entry: Entry) -> float:
    channels = {_CHANNELS.index(name) for name in signal.channels} if signal.channels else None
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
            return len({partner for old in [*window, entry] for partner in old.partners})
        case "repeats":
            return sum(1 for old in window if old.text == entry.text)
        case _ as never:
            assert_never(never)
