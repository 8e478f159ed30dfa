"""What bots' features add to the joint model: one factor a bot on the forecast of variance, learned over all symbols.

A bot is heard only where its factor made forecasts better on later data *within* the training (`promotion.judge`, the
doubt divided by the number of bots that try). A bot that says nothing, or says it too late, has a factor of 1: nothing
is lost by its silence. What a bot says at a bar counts from the moment it was known, never from the bar it names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.panels import Panel
from workbench.quant.pooled import VolatilityModel, forecast_variance, train_volatility
from workbench.quant.promotion import Judgement, Terms, judge
from workbench.quant.scores import Scores, known_at
from workbench.quant.scoring import qlike
from workbench.quant.trees import Growth, Trees, grow, predict
from workbench.quant.volatility import future_variance

LEAST = 500  # rows
OLDER = 0.6  # part of the bars a bot spoke at that its factor is tried out on; the rest judges it
STALE = 6  # bars after which what a bot said is not known any more
DOUBT = 0.05
Told = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Lift:
    """One bot's factor. names : its features as 'bot/feature', the columns of `trees`, which give ln of the factor
    before `scale`, which makes the mean of variance right."""

    names: tuple[str, ...]
    trees: Trees
    scale: float

    def __post_init__(self) -> None:
        if len(self.names) != self.trees.n_features or not 0 < self.scale < np.inf:
            raise ValueRefused(
                f"a lift reads one column a name and has a scale above 0, got {self.names}, {self.scale}"
            )

    def factor(self, told: Told, shape: tuple[int, ...]) -> np.ndarray:
        """(…) of `shape`, above 0; 1 where the bot did not say all of it."""
        rows = np.stack([np.broadcast_to(told.get(name, np.nan), shape) for name in self.names], axis=-1)
        moved = predict(self.trees, rows.reshape(-1, len(self.names))).reshape(shape)
        return np.where(np.isfinite(moved), self.scale * np.exp(moved), 1.0)


def bots_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Bot → its features, both sorted, from names as 'bot/feature'."""
    bots: dict[str, list[str]] = {}
    for name in sorted(names):
        bots.setdefault(name.partition("/")[0], []).append(name)
    return {bot: tuple(found) for bot, found in bots.items()}


def told_columns(
    told: Mapping[str, Sequence[Scores]], symbols: Sequence[str], closed_s: np.ndarray, bar_s: int
) -> Told:
    """By name what was known at each bar's close, (n_bars, n_symbols): the newest, NaN where none is or it is STALE."""
    found = {}
    for name, each in told.items():
        column = np.full((len(closed_s), len(symbols)), np.nan)
        for scores in each:
            if scores.symbol in symbols:
                column[:, symbols.index(scores.symbol)] = known_at(scores, closed_s, STALE * bar_s)
        found[name] = column
    return found


def learn_lifts(
    panel: Panel, model: VolatilityModel, known: np.ndarray, told: Told
) -> tuple[tuple[Lift, ...], Mapping[str, str]]:
    """(factors on `model`, which learned from `panel`, of the bots that are heard; bot → the judgement on it in words).

    known : features of the bars, (n_bars, n_symbols, n_features). told : by name (n_bars, n_symbols).
    """
    bots, horizon = bots_of(list(told)), model.horizon
    judged = {bot: _tried(panel, horizon, known, told, names) for bot, names in bots.items()}
    heard = sorted((b for b, found in judged.items() if found.promoted), key=lambda b: -judged[b].skill)
    reasons = {bot: found.reason for bot, found in judged.items()}
    forecast = forecast_variance(model, known)
    lifts = []
    for bot in heard:
        lift = _fit(future_variance(panel.close, horizon) / forecast, told, bots[bot])
        assert lift  # there were enough rows in a part of these
        forecast = forecast * lift.factor(told, forecast.shape)
        lifts.append(lift)
    return tuple(lifts), reasons


def _tried(panel: Panel, horizon: int, known: np.ndarray, told: Told, names: tuple[str, ...]) -> Judgement:
    """Learn the bot's factor on the older part of what it said, judge it on the newer part."""
    said = np.logical_and.reduce([np.isfinite(told[name]) for name in names])
    spoken = np.flatnonzero(said.any(axis=1))
    cut = int(spoken[int(OLDER * len(spoken))]) if len(spoken) else 0
    past = panel.rows(cut)
    try:
        model = train_volatility(past, horizon, known=known[:cut])
    except ValueRefused:
        return _unheard(spoken)
    forecast = forecast_variance(model, known)
    lift = _fit(future_variance(past.close, horizon) / forecast[:cut], {n: told[n][:cut] for n in names}, names)
    if lift is None:
        return _unheard(spoken)
    realised = future_variance(panel.close, horizon)
    old = np.where(said, qlike(realised, forecast), np.nan)
    new = qlike(realised, forecast * lift.factor(told, forecast.shape))
    seen_s = np.repeat(panel.opened_s + panel.bar_s, panel.close.shape[1])
    terms = Terms(horizon, doubt=DOUBT / len(bots_of(list(told))))
    return judge(old.ravel(), new.ravel(), seen_s, int(past.opened_s[-1]) + panel.bar_s, terms)


def _unheard(spoken: np.ndarray) -> Judgement:
    return Judgement(False, 0.0, 1.0, 0, f"it has spoken in time of {len(spoken):,} bars, too few to learn and judge")


def _fit(ratio: np.ndarray, told: Told, names: tuple[str, ...]) -> Lift | None:
    """The factor that best explains realised ÷ forecast variance, (n_bars, n_symbols); None from too few rows."""
    x = np.stack([told[name] for name in names], axis=-1)
    ready = np.isfinite(x).all(axis=-1) & np.isfinite(ratio) & (ratio > 0)
    rows, apart = x[ready], ratio[ready]
    if len(apart) < LEAST:
        return None
    trees = grow(rows, np.log(apart), Growth(rounds=40, leaves=4, leaf_rows=max(50, len(apart) // 10)))
    return Lift(names, trees, float(np.mean(apart / np.exp(predict(trees, rows)))))
