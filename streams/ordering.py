"""What moderators may order: which sanctions land on a subject, and the spelling under which events are charged."""

from typing import get_args

from rules.decisions import Action
from rules.subjects import kind_of, sanctions_for
from streams.bans import subjects_of_url

ACTIONS: tuple[Action, ...] = get_args(Action)


def landing(subject: str) -> tuple[Action, ...]:
    """The sanctions that land on a subject of its kind. Raises ValueError for what is no subject."""
    return sanctions_for(kind_of(subject), ACTIONS, owns_share_api=True)


def canonical(subject: str) -> str:
    """The spelling under which events are charged to a subject; its own where there is no other.

    Gateways ask the ban list for this one (`streams.bans.subjects_of_url`).
    """
    kind = kind_of(subject)
    key = subject.partition(":")[2]
    url = {"link": key, "domain": f"http://{key}/", "ip": f"http://[{key}]/" if ":" in key else f"http://{key}/"}
    for found in subjects_of_url(url[kind]) if kind in url else ():
        if found.startswith(f"{kind}:"):
            return found
    return subject
