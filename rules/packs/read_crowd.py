"""The readers of a rule's `crowd` and `ring`: what several events must have in common."""

from rules.decisions import SUBJECT_KINDS
from rules.packs.model import CROWD_KEYS, Crowd, Ring
from rules.packs.source import Mapping, Node

MAX_MEMBERS = 100
"""Most distinct members a crowd may need: so many are remembered for each key."""
MAX_WITHIN = 31 * 86_400_000
"""Longest window of a crowd or ring, in ms: so long a key is remembered."""


def read_crowd(body: Mapping) -> Crowd | Ring | None:
    """The `crowd` or `ring` of a rule; None without either."""
    crowd, ring = body.take("crowd"), body.take("ring")
    if crowd is not None and ring is not None:
        raise ring.error("a rule has a `crowd` or a `ring`, not both")
    if crowd is not None:
        return _crowd(crowd)
    return _ring(ring) if ring is not None else None


def _crowd(node: Node) -> Crowd:
    body = node.mapping()
    same_node, distinct_node = body.need("same"), body.need("distinct")
    same = same_node.choice(CROWD_KEYS)
    distinct = distinct_node.choice(SUBJECT_KINDS)
    if same == distinct:
        raise distinct_node.error(f"what is the same {same} cannot be several", "name another thing to tell apart")
    at_least = _whole(body.need("at_least"), 2, MAX_MEMBERS)
    crowd = Crowd(same, distinct, at_least, _within(body.need("within")))  # type: ignore[arg-type]
    body.done()
    return crowd


def _ring(node: Node) -> Ring:
    body = node.mapping()
    longest = body.take("longest")
    ring = Ring(_whole(longest, 2, 4) if longest else 4, _within(body.need("within")))
    body.done()
    return ring


def _within(node: Node) -> int:
    within = node.duration()
    if within > MAX_WITHIN:
        raise node.error(f"{node.text()!r} is too long for events of several accounts", "at most 31d")
    return within


def _whole(node: Node, least: int, most: int) -> int:
    value = node.number()
    if value != int(value) or not least <= value <= most:
        raise node.error(f"expected a whole number, found {node.text()!r}", f"{least} to {most}")
    return int(value)
