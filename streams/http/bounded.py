"""Reading what a worker answers, up to a bound."""

import aiohttp

MOST_BYTES = 8 << 20
"""Longer than any record, and than what a worker tells Prometheus."""


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises ValueError when it is longer than any record."""
    body = await response.content.read(MOST_BYTES + 1)
    while len(body) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES + 1 - len(body))):
        body += more
    if len(body) > MOST_BYTES:
        raise ValueError("its answer is longer than any record")
    return body
