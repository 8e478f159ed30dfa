"""Many bots over HTTP in one process, every tenth of which hangs: python -m workbench.bench.bots_process N ANSWER_S."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from workbench.bench.counting import TOKEN, allow_files
from workbench.bots.server import BotServer
from workbench.domain.portfolio import BotState, BotStatus, MoneyMode


class WaitingBot:
    """Answers its status after a while, or never."""

    def __init__(self, bot_id: str, answer_s: float | None):
        self.bot_id, self._answer_s = bot_id, answer_s

    async def status(self) -> BotStatus:
        if self._answer_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self._answer_s or 0.0)
        now = datetime.now(UTC)
        figures = (None, None, None, None, (), 0, True, now, now, now)
        return BotStatus(self.bot_id, BotState.RUNNING, MoneyMode.REPLAY, False, *figures)


async def run(count: int, answer_s: float) -> None:
    """Serve until killed; the addresses come first, on one line."""
    allow_files(4 * count)
    bots = [WaitingBot(f"bot{n}", None if n % 10 == 0 else answer_s) for n in range(count)]
    urls = [await BotServer(bot, TOKEN).start() for bot in bots]
    sys.stdout.write(json.dumps({"urls": urls}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))
