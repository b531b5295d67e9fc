"""The ban list for those who act on it: gateways, resolvers, caches and services.

`BanList` keeps it in memory and answers lookups; `streams.bans.export` writes it where other software reads it;
`streams.bans.hooks` posts each change to a URL. docs/consumers.md shows all three.
"""

from streams.bans.client import BanList
from streams.bans.subjects import subjects_of_url

__all__ = ["BanList", "subjects_of_url"]
