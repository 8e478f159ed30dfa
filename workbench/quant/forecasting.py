"""The general forecaster: a list of numeric series with a frequency in, quantiles out.

Four candidates say where each series goes, all in units of its own typical step: it stays (naive), it goes on as it
has on average (drift), its last season repeats (seasonal), and one set of trees learned over all series together
(pooled). The spread is what the candidate's own errors were on origins after its training, by step ahead, scaled by how
restless the series is now. The naive one is champion, its median is today's value; another takes over only when it was
better on those later origins (`promotion.judge`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.quant.fans import LEVELS, as_levels
from workbench.quant.lags import Series, drift, features, prepared, seasonal_offsets, targets
from workbench.quant.promotion import Judgement, Terms, judge
from workbench.quant.scoring import pinball
from workbench.quant.trees import Growth, Trees, grow, predict

_CALENDAR = {"Y": 1, "Q": 4, "M": 12}  # bars in a year
MOST_ROWS = 40_000  # more rows made no better forecasts in our trials, only slower ones
METHODS = ("naive", "drift", "seasonal", "pooled")


@dataclass(frozen=True, slots=True)
class Request:
    """horizon : bars ahead. frequency : '5m', '1h', '1d', '1w', or 'M', 'Q', 'Y'. levels : of the quantiles."""

    horizon: int
    frequency: str
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        as_levels(self.levels)
        if self.horizon < 1:
            raise ValueRefused(f"a horizon is one bar or more, got {self.horizon}")

    @property
    def season(self) -> int:
        """Bars after which the calendar repeats: a day within days, a week of days, a year of anything longer."""
        if self.frequency in _CALENDAR:
            return _CALENDAR[self.frequency]
        seconds = Timeframe.parse(self.frequency).seconds
        return 86400 // seconds if seconds < 86400 else 7 if seconds < 7 * 86400 else max(1, 52 * 7 * 86400 // seconds)


@dataclass(frozen=True, slots=True, eq=False)
class SeriesForecast:
    """values : (n_series, horizon, n_levels), never crossing, in the unit of each series. method : which candidate
    spoke. judgements : how each challenger fared against the champion; empty where there was too little to judge by."""

    levels: tuple[float, ...]
    values: np.ndarray
    method: str
    judgements: dict[str, Judgement]


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Errors of a candidate on later origins, in steps: (n_rows, horizon); and when, as bars before the end."""

    growth: np.ndarray  # (horizon,) root mean square by step ahead, never falling
    shape: np.ndarray  # (n_levels,) quantiles of errors over their growth
    losses: np.ndarray  # (n_rows,) pinball, mean over steps and levels


def forecast_series(series: Sequence[ArrayLike], request: Request) -> SeriesForecast:
    """Quantiles of the next `request.horizon` bars of each series, from the bars given and nothing else.

    series : 1-d arrays, oldest first, lengths may differ; gaps (NaN) keep the last known value; a series whose known
    values are all positive is modelled in logs and stays positive. Raises ValueRefused naming the series that has fewer
    than three known values.
    """
    ready = [_checked(values, number) for number, values in enumerate(series)]
    if not ready:
        raise ValueRefused("a forecast needs one series or more")
    horizon = request.horizon
    train, later = _origins(ready, horizon)
    trees = _learn(ready, train, request)
    goal = _rows([targets(s, o, horizon) for s, o in zip(ready, later, strict=True)], horizon)
    centres = {name: _centres(name, ready, later, request, trees) for name in METHODS if name != "pooled" or trees}
    errors = {name: _errors(goal - centre, request, centred=name == "naive") for name, centre in centres.items()}
    judgements = _judged(errors, [len(s.values) - o for s, o in zip(ready, later, strict=True)], horizon)
    method = min(
        ("naive", *(name for name, found in judgements.items() if found.promoted)),
        key=lambda name: errors[name].losses.mean() if errors[name].losses.size else 0.0,
    )
    last = [np.array([len(s.values) - 1]) for s in ready]
    if method == "pooled":
        trees = _learn(ready, [np.concatenate(pair) for pair in zip(train, later, strict=True)], request)
    centre = _centres(method, ready, last, request, trees)
    spread = errors[method].growth[:, None] * errors[method].shape
    values = [_unscaled(s, c[:, None] + spread) for s, c in zip(ready, centre, strict=True)]
    return SeriesForecast(request.levels, np.stack(values), method, judgements)


def _checked(values: ArrayLike, number: int) -> Series:
    raw = np.asarray(values, dtype=float)
    if raw.ndim != 1 or np.isfinite(raw).sum() < 3:
        raise ValueRefused(f"series {number} needs three known values or more in one row, got shape {raw.shape}")
    return prepared(np.where(np.isfinite(raw), raw, np.nan))


def _origins(ready: list[Series], horizon: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Origins to learn from and later ones to judge by, a horizon apart so that no outcome is shared."""
    train, later = [], []
    for one in ready:
        usable = np.arange(2, len(one.values) - horizon)
        cut = int(usable.size * 0.7)
        train.append(usable[: max(cut - horizon, 0)])
        later.append(usable[cut:])
    return _thinned(train, horizon), _thinned(later, horizon)


def _thinned(origins: list[np.ndarray], horizon: int) -> list[np.ndarray]:
    stride = max(1, -(-sum(o.size for o in origins) * horizon // MOST_ROWS))
    return [o[::-1][::stride][::-1] for o in origins]


def _learn(ready: list[Series], origins: list[np.ndarray], request: Request) -> Trees | None:
    """Trees over all series, origins and steps ahead; None where there are fewer than 500 rows."""
    rows = _inputs(ready, origins, request)
    if len(rows) < 500:
        return None
    goal = _rows([targets(s, o, request.horizon) for s, o in zip(ready, origins, strict=True)], request.horizon)
    bounded = np.clip(goal.ravel(), *np.quantile(goal, [0.002, 0.998]))  # squared error listens to outliers too much
    return grow(rows, bounded, Growth(rounds=60, leaves=15, leaf_rows=max(20, len(rows) // 500)))


def _inputs(ready: list[Series], origins: list[np.ndarray], request: Request) -> np.ndarray:
    """(n_origins · horizon, n_features + 2): what is seen at the origin, the step ahead, and the season's repeat."""
    blocks = []
    for one, at in zip(ready, origins, strict=True):
        seen = np.repeat(features(one, at, request.season), request.horizon, axis=0)
        ahead = np.tile(np.arange(1.0, request.horizon + 1), at.size)
        blocks.append(
            np.column_stack([seen, ahead, seasonal_offsets(one, at, request.horizon, request.season).ravel()])
        )
    return np.concatenate(blocks)


def _centres(name: str, ready: list[Series], origins: list[np.ndarray], request: Request, trees: Trees | None):
    """Expected move by origin and step ahead, (n_origins, horizon), in steps."""
    if name == "pooled" and trees is not None:
        return predict(trees, _inputs(ready, origins, request)).reshape(-1, request.horizon)
    if name == "drift":
        ahead = np.arange(1.0, request.horizon + 1)
        return np.concatenate([drift(s, o)[:, None] * ahead for s, o in zip(ready, origins, strict=True)])
    if name == "seasonal":
        parts = [seasonal_offsets(s, o, request.horizon, request.season) for s, o in zip(ready, origins, strict=True)]
        return _rows(parts, request.horizon)
    return np.zeros((sum(o.size for o in origins), request.horizon))


def _rows(parts: list[np.ndarray], horizon: int) -> np.ndarray:
    return np.concatenate([part.reshape(-1, horizon) for part in parts])


def _errors(errors: np.ndarray, request: Request, centred: bool) -> _Errors:
    """Growth, shape and losses; a random walk's where there are fewer than ten origins to judge by. `centred`: the
    median error counts as chance and is taken out."""
    walk = np.sqrt(np.arange(1.0, request.horizon + 1))
    if len(errors) < 10:
        from scipy.special import ndtri

        return _Errors(walk, ndtri(np.array(request.levels)), np.empty(0))
    growth = np.maximum.accumulate(np.sqrt((errors**2).mean(axis=0)))
    growth = np.where(growth > 0, growth, 1e-9 * walk)
    shape = np.quantile(errors / growth, request.levels) - (np.median(errors / growth) if centred else 0.0)
    losses = pinball(request.levels, growth[:, None] * shape, errors).mean(axis=(1, 2))
    return _Errors(growth, shape, losses)


def _judged(errors: dict[str, _Errors], ages: list[np.ndarray], horizon: int) -> dict[str, Judgement]:
    """Challengers against the naive champion; series aligned at their ends, where the present is."""
    age = np.concatenate(ages)
    order = np.argsort(-age, kind="stable")
    found = {}
    for name, other in errors.items():
        if name != "naive" and other.losses.size:
            old, new = errors["naive"].losses[order], other.losses[order]
            found[name] = judge(old, new, -age[order], -(10**9), Terms(horizon, least_rows=10))
    return found


def _unscaled(series: Series, moves: np.ndarray) -> np.ndarray:
    values = series.values[-1] + moves * series.steps[-1]
    return np.exp(np.minimum(values, 700.0)) if series.logs else values  # e^700 is about the largest float
