"""Which of a user's patterns end with the bar that has just closed: one look at many markets, no bar of tomorrow."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Recognition
from workbench.quant.pattern_windows import prepared_all
from workbench.quant.shapes import newest
from workbench.visual.pattern_classifier import CANDIDATE, Market, PatternClassifier

ALPHA = 0.02  # share of ordinary windows let through
_USUAL = pd.Index(COLUMNS)


def at_close(classifier: PatternClassifier, tables: Mapping[Market, pd.DataFrame]) -> list[Recognition]:
    """Patterns whose window ends with the last row of a table (closed bars, oldest first), the most probable first;
    of one market and pattern the most probable window. It depends on those windows alone."""
    markets, longest = sorted(tables), max(classifier.lengths)
    bars = [_rows(tables[market])[-longest:] for market in markets]
    alike = newest([np.log(x[:, 3]) for x in bars], classifier.shapes, classifier.lengths)
    places = np.argwhere(alike.max(axis=2, initial=0) >= CANDIDATE)
    windows = [(int(row), classifier.lengths[at]) for row, at in places]
    rows, verdicts = classifier.model.accept(prepared_all([bars[row][-n:] for row, n in windows]), ALPHA)
    found: dict[tuple[Market, str], Recognition] = {}
    for at in np.argsort(-verdicts.probability, kind="stable"):
        row, n = windows[rows[at]]
        name, market = str(verdicts.classes[at]), markets[row]
        if (market, name) in found:
            continue
        first_at, last_at = (tables[market].index[bar].to_pydatetime() for bar in (-n, -1))
        near = classifier.nearest(np.log(bars[row][-n:, 3]), name)
        figures = float(verdicts.probability[at]), float(verdicts.p_value[at])
        found[market, name] = Recognition(
            name, market[0], Timeframe.parse(market[1]), first_at, last_at, *figures, near
        )
    return list(found.values())


def _rows(table: pd.DataFrame) -> np.ndarray:
    """(n, 5) of a candle table; a look at it, not a copy, where it has the usual columns and no others."""
    return (table if table.columns.equals(_USUAL) else table[list(COLUMNS)]).to_numpy(float)


def same_stretch(one: Recognition, other: Recognition) -> bool:
    """Whether two windows share more than half of the longer: then the second is no news."""
    step = one.timeframe.step
    shared = min(one.last_at, other.last_at) - max(one.first_at, other.first_at) + step
    longer = max(one.last_at - one.first_at, other.last_at - other.first_at) + step
    return shared > longer / 2
