"""Logs as one JSON object per line: what happened to which id, never what anybody wrote.

Three things could carry a text into a log and are kept out here: the message of an exception (a database error quotes
values), what a library formats into its message, and the address with its query string. So exceptions are written as their
types and the places in the code, messages only of loggers that are known to name nothing but ids, and addresses as
the route's template.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any

FIELDS = (
    "action",
    "request",
    "principal",
    "method",
    "route",
    "status",
    "ms",
    "job",
    "actor",
    "appeal_id",
    "event_id",
    "alert_id",
    "bundle",
    "count",
    "version",
    "port",
    "state",
    "deaths",
    "appeals",
    "job_rows",
    "delivery",
    "target",
)
"""The only extras that are written; each is an id, a number or a word of this program."""

_SPEAKING = ("api", "triage", "models", "uvicorn")
_FRAMES = 12


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.partition(".")[0] in _SPEAKING:
            line["message"] = record.getMessage()
        for field in FIELDS:
            value = getattr(record, field, None)
            if value is not None:
                line[field] = value if isinstance(value, (int, float)) else str(value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def describe_error(error: BaseException) -> list[dict[str, Any]]:
    """Return types and places of an error and its causes, the outermost first; no message, no values."""
    described: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(described) < 5:
        kind = type(current)
        described.append({"type": f"{kind.__module__}.{kind.__qualname__}", "at": _places(current.__traceback__)})
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return described


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace, limit=-_FRAMES)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def configure_logs(stream: IO[str] | None = None, *, level: str = "INFO") -> None:
    """Send all logs of the process as JSON to ``stream`` (default: stderr); replaces what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel("WARNING")
    for name in _SPEAKING:
        logging.getLogger(name).setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # The access log of uvicorn holds addresses with their query strings; ours (api.observe) replaces it.
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)
