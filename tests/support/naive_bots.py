"""Slow and obvious twins of what the bots compute fast."""

import itertools
from decimal import Decimal, localcontext
from math import log, sqrt

import numpy as np

NAN = float("nan")


def rolling(values, window, how):
    """`how` of the last `window` values at each row; NaN where there are fewer or one is NaN."""
    out = []
    for row in range(len(values)):
        seen = list(values[max(0, row - window + 1) : row + 1])
        out.append(how(seen) if len(seen) == window and not any(np.isnan(seen)) else NAN)
    return np.array(out)


def true_range(high, low, close):
    spans = [NAN]
    for i in range(1, len(close)):
        spans.append(max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1])))
    return np.array(spans)


def mixed_volatility(close, windows):
    """Root of the mean, over `windows`, of the mean squared log return."""
    squares = [NAN] + [log(b / a) ** 2 for a, b in itertools.pairwise(close)]
    means = [rolling(np.array(squares), window, lambda seen: sum(seen) / len(seen)) for window in windows]
    return np.array([sqrt(sum(row) / len(windows)) for row in zip(*means, strict=True)])


def worth(start, fills, mark, base, quote):
    """Cash and coins counted up one fill at a time, valued at `mark`: what an account must hold, whatever the books.

    A mark that is a float has up to 17 digits, so the product needs more than the 28 that Decimal keeps by default.
    """
    with localcontext(prec=100):
        money = {base: Decimal(0), quote: Decimal(start)}
        for fill in fills:
            sign = 1 if fill.side == "buy" else -1
            money[base] += sign * fill.amount
            money[quote] -= sign * fill.amount * fill.price
            money[fill.fee_currency] -= fill.fee
        return money[quote] + money[base] * Decimal(repr(mark)), money[base]


def walk_trees(booster, row):
    """One prediction of a scikit-learn booster, tree by tree, node by node."""
    total = float(np.ravel(booster._baseline_prediction)[0])
    for round_ in booster._predictors:
        nodes = round_[0].nodes
        node = nodes[0]
        while not node["is_leaf"]:
            node = nodes[node["left"] if row[node["feature_idx"]] <= node["num_threshold"] else node["right"]]
        total += node["value"]
    return total
