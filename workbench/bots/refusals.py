"""One table between errors and HTTP: what a server answers, and what a client raises."""

from typing import Any

from workbench.bots.jobs import TooManyJobs
from workbench.domain.errors import (
    BotError,
    BotFenced,
    CapabilityMissing,
    SymbolError,
    TimeframeError,
    WorkbenchError,
)


class BadRequest(WorkbenchError):
    """What was sent is not a request of this protocol."""


class Unauthorized(WorkbenchError):
    """No bearer token, or a wrong one."""


class NotHere(WorkbenchError):
    """No such path or job."""


class TooLarge(WorkbenchError):
    """The body is larger than any request needs."""


# the first class that fits wins: special before general
TABLE: tuple[tuple[type[WorkbenchError], int, str], ...] = (
    (BadRequest, 400, "bad_request"),
    (Unauthorized, 401, "unauthorized"),
    (NotHere, 404, "not_here"),
    (TooLarge, 413, "too_large"),
    (SymbolError, 404, "unknown_symbol"),
    (TimeframeError, 400, "unknown_timeframe"),
    (BotFenced, 409, "fenced"),
    (TooManyJobs, 429, "too_many_jobs"),
    (CapabilityMissing, 501, "capability_missing"),
    (BotError, 502, "bot_error"),
    (WorkbenchError, 500, "error"),
)
RAISED = {"fenced": BotFenced, "capability_missing": CapabilityMissing}


def refusal_of(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and JSON body for `error`. The next step is what a message says after its first '; '."""
    for kind, status, code in TABLE:
        if isinstance(error, kind):
            words, _, following = str(error).partition("; ")
            return status, {"error": words[:4000], "next": following[:4000], "code": code}
    words = f"the bot broke: {type(error).__name__}"
    return 500, {"error": words, "next": "its log holds the traceback", "code": "broken"}


def error_of(bot_id: str, error: str, following: str, code: str) -> BotError:
    """The exception a client raises for a refusal it has read."""
    words = f"{bot_id}: {error}" + (f"; {following}" if following else "")
    return RAISED.get(code, BotError)(words)
