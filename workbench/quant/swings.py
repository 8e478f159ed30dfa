"""Swing points, and the support and resistance they make where they cluster. Closed bars only. Pure.

A swing is known only once the market has left it: `known` is the bar at whose close it was. No value rests on a later
bar, so cutting off the future takes away the swings known later and changes none of the others.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.quant.counts import share_interval
from workbench.quant.indicators import true_range
from workbench.quant.zones import visits_of

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Swing:
    """A turning point. at : row of its bar; known : row at whose close it was one; side : +1 a high, −1 a low."""

    at: int
    known: int
    price: float
    side: int


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """A price at which the market turned. low, high : the band of its swings, quote currency.

    touches : swings in it; tested : visits since its second swing was known that are over; held : those that left
    on the side they came from. strength : held ÷ tested, None where it was not tested; interval : its 90 % interval
    (Wilson). volume : mean volume of the swings' bars ÷ the median bar's. last : row of the newest swing.
    """

    price: float
    low: float
    high: float
    touches: int
    tested: int
    held: int
    strength: float | None
    interval: tuple[float, float] | None
    volume: float
    last: int

    def side(self, close: float) -> str:
        return "support" if self.price < close else "resistance"


def swings(high: Array, low: Array, reach: int = 5) -> list[Swing]:
    """Bars that stand above (below) the `reach` bars before and after them; of equal ones the first.

    high, low : (n,), no NaN. A swing at row t is known at row t + reach.
    """
    found = []
    for side, values in ((1, high), (-1, -low)):
        n = len(values)
        if n < 2 * reach + 1:
            continue
        window = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1)
        middle = window[:, reach]
        tops = (window[:, :reach] < middle[:, None]).all(axis=1) & (window[:, reach + 1 :] <= middle[:, None]).all(
            axis=1
        )
        rows = np.flatnonzero(tops) + reach
        found += [Swing(int(t), int(t) + reach, float(side * values[t]), side) for t in rows]
    return sorted(found, key=lambda swing: (swing.at, swing.side))


def typical_range(high: Array, low: Array, close: Array) -> float:
    """Median true range of a bar: the unit in which "near" is meant. NaN for fewer than two bars."""
    return float(np.nanmedian(true_range(high, low, close))) if len(close) > 1 else float("nan")


def price_levels(
    high: Array, low: Array, close: Array, volume: Array, reach: int = 5, width: float = 1.5, least: int = 2
) -> list[PriceLevel]:
    """Where swings cluster, the strongest first: by touches, then by how often it held.

    Arrays (n,), no NaN. width : a cluster spans at most so many typical ranges. least : swings that make a level.
    Swings are joined from the nearest pair on (complete linkage), so no cluster is wider than it may be.
    """
    points = swings(high, low, reach)
    span = width * typical_range(high, low, close)
    if len(points) < least or not span > 0:
        return []
    median = max(float(np.median(volume)), 1e-12)
    found = []
    for group in _clusters(np.array([swing.price for swing in points]), span):
        members = [points[i] for i in group]
        if len(members) >= least:
            found.append(_level(members, high, low, close, volume / median, span))
    return sorted(found, key=lambda level: (-level.touches, -(level.strength or 0.0), level.price))


def _level(members: list[Swing], high: Array, low: Array, close: Array, volume: Array, span: float) -> PriceLevel:
    prices = np.array([swing.price for swing in members])
    middle = float(np.median(prices))
    pad = max(0.0, (span / 3 - float(np.ptp(prices))) / 2)  # swings at one price still make a band that can be met
    bottom, top = float(prices.min()) - pad, float(prices.max()) + pad
    order = sorted(members, key=lambda swing: swing.known)
    visits = visits_of(high, low, close, bottom, top, order[1].known + 1)
    tests = [visit.held for visit in visits if visit.held is not None]
    held = sum(tests)
    return PriceLevel(
        price=middle,
        low=bottom,
        high=top,
        touches=len(members),
        tested=len(tests),
        held=held,
        strength=held / len(tests) if tests else None,
        interval=share_interval(held, len(tests)) if tests else None,
        volume=float(np.mean([volume[swing.at] for swing in members])),
        last=max(swing.at for swing in members),
    )


def _clusters(prices: Array, span: float) -> list[list[int]]:
    """Rows of prices grouped so that no group spans more than `span`; the closest neighbours join first."""
    order = np.argsort(prices, kind="stable")
    groups = [[int(i)] for i in order]
    while len(groups) > 1:
        widths = [prices[b[-1]] - prices[a[0]] for a, b in pairwise(groups)]
        nearest = int(np.argmin(widths))
        if widths[nearest] > span:
            break
        groups[nearest : nearest + 2] = [groups[nearest] + groups[nearest + 1]]
    return groups
