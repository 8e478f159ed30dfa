"""Slow, obvious twins of the risk numbers: loops, sorts, textbook formulas."""

import math

import numpy as np


def exposures(holdings, quotes):
    """bot → symbol → (held, high, low), reporting currency."""
    cells = {}
    for h in holdings:
        worth = quotes[h.symbol].price * quotes[h.symbol].rate
        held, high, low = cells.get((h.bot_id, h.symbol), (0.0, 0.0, 0.0))
        cells[h.bot_id, h.symbol] = (
            held + h.amount * worth,
            high + (h.amount + h.buys) * worth,
            low + (h.amount - h.sells) * worth,
        )
    return cells


def volatility(exposures, covariance):
    n = np.asarray(exposures).sum(axis=0)
    return math.sqrt(sum(n[i] * n[j] * covariance[i][j] for i in range(len(n)) for j in range(len(n))))


def cvar(losses, confidence):
    """Integral of the quantiles of the tail, scenario by scenario from the worst."""
    left = round(len(losses) * (1 - confidence), 9)
    size, total = left, 0.0
    for loss in sorted(losses, reverse=True):
        share = min(1.0, left)
        total, left = total + share * loss, left - share
        if left <= 0:
            break
    return total / size


def derivative(measure, exposures, step=1e-4):
    """Exposure × ∂measure/∂exposure, cell by cell, by central differences."""
    e = np.asarray(exposures, dtype=float)
    out = np.zeros_like(e)
    for at in np.ndindex(e.shape):
        up, down = e.copy(), e.copy()
        up[at] += step
        down[at] -= step
        out[at] = e[at] * (measure(up) - measure(down)) / (2 * step)
    return out


def higham(matrix, rounds=3000):
    """The nearest correlation matrix by alternating projections with Dykstra's correction (Higham 2002)."""
    y, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(rounds):
        values, vectors = np.linalg.eigh(y - correction)
        x = (vectors * np.maximum(values, 0)) @ vectors.T
        correction = x - (y - correction)
        y = x.copy()
        np.fill_diagonal(y, 1)
    return y


def equal_risk(covariance, budgets, rounds=5000):
    """Cyclical coordinate descent (Griveau-Billion, Richard and Roncalli 2013)."""
    n = len(covariance)
    x = 1 / np.sqrt(np.diagonal(covariance)) / n
    for _ in range(rounds):
        for i in range(n):
            rest = covariance[i] @ x - covariance[i, i] * x[i]
            x[i] = (-rest + math.sqrt(rest * rest + 4 * covariance[i, i] * budgets[i])) / (2 * covariance[i, i])
    return x / x.sum()


def ewma(returns, halflife):
    weights = [0.5 ** ((len(returns) - 1 - t) / halflife) for t in range(len(returns))]
    return sum(w * np.outer(r, r) for w, r in zip(weights, returns, strict=True)) / sum(weights)


def drawdown(equity):
    return [equity[t] / max(equity[: t + 1]) - 1 for t in range(len(equity))]


def desk(cells, units, correlation, symbols):
    """Everything the gate limits, from nothing but the cells {(bot, symbol): (amount, buys, sells)}."""
    gross, long, short, by_bot, by_symbol = 0.0, 0.0, 0.0, {}, {}
    sides = {name: [0.0, 0.0] for name in symbols}
    for (bot, name), (amount, buys, sells) in cells.items():
        high, low = (amount + buys) * units[name], (amount - sells) * units[name]
        worst = max(abs(high), abs(low))
        gross += worst
        by_bot[bot] = by_bot.get(bot, 0.0) + worst
        by_symbol[name] = by_symbol.get(name, 0.0) + worst
        sides[name][0] += max(high, 0)
        sides[name][1] += max(-low, 0)
    long, short = sum(s[0] for s in sides.values()), sum(s[1] for s in sides.values())
    n = np.array([max(sides[name]) for name in symbols])
    correlated = math.sqrt(n @ np.abs(correlation) @ n)
    return {"gross": gross, "long": long, "short": short, "by_bot": by_bot, "by_symbol": by_symbol, "corr": correlated}
