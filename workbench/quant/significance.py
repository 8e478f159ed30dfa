"""Is a pattern's success more than chance? Beside matched random entries, and counted against everything tried.

The null moves all entries of a series together along it, circularly: what it keeps is how entries cluster and how
outcomes do, which a binomial test forgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused

SURE, LEVEL, FEWEST, DRAWS = 0.05, 0.95, 5, 9999


@dataclass(frozen=True, slots=True)
class Evidence:
    """`known` of `entries` have an outcome, `successes` of them ended above 0 after costs.

    low, high : exact 95 % interval of the success rate; mean_net : mean net return a trade; random_rate, random_mean :
    of matched random entries; p_value : share of those at least as good (by mean net return); corrected : times the
    number of `trials`. NaN where nothing is known.
    """

    entries: int
    known: int
    successes: int
    low: float
    high: float
    mean_net: float
    random_rate: float
    random_mean: float
    p_value: float
    corrected: float
    trials: int

    @property
    def rate(self) -> float:
        return self.successes / self.known if self.known else float("nan")

    @property
    def significant(self) -> bool:
        return self.known >= FEWEST and self.corrected <= SURE and self.mean_net > 0

    @property
    def words(self) -> str:
        """What the screen says; nothing stronger than the numbers."""
        if self.known < FEWEST:
            return f"too few to say: {self.known} outcomes known, {FEWEST} are needed"
        p = f"p = {self.corrected:.3f} after correction for {self.trials} tried"
        if self.significant:
            return f"evidence: better than matched random entries ({p})"
        if self.p_value <= SURE and self.mean_net > 0:
            return f"no evidence: good by itself (p = {self.p_value:.3f}), but not among {self.trials} tried ({p})"
        return f"no evidence that it beats matched random entries ({p})"


def exact_interval(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Clopper and Pearson's interval of a success rate; (0, 1) for n = 0. Covers at least `level`."""
    if not 0 <= successes <= n or not 0 < level < 1:
        raise ValueRefused(f"{successes} successes of {n} at level {level} make no interval")
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def evidence(
    outcomes: Sequence[np.ndarray], entries: Sequence[np.ndarray], trials: int, seed: int = 0, draws: int = DRAWS
) -> Evidence:
    """outcomes : one series each, the net return of entering at every bar, NaN where not known yet (from
    `trade_outcomes.net_returns`). entries : bar numbers of each series' entries, each once. trials : everything this
    user has tried, this included. A series whose outcomes are known nowhere says nothing.
    """
    if len(outcomes) != len(entries) or trials < 1:
        raise ValueRefused(f"{len(outcomes)} series, {len(entries)} lists of entries, {trials} trials: they must match")
    rng = np.random.Generator(np.random.PCG64(seed))
    total, won, n, asked = 0.0, 0, 0, 0
    null, null_won = np.zeros(draws), np.zeros(draws)
    for values, at in zip(outcomes, entries, strict=True):
        x, places = np.asarray(values, dtype=float), np.unique(np.asarray(at, dtype=np.int64))
        asked += len(places)
        matured, place_of = np.flatnonzero(np.isfinite(x)), np.cumsum(np.isfinite(x)) - 1
        chosen = place_of[places[np.isfinite(x[places])]] if len(places) else places
        if not len(chosen):
            continue
        y = x[matured]
        n, total, won = n + len(chosen), total + float(y[chosen].sum()), won + int((y[chosen] > 0).sum())
        shifts = rng.integers(len(y), size=draws)
        null += _shifted_sums(y, chosen)[shifts]
        null_won += _shifted_sums((y > 0).astype(float), chosen)[shifts]
    if not n:
        unknown = float("nan")
        return Evidence(asked, 0, 0, 0.0, 1.0, unknown, unknown, unknown, 1.0, 1.0, trials)
    p_value = (1 + int(np.sum(null >= total - 1e-12 * max(1.0, abs(total))))) / (draws + 1)
    low, high = exact_interval(won, n)
    means = total / n, float(null_won.mean()) / n, float(null.mean()) / n
    return Evidence(asked, n, won, low, high, *means, p_value, min(1.0, p_value * trials), trials)


def _shifted_sums(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Σ values[(chosen + k) mod n] for every shift k, by the Fourier transform."""
    marks = np.zeros(len(values))
    marks[chosen] = 1.0
    n = len(values)
    return np.fft.irfft(np.conj(np.fft.rfft(marks)) * np.fft.rfft(values), n)
