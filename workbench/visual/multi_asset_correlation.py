"""How several markets move together, from their closed bars: kept current bar by bar, asked for as numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.sectors import sectors_of
from workbench.quant.correlation import EwmaCorrelation, rolling_correlation
from workbench.quant.correlation_change import Change, scan, scan_pairs
from workbench.quant.correlation_interval import correlation_path
from workbench.quant.cross_prediction import CrossPrediction, cross_prediction
from workbench.quant.lead_lag import Lead, leads
from workbench.quant.nearest import nearest_correlation
from workbench.quant.structure import Clusters, betas, clusters, denoised, sector_returns, stability


class MultiAssetCorrelation:
    """Log returns of several markets on one time axis, and what their correlations say.

    candles : candle tables by symbol, closed bars only. window : bars that "now" means. A return is known only between
    bars that follow each other: across a gap it is NaN, and so is an asset before its listing. Times are UTC.
    """

    def __init__(
        self,
        candles: Mapping[str, pd.DataFrame],
        timeframe: str,
        window: int = 240,
        sectors: Mapping[str, str] | None = None,
    ):
        if len(candles) < 2:
            raise ValueRefused(f"correlation needs two markets or more, got {', '.join(candles) or 'none'}")
        self.timeframe, self.window = Timeframe.parse(timeframe), window
        self.symbols = tuple(candles)
        self.sectors = sectors_of(self.symbols, sectors)
        closes = pd.concat({symbol: table["close"] for symbol, table in candles.items()}, axis=1, sort=True)
        self._closes = closes.reindex(columns=list(self.symbols))
        self._weighted = EwmaCorrelation(len(self.symbols), max(2.0, window / 4))
        for row in self.returns.to_numpy():
            self._weighted.update(row)

    @property
    def returns(self) -> pd.DataFrame:
        """Log returns, bars × symbols; a row's index is the open time of the bar that closed it."""
        step = pd.Timedelta(milliseconds=self.timeframe.milliseconds)
        logs = np.log(self._closes)
        before = logs.shift(freq=step).reindex(logs.index)
        return logs - before

    def add(self, opened_at: datetime, closes: Mapping[str, float]) -> None:
        """Take one closed bar of the markets that have it. Raises ValueRefused for an unknown market or an old bar."""
        at = pd.Timestamp(opened_at)
        unknown = sorted(set(closes) - set(self.symbols))
        if unknown or (len(self._closes) and at <= self._closes.index[-1]):
            why = f"{unknown[0]} is not watched" if unknown else f"{at} is not after {self._closes.index[-1]}"
            raise ValueRefused(f"{why}; bars come in order, of {', '.join(self.symbols)}")
        row = pd.DataFrame([[closes.get(symbol, np.nan) for symbol in self.symbols]], [at], list(self.symbols))
        row.index.name = self._closes.index.name
        self._closes = pd.concat([self._closes, row])
        step = pd.Timedelta(milliseconds=self.timeframe.milliseconds)
        last = self._closes.iloc[-2] if len(self._closes) > 1 and self._closes.index[-2] == at - step else np.nan
        self._weighted.update(np.log(row.iloc[0] / last).to_numpy(dtype=float))

    def matrix(self, how: str = "window") -> pd.DataFrame:
        """The correlations now: 'window' (the last `window` bars), 'ewma' (recent bars weigh most), 'denoised'.

        NaN where a pair is not known. Raises ValueRefused for another name or too few bars.
        """
        if how == "ewma":
            values = self._weighted.matrix().copy()
        else:
            recent = self.returns.to_numpy()[-self.window :]
            values = rolling_correlation(recent, len(recent))[0]
            if how == "denoised":
                values = denoised(nearest_correlation(self._whole(values)), len(recent))
            elif how != "window":
                raise ValueRefused(f"no matrix is called {how!r}; there are window, ewma and denoised")
        return pd.DataFrame(values, list(self.symbols), list(self.symbols))

    def path(self, one: str, other: str, step: int = 1) -> pd.DataFrame:
        """Rolling correlation of a pair with its 90 % interval: columns correlation, low, high; bar open times."""
        x = self.returns
        ends, values = correlation_path(x[self._known(one)], x[self._known(other)], self.window, step)
        return pd.DataFrame(values, x.index[ends], ["correlation", "low", "high"])

    def steadiness(self) -> pd.DataFrame:
        """How steady each pair was over windows that do not overlap: 1 never moved."""
        values = rolling_correlation(self.returns.to_numpy(), self.window, self.window)
        return pd.DataFrame(stability(values), list(self.symbols), list(self.symbols))

    def clusters(self) -> Clusters:
        """Groups that move together now, and the order that shows them best."""
        return clusters(self._whole(self.matrix().to_numpy()))

    def leads(self, greatest_lag: int = 6) -> list[Lead]:
        """Who moves first, all pairs and lags held to 5 % together."""
        return leads(self.returns.to_numpy(), greatest_lag)

    def change(self, one: str, other: str) -> Change:
        """Did this pair's correlation change somewhere in what is loaded?"""
        x = self.returns
        return scan(x[self._known(one)], x[self._known(other)])

    def changes(self) -> list[tuple[str, str, Change]]:
        """Every pair that changed, all pairs held to 5 % together."""
        found = scan_pairs(self.returns.to_numpy())
        return [(self.symbols[i], self.symbols[j], change) for i, j, change in found]

    def cross_prediction(self, lags: int = 1) -> CrossPrediction:
        """Does one market's past improve the forecast of another? Over bars that all of them have."""
        return cross_prediction(self.returns.dropna().to_numpy(), lags)

    def sector_matrix(self) -> pd.DataFrame:
        """Correlation of the sectors' mean returns over the last `window` bars."""
        names, values = sector_returns(self.returns.to_numpy()[-self.window :], self.symbols, self.sectors)
        return pd.DataFrame(rolling_correlation(values, len(values))[0], names, names)

    def betas(self, market: str) -> pd.Series:
        """Slope of each market's return on `market`'s over the last `window` bars."""
        x = self.returns.iloc[-self.window :]
        return pd.Series(betas(x.to_numpy(), x[self._known(market)]), list(self.symbols))

    def _known(self, symbol: str) -> str:
        if symbol not in self.symbols:
            raise ValueRefused(f"{symbol} is not watched here; watched: {', '.join(self.symbols)}")
        return symbol

    @staticmethod
    def _whole(values: Sequence | np.ndarray) -> np.ndarray:
        """Unknown pairs as 0 and a unit diagonal, for what needs every number; they are shown as unknown elsewhere."""
        whole = np.nan_to_num(np.asarray(values), nan=0.0)
        np.fill_diagonal(whole, 1.0)
        return whole
