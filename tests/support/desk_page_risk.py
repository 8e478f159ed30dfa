"""A risk desk for the page's tests: computed the obvious way from what the played bots hold, and its hostile twin."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from tests.support import desk_views
from tests.support.desk_views import evil
from workbench.domain.desk import DeskState
from workbench.domain.risk_desk import (
    Contribution,
    DrawdownRow,
    GroupRow,
    LimitRow,
    RiskDesk,
    StateRow,
    TailLoss,
    Volatility,
)
from workbench.market import sample

BARS_A_YEAR = 365 * 48
CONFIDENCE = 0.95
HELD = {
    "trend": {"BTC/USD": 5200.0, "ETH/USD": 1800.0},
    "mean_reversion": {"BTC/USD": -900.0, "LTC/USD": 2400.0},
    "breakout": {"ETH/USD": 3100.0, "XRP/USD": 700.0},
    "learning": {"BTC/USD": 1500.0, "LTC/USD": -650.0, "XRP/USD": 400.0},
}


class PlayedRisk:
    """`look` and `what_if` as the risk page wants them; `change` may make an enemy of it."""

    def __init__(self, change=None):
        self.change = change
        closes = {symbol: sample.load(symbol)["close"].to_numpy()[9000:9500] for symbol in symbols()}
        self.returns = np.column_stack([np.diff(closes[s]) / closes[s][:-1] for s in symbols()])

    async def look(self):
        desk = self.desk(HELD)
        return self.change(desk) if self.change else desk

    async def what_if(self, _desk, choice):
        held = {bot: dict(row) for bot, row in HELD.items()}
        if choice.get("halve") in held:
            held[choice["halve"]] = {symbol: value / 2 for symbol, value in held[choice["halve"]].items()}
        desk = self.desk(held, correlated="correlations" in choice)
        return self.change(desk) if self.change else desk

    def desk(self, held, correlated=False):
        matrix = np.array([[held[bot].get(symbol, 0.0) for symbol in symbols()] for bot in held])
        covariance = np.cov(self.returns.T)
        if correlated:
            deviations = np.sqrt(np.diag(covariance))
            covariance = np.outer(deviations, deviations)
        equity, net = 40_000.0, matrix.sum(axis=0)
        money = float(np.sqrt(net @ covariance @ net))
        losses = np.sort(-(self.returns @ net))[::-1]
        worst = losses[: int(len(losses) * (1 - CONFIDENCE))]
        marginal = covariance @ net / money**2
        tail = -self.returns[np.argsort(self.returns @ net)[: len(worst)]].mean(axis=0) / worst.mean()
        var, cvar = float(worst[-1]), float(worst.mean())
        return RiskDesk(
            as_of=datetime.now(UTC),
            currency="USD",
            equity=equity,
            confidence=CONFIDENCE,
            bots=tuple(held),
            symbols=symbols(),
            exposure=tuple(tuple(float(v) for v in row) for row in matrix),
            gross=float(abs(matrix).sum()),
            net=float(matrix.sum()),
            volatility=Volatility(money / equity, money / equity * BARS_A_YEAR**0.5),
            var=TailLoss(var / equity, 1.645 * money / equity, var, 1.645 * money),
            cvar=TailLoss(cvar / equity, 2.063 * money / equity, cvar, 2.063 * money),
            contributions_by_bot=tuple(
                Contribution(bot, float(row @ marginal), float(row @ tail))
                for bot, row in zip(held, matrix, strict=True)
            ),
            contributions_by_symbol=tuple(
                Contribution(s, float(net[i] * marginal[i]), float(net[i] * tail[i])) for i, s in enumerate(symbols())
            ),
            clusters=(GroupRow("majors", 12_500.0, 10_700.0), GroupRow("alts", 4_150.0, 2_850.0)),
            venues=(GroupRow("paper exchange", float(abs(matrix).sum()), float(matrix.sum())),),
            drawdowns=(
                DrawdownRow("desk", 0.021, None, 0.05, 1.0),
                DrawdownRow("trend", 0.012, None, 0.05, 1.0),
                DrawdownRow("breakout", 0.067, 0.05, 0.10, 0.7),
                DrawdownRow("learning", 0.046, None, 0.05, 1.0),
            ),
            limits=(
                LimitRow("desk", "gross", float(abs(matrix).sum()), 42_000.0, 42_000.0),
                LimitRow(
                    "breakout",
                    "bot gross",
                    3800.0,
                    4400.0,
                    10_500.0,
                    "drawdown 6.7 % is below the 5 % step; volatility 1.6 × its usual",
                ),
                LimitRow("trend", "bot gross", 7000.0, 10_500.0, 10_500.0),
                LimitRow("BTC/USD", "symbol", 5800.0, 5800.0, 16_000.0, "correlation of the markets is 0.86"),
            ),
            states=(
                StateRow("desk", DeskState.ACTIVE),
                StateRow("breakout", DeskState.REDUCING, "its drawdown is below the 5 % step"),
                StateRow("@experimental", DeskState.HALTED, "typed /halt by ada"),
            ),
        )


def symbols():
    return ("BTC/USD", "ETH/USD", "LTC/USD", "XRP/USD")


def unknown(desk):
    """What one bot holds is not known, hence nothing that depends on it."""
    blind = tuple(tuple(float("nan") for _ in row) if i == 1 else row for i, row in enumerate(desk.exposure))
    words = "mean_reversion was never heard: what it holds, and every figure that sums it, is unknown"
    nan = float("nan")
    return replace(
        desk,
        exposure=blind,
        gross=nan,
        net=nan,
        volatility=Volatility(),
        var=TailLoss(),
        cvar=TailLoss(),
        contributions_by_bot=(),
        contributions_by_symbol=(),
        unknown=(words,),
        limits=(*desk.limits[1:], replace(desk.limits[0], used=nan)),
    )


def hostile(desk):
    """Everything that has a name is named by an enemy."""
    named = lambda rows: tuple(replace(row, name=evil(i)) for i, row in enumerate(rows))  # noqa: E731
    return replace(
        desk,
        currency=evil(0),
        bots=tuple(evil(i) for i in range(len(desk.bots))),
        symbols=tuple(evil(i + 3) for i in range(len(desk.symbols))),
        contributions_by_bot=named(desk.contributions_by_bot),
        contributions_by_symbol=named(desk.contributions_by_symbol),
        clusters=named(desk.clusters),
        drawdowns=named(desk.drawdowns),
        limits=tuple(LimitRow(evil(i), evil(i + 1), 1.0, 1.0, 2.0, evil(i + 2)) for i in range(len(desk_views.EVIL))),
        states=tuple(StateRow(evil(i), DeskState.HALTED, evil(i + 1)) for i in range(len(desk_views.EVIL))),
        unknown=desk_views.EVIL,
    )
