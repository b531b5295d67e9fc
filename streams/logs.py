"""Logging of a process: lines for people, or one JSON object a line, on standard error."""

import logging
import sys
from datetime import UTC, datetime

import orjson

from streams.settings import Settings

_QUIET = {
    "aiokafka.consumer.group_coordinator": logging.ERROR,  # each join and heartbeat that a rebalance interrupts
    "aiokafka.cluster": logging.ERROR,
    "mode": logging.WARNING,
    "faust": logging.WARNING,
}


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
    level = logging.getLevelName(settings.log_level.upper())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
