"""Slow, obvious twins of what league tables are made of."""

from collections import defaultdict

import numpy as np


def crps_by_integration(levels, values, outcome, points=20_001):
    """∫(F(x) − 1{x ≥ y})² dx on a fine grid, F linear between stated levels, its ends' mass on the outermost values."""
    low, high = min(values[0], outcome) - 1e-9, max(values[-1], outcome) + 1e-9
    grid = np.linspace(low, high, points)
    f = np.interp(grid, values, levels)
    f[grid < values[0]], f[grid > values[-1]] = 0.0, 1.0
    return float(np.trapezoid((f - (grid >= outcome)) ** 2, grid))


def folded(rows):
    """rows: dicts with key, crps, naive, pinball, pit, lowest, highest, qlike, qlike_naive. Two dicts of totals."""
    sums, days = defaultdict(lambda: defaultdict(float)), defaultdict(lambda: np.zeros((31, 3)))
    for row in rows:
        key = row["key"]
        total = sums[key.bot_id, key.symbol, key.timeframe, key.ahead_s, key.regime, key.month]
        total["scored"] += 1
        for name in ("crps", "naive", "pinball"):
            total[name] += row[name]
        if np.isfinite(row["qlike"]) and np.isfinite(row["qlike_naive"]):
            total["vol_scored"] += 1
            total["qlike"] += row["qlike"]
            total["qlike_naive"] += row["qlike_naive"]
        total[f"pit_{min(int(row['pit'] * 20), 19):02d}"] += 1
        total["lowest"] = max(total["lowest"], row["lowest"])
        total["highest"] = min(total.get("highest", 1.0), row["highest"])
        day = days[key.bot_id, key.symbol, key.timeframe, key.ahead_s, key.month][key.day - 1]
        day += 1, row["crps"], row["naive"]
    return sums, days
