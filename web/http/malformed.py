"""What is no HTTP is refused by the server itself; its line may hold a link's code, so no log keeps it."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


def keep_out_of_the_log() -> None:
    """Let the server's own logger name the kind of trouble of a malformed request, and nothing it held."""
    logging.getLogger("aiohttp.server").addFilter(_without_line)


def _without_line(record: logging.LogRecord) -> bool:
    """A filter of logging: always true; takes the trace, which quotes the line, off the record."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = "A malformed request was refused: %s", (type(error).__name__,)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
