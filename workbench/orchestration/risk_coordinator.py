"""How much each bot may hold: budgets that know how the bots move together, withheld from bots not seen. Pure.

Four ways (`quant.risk_budgets`): equal risk contribution on a shrunk covariance (the usual one), hierarchical, equal
share of the tail loss, inverse volatility. The first three need a common history of the bots' equity; where it is too
short, inverse volatility stands in and the answer says so.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from workbench.domain.desk import Health
from workbench.domain.errors import ValueRefused
from workbench.domain.portfolio import EquityPoint, Money

MIN_RETURNS = 30  # fewer say too little of a volatility: the relative error of an estimate from n is about 1/√2n
MIN_JOINT = 60  # steps of common history before correlations are believed
STEPS = 500  # of common history looked at
MAX_SHARE = 0.5
WORDS = {
    "equal_risk": "equal risk contribution",
    "hierarchical": "hierarchical risk parity",
    "cvar": "equal share of the tail loss (CVaR)",
    "inverse_volatility": "inverse volatility",
}
METHODS = tuple(WORDS)
YEAR_S = 365 * 86400.0


@dataclass(frozen=True, slots=True)
class BotRecord:
    """What the budget of one bot is judged by: its health now, and its equity in market time, rising, one run."""

    bot_id: str
    health: Health
    equity: Sequence[EquityPoint]


@dataclass(frozen=True, slots=True)
class Budget:
    """`share` of the total, in [0, 1]. `volatility` a year, as a fraction, None where it is not known."""

    bot_id: str
    amount: Money
    share: float
    volatility: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RiskDistribution:
    """Budgets that never sum to more than `total`; `withheld` is what nobody got. `notes`: what was done otherwise than
    asked, and why."""

    total: Money
    budgets: tuple[Budget, ...]
    withheld: Money
    as_of: datetime
    method: str = "equal_risk"
    notes: tuple[str, ...] = ()


class RiskCoordinator:
    """Shares an exposure out. No bot gets more than `max_share`, unless it is the only one registered."""

    def __init__(self, max_share: float = MAX_SHARE):
        if not 0 < max_share <= 1:
            raise ValueRefused(f"max_share must lie in (0, 1], got {max_share}")
        self.max_share = max_share

    def distribute(
        self, total: Money, bots: Sequence[BotRecord], now: datetime, method: str = "equal_risk", stress: float = 0.0
    ) -> RiskDistribution:
        """Budgets for `bots`. A bot that is down, stale or in another currency gets 0, and its part of the total, 1/n,
        stays withheld: what it holds cannot be seen, so the others must not fill the gap.

        method : see `quant.risk_budgets.METHODS`. stress : how far correlations are moved toward 1 first, in [0, 1]
        (equal_risk only). Raises ValueRefused for another method, a stress outside [0, 1] or a negative `total` (NaN
        never gets into Money).
        """
        if method not in METHODS:
            raise ValueRefused(f"no method {method!r} of sharing risk out; there are {', '.join(METHODS)}")
        if not 0 <= stress <= 1:
            raise ValueRefused(f"stress must lie in [0, 1], got {stress}")
        if total.amount < 0:
            raise ValueRefused(f"an exposure to share out must be 0 or more, got {total.amount} {total.currency}")
        denied = {bot.bot_id: words for bot in bots if (words := _denial(bot, total.currency))}
        allowed = [bot for bot in bots if bot.bot_id not in denied]
        volatility = {bot.bot_id: annual_volatility(bot.equity) for bot in allowed}
        pool = len(allowed) / len(bots) if bots else 0.0
        caps = self._caps(volatility, len(bots))
        wanted, method, notes = _shares(allowed, volatility, method, stress)
        shares = capped({b: s * pool for b, s in wanted.items()}, caps)
        budgets = tuple(
            Budget(
                bot.bot_id,
                Money(total.amount * shares.get(bot.bot_id, 0.0), total.currency),
                shares.get(bot.bot_id, 0.0),
                volatility.get(bot.bot_id),
                denied.get(bot.bot_id) or _why(volatility[bot.bot_id], shares[bot.bot_id] >= caps[bot.bot_id]),
            )
            for bot in bots
        )
        given = math.fsum(budget.amount.amount for budget in budgets)
        return RiskDistribution(
            total, budgets, Money(max(total.amount - given, 0.0), total.currency), now, method, notes
        )

    def _caps(self, volatility: Mapping[str, float | None], count: int) -> dict[str, float]:
        """A bot whose volatility is not known never gets more than the equal share, however much others leave."""
        cap = 1.0 if count == 1 else self.max_share
        return {bot_id: min(cap, 1 / count) if v is None else cap for bot_id, v in volatility.items()}


def annual_volatility(equity: Sequence[EquityPoint]) -> float | None:
    """Root of the summed squared log returns a year of market time, or None where fewer than MIN_RETURNS are known,
    the account never moved, or a value is not a positive number. Points need not be evenly spaced."""
    values = [point.equity for point in equity]
    if len(values) <= MIN_RETURNS or not all(math.isfinite(v) and v > 0 for v in values):
        return None
    elapsed_s = (equity[-1].at - equity[0].at).total_seconds()
    if elapsed_s <= 0:
        return None
    squares = math.fsum(math.log(after / before) ** 2 for before, after in pairwise(values))
    return math.sqrt(squares / elapsed_s * YEAR_S) or None


def joint_returns(curves: Sequence[Sequence[EquityPoint]], steps: int = STEPS) -> np.ndarray:
    """Simple returns of several accounts on one grid over the time that all of them cover, (≤ steps, n_accounts).

    Each grid point takes the last equity known by then, never a later one. Empty where they share no time."""
    first = max(curve[0].at for curve in curves)
    last = min(curve[-1].at for curve in curves)
    count = min(steps, min(bisect_right(curve, last, key=lambda p: p.at) for curve in curves) - 1)
    if last <= first or count < 1:
        return np.empty((0, len(curves)))
    grid = [first + (last - first) * k / count for k in range(count + 1)]
    values = np.array([[c[bisect_right(c, at, key=lambda p: p.at) - 1].equity for c in curves] for at in grid])
    return np.diff(values, axis=0) / values[:-1]


def _shares(
    bots: Sequence[BotRecord], volatility: Mapping[str, float | None], method: str, stress: float
) -> tuple[dict[str, float], str, tuple[str, ...]]:
    """(shares that sum to 1, the method that gave them, notes). Bots without a known volatility get the equal share."""
    plain = inverse_volatility(volatility)
    known = [bot for bot in bots if volatility[bot.bot_id] is not None]
    if method == "inverse_volatility" or len(known) < 2:
        return plain, "inverse_volatility" if len(known) < 2 else method, ()
    from workbench.quant.risk_budgets import risk_budgets  # brings scipy: whoever connects need not pay for it

    returns = joint_returns([bot.equity for bot in known])
    try:
        if len(returns) < MIN_JOINT:
            raise ValueRefused(f"the bots share only {len(returns)} steps of history, {MIN_JOINT} are needed")
        weights = _stressed_budgets(returns, stress) if stress else risk_budgets(returns, method)
    except ValueRefused as error:
        return plain, "inverse_volatility", (f"{WORDS[method]} was not possible: {error}",)
    left = math.fsum(plain[bot.bot_id] for bot in known)
    notes = (
        f"from {len(returns)} steps of common history",
        *([f"correlations {stress:.0%} toward 1"] if stress else []),
    )
    return plain | {bot.bot_id: float(w) * left for bot, w in zip(known, weights, strict=True)}, method, notes


def _stressed_budgets(returns: np.ndarray, stress: float) -> np.ndarray:
    from workbench.quant.covariance import from_correlation, ledoit_wolf, stressed, to_correlation
    from workbench.quant.equal_risk import equal_risk

    correlation, deviations = to_correlation(ledoit_wolf(returns / returns.std()).matrix)
    return equal_risk(from_correlation(stressed(correlation, stress), deviations)).weights


def inverse_volatility(volatility: Mapping[str, float | None]) -> dict[str, float]:
    """Shares that sum to 1: the equal share where the volatility is not known, the rest divided by 1/volatility."""
    known = {bot_id: v for bot_id, v in volatility.items() if v is not None}
    equal = 1 / len(volatility) if volatility else 0.0
    left = 1 - equal * (len(volatility) - len(known))
    scale = math.fsum(1 / v for v in known.values())
    return {bot_id: equal if v is None else left / v / scale for bot_id, v in volatility.items()}


def capped(shares: Mapping[str, float], caps: Mapping[str, float]) -> dict[str, float]:
    """No share above its cap; what is cut goes to the others in proportion, and to nobody where all are at theirs."""
    held: dict[str, float] = {}
    free = dict(shares)
    goal = math.fsum(shares.values())
    while free:
        room, weight = goal - math.fsum(held.values()), math.fsum(free.values())
        factor = room / weight if weight > 0 else 0.0
        over = [bot_id for bot_id, share in free.items() if share * factor > caps[bot_id]]
        if not over:
            return {bot_id: held[bot_id] if bot_id in held else free[bot_id] * factor for bot_id in shares}
        for bot_id in over:
            held[bot_id] = caps[bot_id]
            del free[bot_id]
    return {bot_id: held[bot_id] for bot_id in shares}


def _denial(bot: BotRecord, currency: str) -> str:
    if not bot.health.ok:
        return f"{bot.health.word}: {bot.health.reason}"
    if not bot.equity:
        return "no equity recorded"
    if not math.isfinite(bot.equity[-1].equity) or bot.equity[-1].equity <= 0:
        return f"its equity is {bot.equity[-1].equity}"
    if bot.equity[-1].currency != currency:
        return f"its account is in {bot.equity[-1].currency}, and no price to {currency} is known"
    return ""


def _why(volatility: float | None, at_cap: bool) -> str:
    if volatility is None:
        return "equal share: too little history"
    return f"volatility {volatility:.1%} a year{', capped' if at_cap else ''}"
