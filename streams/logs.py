"""Logging of a process: lines for people, or one JSON object a line, on standard error."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from streams.settings import Settings

_QUIET = {
    # At debug it writes every request and answer: passwords of PLAIN, texts and accounts of events.
    "aiokafka": logging.INFO,
    "aiokafka.consumer.group_coordinator": logging.ERROR,  # each join and heartbeat that a rebalance interrupts
    "aiokafka.cluster": logging.ERROR,
    "mode": logging.WARNING,
    "faust": logging.WARNING,
}


class Damper(logging.Filter):
    """Lets a client's message through once in QUIET_S seconds: brokers that are away make a hundred a second."""

    QUIET_S = 10.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._shown: dict[tuple[str, str], float] = {}
        self._held: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is shown; one that is says how many were not since the last."""
        if not record.name.startswith("aiokafka") or record.exc_info:
            return True
        key, now = (record.name, str(record.msg)[:60]), self._clock()
        if now - self._shown.get(key, -self.QUIET_S) < self.QUIET_S:
            self._held[key] += 1
            return False
        self._shown[key] = now
        if held := self._held.pop(key, 0):
            record.msg, record.args = f"{record.getMessage()} ({held} more like it)", ()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def set_up_logging(settings: Settings) -> None:
    """Sends this process's log to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"))
    handler.addFilter(Damper())
    level = logging.getLevelName(settings.log_level.upper())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
