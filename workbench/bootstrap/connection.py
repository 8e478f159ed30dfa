"""The desk from any process: a notebook's kernel, a terminal, Voila, a scheduled run.

    desk = await connect()          # or: async with connect() as desk:
    await desk.dispatcher.ask("/cross forecast BTCUSD 1h")
    await desk.center.execute_cross_bot_command("forecast", {"symbol": "BTC/USD", "timeframe": "1h"})
    await desk.close()

Works with a running desk, which it finds by its run file, and without one: then the ledger still answers, and bots
named in workbench.toml are still reached.
"""

import asyncio
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import structlog

from workbench.bootstrap.logs import configure_logs
from workbench.bootstrap.run_file import DeskRun, read_run
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.spec import UNNAMED
from workbench.dashboard.viewer import ALONE, current_role, current_user
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.custody import PaperCustody
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.discovery import Discovery
from workbench.settings import Settings, load_settings

TOKEN_VARIABLE = "WORKBENCH_BOT_TOKEN"


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a surface composes from. `run` is the desk that was running at the time, None where none was."""

    settings: Settings
    ledger: SqlLedger
    registry: BotRegistry
    center: UnifiedCommandCenter
    dispatcher: Dispatcher
    venue: Venue | None
    run: DeskRun | None = field(repr=False, default=None)

    async def close(self) -> None:
        """Let go of bots, venue and ledger. The desk goes on."""
        await self.center.stop()
        if self.venue:
            await self.venue.close()
        await asyncio.to_thread(self.ledger.close)


class connect:
    """`await connect()` or `async with connect() as desk`. Raises SettingsError or LedgerError."""

    def __init__(self, settings: Settings | None = None, run: DeskRun | None = None):
        self._settings, self._run = settings, run
        self._made: Connection | None = None

    def __await__(self) -> Generator[Any, Any, Connection]:
        return self._open().__await__()

    async def __aenter__(self) -> Connection:
        self._made = await self._open()
        return self._made

    async def __aexit__(self, *_: object) -> None:
        assert self._made
        await self._made.close()

    async def _open(self) -> Connection:
        if not structlog.is_configured():
            configure_logs("WARNING")  # else warnings would print into a notebook's or a pipe's output
        settings = self._settings or load_settings()
        run = self._run or read_run(settings.home)
        ledger = await asyncio.to_thread(open_ledger, settings.ledger_url)
        token = run.bot_token if run else os.environ.get(TOKEN_VARIABLE, "")
        registry = BotRegistry(Discovery(settings, ledger.tables, token))
        venue = Venue(run.exchange_url, run.exchange_token) if run else None
        custody = [PaperCustody(venue)] if venue else []
        center = UnifiedCommandCenter(registry, ledger, venue, settings, custody)
        await registry.discover()
        return Connection(settings, ledger, registry, center, Dispatcher(center, ledger, _viewer()), venue, run)


def _viewer() -> Viewer:
    """Who asks here: the person who has logged in to the page that this kernel serves, else you."""
    name = current_user()
    return Viewer(UNNAMED if name == ALONE else name, current_role())
