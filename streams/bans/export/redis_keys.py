"""Redis keys with the time to live of the sanctions: a gateway asks `EXISTS warden:ban_account:account:alice`.

Keys are `<prefix><action>:<subject>`, values the enforcement's id, and each key ends when its sanction does, so Redis
lifts a sanction on time even when nothing writes to it any more. `<prefix>synced_at` holds the Unix time at which the
keys were last known to be complete: a reader that must know how old they are compares it with its clock. Needs Redis
6.2 or newer.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from math import inf

import redis

from rules.decisions import Action, Ban
from streams.bans.export.names import kind_or_none
from streams.bans.export.targets import ExportError, Published, Snapshot
from streams.bans.table import ACTIONS, ends_of

SYNCED = "synced_at"
MAX_SUBJECT = 8192
"""Longest subject in bytes; the engine's own are far below."""
_TIMEOUT_S = 10.0
_BATCH = 1000


class RedisKeys:
    """Keys of one prefix, of which this is the only writer: what else begins with it is removed.

    `url`: redis://, rediss:// or unix://. Nothing is connected until the first `publish`.
    """

    heartbeat_s: float | None = 10.0
    """So old `synced_at` may grow while nothing changes."""
    ends_by_itself = True

    def __init__(
        self,
        url: str,
        prefix: str = "warden:",
        password: str | None = None,
        actions: Collection[Action] = ACTIONS,
    ) -> None:
        """Raises ValueError for a URL that is none, and for an empty prefix: it would remove every key there is."""
        if not prefix:
            raise ValueError("the prefix is empty: every key of the database would be removed")
        pool = redis.ConnectionPool.from_url(
            url, password=password, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        )
        pool.connection_kwargs["decode_responses"] = False  # keys are compared as bytes, whatever the URL asks for
        self._client = redis.Redis.from_pool(pool)
        self._prefix, self._actions = prefix, [action for action in ACTIONS if action in actions]

    def wants(self, subject: str) -> bool:
        """All subjects of a length that the engine writes."""
        return kind_or_none(subject) is not None and len(subject.encode()) <= MAX_SUBJECT

    def publish(self, snapshot: Snapshot) -> Published:
        """Writes what differs; all of it, and removes what else the prefix has, when `changed` is None or Redis has
        lost its keys. Raises ExportError when Redis does not answer, or refuses.
        """
        bans, changed = snapshot.bans, snapshot.changed
        try:
            if changed is not None and not self._client.exists(self._key(SYNCED)):
                changed = None  # a Redis without persistence was restarted, or somebody emptied it
            if changed is None:
                wanted = self._wanted(bans, snapshot.at.timestamp())
                self._run(("set", key, value, end) for key, (value, end) in wanted.items())
                found = self._client.scan_iter(_glob(self._prefix), _BATCH)
                stale = [key for key in found if key not in wanted and key != self._key(SYNCED)]
                self._run(("delete", key, "", 0.0) for key in stale)
            else:
                wanted = self._wanted({each: bans[each] for each in changed if each in bans}, snapshot.at.timestamp())
                keys = (self._key(f"{action}:{subject}") for subject in changed for action in self._actions)
                self._run(("set", key, *wanted[key]) if key in wanted else ("delete", key, "", 0.0) for key in keys)
            self._client.set(self._key(SYNCED), int(snapshot.as_of))
        except (redis.RedisError, OSError) as error:
            raise ExportError(f"Redis: {error}\n    is it running, and is it 6.2 or newer?") from error
        return Published(len(wanted), 0, changed is None or bool(changed))

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _key(self, name: str) -> bytes:
        return (self._prefix + name).encode()

    def _wanted(self, bans: Mapping[str, Ban], now: float) -> dict[bytes, tuple[str, float]]:
        """key -> enforcement and end of every sanction in force."""
        found: dict[bytes, tuple[str, float]] = {}
        for subject, ban in bans.items():
            ends = ends_of(ban)
            for entry in ban.sanctions:
                end = inf if entry.ends is None else entry.ends.timestamp()
                if entry.action in self._actions and end > now and end == ends[entry.action]:
                    found[self._key(f"{entry.action}:{subject}")] = (entry.enforcement, end)
        return found

    def _run(self, commands: Iterator[tuple[str, bytes, str, float]]) -> None:
        while batch := list(islice(commands, _BATCH)):
            pipe = self._client.pipeline(transaction=False)
            for what, key, value, end in batch:
                if what == "delete":
                    pipe.delete(key)
                elif end == inf:
                    pipe.set(key, value)
                else:
                    pipe.set(key, value, pxat=int(end * 1000))
            pipe.execute()


def _glob(prefix: str) -> bytes:
    """A pattern for SCAN that means exactly what begins with `prefix`."""
    return ("".join(f"\\{c}" if c in "*?[]^-\\" else c for c in prefix) + "*").encode()
