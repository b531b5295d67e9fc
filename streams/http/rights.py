"""What is answered where this process itself has no right at Kafka: 403, and which right it is. Trying again is of no
use before somebody grants it, so there is no `Retry-After`."""

from streams.http.metrics import NO_RIGHT
from streams.http.problems import Problem
from streams.rights import RightsError, say


def forbidden(error: RightsError) -> Problem:
    """The problem; the log has, once, the command that grants the right."""
    say(error, "Requests are refused")
    lacking = ", ".join(map(str, error.rights))
    detail = f"its login lacks {lacking}; the server's log has the command that grants it"
    return Problem(403, NO_RIGHT, "This server has no right to it at Kafka", detail[:500])
