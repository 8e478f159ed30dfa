"""Limits that tighten while the desk runs: what the market and the accounts are like now, what follows, what changed.

The rules are `quant.limits`: a bot's limits follow from the market and its own drawdown, the desk's from the market,
the desk's drawdown and the mean correlation. Every change of a factor is an event with its reasons in words.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from workbench.domain.events import NewEvent
from workbench.domain.halts import DESK
from workbench.ledger.log import SqlLedger
from workbench.orchestration.event_words import LIMITS_CHANGED
from workbench.orchestration.plain_text import plain
from workbench.orchestration.risk_assembly import Markets
from workbench.quant.limits import Conditions, Tightened, TightenRules, tighten
from workbench.quant.regime_reading import read_regime

LATELY = 48  # bars that "now" means
JOINT = 240  # bars that the correlation is taken from
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Weather:
    """The market as one: `volatility` now over its usual (the median of the history), the regime, the mean correlation.
    NaN and '' where it is not known, which tightens fully."""

    volatility: float = NAN
    regime: str = ""
    correlation: float = NAN


UNKNOWN = Weather()


def weather(markets: Markets) -> Weather:
    """From closed bars of all markets, equally weighted. Unknown below 5 × 48 + 1 bars or where nothing moves."""
    returns = markets.returns
    if len(returns) <= 5 * LATELY:
        return UNKNOWN
    index = returns.mean(axis=1)
    blocks = index[len(index) % LATELY :].reshape(-1, LATELY).std(axis=1)
    usual = float(np.median(blocks))
    if not usual > 0:
        return UNKNOWN
    regime = read_regime(index).regime  # the bots' votes do not count here: no bot may talk its limits up
    return Weather(float(blocks[-1]) / usual, regime, _mean_correlation(returns[-JOINT:]))


def _mean_correlation(returns: np.ndarray) -> float:
    """Mean over pairs; 0 for one market alone, whose pairs do not exist."""
    n = returns.shape[1]
    if n < 2:
        return 0.0
    moving = returns[:, returns.std(axis=0) > 0]
    if moving.shape[1] < 2:
        return NAN
    r = np.corrcoef(moving.T)
    return float((r.sum() - len(r)) / (len(r) * (len(r) - 1)))


class Tightening:
    """`step` says how far limits shrink now, by scope ('desk' and bots), and writes down what changed."""

    def __init__(self, ledger: SqlLedger, rules: TightenRules | None = None):
        self._ledger, self._rules = ledger, rules or TightenRules(usual_volatility=1.0)
        self.now: dict[str, Tightened] = {}

    async def step(self, market: Weather, drawdowns: Mapping[str, float]) -> Mapping[str, Tightened]:
        """drawdowns : fall from the highest of this run, by bot and for 'desk'; only these scopes are reckoned. Raises
        LedgerError where a change cannot be written; then nothing is taken as changed."""
        found = {scope: self._one(scope, market, fall) for scope, fall in drawdowns.items()}
        news = [_event(scope, self.now.get(scope), each) for scope, each in found.items() if self._is_news(scope, each)]
        if news:
            await asyncio.to_thread(self._ledger.append, news)
        self.now = found
        return found

    def _one(self, scope: str, market: Weather, drawdown: float) -> Tightened:
        before = self.now.get(scope)
        rung = before.rung if before else -1
        now = Conditions(market.volatility, drawdown, market.regime, market.correlation, rung)
        return tighten(now, self._rules, joint=scope == DESK)

    def _is_news(self, scope: str, each: Tightened) -> bool:
        before = self.now.get(scope)
        return (each.factor, each.state) != ((before.factor, before.state) if before else (1.0, each.state))


def _event(scope: str, before: Tightened | None, now: Tightened) -> NewEvent:
    was = before.factor if before else 1.0
    why = plain("; ".join(now.reasons)) or "as written again"
    words = f"limits of {scope}: × {now.factor:g} instead of × {was:g}: {why}"
    facts = {"words": words, "scope": scope, "factor": now.factor, "before": was, "state": now.state.value, "why": why}
    return NewEvent(LIMITS_CHANGED, scope, facts, f"{LIMITS_CHANGED}:{secrets.token_hex(8)}", datetime.now(UTC))
