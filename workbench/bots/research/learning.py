"""The bot that learns: quantile gradient boosting over all its markets together, the horizon being one of its inputs.

One scikit-learn model a quantile, trained on closed bars only, retrained on a schedule. Outcomes are in each market's
own volatility, so that markets can be pooled: facts say pooled trees beat a model per series, in accuracy and in time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from workbench.bots.research.fans import rising
from workbench.bots.research.features import HORIZONS, features, lessons, with_horizon
from workbench.bots.research.forest import Forest, forest_of
from workbench.bots.research.strategy import (
    LEVELS,
    Decision,
    Enter,
    Holding,
    Keep,
    Leave,
    Params,
    Prepared,
    Strategy,
    Wait,
)

SEED = 7
LESSONS = 20_000  # rows a training uses, drawn evenly; more cost time and change little
LONGEST = 48  # bars; farther horizons are scaled by the root of time from there


@dataclass(frozen=True)
class LearningParams(Params):
    """`horizon`: bars it trades for. `enter`: tilt (mean of the inner quantiles, in deviations) above which it buys.
    `leaves`, `rounds`: size of the trees and how many."""

    horizon: int = 48
    enter: float = 0.12
    leave: float = 0.0
    leaves: int = 4
    rounds: int = 20


@dataclass(frozen=True, eq=False)
class QuantileModel:
    """One sum of trees a level of LEVELS. `upto`: open time of the newest bar learnt from."""

    trees: Forest = field(repr=False)
    upto: pd.Timestamp
    rows: int

    def quantiles(self, table: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
        """Outcome at LEVELS in volatility × √horizon, rising, shape (len(table), len(LEVELS))."""
        asked = with_horizon(table, min(horizon, LONGEST))
        return np.sort(self.trees.predict(asked), axis=1)


def _booster(level: float, params: LearningParams) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # heavy: only the bot that learns pays for it

    return HistGradientBoostingRegressor(
        loss="quantile",
        quantile=level,
        max_iter=params.rounds,
        max_leaf_nodes=params.leaves,
        min_samples_leaf=800,
        learning_rate=0.08,
        max_bins=63,
        early_stopping=False,
        random_state=SEED,
    )


def train(panel: Mapping[str, pd.DataFrame], params: LearningParams) -> QuantileModel:
    """Fit on every bar of `panel` (candles by symbol) whose outcome has closed. Deterministic; blocks about a second.

    Raises ValueError where there is too little to learn from.
    """
    parts = [lessons(panel[symbol], horizon) for symbol in sorted(panel) for horizon in HORIZONS]
    table, outcome = np.vstack([rows for rows, _ in parts]), np.concatenate([y for _, y in parts])
    if len(outcome) < 500:
        raise ValueError(f"{len(outcome)} lessons are too few to learn from; give it more history")
    drawn = np.random.Generator(np.random.PCG64(SEED)).permutation(len(outcome))[:LESSONS]
    table, outcome = table[drawn], outcome[drawn]
    with threadpool_limits(1, "openmp"):  # the cores are shared: a second thread mostly waits for the first
        boosters = [_booster(level, params).fit(table, outcome) for level in LEVELS]
    return QuantileModel(forest_of(boosters), max(table.index[-1] for table in panel.values()), len(outcome))


class Learning(Strategy):
    kind: ClassVar[str] = "learning"
    lookback: ClassVar[int] = 338
    shaping: ClassVar[tuple[str, ...]] = ("horizon",)
    history: ClassVar[int] = 3000
    retrain: ClassVar[int] = 192  # four days of half hours

    def __init__(self, params: LearningParams | None = None, model: QuantileModel | None = None):
        super().__init__(params or LearningParams())
        self.model = model

    @property
    def ready(self) -> bool:
        return self.model is not None

    @property
    def version(self) -> str:
        return "untrained" if self.model is None else f"{self.model.upto:%Y-%m-%dT%H:%M}Z"

    def fitted(self, panel: Mapping[str, pd.DataFrame]) -> "Learning":
        return Learning(self.params, train(panel, self.params))

    def with_params(self, params: Any) -> "Learning":
        return Learning(params, self.model)

    def prepare(self, candles: pd.DataFrame, last: int | None = None) -> Prepared:
        table, volatility = features(candles)
        asked = np.arange(len(table) - last, len(table)) if last else np.arange(len(table))
        good = asked[np.isfinite(table[asked]).all(axis=1)]
        quantiles = np.full((len(table), len(LEVELS)), np.nan)
        if len(good) and self.model is not None:
            quantiles[good] = self.model.quantiles(table[good], self.params.horizon)
        named = {f"q{int(level * 100):02d}": quantiles[:, i] for i, level in enumerate(LEVELS)}
        tilt = (named["q25"] + 2 * named["q50"] + named["q75"]) / 4
        reach = volatility * np.sqrt(self.params.horizon)
        return {
            "close": candles["close"].to_numpy(float),
            "volatility": volatility,
            "reach": reach,
            "tilt": tilt,
        } | named

    def judge(self, rows: Prepared, row: int, holding: Holding | None) -> Decision:
        tilt, close, reach = (float(rows[name][row]) for name in ("tilt", "close", "reach"))
        if not (np.isfinite(tilt) and reach > 0):
            why = "history is too short" if self.model else "still learning"
            return Keep(holding.stop, why) if holding else Wait(why)
        if holding is None:
            if tilt < self.params.enter:
                return Wait(f"fan tilts {tilt:+.2f} deviations, buys above {self.params.enter:+.2f}")
            at = {name: close * float(np.exp(rows[name][row] * reach)) for name in ("q05", "q75", "q95")}
            stop = min(at["q05"], close * 0.995)
            targets = tuple(price for price in (at["q75"], at["q95"]) if price > close)
            return Enter(stop, targets or (close * 1.01,), f"fan tilts {tilt:+.2f} over {self.params.horizon} bars")
        if tilt < self.params.leave and holding.bars >= 2:
            return Leave(f"fan tilts {tilt:+.2f}: no longer up")
        if holding.bars >= 3 * self.params.horizon:
            return Leave(f"held {holding.bars} bars, three horizons")
        return Keep(holding.stop or close * float(np.exp(rows["q05"][row] * reach)), f"fan tilts {tilt:+.2f}")

    def fan(self, candles: pd.DataFrame, horizon: int) -> tuple[float, ...]:
        table, volatility = features(candles.iloc[-self.lookback - 1 :])
        if self.model is None or not np.isfinite(table[-1]).all():
            raise ValueError("still learning" if self.model is None else "history is too short")
        moves = self.model.quantiles(table[-1:], horizon)[0] * volatility[-1] * np.sqrt(horizon)
        return rising(float(candles["close"].iloc[-1]) * np.exp(moves))

    def volatility(self, candles: pd.DataFrame, horizon: int) -> float | None:
        now = float(features(candles.iloc[-self.lookback - 1 :])[1][-1])  # without asking the model
        return now * horizon**0.5 if np.isfinite(now) and now > 0 else None

    def describe(self, rows: Prepared, row: int) -> tuple[str, dict[str, float]]:
        figures = {name: float(rows[name][row]) for name in ("tilt", "volatility", "q05", "q25", "q50", "q75", "q95")}
        close, reach = float(rows["close"][row]), float(rows["reach"][row])
        low, high = (close * np.exp(figures[name] * reach) for name in ("q05", "q95"))
        word = "up" if figures["tilt"] > 0.05 else "down" if figures["tilt"] < -0.05 else "neither way"
        words = f"Its fan leans {word}; 90 % of outcomes over {self.params.horizon} bars: {low:,.4g} – {high:,.4g}."
        return words, figures

    def offer(self, rows: Prepared, row: int) -> dict[str, float]:
        return {"tilt": float(rows["tilt"][row]), "width": float(rows["q95"][row] - rows["q05"][row])}

    @classmethod
    def space(cls) -> dict[str, tuple[Any, ...]]:
        return {"enter": (0.04, 0.08, 0.12, 0.16), "leave": (-0.1, -0.05, 0.0), "horizon": (16, 32, 48)}
