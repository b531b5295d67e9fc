"""From what a gateway has in hand, a URL, to the subjects that sanctions are about."""

from datetime import UTC, datetime

from rules.events import Share
from rules.subjects import subjects_of

_WHENEVER = datetime(1970, 1, 1, tzinfo=UTC)


def subjects_of_url(url: str) -> tuple[str, ...]:
    """The subjects of a link as violations are charged to them: `link:…`, and `domain:…` or `ip:…`.

    Ask the ban list for `stop_spread` of the link, `ban_domain` and `block_access` of the domain, `ban_ip` and
    `block_access` of the address. Empty for what is no web link; the host of a link shortener is left out.
    """
    share = Share(id="-", account="-", time=_WHENEVER, url=url, scene="chat")
    return tuple(subject for kind, subject in subjects_of(share, lambda _: False) if kind != "account")
