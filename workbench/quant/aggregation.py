"""Trust: how the fans of several experts become one, and what each expert earned by its past.

Experts come and go ("sleeping experts"): an absent one is neither rewarded nor punished. For every quantile level a
weight moves online by one of two rules on the linearised pinball loss, in which the step of expert k at outcome y is

    r_k = g · (x̂ − x_k),   g = 1{y < x̂} − p,   x̂ = Σ w_k x_k   (so that Σ w_k r_k = 0)

and pinball(x̂) − pinball(x_k) ≤ r_k. *BOA* (Wintenberger 2017) weighs by η_k exp(η_k V_k), *ML-Poly* (Gaillard, Stoltz &
van Erven 2014) by η_k (R_k)₊. Rates adapt to each expert's own scale; a step larger than anything seen of one of the
experts counts in proportion to what had been seen (the whole round is scaled, so that Σ w_k r_k stays 0). A newcomer
is on probation, scored but without a weight; while all are, the house speaks: the desk's own plain forecast.
`regret_bound` states what follows for every sequence of outcomes; docs/learning.md has the proof, the tests hold it.

Values are in units that the caller makes comparable over time, such as log returns divided by a volatility forecast.
The bounds are about outcomes known before the next forecast. Where rounds are under way at a time (a horizon of
several bars, several symbols) outcomes resemble each other: BOA is √lag times as cautious, `rule_for` says how much
that is, and several bars ahead an expert has one weight for all levels (`shared`: r is then its mean over levels),
which is moved by less chance than eleven are. That outcomes of rounds under way are not known costs `delay_cost` more.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import LEVELS, as_levels, rearranged
from workbench.quant.scoring import pinball
from workbench.quant.trust_loops import FIRST_REACH, LOSS, PENALTY, REACH, SQUARES, advance, mix, weigh

RULES = ("boa", "ml-poly")


@dataclass(frozen=True, slots=True)
class TrustRule:
    """How trust moves. band : values are clipped to ± band before they are combined or scored, so that one round costs
    at most 2 · band. floor : smallest reach. rate, lag : λ and l, both ≥ 1, of BOA's η = min(1 / (2 reach),
    √(λ / squares)) / √l. probation : rounds an expert is only watched. house : name of the expert that speaks while
    all others are watched; empty: the mean of those present does. shared : one weight an expert, not one a level."""

    levels: tuple[float, ...] = LEVELS
    rule: str = "boa"
    band: float = 10.0
    floor: float = 1e-3
    rate: float = 1.0
    lag: int = 1
    probation: int = 24
    house: str = ""
    shared: bool = False

    def __post_init__(self) -> None:
        as_levels(self.levels)
        if self.rule not in RULES:
            raise ValueRefused(f"no trust rule {self.rule!r}; choose from {', '.join(RULES)}")
        if not (min(self.band, self.floor) > 0 and min(self.rate, self.lag, self.probation) >= 1):
            raise ValueRefused(f"trust needs band and floor > 0, rate, lag and probation ≥ 1, got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """What is known of the experts. Frozen: `admit` and `updated` return a new one.

    experts : names in order of arrival. rounds : (n_experts,) rounds scored.
    tables : (7, n_experts, n_levels): regret Σ r; counted Σ r̃ (steps as scaled); penalty Σ η r̃²; squares Σ r̃²; reach,
    the largest |r| so far; the first reach; loss Σ pinball. No NaN. All but loss alike at every level of a shared rule.
    """

    rule: TrustRule
    experts: tuple[str, ...]
    rounds: np.ndarray
    tables: np.ndarray

    def __post_init__(self) -> None:
        shape = (7, len(self.experts), len(self.rule.levels))
        if self.tables.shape != shape or self.rounds.shape != shape[1:2]:
            raise ValueRefused(f"trust in {self.experts}: tables must be of shape {shape}, got {self.tables.shape}")
        self.rounds.flags.writeable = self.tables.flags.writeable = False

    def to_json(self) -> str:
        """The whole state as JSON text; floats survive exactly."""
        state = {"rule": asdict(self.rule), "experts": self.experts}
        return json.dumps({**state, "rounds": self.rounds.tolist(), "tables": self.tables.tolist()})

    @classmethod
    def from_json(cls, text: str) -> "Trust":
        """Inverse of `to_json`. Raises ValueRefused where the text is not a trust state."""
        try:
            state = json.loads(text)
            levels = tuple(map(float, state["rule"].pop("levels")))
            rule, names = TrustRule(levels=levels, **state["rule"]), tuple(map(str, state["experts"]))
            tables = np.array(state["tables"], dtype=float).reshape(7, len(names), len(levels))
            rounds = np.array(state["rounds"], dtype=np.int64)
            scored = tables[REACH : FIRST_REACH + 1, rounds > 0]
            if not (np.isfinite(tables).all() and (tables[PENALTY:LOSS] >= 0).all() and (scored > 0).all()):
                raise ValueRefused("a sum is not finite, or one of squares is negative")
            return cls(rule, names, rounds, tables)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueRefused(f"this is not a trust state: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """The collective fan. values : (n_levels,), never crossing. weights : (n_experts, n_levels), columns sum to 1."""

    values: np.ndarray
    weights: np.ndarray


def rule_for(horizon: int, side_by_side: int = 1, probation: int = 24, house: str = "") -> TrustRule:
    """The rule for forecasts `horizon` bars ahead of `side_by_side` symbols, each asked at every bar.

    horizon · side_by_side rounds are under way at a time. Several bars ahead that is stretched by √horizon, and weights
    are shared by levels: both chosen on candles and simulations that no benchmark reads (docs/learning.md).
    """
    lag = side_by_side * max(1, round(horizon**1.5))
    return TrustRule(lag=lag, probation=probation, house=house, shared=horizon > 1)


def new_trust(rule: TrustRule | None = None) -> Trust:
    """Trust in nobody yet."""
    chosen = rule or TrustRule()
    return Trust(chosen, (), np.zeros(0, dtype=np.int64), np.zeros((7, 0, len(chosen.levels))))


def admit(trust: Trust, names: tuple[str, ...]) -> Trust:
    """Trust that also knows `names`; the same object where it knows them already. Nobody is ever forgotten."""
    fresh = tuple(dict.fromkeys(name for name in names if name not in trust.experts))
    if not fresh:
        return trust
    tables = np.concatenate([trust.tables, np.zeros((7, len(fresh), len(trust.rule.levels)))], axis=1)
    rounds = np.concatenate([trust.rounds, np.zeros(len(fresh), dtype=np.int64)])
    return Trust(trust.rule, trust.experts + fresh, rounds, tables)


def aligned(trust: Trust, fans: Mapping[str, ArrayLike]) -> np.ndarray:
    """Fans by name as a matrix (n_experts, n_levels) in the order of `trust.experts`; NaN rows for the silent, which
    includes fans that are not n_levels finite numbers. Names that trust does not know are left out."""
    matrix = np.full((len(trust.experts), len(trust.rule.levels)), np.nan)
    for row, name in enumerate(trust.experts):
        values = np.asarray(fans.get(name, np.nan), dtype=float)
        if values.shape == matrix[row].shape and np.isfinite(values).all():
            matrix[row] = values
    return matrix


def combine(trust: Trust, values: np.ndarray) -> Combination | None:
    """The collective fan of `values` (n_experts, n_levels; a row with NaN or infinity is silent); None if all are."""
    _, who, limits = _terms(trust)
    weights = weigh(trust.rounds, trust.tables, values, who, limits)
    if not weights.size or not weights[:, 0].sum() > 0:
        return None
    return Combination(rearranged(mix(values, weights, trust.rule.band)), weights)


def updated(trust: Trust, values: np.ndarray, outcome: float) -> Trust:
    """Trust after `outcome` (finite, unit of `values`) answered `values`. All silent: the same trust."""
    if not math.isfinite(outcome):
        raise ValueRefused(f"trust moves on finite outcomes, got {outcome}; leave the round out instead")
    tables, rounds = advance(trust.rounds, trust.tables, values, float(outcome), *_terms(trust))
    return Trust(trust.rule, trust.experts, rounds, tables)


def delay_cost(trust: Trust, values: np.ndarray, said: ArrayLike, outcome: float) -> np.ndarray:
    """How much more `said`, combined of `values` some rounds ago, lost at each level than what `trust` would say now,
    just before `outcome` is entered. (n_levels,), unit of values; below 0 where the older weights were better.

    On any sequence and with any delay, what was said loses to an expert, summed over levels, at most the Σ of this and
    the expert's `regret_bound`. A round's cost, summed over levels, is at most that sum of ½ ‖w then − w now‖₁ ·
    max(p, 1 − p) · spread of `values`.
    """
    levels, _, limits = _terms(trust)
    now = combine(trust, values)
    if now is None:
        return np.zeros(levels.size)
    raw = mix(values, now.weights, limits[0])
    return pinball(levels, said, outcome) - pinball(levels, raw, outcome)


def _terms(trust: Trust):
    levels, number, limits = _numbers(trust.rule)
    house = trust.experts.index(trust.rule.house) if trust.rule.house in trust.experts else -1
    return levels, (number, house), limits


@lru_cache(maxsize=64)
def _numbers(rule: TrustRule):
    """A rule as the compiled loops read it."""
    limits = rule.band, rule.floor, rule.rate, float(rule.lag) ** 0.5, rule.probation, rule.shared
    return np.array(rule.levels), RULES.index(rule.rule), limits


def regret_bound(trust: Trust) -> np.ndarray:
    """The most that each expert's Σ r can be, on any sequence: (n_experts, n_levels), unit of values; 0 if unscored.

    Σ r is at least the collective's pinball loss minus the expert's over the rounds the expert spoke; summed over
    levels also for the published fan, because rearranging never raises that sum.
    """
    rule, scored = trust.rule, trust.rounds > 0
    bound = np.zeros(trust.tables.shape[1:])
    reach, first, squares = (
        trust.tables[REACH, scored],
        trust.tables[FIRST_REACH, scored],
        trust.tables[SQUARES, scored],
    )
    watched = np.minimum(trust.rounds[scored], rule.probation)[:, None]
    surprises = reach * (watched + np.log(reach / first).sum(axis=0))
    if rule.rule == "boa":
        caution = np.sqrt(rule.lag)
        drift = reach / first - 1 + 0.58 * np.log(np.maximum(squares / (3 * first**2), 1))
        potential = caution * np.log(np.maximum((1 + drift / np.e).sum(axis=0), 1))
        penalty = np.sqrt(8 * rule.rate * squares) / caution
        bound[scored] = surprises + penalty + potential * np.maximum(2 * reach, np.sqrt(squares / rule.rate))
    else:
        spread = reach**2 + squares
        bound[scored] = surprises + np.sqrt(spread * np.log2(spread / first**2).sum(axis=0))
    return bound
