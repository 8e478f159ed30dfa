"""Many bots' fans into one: the average price at each probability. Pure.

Averaging quantiles (Vincentization) keeps the shape of a typical fan, where averaging probabilities would widen it; see
Lichtendahl, Grushka-Cockayne & Winkler, "Is it better to average probabilities or quantiles?", Management Science 2013.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from workbench.domain.forecasts import Forecast

NAME = "consensus"
REFERENCE_BAND = 0.1  # bots that see one market agree on its last close; one this far from the others sees another


@dataclass(frozen=True, slots=True)
class Consensus:
    """`forecast`: the collective fan, None where nobody may speak. `weights`: who spoke, summing to 1.
    `left_out`: who did not, and why, in words. `why`: what a bot's weight rests on; `note`: what all the weights do."""

    forecast: Forecast | None
    weights: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def combine(
    forecasts: Mapping[str, Forecast],
    left_out: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    at_level: Callable[[str, float], float] | None = None,
) -> Consensus:
    """The weighted quantile average of forecasts that mean the same moment.

    Levels: those stated by anybody within the range that everybody covers, so nothing is extrapolated. `weights`: bot
    id → weight of 0 or more, missing or not finite counts as 0; None: equal. `at_level`: (bot, level) → its weight at
    that probability, where that differs; the averages are then put in order, which never makes their loss larger.
    """
    out = dict(left_out or {})
    speaking = _of_one_moment(dict(forecasts), out)
    speaking = _of_one_market(speaking, out)
    share = _shares(speaking, weights, out)
    speaking = {bot_id: speaking[bot_id] for bot_id in share}
    levels = _common_levels(speaking)
    if not levels:
        out |= {bot_id: "its levels and the others' have no range in common" for bot_id in speaking}
        return Consensus(None, {}, out)
    newest = max(speaking.values(), key=lambda forecast: forecast.seen_at)
    averages = [
        _average({b: f.quantile(level) for b, f in speaking.items()}, _at(level, share, at_level)) for level in levels
    ]
    fan = Forecast(
        bot_id=NAME,
        symbol=newest.symbol,
        timeframe=newest.timeframe,
        horizon=newest.horizon,
        levels=levels,
        values=tuple(sorted(averages)),
        reference=newest.reference,
        seen_at=newest.seen_at,
        model_version="equal" if weights is None else "weighted",
    )
    return Consensus(fan, share, out)


def _of_one_moment(forecasts: dict[str, Forecast], out: dict[str, str]) -> dict[str, Forecast]:
    """Keep the horizon most bots answered with, seen within one bar of the newest."""
    if not forecasts:
        return {}
    counted = Counter(forecast.horizon for forecast in forecasts.values())
    horizon = max(counted, key=lambda h: (counted[h], -h))
    newest = max(f.seen_at for f in forecasts.values() if f.horizon == horizon)
    kept = {}
    for bot_id, forecast in forecasts.items():
        behind = newest - forecast.seen_at
        if forecast.horizon != horizon:
            out[bot_id] = f"it looks {forecast.horizon} bars ahead, the others {horizon}"
        elif behind > forecast.timeframe.step:
            out[bot_id] = f"it saw {behind // forecast.timeframe.step} bars less than the newest"
        else:
            kept[bot_id] = forecast
    return kept


def _of_one_market(forecasts: dict[str, Forecast], out: dict[str, str]) -> dict[str, Forecast]:
    if not forecasts:
        return {}
    middle = median(forecast.reference for forecast in forecasts.values())
    kept = {}
    for bot_id, forecast in forecasts.items():
        if abs(forecast.reference / middle - 1) > REFERENCE_BAND:
            out[bot_id] = f"its last close {forecast.reference:,.8g} is not the others' {middle:,.8g}"
        else:
            kept[bot_id] = forecast
    return kept


def _shares(
    speaking: Mapping[str, Forecast], weights: Mapping[str, float] | None, out: dict[str, str]
) -> dict[str, float]:
    raw = {bot_id: 1.0 if weights is None else float(weights.get(bot_id, 0.0)) for bot_id in sorted(speaking)}
    good = {bot_id: weight for bot_id, weight in raw.items() if math.isfinite(weight) and weight > 0}
    out |= {bot_id: "its weight is 0" for bot_id in raw if bot_id not in good}
    largest = max(good.values(), default=1.0)
    scaled = {bot_id: weight / largest for bot_id, weight in good.items()}  # so that the sum cannot overflow
    total = math.fsum(scaled.values())
    return {bot_id: weight / total for bot_id, weight in scaled.items()}


def _at(
    level: float, share: Mapping[str, float], at_level: Callable[[str, float], float] | None
) -> Mapping[str, float]:
    """The shares at one probability; the overall ones where they are not told apart there."""
    if at_level is None:
        return share
    raw = {bot_id: at_level(bot_id, level) for bot_id in share}
    total = math.fsum(raw.values())
    return {bot_id: weight / total for bot_id, weight in raw.items()} if 0 < total < math.inf else share


def _common_levels(forecasts: Mapping[str, Forecast]) -> tuple[float, ...]:
    if not forecasts:
        return ()
    lowest = max(forecast.levels[0] for forecast in forecasts.values())
    highest = min(forecast.levels[-1] for forecast in forecasts.values())
    stated = {level for forecast in forecasts.values() for level in forecast.levels}
    return tuple(sorted(level for level in stated if lowest <= level <= highest))


def _average(values: Mapping[str, float], share: Mapping[str, float]) -> float:
    return math.fsum(share[bot_id] * value for bot_id, value in values.items())
