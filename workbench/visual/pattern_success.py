"""How a pattern did where it was recognised: before its labels were made, and since; by market and by volatility."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS
from workbench.domain.patterns import OutcomeRule, Pattern, Recognition
from workbench.quant.significance import Evidence, evidence
from workbench.quant.trade_outcomes import net_returns

Market = tuple[str, str]
SHORT, LONG = 48, 500


@dataclass(frozen=True, slots=True)
class PatternSuccess:
    """One pattern in one cut of the history: 'all', a symbol, a timeframe, or a state ('calm', 'rough').

    seen : over bars that were on the chart when labels were made, which its user may have chosen by; since :
    out of sample, the only part that may be called evidence. labelled : (successes, failures) as its user marked them.
    """

    pattern: str
    cut: str
    rule: OutcomeRule
    labelled: tuple[int, int]
    seen: Evidence
    since: Evidence

    @property
    def words(self) -> str:
        return self.since.words


def success(
    pattern: Pattern, found: Mapping[Market, Sequence[Recognition]], history: Mapping[Market, pd.DataFrame], trials: int
) -> list[PatternSuccess]:
    """Every cut of one pattern. trials : everything its user has tried."""
    rule = pattern.rule or OutcomeRule()
    outcomes, entries, states = {}, {}, {}
    for market, table in history.items():
        bars = table[list(COLUMNS)].to_numpy(float)
        at = [one.last_at for one in found.get(market, ()) if one.pattern == pattern.name]
        outcomes[market], states[market] = net_returns(bars, rule), rough(bars[:, 3])
        entries[market] = table.index.get_indexer(pd.DatetimeIndex(at, tz="UTC")) if at else np.empty(0, np.int64)
    rows = []
    for cut, chosen in cuts(history):
        parts = {market: _split(history[market], entries[market], pattern) for market in chosen}
        if cut in ("calm", "rough"):
            parts = {m: tuple(p[states[m][p] == (cut == "rough")] for p in both) for m, both in parts.items()}
        newest = {m: history[m].index > pattern.newest_seen for m in chosen}
        seen, since = (
            evidence(
                [np.where(newest[m] == part, outcomes[m], np.nan) for m in chosen],
                [parts[m][part] for m in chosen],
                trials,
            )
            for part in (0, 1)
        )
        labelled = (pattern.successes, pattern.failures)
        rows.append(PatternSuccess(pattern.name, cut, rule, labelled, seen, since))
    return rows


def cuts(history: Mapping[Market, pd.DataFrame]) -> Iterator[tuple[str, list[Market]]]:
    """(name, markets) of every cut that says something beside 'all'."""
    markets = sorted(history)
    yield "all", markets
    for place in (0, 1):
        names = sorted({market[place] for market in markets})
        for name in names if len(names) > 1 else ():
            yield name, [market for market in markets if market[place] == name]
    yield "calm", markets
    yield "rough", markets


def rough(close: np.ndarray) -> np.ndarray:
    """(n_bars,) whether the last 48 returns moved more than such a stretch usually did in the last 500 bars."""
    moves = pd.Series(np.abs(np.diff(np.log(close), prepend=np.log(close[0]))))
    now = moves.rolling(SHORT, min_periods=1).mean()
    return (now > now.rolling(LONG, min_periods=1).median()).to_numpy()


def _split(table: pd.DataFrame, at: np.ndarray, pattern: Pattern) -> tuple[np.ndarray, np.ndarray]:
    """Entries on bars that were seen when the labels were made, and after."""
    late = table.index[at] > pattern.newest_seen
    return at[~late], at[late]
