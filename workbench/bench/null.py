"""Claims of significance where there is nothing to find: the sample's bars with each return's sign drawn anew.

Every user of 200 (quick: 60) tries ten patterns: a shape cut at random from their own half of the bars, entered
wherever it recurs in the other half. `significant_fraction`: users told "evidence" of at least one of theirs.
`single_fraction`: of all patterns, those with p ≤ .05 before the correction. `naive_fraction`: with p ≤ .05 by a
binomial test against the success rate over all bars, which is what the house does not do.
"""

import numpy as np

from workbench.domain.patterns import OutcomeRule
from workbench.market.sample import load
from workbench.quant.shapes import scan, shape
from workbench.quant.significance import SURE, evidence
from workbench.quant.trade_outcomes import net_returns

TRIES, LENGTH, BARS = 10, 48, 12_000


def figures(quick: bool = False) -> dict[str, float]:
    from scipy.stats import binomtest

    bars = load("BTC/USD")[["open", "high", "low", "close"]].to_numpy(float)[:BARS]
    users = 60 if quick else 200
    told, single, naive = [], [], []
    for user in range(users):
        rng = np.random.default_rng(user)
        tried, rate = _user(random_signs(bars, rng), rng)
        told.append(any(one.significant for one in tried))
        single += [one.p_value <= SURE for one in tried]
        naive += [binomtest(one.successes, one.known, rate, "greater").pvalue <= SURE for one in tried if one.known]
    fractions = {"significant_fraction": told, "single_fraction": single, "naive_fraction": naive}
    return {key: float(np.mean(values)) for key, values in fractions.items()}


def _user(bars: np.ndarray, rng: np.random.Generator):
    half = len(bars) // 2
    close = np.log(bars[:, 3])
    outcomes = net_returns(bars[half:], OutcomeRule(horizon=24, cost=0.0))
    starts = rng.integers(0, half - LENGTH, TRIES)
    bank = np.array([shape(close[at : at + LENGTH]) for at in starts])
    hits = scan([close[half:]], bank, [LENGTH], 0.85)
    tried = [evidence([outcomes], [hits.ends[hits.patterns == p]], TRIES, seed=p, draws=1999) for p in range(TRIES)]
    return tried, float(np.mean(outcomes[np.isfinite(outcomes)] > 0))


def random_signs(bars: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bars whose moves from close to close keep their size and lose their direction, each bar mirrored whole."""
    before = np.log(bars[:-1, 3])[:, None]
    moves = (np.log(bars[1:]) - before) * rng.choice([-1.0, 1.0], len(bars) - 1)[:, None]
    flipped = moves.copy()
    flipped[:, 1], flipped[:, 2] = moves[:, 1:3].max(axis=1), moves[:, 1:3].min(axis=1)
    level = np.concatenate([[0.0], np.cumsum(moves[:-1, 3])])[:, None]
    return np.exp(flipped + level)
