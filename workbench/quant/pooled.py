"""The shared volatility model: one ridge and one set of small trees over all symbols.

ln of variance a bar ≈ ridge(features) + trees(features), times a smearing factor that makes the mean of variance right.
Training keeps rows whose outcome lies within the panel; the model is arrays only, so it can be hashed and sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.panels import Panel, features, log_targets, settled
from workbench.quant.ridge import Linear, gram, solve
from workbench.quant.trees import Growth, Trees, grow, predict, trees_from


@dataclass(frozen=True, slots=True, eq=False)
class VolatilityModel:
    """horizon : bars ahead. bar_s : length of a bar. trained_until_s : close of the newest outcome used, epoch s."""

    horizon: int
    bar_s: int
    trained_until_s: int
    rows: int
    line: Linear
    trees: Trees
    smear: float

    def arrays(self) -> dict[str, np.ndarray]:
        """The model as arrays of numbers; inverse of `model_from`."""
        head = np.array([self.horizon, self.bar_s, self.trained_until_s, self.rows], dtype=np.int64)
        scalars = np.array([self.smear, self.line.intercept])
        trees = {f"trees_{name}": array for name, array in self.trees.arrays().items()}
        return {"head": head, "scalars": scalars, "coefficients": self.line.coefficients, **trees}


def model_from(arrays: Mapping[str, np.ndarray]) -> VolatilityModel:
    """Inverse of `VolatilityModel.arrays`. Raises ValueRefused where something is missing or not sound."""
    try:
        horizon, bar_s, until, rows = (int(n) for n in np.asarray(arrays["head"], dtype=np.int64))
        smear, intercept = (float(x) for x in np.asarray(arrays["scalars"], dtype=float))
        coefficients = np.array(arrays["coefficients"], dtype=float)
        trees = trees_from({k.removeprefix("trees_"): v for k, v in arrays.items() if k.startswith("trees_")})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueRefused(f"this is not a volatility model: {error}") from error
    sound = np.isfinite([*coefficients, smear, intercept]).all() and coefficients.shape == (trees.n_features,)
    if not (sound and horizon > 0 and bar_s > 0 and smear > 0):
        raise ValueRefused("this is not a volatility model: its numbers do not fit together")
    return VolatilityModel(horizon, bar_s, until, rows, Linear(intercept, coefficients), trees, smear)


def train_volatility(
    panel: Panel, horizon: int, growth: Growth | None = None, known: np.ndarray | None = None
) -> VolatilityModel:
    """Fit on every bar of `panel` whose next `horizon` bars are in it. `known`: its features, where already there.

    Bars with less than the longest look-back behind them are used only where fewer than 500 others are there.
    Raises ValueRefused where fewer than 500 rows are complete at all.
    """
    x = features(panel) if known is None else known
    y = log_targets(panel, horizon)
    ready = np.isfinite(x).all(axis=-1) & np.isfinite(y)
    mature = ready & settled(panel)
    ready = mature if mature.sum() >= 500 else ready
    rows, goal = x[ready], y[ready]
    if len(goal) < 500:
        raise ValueRefused(f"the shared volatility model needs 500 complete rows, got {len(goal)}")
    line = solve(gram(rows, goal), alpha=1000.0)
    rest = goal - line.predict(rows)
    how = growth or Growth(leaf_rows=max(20, min(1000, len(goal) // 20)))
    trees = grow(rows, rest, how)
    smear = float(np.mean(np.exp(rest - predict(trees, rows))))
    until = int(panel.opened_s[-1]) + panel.bar_s
    return VolatilityModel(horizon, panel.bar_s, until, len(goal), line, trees, smear)


def forecast_variance(model: VolatilityModel, known: np.ndarray) -> np.ndarray:
    """Variance over the next `model.horizon` bars from features (..., n_features): (...,); NaN where they hold one."""
    flat = known.reshape(-1, known.shape[-1])
    log_rate = model.line.predict(flat) + predict(model.trees, flat)
    return (model.horizon * model.smear * np.exp(log_rate)).reshape(known.shape[:-1])
