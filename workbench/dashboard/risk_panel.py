"""The risk of the desk for a notebook: the value, its tables, one sentence, and the live page in a cell."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from workbench.dashboard.pages import Desk, pages_of
from workbench.dashboard.unified_dashboard import UnifiedDashboard
from workbench.domain.risk_desk import Contribution, RiskDesk
from workbench.orchestration.risk_feed import RiskFeed
from workbench.widgets.desk_panel import DeskPanel
from workbench.widgets.desk_pump import PanelSettings


class RiskPanel:
    """`desk`: an open connection (`bootstrap.connection.connect`). Works without a running desk, and says so."""

    def __init__(self, desk: Desk, settings: PanelSettings | None = None):
        self._feed = RiskFeed(desk.center, desk.run.exchange_url if desk.run else "")
        self._page = UnifiedDashboard(desk.center, desk.ledger, settings, pages_of(desk), desk.dispatcher)

    async def look(self) -> RiskDesk:
        """The risk now. Raises LedgerError where the ledger cannot say who may trade."""
        return await self._feed.look()

    async def what_if(self, desk: RiskDesk, **choice: Any) -> RiskDesk:
        """`halve="trend"`, or `correlations=1.0`: another RiskDesk. Raises CommandError for anything else."""
        return await self._feed.what_if(desk, choice)

    def show(self) -> DeskPanel:
        """The page, live, opened at the risk."""
        return self._page.show("risk")

    async def stop(self) -> None:
        await self._page.stop()


def sentence(desk: RiskDesk) -> str:
    """How much risk, and why, in words; what is not known is said to be."""
    if not desk.bots:
        return "No bot is known here, so nothing is at risk. `workbench up` starts a desk with four."
    if not desk.gross > 0:
        return "Nothing is held." if desk.gross == 0 else f"The risk is not known: {'; '.join(desk.unknown)}."
    worst = f"{1 - desk.confidence:.1%}"
    held = f"{len(desk.bots)} bots hold {desk.gross:,.2f} {desk.currency} gross, {desk.net:+,.2f} net"
    largest = [row for row in desk.contributions_by_bot if row.volatility == row.volatility]
    if not largest:
        return f"{held}. What it may cost is not known: {'; '.join(desk.unknown) or 'too little history'}."
    bot, market = (max(rows, key=lambda row: row.volatility) for rows in (largest, desk.contributions_by_symbol))
    cost = f"{desk.cvar.historical_money:,.2f} {desk.currency}"
    most = f"{bot.name} ({bot.volatility:.0%}) and {market.name} ({market.volatility:.0%})"
    return f"{held}; a bar in the worst {worst} costs {cost} on average. Most of it is {most}."


def exposure_table(desk: RiskDesk) -> pd.DataFrame:
    """Signed exposure, bots × markets, in the desk's currency."""
    rows = [list(row) for row in desk.exposure]
    return pd.DataFrame(rows, index=pd.Index(desk.bots, name="bot"), columns=list(desk.symbols), dtype=float)


def shares_table(rows: Sequence[Contribution]) -> pd.DataFrame:
    """Shares of volatility and CVaR by name; each column sums to 1."""
    told = [(row.name, row.volatility, row.cvar) for row in rows]
    return pd.DataFrame(told, columns=["name", "volatility", "cvar"]).set_index("name")


def limits_table(desk: RiskDesk) -> pd.DataFrame:
    """Every limit with what is left of it, and why it is tighter than it was set."""
    told = [(row.scope, row.name, row.used, row.cap, row.headroom, row.why) for row in desk.limits]
    return pd.DataFrame(told, columns=["scope", "limit", "used", "cap", "left", "tightened because"])


def compared(present: RiskDesk, **others: RiskDesk) -> pd.DataFrame:
    """Figures side by side: gross, volatility a year, VaR and CVaR by the normal law, in the desk's currency."""
    desks = {"now": present, **others}
    figures = {
        name: [desk.gross, desk.net, desk.volatility.annual, desk.var.parametric_money, desk.cvar.parametric_money]
        for name, desk in desks.items()
    }
    return pd.DataFrame(figures, index=["gross", "net", "volatility a year", "VaR a bar", "CVaR a bar"])
