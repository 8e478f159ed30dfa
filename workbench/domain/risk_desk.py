"""How much risk the bots carry together, as one value: what the risk page, /risk and the notebook show.

Money is in `currency`; shares are fractions of equity; NaN is unknown, never zero, and `unknown` says why in words.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from workbench.domain.desk import DeskState

NAN = math.nan


@dataclass(frozen=True, slots=True)
class Volatility:
    """One standard deviation of equity, as fractions of it: over a bar, and over a year of bars."""

    bar: float = NAN
    annual: float = NAN


@dataclass(frozen=True, slots=True)
class TailLoss:
    """A loss over one bar at the confidence of the value, ≥ 0 for a loss: a fraction of equity, and money."""

    historical: float = NAN
    parametric: float = NAN
    historical_money: float = NAN
    parametric_money: float = NAN


@dataclass(frozen=True, slots=True)
class Contribution:
    """The share of the total that comes from `name`; shares of all names sum to 1, and a hedge is below 0."""

    name: str
    volatility: float
    cvar: float


@dataclass(frozen=True, slots=True)
class GroupRow:
    """What is held in one cluster or at one venue."""

    name: str
    gross: float
    net: float


@dataclass(frozen=True, slots=True)
class DrawdownRow:
    """A fall from the highest of this run, a fraction ≥ 0, of a bot or 'desk'. `step`: the rung of the ladder that
    binds now, None above the first; `next_step`: the one below, None after the last; `factor`: what limits are
    multiplied with."""

    name: str
    drawdown: float
    step: float | None = None
    next_step: float | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class LimitRow:
    """`cap_before`: what it was set to; `cap`: what it is now, with the reason in `why` where it was tightened."""

    scope: str
    name: str
    used: float
    cap: float
    cap_before: float
    why: str = ""

    @property
    def headroom(self) -> float:
        """What is left, 0 where it is used up, NaN where it is not known."""
        left = self.cap - self.used
        return left if math.isnan(left) else max(0.0, left)


@dataclass(frozen=True, slots=True)
class StateRow:
    """Who may trade. `scope`: 'desk', '@tag', a bot or a symbol."""

    scope: str
    state: DeskState
    why: str = ""


@dataclass(frozen=True, slots=True)
class RiskDesk:
    """`exposure`: bots × symbols, signed. `contributions_by_…` of the desk's volatility and CVaR."""

    as_of: datetime
    currency: str
    equity: float
    confidence: float
    bots: tuple[str, ...]
    symbols: tuple[str, ...]
    exposure: tuple[tuple[float, ...], ...]
    gross: float
    net: float
    volatility: Volatility = Volatility()
    var: TailLoss = TailLoss()
    cvar: TailLoss = TailLoss()
    contributions_by_bot: tuple[Contribution, ...] = ()
    contributions_by_symbol: tuple[Contribution, ...] = ()
    clusters: tuple[GroupRow, ...] = ()
    venues: tuple[GroupRow, ...] = ()
    drawdowns: tuple[DrawdownRow, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    states: tuple[StateRow, ...] = ()
    unknown: tuple[str, ...] = ()
