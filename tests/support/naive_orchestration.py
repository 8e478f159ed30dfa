"""Slow and obvious twins of what orchestration computes fast."""

import math
import statistics
from itertools import pairwise


def quantile(levels, values, level):
    """Linear between the stated levels, by search."""
    for i in range(len(levels) - 1):
        if levels[i] <= level <= levels[i + 1]:
            part = (level - levels[i]) / (levels[i + 1] - levels[i])
            return values[i] * (1 - part) + values[i + 1] * part
    return values[0] if level <= levels[0] else values[-1]


def consensus(fans, weights):
    """Weighted mean price at each level that everybody covers. fans: {bot: (levels, values)}."""
    levels = sorted({level for stated, _ in fans.values() for level in stated})
    covered = [p for p in levels if all(stated[0] <= p <= stated[-1] for stated, _ in fans.values())]
    total = sum(weights[bot] for bot in fans)
    return {p: sum(weights[b] / total * quantile(*fans[b], p) for b in fans) for p in covered}


def volatility(points):
    """points: [(seconds, equity)]; a year's volatility from squared log returns."""
    squares = 0.0
    for (_, before), (_, after) in pairwise(points):
        squares += math.log(after / before) ** 2
    return math.sqrt(squares * 365 * 86400 / (points[-1][0] - points[0][0]))


def capped(shares, caps, rounds=10_000):
    """Cut what is above the cap and hand it to the others in proportion, again and again."""
    shares = dict(shares)
    for _ in range(rounds):
        spare = sum(max(share - caps[bot], 0.0) for bot, share in shares.items())
        shares = {bot: min(share, caps[bot]) for bot, share in shares.items()}
        below = {bot: share for bot, share in shares.items() if 0 < share < caps[bot]}
        if spare < 1e-15 or not below:
            break
        weight = sum(below.values())
        shares |= {bot: share + spare * share / weight for bot, share in below.items()}
    return shares


def middle(numbers):
    return statistics.median(numbers)
