"""Which regime a market is in: labels that do not flicker, and the votes of several bots made one.

Probabilities have regimes along the last axis, calmest first, and sum to 1. Labels are regime numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.hedge import hedge_weights

ENTER = 0.7
LEAST = 0.01


def held(current: int | None, probabilities: ArrayLike, enter: float = ENTER) -> int | None:
    """The label after one more bar: another regime than `current` only once its probability reaches `enter`.

    None until one has; unknown probabilities (NaN) change nothing.
    """
    p = np.asarray(probabilities, dtype=float)
    if not np.isfinite(p).all():
        return current
    best = int(p.argmax())
    return best if current != best and p[best] >= enter else current


def labels(probabilities: ArrayLike, enter: float = ENTER) -> np.ndarray:
    """`held` over all bars, (n_bars,) of int; before the first certain bar the likelier regime. Bar t reads up to t."""
    rows = np.asarray(probabilities, dtype=float)
    out, current = np.empty(len(rows), dtype=np.int64), None
    for t, row in enumerate(rows):
        current = held(current, row, enter)
        out[t] = current if current is not None else int(np.nan_to_num(row).argmax())
    return out


@dataclass(frozen=True, slots=True)
class Voters:
    """What voters' past votes were worth. losses : cumulative log loss by voter, who while silent is charged what the
    collective was. collective : that of the collective itself, which is where a newcomer starts."""

    losses: Mapping[str, float]
    collective: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The collective's regime probabilities and what each voter's word weighed."""

    probabilities: tuple[float, ...]
    weights: Mapping[str, float]


def ballot(voters: Voters, votes: Mapping[str, ArrayLike]) -> Verdict | None:
    """Votes mixed by past score; None where nobody votes.

    A vote is one probability a regime; what is not finite, negative or all zero is silence. Votes are tempered towards
    "do not know" by LEAST, so that a wrong certainty is not fatal. Whatever the truth turns out to be, the collective's
    log loss exceeds that of no tempered voter, over the rounds it spoke, by more than ln(number of voters).
    Raises ValueRefused where voters disagree on how many regimes there are.
    """
    spoken = {name: vote for name, given in votes.items() if (vote := _vote(given)) is not None}
    if not spoken:
        return None
    if len({vote.size for vote in spoken.values()}) > 1:
        raise ValueRefused(f"votes on different numbers of regimes: { {k: v.size for k, v in spoken.items()} }")
    weights = hedge_weights([voters.losses.get(name, voters.collective) for name in spoken], rate=1.0)
    mixed = weights @ np.stack(list(spoken.values()))
    return Verdict(tuple(mixed.tolist()), dict(zip(spoken, weights.tolist(), strict=True)))


def scored(voters: Voters, votes: Mapping[str, ArrayLike], truth: ArrayLike) -> Voters:
    """Voters after `truth`, one probability a regime (certainty is a probability too), answered `votes`."""
    verdict = ballot(voters, votes)
    if verdict is None:
        return voters
    share = np.asarray(truth, dtype=float)
    if share.shape != (len(verdict.probabilities),) or not np.isclose(share.sum(), 1) or (share < 0).any():
        raise ValueRefused(f"truth must be {len(verdict.probabilities)} probabilities, got {share.tolist()}")
    charge = float(-share @ np.log(verdict.probabilities))
    names = dict.fromkeys([*voters.losses, *votes])
    own = {name: _charge(votes.get(name), share, charge) for name in names}
    total = {name: voters.losses.get(name, voters.collective) + loss for name, loss in own.items()}
    return Voters(total, voters.collective + charge)


def roughness(returns: ArrayLike, lately: int = 24) -> float:
    """A bot's plain vote, in [0, 1]: how likely turbulence is from its moves alone, NaN where there are too few.

    returns : (n_bars,). With x = typical move of the last `lately` bars over the usual one: x⁴ / (x⁴ + 3), which is a
    quarter on a usual day and five sixths at twice the usual volatility.
    """
    r = np.asarray(returns, dtype=float)
    r = r[np.isfinite(r)]
    if r.size < 2 * lately or not np.mean(r**2) > 0:
        return float("nan")
    x = np.sqrt(np.mean(r[-lately:] ** 2) / np.mean(r**2))
    return float(x**4 / (x**4 + 3))


def _charge(given: ArrayLike | None, share: np.ndarray, otherwise: float) -> float:
    vote = None if given is None else _vote(given)
    return otherwise if vote is None else float(-share @ np.log(vote))


def _vote(given: ArrayLike) -> np.ndarray | None:
    p = np.asarray(given, dtype=float)
    if p.ndim != 1 or not p.size or not np.isfinite(p).all() or (p < 0).any() or not p.sum() > 0:
        return None
    return LEAST / p.size + (1 - LEAST) * p / p.sum()
