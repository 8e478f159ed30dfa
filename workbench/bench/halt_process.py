"""A process that halts bots over HTTP and dies at a chosen point: python -m workbench.bench.halt_process
LEDGER BOT_URLS STEP. STEP counts every writing to the ledger and every effect sent; 0: never die.

Its venue is the bots' own report of their positions, which in this rig they tell truly.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from workbench.bench.counting import TOKEN
from workbench.bots.http_bot import HttpBot
from workbench.domain.halts import AccountView
from workbench.ledger.log import open_ledger
from workbench.ledger.store import Store
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.emergency import EmergencyStop
from workbench.settings import HaltSettings

SETTINGS = HaltSettings(deadline_s=4.0, watch_s=0.5, watch_every_s=0.1, settle_s=0.1)


class Fuse:
    """Kills this process, as a power switch would, when it has been touched `step` times."""

    def __init__(self, step: int):
        self._left = step

    def touch(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class TellingVenue:
    """Reads accounts off the bots."""

    name = "rig"

    def __init__(self, bots: Mapping[str, HttpBot], fuse: Fuse):
        self._bots, self._fuse = bots, fuse

    async def accounts(self) -> Mapping[str, AccountView]:
        told = {bot_id: await bot.status() for bot_id, bot in self._bots.items()}
        held = {bot_id: {p.symbol: p.amount for p in status.positions} for bot_id, status in told.items()}
        return {bot_id: AccountView(bot_id, held[bot_id], (), told[bot_id].trade_count) for bot_id in told}

    async def flatten(self, account: str) -> Sequence[str]:
        self._fuse.touch()
        return []


def arm(fuse: Fuse, bots: Mapping[str, HttpBot]) -> None:
    """Let the fuse be touched before and after each durable writing, and before and after each effect."""
    write = Store.write

    def writing(self, durable=True, ordered=True):
        fuse.touch()
        return _After(write(self, durable, ordered), fuse)

    Store.write = writing  # type: ignore[method-assign,assignment]
    for bot in bots.values():
        bot.halt = _touching(bot.halt, fuse)  # type: ignore[method-assign]


class _After:
    def __init__(self, inner, fuse: Fuse):
        self._inner, self._fuse = inner, fuse

    def __enter__(self):
        return self._inner.__enter__()

    def __exit__(self, *error):
        done = self._inner.__exit__(*error)
        self._fuse.touch()
        return done


def _touching(halt, fuse: Fuse):
    async def stop(**given):
        fuse.touch()
        await halt(**given)
        fuse.touch()

    return stop


async def run(ledger_path: str, urls: Mapping[str, str], step: int) -> None:
    """Halt everything, watch to the end, say so."""
    ledger, registry, fuse = open_ledger(ledger_path), BotRegistry(), Fuse(step)
    bots = {bot_id: HttpBot(bot_id, url, TOKEN) for bot_id, url in urls.items()}
    arm(fuse, bots)
    for bot_id, bot in bots.items():
        registry.register(bot_id, bot, capabilities=["status", "halt"])
    stop = EmergencyStop(registry, ledger, [TellingVenue(bots, fuse)], SETTINGS)
    await stop.halt("all", "sweep", "sweep")
    while ledger.halts.open():  # noqa: ASYNC110 - the end is a row, not an event of this loop
        await asyncio.sleep(0.05)
    sys.stdout.write(json.dumps({"touched": -fuse._left if step == 0 else step}) + "\n")
    await stop.stop()
    for bot in bots.values():
        await bot.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])))
