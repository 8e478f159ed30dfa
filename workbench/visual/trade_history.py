"""Thousands of trades over a long past: a page gets those in sight or, of too many, how many lie where."""

from collections import Counter
from collections.abc import Sequence, Set

import numpy as np

from workbench.visual.chart_spec import TradeMark
from workbench.visual.trade_rows import Json, colours, trade_row

MOST = 600
"""Trades told one by one in one look."""
COLUMNS = 240
"""Crowds across what is in sight, where there are more."""


class TradeHistory:
    """`legend` once, `look` for each stretch of time. Pure."""

    def __init__(self, trades: Sequence[TradeMark] = ()):
        rows = [trade_row(one) for one in trades]
        self._rows = sorted((row for row in rows if row["out"]), key=lambda row: row["in"][0])
        self._open = [row for row in rows if not row["out"]]
        signs = [(row[way][0], row[way][1], at) for at, row in enumerate(self._rows) for way in ("in", "out")]
        table = np.array([[ms, np.nan if price is None else price, at] for ms, price, at in signs], float)
        self._signs = table.reshape(-1, 3)[np.argsort(table.reshape(-1, 3)[:, 0], kind="stable")]
        self._by = np.array([row["by"] for row in self._rows], object)

    @property
    def legend(self) -> Json | None:
        """What stands in "trading" on a live chart, with `counts`: trades by bot; None where there is no trade."""
        rows = [*self._rows, *self._open]
        counts = dict(sorted(Counter(row["by"] for row in rows).items()))
        return {"open": self._open, "bots": colours(rows), "counts": counts, "older": 0} if rows else None

    def look(self, since_ms: float, until_ms: float, hidden: Set[str] = frozenset()) -> Json:
        """Of the bots that are not hidden: {"trades": rows that begin or end in sight}; of more than MOST
        {"crowds": [[ms, price, signs]]}, entries and exits counted by columns of time, at their mean."""
        first, last = np.searchsorted(self._signs[:, 0], (since_ms, until_ms + 1))
        seen = self._signs[first:last]
        if hidden and len(seen):
            seen = seen[~np.isin(self._by[seen[:, 2].astype(int)], list(hidden))]
        trades = np.unique(seen[:, 2].astype(int))
        if len(trades) <= MOST:
            return {"trades": [self._rows[at] for at in trades], "crowds": []}
        seen = seen[np.isfinite(seen[:, 1])]
        column = ((seen[:, 0] - since_ms) / max(until_ms - since_ms, 1) * COLUMNS).astype(int)
        starts = np.flatnonzero(np.r_[True, np.diff(column) != 0])
        sizes = np.diff(np.r_[starts, len(seen)])
        sums = np.add.reduceat(seen[:, :2], starts, axis=0) / sizes[:, None]
        return {"trades": [], "crowds": [[*map(float, mean), int(n)] for mean, n in zip(sums, sizes, strict=True)]}
