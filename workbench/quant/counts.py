"""What few cases can tell: intervals of a share and of a median, without a law for the data. Pure."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np


def share_interval(hits: int, of: int, confidence: float = 0.9) -> tuple[float, float]:
    """Wilson's interval of a share, in [0, 1]; (0, 1) where there is no case."""
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p, k = hits / of, z * z / of
    middle, half = p + k / 2, z * math.sqrt(p * (1 - p) / of + k / (4 * of))
    low, high = (middle - half) / (1 + k), (middle + half) / (1 + k)
    return (0.0 if hits == 0 else low), (1.0 if hits == of else high)


def median_interval(values: Sequence[float] | np.ndarray, confidence: float = 0.9) -> tuple[float, float] | None:
    """The narrowest pair of order statistics, equally far from the ends, that holds the median at least so surely.

    For independent values of any distribution, by the binomial law; None where too few (n ≤ 4 at 90 %) can promise it.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n, outside = len(ordered), 0.0
    best = None
    for rank in range(n // 2):
        outside += 2 * math.comb(n, rank) / 2**n
        if outside > 1 - confidence:
            break
        best = float(ordered[rank]), float(ordered[n - 1 - rank])
    return best
