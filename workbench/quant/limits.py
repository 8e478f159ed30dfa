"""Limits that tighten when it gets rough, and say why. A pure function: conditions in, limits and reasons out.

A bot's limits follow from its own drawdown and the market, never from another bot's losses; the desk's from the desk's
drawdown, the market and the mean correlation. Factors only tighten (≤ 1), in steps, so that a wobble is not an event.
What is unknown tightens fully: nothing may grow on a volatility nobody can tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from workbench.domain.desk import DeskState
from workbench.domain.risk import BotLimits, DeskLimits, LimitChange

Limits = TypeVar("Limits", BotLimits, DeskLimits)
_SEVERITY = {DeskState.ACTIVE: 0, DeskState.REDUCING: 1, DeskState.HALTED: 2}


@dataclass(frozen=True, slots=True)
class Rung:
    """From `drawdown` (fraction of the peak) down, limits are multiplied by `factor` and the state is at least `state`.

    The rung is left again only above `recovers_at`, a smaller drawdown: no flapping at the edge.
    """

    drawdown: float
    recovers_at: float
    factor: float
    state: DeskState = DeskState.ACTIVE


LADDER = (
    Rung(0.05, 0.03, 0.75),
    Rung(0.10, 0.07, 0.5),
    Rung(0.15, 0.12, 0.25, DeskState.REDUCING),
    Rung(0.20, 0.0, 0.0, DeskState.HALTED),
)


@dataclass(frozen=True, slots=True)
class TightenRules:
    """usual_volatility : the limits hold as written up to it; above, they shrink in proportion. regimes : factor by
    regime; one not named is unknown. correlation_from, correlation_factor : the mean correlation above which the desk's
    limits shrink, and the factor reached at correlation 1. step : factors are rounded down to its multiples."""

    usual_volatility: float
    regimes: Mapping[str, float] = field(default_factory=lambda: {"calm": 1.0, "normal": 1.0, "turbulent": 0.5})
    ladder: tuple[Rung, ...] = LADDER
    correlation_from: float = 0.6
    correlation_factor: float = 0.5
    step: float = 0.05


@dataclass(frozen=True, slots=True)
class Conditions:
    """volatility : in the unit of `usual_volatility`. drawdown : of the bot or desk concerned, fraction ≥ 0. regime :
    its name. correlation : mean over pairs held; only the desk's limits ask for it. rung : where on the ladder the bot
    or desk stood before, −1 for none."""

    volatility: float
    drawdown: float
    regime: str
    correlation: float = 0.0
    rung: int = -1


@dataclass(frozen=True, slots=True)
class Tightened:
    """state : the least severe that the conditions allow; HALTED never ends by itself. rung : for the next call.
    reasons : one sentence for each cause, none where the limits are as written."""

    factor: float
    state: DeskState
    rung: int
    reasons: tuple[str, ...]


def tighten(now: Conditions, rules: TightenRules, joint: bool = False) -> Tightened:
    """How far limits shrink under `now`. joint : these are the desk's, whose correlation counts too.

    Volatility and regime tell of the same thing, so the smaller of the two counts; drawdown and correlation multiply.
    """
    market = [_by_volatility(now.volatility, rules), _by_regime(now.regime, rules)]
    rung, (ladder, state, said) = _on_ladder(now, rules)
    causes = [*market, (ladder, said)]
    factor = min(market[0][0], market[1][0]) * ladder
    if joint:
        causes.append(_by_correlation(now.correlation, rules))
        factor *= causes[-1][0]
    factor = _stepped(factor, rules.step)
    if factor == 0 and state is DeskState.ACTIVE:
        state = DeskState.REDUCING
    return Tightened(factor, state, rung, tuple(words for _, words in causes if words))


def tightened_limits(limits: Limits, factor: float) -> Limits:
    """`limits` with every value multiplied by `factor`; ages, counts and the collar stay."""
    values = {each.name: getattr(limits, each.name) * factor for each in fields(limits) if each.name.endswith("_value")}
    return replace(limits, **values)


def changes(scope: str, before: BotLimits | DeskLimits, after: BotLimits | DeskLimits, reason: str):
    """What differs, field by field: each becomes an event. Returns a tuple of LimitChange."""
    names = [each.name for each in fields(before) if each.init]
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in names)
    return tuple(LimitChange(scope, name, old, new, reason) for name, old, new in pairs if old != new)


def state_change(scope: str, before: DeskState, after: DeskState, reason: str) -> tuple[LimitChange, ...]:
    """The change of a trading state, if it is one."""
    return () if before is after else (LimitChange(scope, "state", before, after, reason),)


def worst_state(states: Sequence[DeskState]) -> DeskState:
    """The most severe of several; ACTIVE of none."""
    return max(states, key=_SEVERITY.__getitem__, default=DeskState.ACTIVE)


def _by_volatility(volatility: float, rules: TightenRules) -> tuple[float, str]:
    usual = rules.usual_volatility
    if not (_number(volatility) and _number(usual) and volatility >= 0 and usual > 0):
        return 0.0, f"the volatility is not known ({volatility}, usual {usual})"
    if volatility <= usual:
        return 1.0, ""
    return usual / volatility, f"volatility is {volatility / usual:.1f} times the usual"


def _by_regime(regime: str, rules: TightenRules) -> tuple[float, str]:
    factor = rules.regimes.get(regime) if isinstance(regime, str) else None
    if factor is None or not (_number(factor) and factor >= 0):
        return 0.0, f"the regime is not known ({regime})"
    return min(factor, 1.0), f"the market is {regime}" if factor < 1 else ""


def _by_correlation(correlation: float, rules: TightenRules) -> tuple[float, str]:
    if not (_number(correlation) and -1 <= correlation <= 1 + 1e-9):
        return 0.0, f"the correlation is not known ({correlation})"
    above = (correlation - rules.correlation_from) / (1 - rules.correlation_from)
    if above <= 0:
        return 1.0, ""
    return 1 - min(above, 1.0) * (1 - rules.correlation_factor), f"the mean correlation is {correlation:.2f}"


def _on_ladder(now: Conditions, rules: TightenRules) -> tuple[int, tuple[float, DeskState, str]]:
    down, ladder = now.drawdown, rules.ladder
    if not (_number(down) and 0 <= down <= 1):
        return now.rung, (0.0, _kept(now, ladder), f"the drawdown is not known ({down})")
    rung = max((i for i, each in enumerate(ladder) if down >= each.drawdown), default=-1)
    stood = range(min(now.rung, len(ladder) - 1), rung, -1)
    held = (i for i in stood if down >= ladder[i].recovers_at or ladder[i].state is DeskState.HALTED)
    rung = next(held, rung)  # not recovered from it yet, or only a person may release it
    if rung < 0:
        return rung, (1.0, DeskState.ACTIVE, "")
    words = f"drawdown {down:.1%} stands on the rung of {ladder[rung].drawdown:.0%}"
    return rung, (ladder[rung].factor, ladder[rung].state, words)


def _kept(now: Conditions, ladder: tuple[Rung, ...]) -> DeskState:
    at = min(now.rung, len(ladder) - 1)
    return worst_state((DeskState.REDUCING, ladder[at].state if at >= 0 else DeskState.ACTIVE))


def _stepped(factor: float, step: float) -> float:
    return math.floor(factor / step + 1e-9) * step if step > 0 else factor


def _number(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)
