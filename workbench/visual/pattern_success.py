"""How a pattern did where it was recognised: before its labels were made, and since; by market, volatility and bot.

Out of sample is what came after the newest bar that was on a chart when labels were made, and what a desk told live:
that was written down before its outcome, and stays out of sample whatever is labelled later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS
from workbench.domain.patterns import Outcome, OutcomeRule, Pattern, Recognition
from workbench.domain.sightings import Sighting
from workbench.quant.significance import Evidence, evidence
from workbench.quant.trade_outcomes import net_returns

Market = tuple[str, str]
Trades = Mapping[str, set[tuple[str, datetime]]]
SHORT, LONG = 48, 500
BOT = "bot "  # begins the name of a bot's cut


@dataclass(frozen=True, slots=True)
class Beside:
    """What else is known of a user's patterns. sightings : what a desk told live; trades : (symbol, market time) of the
    trades that each bot opened."""

    sightings: Sequence[Sighting] = ()
    trades: Trades = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PatternSuccess:
    """One pattern in one cut: 'all', a symbol, a timeframe, a state of the market ('calm', 'rough'), or 'bot ID': where
    that bot opened a trade on the market within the window, or up to two bars after it.

    seen : over bars that were on the chart when labels were made, which its user may have chosen by; since :
    out of sample, the only part that may be called evidence. labelled : (successes, failures) as its user marked them;
    live : (told by a desk before the outcome, ended since, successes of those).
    """

    pattern: str
    cut: str
    rule: OutcomeRule
    labelled: tuple[int, int]
    seen: Evidence
    since: Evidence
    live: tuple[int, int, int] = (0, 0, 0)

    @property
    def words(self) -> str:
        return self.since.words


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """One market. outcomes, newest, rough : (n_bars,) net return of entering at each close, whether the bar is out of
    sample, whether it is rough. rows, late, began : (n_entries,) where each entry is, whether it is out of sample, and
    the open time of its window's first bar."""

    index: pd.DatetimeIndex
    outcomes: np.ndarray
    newest: np.ndarray
    rough: np.ndarray
    rows: np.ndarray
    late: np.ndarray
    began: list[datetime]


def success(
    pattern: Pattern,
    found: Mapping[Market, Sequence[Recognition]],
    history: Mapping[Market, pd.DataFrame],
    trials: int,
    beside: Beside | None = None,
) -> list[PatternSuccess]:
    """Every cut of one pattern. trials : everything its user has tried."""
    rule, more = pattern.rule or OutcomeRule(), beside or Beside()
    live = [one for one in more.sightings if one.fresh and one.recognition.pattern == pattern.name]
    tried = {market: _tried(pattern, rule, market, table, found, live) for market, table in history.items()}
    ended = [one for one in live if one.outcome is not Outcome.OPEN]
    told = len(live), len(ended), sum(one.outcome is Outcome.SUCCESS for one in ended)
    rows = []
    for cut, markets in cuts(history, more.trades):
        kept = {m: _kept(cut, m, tried[m], more.trades) for m in markets}
        seen, since = (
            evidence(
                [np.where(tried[m].newest == part, tried[m].outcomes, np.nan) for m in markets],
                [tried[m].rows[kept[m] & (tried[m].late == part)] for m in markets],
                trials,
            )
            for part in (False, True)
        )
        labelled = (pattern.successes, pattern.failures)
        rows.append(PatternSuccess(pattern.name, cut, rule, labelled, seen, since, told))
    return rows


def cuts(history: Mapping[Market, pd.DataFrame], trades: Trades | None = None) -> Iterator[tuple[str, list[Market]]]:
    """(name, markets) of every cut that says something beside 'all'."""
    markets = sorted(history)
    yield "all", markets
    for place in (0, 1):
        names = sorted({market[place] for market in markets})
        for name in names if len(names) > 1 else ():
            yield name, [market for market in markets if market[place] == name]
    yield "calm", markets
    yield "rough", markets
    for bot, opened in sorted((trades or {}).items()):
        own = [market for market in markets if any(symbol == market[0] for symbol, _ in opened)]
        if own:
            yield BOT + bot, own


def rough(close: np.ndarray) -> np.ndarray:
    """(n_bars,) whether the last 48 returns moved more than such a stretch usually did in the last 500 bars."""
    moves = pd.Series(np.abs(np.diff(np.log(close), prepend=np.log(close[0]))))
    now = moves.rolling(SHORT, min_periods=1).mean()
    return (now > now.rolling(LONG, min_periods=1).median()).to_numpy()


def _tried(
    pattern: Pattern,
    rule: OutcomeRule,
    market: Market,
    table: pd.DataFrame,
    found: Mapping[Market, Sequence[Recognition]],
    live: Sequence[Sighting],
) -> _Tried:
    index, bars = table.index, table[list(COLUMNS)].to_numpy(float)
    told = [one.recognition for one in live if (one.recognition.symbol, one.recognition.timeframe.text) == market]
    newest = np.asarray(index > pattern.newest_seen)
    if told:
        newest |= np.asarray(index >= min(one.last_at for one in told))
    scanned = [one for one in found.get(market, ()) if one.pattern == pattern.name]
    entries = {one.last_at: (one.last_at > pattern.newest_seen, one.first_at) for one in scanned}
    entries |= {one.last_at: (True, one.first_at) for one in told}
    places = index.get_indexer(pd.DatetimeIndex(list(entries), tz="UTC")) if entries else np.empty(0, np.int64)
    late, began = np.array([one[0] for one in entries.values()], bool), [one[1] for one in entries.values()]
    here = np.flatnonzero(places >= 0)
    begun = [began[at] for at in here]
    return _Tried(index, net_returns(bars, rule), newest, rough(bars[:, 3]), places[here], late[here], begun)


def _kept(cut: str, market: Market, tried: _Tried, trades: Trades) -> np.ndarray:
    """(n_entries,) which entries of a market belong to a cut."""
    if cut in ("calm", "rough"):
        return tried.rough[tried.rows] == (cut == "rough")
    if not cut.startswith(BOT):
        return np.ones(len(tried.rows), bool)
    step = tried.index[1] - tried.index[0]
    opened = [at for symbol, at in trades[cut.removeprefix(BOT)] if symbol == market[0]]
    spans = zip(tried.began, tried.index[tried.rows], strict=True)
    return np.array([any(first <= at <= last + 3 * step for at in opened) for first, last in spans], bool)
