"""The model all bots learn together: variance of the next bars over all symbols, and the shape of returns in its units.

A challenger is trained on the older part of the data and judged on the newer part, against the champion, or against an
exponential average where there is none. What is promoted is the very model that was judged. It travels as arrays, JSON
and a hash (`model_file`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ModelRefused, ValueRefused
from workbench.quant.fans import LEVELS
from workbench.quant.model_file import pack, unpack
from workbench.quant.panels import Panel, features
from workbench.quant.pooled import VolatilityModel, forecast_variance, model_from, train_volatility
from workbench.quant.promotion import Judgement, Terms, judge
from workbench.quant.return_fans import future_returns, learn_shape
from workbench.quant.scoring import qlike
from workbench.quant.volatility import ewma_variance, future_variance, log_returns

KIND = "volatility"
NEWER = 0.3  # part of the bars that is kept from training, to judge on
STRETCH = 4.0  # a question up to so many times nearer or farther than the model's horizon is scaled by time


@dataclass(frozen=True, slots=True, eq=False)
class JointModel:
    """model : variance over `model.horizon` bars. shape : (n_levels,) quantiles of log returns in units of its root, at
    `levels`. scores : names of the score sources whose columns follow the usual features."""

    model: VolatilityModel
    shape: np.ndarray
    levels: tuple[float, ...] = LEVELS
    scores: tuple[str, ...] = ()

    def deviation(self, known: np.ndarray, horizon: int) -> np.ndarray:
        """Standard deviation of the log return over the next `horizon` bars, from features (…, n_features): (…,).

        Raises ValueRefused for a horizon farther from the model's than STRETCH times.
        """
        share = horizon / self.model.horizon
        if not 1 / STRETCH <= share <= STRETCH:
            raise ValueRefused(f"the joint model looks {self.model.horizon} bars ahead; {horizon} is too far from that")
        return np.sqrt(forecast_variance(self.model, known) * share)

    def fan(self, reference: float, deviation: float, levels: Sequence[float]) -> tuple[float, ...]:
        """Prices at `levels`, rising: today's price and the learned spread (nobody beats it on direction)."""
        moves = np.interp(levels, self.levels, self.shape) * deviation
        return tuple(float(price) for price in reference * np.exp(np.maximum.accumulate(moves)))


@dataclass(frozen=True, slots=True, eq=False)
class Challenge:
    """A challenger and how it did. against : 'the champion' or what stood in for one. loss : mean QLIKE of both on the
    rows judged."""

    challenger: JointModel
    judgement: Judgement
    against: str
    loss: float
    other_loss: float


def challenge(
    panel: Panel,
    horizon: int,
    champion: VolatilityModel | None = None,
    extra: np.ndarray | None = None,
    scores: tuple[str, ...] = (),
) -> Challenge:
    """Train on the older bars of `panel`, judge on the newer ones. extra : (n_bars, n_symbols, n_extra), more columns
    that know nothing later than their bar's close; `scores` names them.

    A champion counts only on what came after its own training too. Raises ValueRefused where there is too little.
    """
    known = features(panel) if extra is None else np.concatenate([features(panel), extra], axis=-1)
    split = int(len(panel.close) * (1 - NEWER))
    model = train_volatility(panel.rows(split), horizon, known=known[:split])
    realised, closed_s = future_variance(panel.close, horizon), panel.opened_s + panel.bar_s
    new = qlike(realised, forecast_variance(model, known))
    fits = champion is not None and (champion.horizon, champion.bar_s) == (horizon, panel.bar_s)
    if fits and champion is not None and champion.trees.n_features <= known.shape[-1]:
        against, until = "the champion", champion.trained_until_s
        old = qlike(realised, forecast_variance(champion, known[..., : champion.trees.n_features]))
    else:
        against, until = "an exponential average", 0
        old = qlike(realised, horizon * ewma_variance(log_returns(panel.close)))
    start = max(model.trained_until_s, until)
    seen = np.repeat(closed_s, panel.close.shape[1])
    found = judge(old.ravel(), new.ravel(), seen, start, Terms(horizon))
    fresh = (closed_s >= start)[:, None] & np.isfinite(old) & np.isfinite(new)
    past = panel.rows(split)
    shape = learn_shape(future_returns(past.close, horizon), forecast_variance(model, known[:split]))
    means = [float(loss[fresh].mean()) if fresh.any() else float("nan") for loss in (new, old)]
    return Challenge(JointModel(model, shape, LEVELS, scores), found, against, *means)


def pack_joint(joint: JointModel, header: Mapping[str, Any]) -> bytes:
    """The file of a joint model; `header` is what else is worth knowing."""
    arrays = {**joint.model.arrays(), "shape": joint.shape, "levels": np.array(joint.levels)}
    return pack(arrays, {**header, "kind": KIND, "scores": list(joint.scores)})


def unpack_joint(data: bytes, expected: str = "") -> tuple[JointModel, Mapping[str, Any]]:
    """A joint model from its file, and the header. Raises ModelRefused where it is none, whoever sent it."""
    found = unpack(data, expected)
    if found.header.get("kind") != KIND:
        raise ModelRefused(f"this is a model of kind {str(found.header.get('kind'))[:40]!r}, not {KIND!r}")
    try:
        model = model_from({k: v for k, v in found.arrays.items() if k not in ("shape", "levels")})
        shape, levels = (_rising(name, found.arrays[name]) for name in ("shape", "levels"))
    except (KeyError, ValueRefused) as error:
        raise ModelRefused(f"the model's arrays are not those of a {KIND} model: {error}") from error
    if shape.shape != levels.shape or levels[0] <= 0 or levels[-1] >= 1:
        raise ModelRefused("the model's levels must lie in (0, 1), one for each quantile of its shape")
    scores = found.header.get("scores", [])
    if not isinstance(scores, list) or not all(isinstance(name, str) for name in scores):
        raise ModelRefused("the model's score sources must be a list of names")
    return JointModel(model, shape, tuple(levels.tolist()), tuple(scores)), found.header


def _rising(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all() or (np.diff(array) < 0).any():
        raise ValueRefused(f"{name} must be finite numbers that rise")
    return array
