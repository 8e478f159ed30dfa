"""Logging, configured here and nowhere else: events with their facts, to standard error or a file, secrets kept out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"token|secret|password|api_?key|authorization|signature", re.IGNORECASE)
_CHATTY = ("httpx", "httpcore", "aiohttp.access", "asyncio", "ccxt", "telegram")  # httpx prints the bot token at INFO


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of any field whose name speaks of a secret."""
    return {key: "•••" if _SECRET.search(key) else value for key, value in event.items()}


def configure_logs(level: str = "INFO") -> None:
    """One line an event on standard error. Safe to call again."""
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=number, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            hide_secrets,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
