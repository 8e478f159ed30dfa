"""Logging, configured here and nowhere else: events with their facts, to standard error or a file, secrets kept out."""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping, Sequence
from functools import reduce
from typing import Any, TextIO, cast

import structlog

_SECRET = re.compile(r"token|secret|password|api_?key|authorization|signature", re.IGNORECASE)
_CHATTY = ("httpx", "httpcore", "aiohttp.access", "asyncio", "ccxt", "telegram")  # httpx prints the bot token at INFO


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of any field whose name speaks of a secret."""
    return {key: "•••" if _SECRET.search(key) else value for key, value in event.items()}


def hide_values(secrets: Sequence[str]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Replace these very letters wherever they stand, in words of an error or a traceback too."""

    def hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            text = str(value)
            if any(secret in text for secret in secrets):
                event[key] = reduce(lambda said, secret: said.replace(secret, "•••"), secrets, text)
        return event

    return hide


class _StandardError:
    """Standard error as it is when a line is written: whoever captured it before may have closed theirs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(level: str = "INFO", secrets: Sequence[str] = ()) -> None:
    """One line an event on standard error, without `secrets`. Safe to call again."""
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
            hide_values([secret for secret in secrets if secret]),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
