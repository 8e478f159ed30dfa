"""The model all bots learn together: variance of the next bars over all symbols, and the shape of returns in its units.

A challenger is trained on the older part of the data and judged on the newer part, against the champion, or against an
exponential average where there is none. What is promoted is the very model that was judged. It travels as arrays, JSON
and a hash (`model_file`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ModelRefused, ValueRefused
from workbench.quant.fans import LEVELS
from workbench.quant.lifts import Lift, Told, learn_lifts
from workbench.quant.model_file import pack, unpack
from workbench.quant.panels import Panel, features
from workbench.quant.pooled import VolatilityModel, forecast_variance, model_from, train_volatility
from workbench.quant.promotion import Judgement, Terms, judge
from workbench.quant.return_fans import future_returns, learn_shape
from workbench.quant.scoring import qlike
from workbench.quant.trees import trees_from
from workbench.quant.volatility import ewma_variance, future_variance, log_returns

KIND = "volatility"
NEWER = 0.3  # part of the bars that is kept from training, to judge on
STRETCH = 4.0  # a question up to so many times nearer or farther than the model's horizon is scaled by time


@dataclass(frozen=True, slots=True, eq=False)
class JointModel:
    """model : variance over `model.horizon` bars. shape : (n_levels,) quantiles of log returns in units of its root, at
    `levels`. scores : names of the score sources whose columns follow the usual features. lifts : what bots' features
    add, one a bot."""

    model: VolatilityModel
    shape: np.ndarray
    levels: tuple[float, ...] = LEVELS
    scores: tuple[str, ...] = ()
    lifts: tuple[Lift, ...] = ()

    def answers(self, horizon: int, bar_s: int, n_features: int) -> bool:
        """Whether the question is its own, and its features are among so many."""
        own = self.model
        return (own.horizon, own.bar_s) == (horizon, bar_s) and own.trees.n_features <= n_features

    def variance(self, known: np.ndarray, told: Told | None = None) -> np.ndarray:
        """Variance over the next `model.horizon` bars, from features (…, n_features): (…,). told : what bots said, each
        (…,), by 'bot/feature'; what is missing or NaN changes nothing."""
        found = forecast_variance(self.model, known)
        for lift in self.lifts:
            found = found * lift.factor(told or {}, found.shape)
        return found

    def deviation(self, known: np.ndarray, horizon: int, told: Told | None = None) -> np.ndarray:
        """Standard deviation of the log return over the next `horizon` bars, of the shape of `variance`.

        Raises ValueRefused for a horizon farther from the model's than STRETCH times.
        """
        share = horizon / self.model.horizon
        if not 1 / STRETCH <= share <= STRETCH:
            raise ValueRefused(f"the joint model looks {self.model.horizon} bars ahead; {horizon} is too far from that")
        return np.sqrt(self.variance(known, told) * share)

    def fan(self, reference: float, deviation: float, levels: Sequence[float]) -> tuple[float, ...]:
        """Prices at `levels`, rising: today's price and the learned spread (nobody beats it on direction)."""
        moves = np.interp(levels, self.levels, self.shape) * deviation
        return tuple(float(price) for price in reference * np.exp(np.maximum.accumulate(moves)))


@dataclass(frozen=True, slots=True, eq=False)
class Besides:
    """What is read besides the bars. columns : (n_bars, n_symbols, n_extra), and `scores` their sources. told : what
    bots said, by 'bot/feature', each (n_bars, n_symbols). Row t knows nothing later than the close of bar t."""

    columns: np.ndarray | None = None
    scores: tuple[str, ...] = ()
    told: Told = field(default_factory=dict)

    def upto(self, stop: int) -> Told:
        """What bots said in the first `stop` bars."""
        return {name: said[:stop] for name, said in self.told.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Challenge:
    """A challenger and how it did. against : 'the champion' or what stood in for one. loss : mean QLIKE of both on the
    rows judged. bots : bot → whether its features are heard, in words."""

    challenger: JointModel
    judgement: Judgement
    against: str
    loss: float
    other_loss: float
    bots: Mapping[str, str] = field(default_factory=dict)


def challenge(
    panel: Panel, horizon: int, champion: JointModel | None = None, besides: Besides | None = None
) -> Challenge:
    """Train on the older bars of `panel`, judge on the newer ones.

    What bots' features add is kept only where it is better than without them on the newer bars too. A champion counts
    only on what came after its own training as well. Raises ValueRefused where there is too little.
    """
    more = besides or Besides()
    known = features(panel) if more.columns is None else np.concatenate([features(panel), more.columns], axis=-1)
    joint, bots = _train(panel, horizon, known, more)
    new = qlike(future_variance(panel.close, horizon), joint.variance(known, more.told))
    old, against, until = _rival(panel, horizon, champion, known, more.told)
    closed_s, start = panel.opened_s + panel.bar_s, max(joint.model.trained_until_s, until)
    found = judge(old.ravel(), new.ravel(), np.repeat(closed_s, panel.close.shape[1]), start, Terms(horizon))
    fresh = (closed_s >= start)[:, None] & np.isfinite(old) & np.isfinite(new)
    loss, other = (float(each[fresh].mean()) if fresh.any() else float("nan") for each in (new, old))
    return Challenge(joint, found, against, loss, other, bots)


def _train(panel: Panel, horizon: int, known: np.ndarray, more: Besides) -> tuple[JointModel, Mapping[str, str]]:
    """A model of the older bars; with what bots add to it where that is better than without on the newer bars too."""
    split = int(len(panel.close) * (1 - NEWER))
    past, known_then, told_then = panel.rows(split), known[:split], more.upto(split)
    model = train_volatility(past, horizon, known=known_then)
    lifts, bots = learn_lifts(past, model, known_then, told_then)
    joint = JointModel(model, np.zeros(len(LEVELS)), LEVELS, more.scores, lifts)
    if lifts:
        plain, realised = replace(joint, lifts=()), future_variance(panel.close, horizon)
        old, new = (qlike(realised, each.variance(known, more.told)).ravel() for each in (plain, joint))
        seen_s = np.repeat(panel.opened_s + panel.bar_s, panel.close.shape[1])
        earned = judge(old, new, seen_s, model.trained_until_s, Terms(horizon))
        bots = {bot: f"{why}; all that pass, on data after it: {earned.reason}" for bot, why in bots.items()}
        joint = joint if earned.promoted else plain
    shape = learn_shape(future_returns(past.close, horizon), joint.variance(known_then, told_then))
    return replace(joint, shape=shape), bots


def _rival(
    panel: Panel, horizon: int, champion: JointModel | None, known: np.ndarray, told: Told
) -> tuple[np.ndarray, str, int]:
    """(losses of the one to beat, what it is, until when it learned): the champion where its question is this one."""
    realised = future_variance(panel.close, horizon)
    if champion and champion.answers(horizon, panel.bar_s, known.shape[-1]):
        said = champion.variance(known[..., : champion.model.trees.n_features], told)
        return qlike(realised, said), "the champion", champion.model.trained_until_s
    return qlike(realised, horizon * ewma_variance(log_returns(panel.close))), "an exponential average", 0


def pack_joint(joint: JointModel, header: Mapping[str, Any]) -> bytes:
    """The file of a joint model; `header` is what else is worth knowing."""
    arrays = {**joint.model.arrays(), "shape": joint.shape, "levels": np.array(joint.levels)}
    for at, lift in enumerate(joint.lifts):
        arrays |= {f"lift{at}_{name}": array for name, array in lift.trees.arrays().items()}
        arrays[f"lift{at}_scale"] = np.array(lift.scale)
    names = [list(lift.names) for lift in joint.lifts]
    return pack(arrays, {**header, "kind": KIND, "scores": list(joint.scores), "lifts": names})


def unpack_joint(data: bytes, expected: str = "") -> tuple[JointModel, Mapping[str, Any]]:
    """A joint model from its file, and the header. Raises ModelRefused where it is none, whoever sent it."""
    found = unpack(data, expected)
    if found.header.get("kind") != KIND:
        raise ModelRefused(f"this is a model of kind {str(found.header.get('kind'))[:40]!r}, not {KIND!r}")
    try:
        model = model_from(found.arrays)
        shape, levels = (_rising(name, found.arrays[name]) for name in ("shape", "levels"))
        lifts = tuple(_lift(found.arrays, at, names) for at, names in enumerate(found.header.get("lifts", [])))
    except (KeyError, TypeError, ValueError, ValueRefused) as error:
        raise ModelRefused(f"the model's arrays are not those of a {KIND} model: {error}") from error
    if shape.shape != levels.shape or levels[0] <= 0 or levels[-1] >= 1:
        raise ModelRefused("the model's levels must lie in (0, 1), one for each quantile of its shape")
    scores = found.header.get("scores", [])
    if not isinstance(scores, list) or not all(isinstance(name, str) for name in scores):
        raise ModelRefused("the model's score sources must be a list of names")
    return JointModel(model, shape, tuple(levels.tolist()), tuple(scores), lifts), found.header


def _lift(arrays: Mapping[str, np.ndarray], at: int, names: Sequence[str]) -> Lift:
    if not isinstance(names, list) or not all(isinstance(name, str) and "/" in name for name in names):
        raise ValueRefused("the features of a lift must be a list of names as bot/feature")
    start = f"lift{at}_"
    found = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
    return Lift(tuple(names), trees_from(found), float(found["scale"]))


def _rising(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all() or (np.diff(array) < 0).any():
        raise ValueRefused(f"{name} must be finite numbers that rise")
    return array
