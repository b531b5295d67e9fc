"""What is remembered of the keys of crowds and rings: states as values, their encoding, and when they may be forgotten.

The key of a state is `KEY:c:PANE` for a cell, `KEY:h:PANE:EVENT` for an event it holds, `KEY:a:PANE` for an account
and `KEY:p:BUCKET` for a pair; KEY is a hash, see `rules.sightings`.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from rules.sightings import Charge

StateOf = Callable[[str], bytes | None]
LATENESS = 86_400_000
"""How late an event may be and still meet the others, in ms: so long after its last bucket a key is remembered."""


class Cell(msgspec.Struct, array_like=True):
    """What is known of a key in a pane. `due`: ms, when it may be forgotten.

    released: the bucket that begins with this pane.
    held:     of each event in waiting the hash of its id, its first member's place in `members`, and its bytes.
    homes:    of a group: each home, and its member's place in `members`.
    """

    due: int
    released: bool = False
    members: list[str] = []
    held: dict[str, tuple[int, int]] = {}
    homes: dict[str, int] = {}


class Account(msgspec.Struct, array_like=True):
    """Who promoted an account in a pane, and whom it promoted."""

    due: int
    inward: list[str] = []
    outward: list[str] = []


class Pair(msgspec.Struct, array_like=True):
    """How two accounts are joined in a bucket, forth and back: by each account between them, "" for directly."""

    due: int
    forth: list[str] = []
    back: list[str] = []


def encode_charge(charge: Charge) -> bytes:
    """What is kept of an event that waits."""
    return _ENCODER.encode(charge)


def forget(key: str, data: bytes) -> Iterator[str]:
    """The keys to delete when the state `data` of `key` is due: its own, and those of the events it holds."""
    yield key
    name, kind, pane = key.split(":")
    if kind == "c":
        for event in _DECODERS["c"].decode(data).held:
            yield _held_key(name, int(pane), event)


class DueKeys:
    """The keys of some states by when they are due. An event that is held goes with the cell that knows of it."""

    def __init__(self, states: Iterable[tuple[str, bytes]] = ()) -> None:
        self._heap = [(_due(data), key) for key, data in states if ":h:" not in key]
        heapq.heapify(self._heap)

    def add(self, key: str, data: bytes, *, known: bool) -> None:
        """`key` has the state `data`; `known`: it had one before, which is due at the same time."""
        if not known and ":h:" not in key:
            heapq.heappush(self._heap, (_due(data), key))

    def is_due(self, now: int) -> bool:
        """Whether some key is due at `now` (ms)."""
        return bool(self._heap) and self._heap[0][0] <= now

    def take(self, now: int, most: int | None = None) -> list[str]:
        """Up to `most` of the keys that are due at `now` (ms), each once."""
        taken: list[str] = []
        while self.is_due(now) and (most is None or len(taken) < most):
            taken.append(heapq.heappop(self._heap)[1])
        return taken


class _Head(msgspec.Struct, array_like=True):
    """The first field of a state, decoded without the rest."""

    due: int


_HEAD = msgspec.msgpack.Decoder(_Head)


def _due(data: bytes) -> int:
    return _HEAD.decode(data).due


class Memory:
    """The states of one batch, decoded once and encoded once."""

    def __init__(self, state_of: StateOf) -> None:
        self._state_of = state_of
        self._known: dict[str, Any] = {}
        self._changed: dict[str, None] = {}
        self._raw: dict[str, bytes | None] = {}

    def cell(self, key: str, pane: int, half: int) -> Cell:
        """The cell of a key in a pane, a new one if there is none; `half`: a pane's length in ms."""
        return self._get(f"{key}:c:{pane}", Cell, pane, half)  # type: ignore[no-any-return]

    def account(self, key: str, pane: int, half: int) -> Account:
        """The same of an account's key."""
        return self._get(f"{key}:a:{pane}", Account, pane, half)  # type: ignore[no-any-return]

    def pair(self, key: str, bucket: int, half: int) -> Pair:
        """The same of a pair's key in a bucket."""
        return self._get(f"{key}:p:{bucket}", Pair, bucket, half)  # type: ignore[no-any-return]

    def changed(self, key: str, kind: str, pane: int) -> None:
        """The state of this kind (`c`, `a` or `p`) that was handed out has been changed."""
        self._changed[f"{key}:{kind}:{pane}"] = None

    def hold(self, key: str, pane: int, event: str, data: bytes) -> None:
        """Keeps an event that waits; `data` is `encode_charge` of it."""
        self._raw[_held_key(key, pane, event)] = data

    def let_go(self, key: str, pane: int, event: str) -> Charge | None:
        """What was held of an event, None if nothing was; it is deleted."""
        name = _held_key(key, pane, event)
        data = self._raw[name] if name in self._raw else self._state_of(name)
        self._raw[name] = None
        return None if data is None else _CHARGE.decode(data)

    def changes(self) -> dict[str, bytes | None]:
        """All that changed, encoded; None for what is no more."""
        return {**self._raw, **{key: _ENCODER.encode(self._known[key]) for key in self._changed}}

    def _get(self, name: str, struct: type[Any], pane: int, half: int) -> Any:
        state = self._known.get(name)
        if state is None:
            data = self._state_of(name)
            kind = name.split(":")[1]
            # The last bucket that the pane, or the bucket, has a part in ends two panes later.
            state = struct((pane + 2) * half + LATENESS) if data is None else _DECODERS[kind].decode(data)
            self._known[name] = state
        return state


_ENCODER = msgspec.msgpack.Encoder()
_CHARGE = msgspec.msgpack.Decoder(Charge)
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    "c": msgspec.msgpack.Decoder(Cell),
    "a": msgspec.msgpack.Decoder(Account),
    "p": msgspec.msgpack.Decoder(Pair),
}


def _held_key(key: str, pane: int, event: str) -> str:
    return f"{key}:h:{pane}:{event}"
