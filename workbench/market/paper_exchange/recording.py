"""Recorded bars as the replay plays them: whole numbers on a time grid, four prices a bar.

The path inside a bar is open, low, high, close where the bar closed at or above its open, else open, high, low, close;
a quarter of the volume trades at each. A bar the source lacks is a time at which the market does not trade.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from workbench.domain.errors import CandleError, StartError
from workbench.domain.market import Timeframe
from workbench.market.paper_exchange.markets import Market, lot_digits_for
from workbench.market.paper_exchange.views import Bar, MarketTrade

STEPS = 4
_PRICE_DIGITS = range(13)
_ON_TICK = 0.9  # recorded prices may carry stray decimals (dark trades); orders keep to the grid nearly all keep
_LARGEST = 4.0e17  # keeps a bar's units, and sums of a few, inside 64 bits


class Tape:
    """The bars of one market, by row. Prices in points, volumes in units (see `Market`)."""

    def __init__(self, symbol: str, candles: pd.DataFrame):
        self.market = _market_of(symbol, candles)
        scale = 10**self.market.price_digits
        self.opened = _whole(candles.index.as_unit("ms").asi8)
        prices = (_whole(candles[name].to_numpy() * scale) for name in ("open", "high", "low", "close"))
        self.open, self.high, self.low, self.close = prices
        self.volume = _whole(candles["volume"].to_numpy() * 10.0**self.market.amount_digits)

    def __len__(self) -> int:
        return len(self.opened)

    def path(self, row: int) -> tuple[int, int, int, int]:
        """The four prices of a bar, in the order they trade."""
        opened, closed = self.open[row], self.close[row]
        first, second = (self.low[row], self.high[row]) if closed >= opened else (self.high[row], self.low[row])
        return opened, first, second, closed

    def shares(self, row: int) -> tuple[int, int, int, int]:
        """The volume traded at each of the four prices; the last takes what does not divide."""
        quarter = self.volume[row] // STEPS
        return quarter, quarter, quarter, self.volume[row] - 3 * quarter

    def price_at(self, place: int) -> int:
        """Price of a step; steps are counted through all bars."""
        return self.path(place // STEPS)[place % STEPS]

    def amount_at(self, place: int) -> int:
        return self.shares(place // STEPS)[place % STEPS]

    def trade_at(self, place: int, step_ms: int) -> MarketTrade:
        """A step as the one trade it is."""
        price, at_ms = self.price_at(place), self.opened[place // STEPS] + place % STEPS * step_ms
        falling = place > 0 and price < self.price_at(place - 1)
        return MarketTrade(place + 1, price, self.amount_at(place), at_ms, falling)

    def bar(self, row: int, steps: int = STEPS) -> Bar:
        """The first `steps` steps of a bar: all four when it has closed."""
        path, shares = self.path(row), self.shares(row)
        before = self.close[row - 1] if row else path[0]
        volume = value = bought = 0
        for price, amount in zip(path[:steps], shares, strict=False):
            volume += amount
            value += price * amount
            if price >= before:
                bought += amount
            before = price
        high, low = max(path[:steps]), min(path[:steps])
        return Bar(self.opened[row], path[0], high, low, before, volume, value, steps, bought, row * STEPS + 1)

    def rows_between(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Half-open range of rows whose bars opened in [start_ms, end_ms]."""
        opened = np.asarray(self.opened)
        return int(np.searchsorted(opened, start_ms, "left")), int(np.searchsorted(opened, end_ms, "right"))


def _whole(values: np.ndarray) -> memoryview:
    """Rounded to 64-bit whole numbers; a memoryview gives them back as Python ints, faster than an array does."""
    return memoryview(np.ascontiguousarray(np.rint(values).astype(np.int64)))  # type: ignore[arg-type]


def _market_of(symbol: str, candles: pd.DataFrame) -> Market:
    prices = candles[["open", "high", "low", "close"]].to_numpy().ravel()
    price_digits = _digits_for(prices, 1.0)
    if price_digits is None:  # more decimals than any exchange shows: keep eight significant ones of the lowest price
        price_digits = min(12, max(2, 7 - int(np.floor(np.log10(prices.min())))))
    if np.rint(prices.min() * 10.0**price_digits) < 1:
        raise CandleError(f"{symbol}: a price of {prices.min()} is too small for points of 10^-{price_digits}")
    tick_digits = _digits_for(prices, _ON_TICK)
    largest = max(1.0, float(candles["volume"].max()))
    amount_digits = min(8, int(np.floor(np.log10(_LARGEST / largest))))
    lot_digits = min(amount_digits, lot_digits_for(float(prices[3])))
    tick_digits = price_digits if tick_digits is None else tick_digits
    return Market(symbol, price_digits, amount_digits, tick_digits, lot_digits)


def _digits_for(prices: np.ndarray, share: float) -> int | None:
    """The fewest decimals that write at least `share` of `prices` exactly."""
    exact = (np.mean(np.rint(prices * 10.0**d) / 10.0**d == prices) >= share for d in _PRICE_DIGITS)
    return next((digits for digits, enough in zip(_PRICE_DIGITS, exact, strict=True) if enough), None)


@dataclass(frozen=True)
class Recording:
    """Markets side by side on one grid of bars. Position n of the replay is step n % 4 of grid bar n // 4."""

    timeframe: Timeframe
    first_ms: int
    bars: int
    tapes: Mapping[str, Tape]
    rows: Mapping[str, memoryview]  # by symbol and grid bar: how many of its bars had opened by then

    @property
    def step_ms(self) -> int:
        return self.timeframe.milliseconds // STEPS

    @property
    def last_position(self) -> int:
        """The moment the last bar closes: one open step past the grid."""
        return self.bars * STEPS

    def time_of(self, position: int) -> int:
        return self.first_ms + position * self.step_ms

    def position_of(self, moment_ms: int) -> int:
        """The newest position at or before a moment; may lie outside the grid."""
        return (moment_ms - self.first_ms) // self.step_ms

    def row_at(self, symbol: str, grid_bar: int) -> tuple[int, bool]:
        """The newest row of a market at a grid bar (-1: none yet), and whether that row is the grid bar itself."""
        if grid_bar >= self.bars:
            return len(self.tapes[symbol]) - 1, False
        row, opened = self.rows[symbol][grid_bar] - 1, self.first_ms + grid_bar * self.timeframe.milliseconds
        return row, row >= 0 and self.tapes[symbol].opened[row] == opened

    def span(self) -> str:
        first, last = (datetime.fromtimestamp(self.time_of(p) / 1000, UTC) for p in (0, self.last_position))
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def of(cls, candles: Mapping[str, pd.DataFrame], timeframe: Timeframe, shift_ms: int = 0) -> "Recording":
        """Put candle tables on one grid, `shift_ms` later than they were. Raises StartError where there is nothing."""
        tables = {symbol: table for symbol, table in candles.items() if len(table)}
        if not tables:
            raise StartError(
                "there are no candles to replay; name a file with --candles or leave it out for the sample"
            )
        shifted = {
            symbol: table.set_axis(table.index + pd.Timedelta(shift_ms, "ms")) for symbol, table in tables.items()
        }
        first = min(int(table.index[0].timestamp() * 1000) for table in shifted.values())
        last = max(int(table.index[-1].timestamp() * 1000) for table in shifted.values())
        step = timeframe.milliseconds
        if step % STEPS:
            raise StartError(f"bars of {timeframe} cannot be cut into {STEPS} steps of whole milliseconds")
        tapes = {symbol: Tape(symbol, table) for symbol, table in sorted(shifted.items())}
        grid = np.arange(first, last + 1, step, dtype=np.int64)
        rows = {}
        for symbol, tape in tapes.items():
            opened = np.asarray(tape.opened)
            if ((opened - first) % step).any():
                raise StartError(f"{symbol}: not every bar opens on the {timeframe} grid; give the timeframe they have")
            rows[symbol] = _whole(np.searchsorted(opened, grid, "right"))
        return cls(timeframe, first, len(grid), tapes, rows)
