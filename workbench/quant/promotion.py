"""Champion and challenger: a new model takes over only when it was better on data after its training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.scoring import diebold_mariano, skill


@dataclass(frozen=True, slots=True)
class Terms:
    """least_rows : matured forecasts needed. doubt : largest p-value, one-sided, of "the challenger is no better".
    gain : least relative improvement of the mean loss. horizon : bars from forecast to outcome."""

    horizon: int = 1
    least_rows: int = 100
    doubt: float = 0.05
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the challenger takes over, and why, in words. skill : 1 − its loss ÷ the champion's."""

    promoted: bool
    skill: float
    p_value: float
    rows: int
    reason: str


def judge(
    champion: ArrayLike, challenger: ArrayLike, seen_s: ArrayLike, trained_until_s: int, terms: Terms | None = None
) -> Judgement:
    """Compare losses (n_rows,) of forecasts made at `seen_s` (epoch seconds, never falling), in order of time.

    Rows up to `trained_until_s`, the close of the newest outcome that *either* model learned from, do not count, nor
    those where a loss is NaN. Several symbols at one time are averaged first: they rise and fall together and are no
    independent witnesses. Raises ValueRefused where shapes differ or times fall.
    """
    how = terms or Terms()
    old, new, at = (np.asarray(a, dtype=float) for a in (champion, challenger, seen_s))
    if not old.shape == new.shape == at.shape or (np.diff(at) < 0).any():
        raise ValueRefused(f"losses and times must match and times not fall, got {old.shape}, {new.shape}, {at.shape}")
    fresh = (at >= trained_until_s) & np.isfinite(old) & np.isfinite(new)
    times, group = np.unique(at[fresh], return_inverse=True)
    counts = np.bincount(group)
    old, new = np.bincount(group, old[fresh]) / counts, np.bincount(group, new[fresh]) / counts
    if times.size < how.least_rows:
        return Judgement(
            False, skill(new, old), 1.0, times.size, f"only {times.size} of {how.least_rows} forecasts have matured"
        )
    test, better = diebold_mariano(new, old, how.horizon), skill(new, old)
    doubt = test.p_value / 2 if test.difference < 0 else 1 - test.p_value / 2
    if not better > how.gain:
        return Judgement(False, better, doubt, times.size, f"its loss is {-better:+.1%} against the champion's")
    if not doubt <= how.doubt:
        return Judgement(
            False, better, doubt, times.size, f"better by {better:.1%}, which chance explains (p = {doubt:.2f})"
        )
    return Judgement(True, better, doubt, times.size, f"better by {better:.1%} on {times.size} times after training")
