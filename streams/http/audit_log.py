"""Who did what: one line for each request that may change something, a JSON object behind the word `audit`.

It has no text, no reason and no subject: those are on the topics, under the id.
"""

import logging

import orjson
from aiohttp import web

from streams.http.tokens import Identity

logger = logging.getLogger(__name__)

CALLER = web.RequestKey("caller", Identity)
"""Where a request keeps the identity of its caller."""
CASE = web.RequestKey("case", str)
"""Where a request keeps the id of what it decides, if it has one."""
_LONGEST_ID = 100


def audit(request: web.Request, route: str, status: int) -> None:
    """Writes the line. `route`: with its variables in braces; `status`: of the answer."""
    identity = request.get(CALLER)
    line = {
        "actor": None if identity is None else identity.name,
        "role": None if identity is None else identity.role,
        "method": request.method,
        "route": route,
        "id": request.get(CASE, "")[:_LONGEST_ID],
        "status": status,
    }
    logger.info("audit %s", orjson.dumps(line).decode())
