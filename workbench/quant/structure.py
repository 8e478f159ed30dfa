"""The shape of a market in its correlations: clusters, sector indices, betas, and what is left when noise is taken out.

Matrices : (n, n), symmetric, unit diagonal, finite. Returns : (n_bars, n), NaN where a bar is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from workbench.domain.errors import ValueRefused
from workbench.quant.finite import square


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """labels : (n,) 0 … k − 1, in order of first appearance. order : (n,) columns as a heatmap shows them best."""

    labels: np.ndarray
    order: np.ndarray


def clusters(correlation, count: int | None = None) -> Clusters:
    """Hierarchical clusters (average linkage) by the distance √((1 − r) / 2) of Mantegna (1999).

    count : how many; as a rule the number whose mean silhouette (Rousseeuw 1987) is greatest, one where none is apart.
    """
    r = square(correlation, "correlation")
    n = len(r)
    if n < 3:
        return Clusters(np.zeros(n, dtype=int), np.arange(n))
    distance = np.sqrt(np.clip((1 - r) / 2, 0, None))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=n <= 300)
    if count is None:
        trials = [fcluster(tree, k, "maxclust") for k in range(2, min(n - 1, 20) + 1)]
        worth, _, labels = max((_silhouette(distance, one), -k, one) for k, one in enumerate(trials))
        labels = labels if worth > 0.05 else np.ones(n, dtype=int)
    else:
        labels = fcluster(tree, count, "maxclust")
    _, first, back = np.unique(labels, return_index=True, return_inverse=True)
    return Clusters(np.argsort(np.argsort(first))[back], leaves_list(tree))


def denoised(correlation, n_bars: int) -> np.ndarray:
    """The correlation with eigenvalues inside the noise band of Marchenko and Pastur set to their mean (Laloux 1999).

    n_bars : rows that the matrix was estimated from. Trace and unit diagonal are kept."""
    r = square(correlation, "correlation")
    if n_bars < 2:
        raise ValueRefused(f"a correlation needs at least 2 bars, got {n_bars}")
    values, vectors = np.linalg.eigh(r)
    edge = (1 + np.sqrt(len(r) / n_bars)) ** 2
    noise = values <= edge
    if noise.any():
        values = np.where(noise, values[noise].mean(), values)
    clean = (vectors * values) @ vectors.T
    scale = 1 / np.sqrt(np.diagonal(clean))
    clean = clean * scale * scale[:, None]
    np.fill_diagonal(clean, 1.0)
    return (clean + clean.T) / 2


def sector_returns(returns, symbols: Sequence[str], sectors: Mapping[str, str]) -> tuple[list[str], np.ndarray]:
    """(names, (n_bars, n_sectors)): the mean return of each sector's members that are there; NaN where none is.

    sectors : symbol → sector; symbols without one form no sector. Raises ValueRefused where no symbol has one."""
    x = np.asarray(returns, dtype=float)
    if x.ndim != 2 or x.shape[1] != len(symbols):
        raise ValueRefused(f"needs one column a symbol, got shape {x.shape} for {len(symbols)} symbols")
    names = sorted({sectors[symbol] for symbol in symbols if symbol in sectors})
    if not names:
        raise ValueRefused(
            f"no sector is known for any of {', '.join(symbols)}; name them in [sectors] of workbench.toml"
        )
    columns = []
    for name in names:
        members = x[:, [sectors.get(symbol) == name for symbol in symbols]]
        there = np.isfinite(members)
        count = there.sum(axis=1)
        total = np.where(there, members, 0.0).sum(axis=1)
        columns.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return names, np.column_stack(columns)


def betas(returns, market) -> np.ndarray:
    """(n,) slope of each asset on the market's return (n_bars,), over bars where both are there; NaN where unknown."""
    x, m = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    out = np.full(x.shape[1], np.nan)
    for i, column in enumerate(x.T):
        both = np.isfinite(column) & np.isfinite(m)
        if both.sum() >= 3:
            d = m[both] - m[both].mean()
            if d @ d > 0:
                out[i] = d @ column[both] / (d @ d)
    return out


def stability(rolling) -> np.ndarray:
    """How steady a pair's correlation was: 1 − its standard deviation over windows, of (n_windows, …) values.

    1 never moved, 0 swung between −1 and 1. NaN where fewer than two windows are known. Take windows apart."""
    r = np.asarray(rolling, dtype=float)
    known = np.isfinite(r)
    count = known.sum(axis=0)
    filled = np.where(known, r, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    spread = np.sqrt((np.where(known, r - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count, 1))
    return np.where(count >= 2, 1 - spread, np.nan)


def _silhouette(distance: np.ndarray, labels: np.ndarray) -> float:
    """Mean over members of (nearest other cluster − own cluster) / the greater of the two; 0 for one alone."""
    names = np.unique(labels)
    if len(names) < 2:
        return 0.0
    member = labels[:, None] == names
    sums = distance @ member
    sizes = member.sum(axis=0)
    own = sums[member] / np.maximum(sizes[np.searchsorted(names, labels)] - 1, 1)
    others = np.where(member, np.inf, sums / sizes).min(axis=1)
    alone = sizes[np.searchsorted(names, labels)] == 1
    return float(np.where(alone, 0.0, (others - own) / np.maximum(np.maximum(others, own), 1e-300)).mean())
