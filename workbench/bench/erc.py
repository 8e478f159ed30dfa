"""Equal risk contribution: our Newton method beside skfolio's solver, same returns, same covariance, one run.

Figures: `rel_error_max`, the greatest |share of risk / budget − 1| over every case below (plain, 500 assets, stated
budgets, returns in another unit, a thousand times more volatile asset beside a calm one, a covariance of rank below its
size, condition numbers to 1e12); and how many times faster we are at 20, 100 and 500 assets, best run against
best run. skfolio's error is in `rel_error_skfolio`, the greatest move of a weight when returns are scaled by 1e±3 in
`scale_move_max`, the greatest ridge that was needed in `ridge_max`, the import that HRP and CVaR budgets cost in
`skfolio_import_s`.
"""

import time
from collections.abc import Iterator

import numpy as np

from workbench.quant.covariance import commonly_scaled, ledoit_wolf, sample_covariance
from workbench.quant.equal_risk import equal_risk

_SIZES = (20, 100, 500)


def figures(quick: bool = False) -> dict[str, float]:
    """Measure; `quick` takes one run of skfolio at each size instead of three."""
    began = time.perf_counter()
    from skfolio.optimization import RiskBudgeting

    found = {"skfolio_import_s": time.perf_counter() - began}
    rng = np.random.default_rng(20240101)
    errors, theirs = [], []
    for n in _SIZES:
        returns = _market(rng, 2 * n + 500, n)
        x = commonly_scaled(returns)  # skfolio gets what suits it best
        covariance = sample_covariance(x)
        model, ours_s, theirs_s = RiskBudgeting(), [], []
        for _ in range(1 if quick else 3):  # in turns, so that both meet the same machine
            ours_s += [_seconds(lambda x=x: equal_risk(sample_covariance(x))) for _ in range(10)]
            theirs_s.append(_seconds(lambda x=x, m=model: m.fit(x)))
            ours_s += [_seconds(lambda x=x: equal_risk(sample_covariance(x))) for _ in range(10)]
        found[f"speedup_vs_skfolio_{n}"] = min(theirs_s) / min(ours_s)
        errors.append(_error(equal_risk(covariance).weights, covariance))
        theirs.append(_error(model.weights_, covariance))
    for covariance, budgets in _hard(rng):
        result = equal_risk(covariance, budgets)
        found["ridge_max"] = max(found.get("ridge_max", 0.0), result.ridge)
        errors.append(result.relative_error)
    found["rel_error_max"], found["rel_error_skfolio"] = max(errors), max(theirs)
    found["scale_move_max"] = _scale_move(rng)
    return found


def _market(rng, bars: int, n: int) -> np.ndarray:
    """Hourly-sized returns with one common factor and fat tails; shape (bars, n)."""
    common = rng.standard_t(4, (bars, 1))
    return (common + rng.standard_t(4, (bars, n)) * rng.uniform(0.3, 3, n)) * 1e-3


def _hard(rng) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    plain = sample_covariance(_market(rng, 400, 100))
    yield plain, rng.dirichlet(np.ones(100))
    yield plain * 1e-6, None
    spread = np.logspace(-3, 3, 100)
    yield plain * spread * spread[:, None], None
    yield sample_covariance(_market(rng, 60, 200)), None
    yield np.full((30, 30), 0.04), None
    basis = np.linalg.qr(rng.normal(size=(100, 100)))[0]
    for power in (4, 8, 12):
        matrix = (basis * np.logspace(0, -power, 100)) @ basis.T
        yield (matrix + matrix.T) / 2, None


def _error(weights, covariance) -> float:
    carried = weights * (covariance @ weights)
    return float(np.abs(carried / carried.sum() * len(weights) - 1).max())


def _scale_move(rng) -> float:
    moved = 0.0
    for n in _SIZES[:2]:
        returns = _market(rng, 600, n)
        weights = equal_risk(ledoit_wolf(returns).matrix).weights
        for unit in (1e-3, 1e3):
            moved = max(moved, np.abs(equal_risk(ledoit_wolf(returns * unit).matrix).weights - weights).max())
    return float(moved)


def _seconds(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
