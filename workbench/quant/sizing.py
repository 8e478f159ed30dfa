"""How much: the smallest of what several rules allow, and which of them it was.

Each rule turns what is known into the greatest value (reporting currency) it would put at risk. A rule whose input is
missing or not a number allows nothing: an unknown volatility is not a small one. The price is taken in the reporting
currency here, per unit of base currency.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from workbench.domain.risk import Approved, Reduced, RiskVerdict

_Allowed = tuple[str, float, str]  # rule, value, words


@dataclass(frozen=True, slots=True)
class SizingRules:
    """What the trader has decided. Fractions of equity unless said otherwise; None switches a rule off.

    target_volatility : of the position's share in equity, per the same span as `Opportunity.volatility`.
    kelly_fraction : of the Kelly bet (½ costs a quarter of the growth and halves the swings); kelly_cap : of equity,
    never more. risk_per_trade : lost if the stop is hit. slippage : expected beyond the stop and in fees, of the price.
    step : the venue's smallest unit, base currency; smallest_value : its smallest order.
    """

    target_volatility: float | None = 0.02
    kelly_fraction: float | None = None
    kelly_cap: float = 0.25
    risk_per_trade: float | None = 0.005
    slippage: float = 0.001
    step: float = 0.0
    smallest_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A trade under consideration. volatility, edge : standard deviation and mean of its return over the span held, as
    fractions (edge after costs, in the direction traded). price, stop : reporting currency."""

    equity: float
    price: float
    stop: float | None
    volatility: float | None
    edge: float | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """amount : base currency, rounded down to the venue's step. bound_by : the rule that decided; reason : in words.

    allowed : every rule that was asked, with the value it would allow, in the order asked.
    """

    amount: float
    value: float
    bound_by: str
    reason: str
    allowed: tuple[tuple[str, float], ...]


def size(chance: Opportunity, rules: SizingRules, room: Sequence[tuple[str, float]]) -> Size:
    """The size of a trade. Never raises for a NaN or a None: they allow nothing, and the reason says so.

    room : what is left of each limit, as (name, value), one at least; `room_of` makes it from a gate's verdict.
    """
    asked = [_basis(chance, rules), *_switched_on(chance, rules), *map(_limit, room)]
    if not room:
        asked.append(("limits", 0.0, "what is left of the limits is not known"))
    rule, value, words = min(asked, key=lambda each: each[1])
    allowed = tuple((name, most) for name, most, _ in asked[1:])
    if value <= 0:
        return Size(0.0, 0.0, rule, words, allowed)
    amount = _rounded_down(value / chance.price * (1 - 1e-12), rules.step)  # its value stays inside
    worth = amount * chance.price
    if amount <= 0 or not rules.smallest_value <= worth <= value:  # above only where numbers are too small to be ones
        reason = f"{value:,.2f} is below the venue's smallest order ({words})"
        return Size(0.0, 0.0, rule, reason, allowed)
    return Size(amount, worth, rule, words, allowed)


def room_of(verdict: RiskVerdict) -> tuple[str, float]:
    """What the gate leaves for an order, from its review of a large intent that `may_shrink`."""
    if isinstance(verdict, Approved):
        return "limits", verdict.value
    return (verdict.rule, verdict.value) if isinstance(verdict, Reduced) else (verdict.rule, 0.0)


def kelly(edge: float, volatility: float) -> float:
    """The share of wealth that maximises expected log growth of a small continuous bet: μ/σ² (Merton 1969)."""
    return edge / (volatility * volatility)


def kelly_of_odds(win_probability: float, win: float, loss: float) -> float:
    """The same of a bet that wins the fraction `win` or loses the fraction `loss` of the stake (Kelly 1956)."""
    return win_probability / loss - (1 - win_probability) / win


def _basis(c: Opportunity, rules: SizingRules) -> _Allowed:
    if not (_positive(c.equity) and _positive(c.price)):
        return "input", 0.0, f"equity and price must be positive numbers, got {c.equity} and {c.price}"
    if not (_number(rules.step) and _number(rules.smallest_value)):
        return "input", 0.0, f"the venue's step and smallest order are not known ({rules.step}, {rules.smallest_value})"
    return "input", math.inf, ""


def _switched_on(c: Opportunity, rules: SizingRules) -> list[_Allowed]:
    asked = []
    if rules.target_volatility is not None:
        asked.append(_by_volatility(c, rules.target_volatility))
    if rules.kelly_fraction is not None:
        asked.append(_by_kelly(c, rules))
    if rules.risk_per_trade is not None:
        asked.append(_by_stop(c, rules.risk_per_trade, rules.slippage))
    return asked


def _by_volatility(c: Opportunity, target: float) -> _Allowed:
    rule = "volatility target"
    if not (_positive(c.equity) and _positive(c.volatility) and _positive(target)):
        return rule, 0.0, f"the volatility is not known ({c.volatility}, target {target})"
    value = c.equity * target / c.volatility
    return rule, value, f"at a volatility of {c.volatility:.2%}, {value:,.2f} swings by {target:.2%} of equity"


def _by_kelly(c: Opportunity, rules: SizingRules) -> _Allowed:
    rule, part, cap = "Kelly", rules.kelly_fraction, rules.kelly_cap
    usable = _positive(c.equity) and _positive(cap)
    if not (usable and _positive(c.volatility) and _number(c.edge) and _positive(part)):
        return rule, 0.0, f"the edge is not known ({c.edge}, volatility {c.volatility})"
    share = part * kelly(c.edge, c.volatility)
    if not share > 0:
        return rule, 0.0, f"no edge: {c.edge:.3%} is expected after costs"
    if share > cap:
        return "Kelly cap", c.equity * cap, f"{part:g} Kelly would be {share:.1%} of equity, capped at {cap:.1%}"
    return rule, c.equity * share, f"{part:g} Kelly is {share:.1%} of equity"


def _by_stop(c: Opportunity, risk: float, slippage: float) -> _Allowed:
    rule = "risk per trade"
    usable = _positive(c.equity) and _positive(c.price) and _positive(risk) and _number(slippage)
    if not (usable and slippage >= 0 and _positive(c.stop)):
        return rule, 0.0, f"there is no stop to measure the risk by ({c.stop})"
    lost = abs(c.price - c.stop) / c.price + slippage
    if not lost > 0:
        return rule, 0.0, "the stop is at the price"
    value = c.equity * risk / lost
    return rule, value, f"{value:,.2f} loses {risk:.2%} of equity if the stop is hit ({lost:.2%} away with costs)"


def _limit(left: tuple[str, float]) -> _Allowed:
    name, value = left
    if not _number(value):
        return name, 0.0, f"what is left of the limit {name} is not known"
    words = f"{max(value, 0.0):,.2f} is left of the limit {name}"
    return name, max(value, 0.0), words


def _rounded_down(amount: float, step: float) -> float:
    if not step > 0 or amount / step > 2**53:  # a grid finer than the number itself
        return amount
    steps = math.floor(amount / step)
    return (steps if steps * step <= amount else steps - 1) * step


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, float | int) and math.isfinite(value)


def _positive(value: object) -> TypeGuard[float]:
    return isinstance(value, float | int) and math.isfinite(value) and value > 0
