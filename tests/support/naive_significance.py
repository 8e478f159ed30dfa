"""Outcomes and the shift test by their definitions, one trade at a time."""

import numpy as np


def net_return(bars, at, up, target, stop, horizon, cost):
    entry = bars[at][3]
    for s in range(at + 1, at + horizon + 1):
        if s >= len(bars):
            return np.nan
        opened, high, low, close = bars[s][:4]
        gain = [up * (price / entry - 1) for price in (opened, high, low, close)]
        if min(gain[1], gain[2]) <= -stop:
            return min(gain[0], -stop) - cost
        if max(gain[1], gain[2]) >= target:
            return target - cost
    return gain[3] - cost


def shifted_mean(values, entries, shift):
    return np.mean([values[(at + shift) % len(values)] for at in entries])
