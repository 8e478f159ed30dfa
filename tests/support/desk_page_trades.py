"""The finished trades of the played desk's bots: real bots behind a real command center, asked as the page asks."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.support.desk_views import BOTS, evil
from tests.support.plain_bots import PlainBot
from workbench.dashboard.overview_page import OverviewPage
from workbench.domain.portfolio import Trade
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter

LAST = datetime(2018, 6, 12, 20, 0, tzinfo=UTC)


class PlayedTrades(OverviewPage):
    """`case`: 'hostile' names everything by an enemy; 'empty' has no bot."""

    def __init__(self, case=""):
        registry = BotRegistry()
        for n, name in enumerate(BOTS if case != "empty" else ()):
            bot = PlainBot()
            bot.past = played_trades(n, hostile=case == "hostile")
            registry.register(name, bot)
        ledger = open_ledger(Path(tempfile.mkdtemp(prefix="workbench-page-")) / "ledger.sqlite")
        super().__init__(UnifiedCommandCenter(registry, ledger))
        self.ledger = ledger

    async def look(self):
        await self._center.look(60.0)
        return await super().look()


def played_trades(n, count=90, hostile=False):
    """`count` trades of the n-th bot in the days before LAST, from a fixed seed."""
    chance = np.random.default_rng(n)
    symbol = sample.SYMBOLS[n]
    found = []
    for k, returned in enumerate(chance.standard_t(4, count) * 0.012 + 0.001):
        closed = LAST - timedelta(hours=7.3 * (count - k) + n)
        entry = 6500.0 / 10**n * (1 + 0.1 * np.sin(k / 9))
        amount = 2000.0 / entry
        name = evil(k) if hostile else symbol
        reason = evil(k + 1) if hostile else ("stop", "target", "signal")[k % 3]
        opened = closed - timedelta(hours=float(chance.uniform(0.5, 40)))
        left, pnl = entry * (1 + returned), amount * entry * returned - 4.0
        found.append(Trade(name, amount, entry, left, opened, closed, float(pnl), 4.0, reason))
    return found
