"""A desk in a process of its own, for `switches`: python -m workbench.bench.desk_process LEDGER BOT_URL TTL_S NAME."""

import asyncio
import json
import sys
from datetime import timedelta

from workbench.bench.counting import TOKEN
from workbench.bots.http_bot import HttpBot
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.desk import Desk
from workbench.settings import Settings


async def run(ledger_path: str, bot_url: str, ttl_s: float, name: str) -> None:
    """Stand by and act until killed."""
    ledger = open_ledger(ledger_path)
    registry = BotRegistry()
    registry.register("counter", HttpBot("counter", bot_url, TOKEN))
    center = UnifiedCommandCenter(registry, ledger, None, Settings(deadline_s=2.0))
    await Desk(center, ledger, name, timedelta(seconds=ttl_s)).start()
    sys.stdout.write(json.dumps({"ready": name}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]))
