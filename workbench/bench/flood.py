"""The emergency stop amid a flood: alerts wait while Telegram answers every message with `retry after 60`.

alerts: how many were given out before. halt_s: from the moment Telegram has the message `/halt all` until the stop is
latched in the ledger, through the real library over HTTP. done_s: until the update has ended. messages_waiting: what
the flood has become.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from workbench.bench.counting import FencedBot
from workbench.domain.telling import Message, Severity
from workbench.integrations.unified_telegram import UnifiedTelegram
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import HaltSettings, Settings, TelegramSettings

ALERTS, ROUNDS = 10_000, {True: 1, False: 5}
ADMIN, TOKEN = 1, "1:bench"


def figures(quick: bool) -> dict[str, float]:
    """The worst of some rounds."""
    found = [asyncio.run(_round()) for _ in range(ROUNDS[quick])]
    return {key: max(each[key] for each in found) for key in found[0]}


async def _round() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.sqlite")
        try:
            async with _busy_api() as (url, updates):
                return await _measured(ledger, Path(folder), url, updates)
        finally:
            ledger.close()


async def _measured(ledger: SqlLedger, home: Path, url: str, updates: asyncio.Queue) -> dict[str, float]:
    own = TelegramSettings(admins=(ADMIN,), api_url=url)
    settings = Settings(home=home, telegram=own, halt=HaltSettings(deadline_s=1.0, watch_s=0, settle_s=0))
    registry = BotRegistry()
    registry.register("counter", FencedBot())
    center = UnifiedCommandCenter(registry, ledger, None, settings)
    telegram = UnifiedTelegram(center, ledger, settings, TOKEN)
    await telegram.start()
    try:
        for number in range(ALERTS):
            await telegram.tell(Message(f"alert {number}", severity=Severity.WARNING, topic="bots"))
        waiting = telegram.outbox.waiting(ADMIN)
        began = time.perf_counter()
        await updates.put(_halt())
        while not await asyncio.to_thread(ledger.states.all):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        latched_s = time.perf_counter() - began
        while telegram.journal.outcome(1) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        done_s = time.perf_counter() - began
    finally:
        await telegram.stop()
        await center.stop()
    return {"alerts": float(ALERTS), "halt_s": latched_s, "done_s": done_s, "messages_waiting": float(waiting)}


def _halt() -> dict[str, Any]:
    chat, sender = {"id": ADMIN, "type": "private"}, {"id": ADMIN, "is_bot": False, "first_name": "Ann"}
    message = {"message_id": 1, "date": int(time.time()), "chat": chat, "from": sender, "text": "/halt all"}
    return {"update_id": 1, "message": message}


@asynccontextmanager
async def _busy_api() -> AsyncIterator[tuple[str, asyncio.Queue]]:
    """A Bot API that delivers updates and refuses every message for a minute."""
    updates: asyncio.Queue = asyncio.Queue()

    async def serve(request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if method == "getUpdates":
            return web.json_response({"ok": True, "result": [await updates.get()]})
        if method == "getMe":
            me = {"id": 9, "is_bot": True, "first_name": "Desk", "username": "desk_bot"}
            return web.json_response({"ok": True, "result": me})
        if not method.startswith("send"):
            return web.json_response({"ok": True, "result": True})
        said = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 60}}
        return web.json_response(said, status=429)

    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", updates
    finally:
        await runner.cleanup()
