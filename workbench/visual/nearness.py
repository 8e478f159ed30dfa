"""Which drawing a point means. Distances are in bars across and typical ranges up, so that near looks near. Pure."""

import math
from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from workbench.domain.drawings import Anchor, Drawing, Level, Note, TrendLine, Zone
from workbench.quant.swings import typical_range


def nearest(drawings: Iterable[Drawing], candles: pd.DataFrame, point: Anchor, reach: float) -> Drawing | None:
    """The drawing that is nearest to `point` (with a time), the newest of equals; None beyond `reach`.

    A zone is near by its edges, and met anywhere inside at `reach`: what lies upon it comes first.
    """
    step = (candles.index[1:] - candles.index[:-1]).min() if len(candles) > 1 else pd.Timedelta(hours=1)
    unit = typical_range(*(candles[name].to_numpy() for name in ("high", "low", "close")))
    unit = unit if unit > 0 else 1e-3 * point.price
    best, found = reach, None
    for drawing in drawings:
        far = _distance(drawing, point, step / pd.Timedelta(1, "s"), unit, reach)
        if far <= best:
            best, found = far, drawing
    return found


def _distance(drawing: Drawing, point: Anchor, step_s: float, unit: float, inside: float) -> float:
    assert point.at is not None

    def away(at: datetime | None, price: float) -> float:
        across = 0.0 if at is None or point.at is None else (at - point.at).total_seconds() / step_s
        return math.hypot(across, (price - point.price) / unit)

    match drawing.shape:
        case Level(price):
            return away(None, price)
        case Note(where):
            return away(where.at, where.price)
        case TrendLine(start, end, extended):
            assert start.at is not None
            assert end.at is not None
            if point.at < start.at:
                return away(start.at, start.price)
            if point.at > end.at and not extended:
                return away(end.at, end.price)
            return away(None, drawing.shape.price_at(point.at))
        case Zone(low, high, since, until):
            if (since and point.at < since) or (until and point.at > until):
                return math.inf
            edge = min(away(None, low), away(None, high))
            return min(edge, inside) if low <= point.price <= high else edge
