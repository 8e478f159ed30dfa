"""The chat surface as a process of the desk: `python -m workbench.bootstrap.telegram_child`.

One JSON line, {"telegram": …}, at once: a desk starts without a network too. Until Telegram can be reached, or while it
refuses the token, it is asked again and again, and the log says why. Ends in order on SIGTERM or Ctrl-C.
"""

import asyncio
import contextlib
import json
import signal
import sys

import structlog
from telegram.error import TelegramError

from workbench.bootstrap.connection import connect
from workbench.bootstrap.logs import configure_logs
from workbench.domain.errors import StartError, TellingError, WorkbenchError
from workbench.integrations.telegram_token import TOKEN_VARIABLE, token_from
from workbench.integrations.unified_telegram import UnifiedTelegram
from workbench.settings import load_settings

log = structlog.get_logger(__name__)
MOST_WAIT_S = 60.0


def main() -> int:
    """Exit status: 0 after a stop that was asked for, 1 where it cannot work at all, said in one sentence."""
    token = token_from()
    configure_logs("WARNING", [token, token.partition(":")[2]])
    try:
        asyncio.run(_live(token))
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
        return 1
    return 0


async def _live(token: str) -> None:
    if not token:
        raise StartError(f"there is no Telegram token; set {TOKEN_VARIABLE}, or keep it in the keyring")
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with connect(load_settings()) as desk:
        sys.stdout.write(json.dumps({"telegram": "starting"}) + "\n")
        sys.stdout.flush()
        telegram = await _started(UnifiedTelegram(desk.center, desk.ledger, desk.settings, token), told)
        if telegram:
            log.warning("telegram_listens", bot=telegram.api.username)
            await told.wait()
            await telegram.stop()


async def _started(telegram: UnifiedTelegram, told: asyncio.Event) -> UnifiedTelegram | None:
    """Try until it listens; None where the end came first. Raises StartError for a webhook's port that is taken."""
    wait_s = 1.0
    while not told.is_set():
        try:
            await telegram.start()
            return telegram
        except (TelegramError, TellingError) as error:
            await telegram.stop()
            log.warning("telegram_not_reached", error=str(error), again_in_s=wait_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await told.wait()
        wait_s = min(2 * wait_s, MOST_WAIT_S)
    return None


if __name__ == "__main__":
    sys.exit(main())
