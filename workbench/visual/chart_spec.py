"""What a chart shows, as one value: from it come the notebook's chart, the picture and the page. Times UTC."""

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from workbench.domain.drawings import Drawing
from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.domain.market import FormingCandle, Timeframe
from workbench.visual.phone_form import PHONE_WIDTH
from workbench.visual.tokens import PAIRS, THEMES

WIDTH = 900
SCREEN = 390  # CSS pixels across a common phone


@dataclass(frozen=True, slots=True)
class Average:
    """Mean close of `bars` finished bars; of a longer bar where `timeframe` is given."""

    bars: int
    timeframe: Timeframe | None = None
    exponential: bool = False


@dataclass(frozen=True, slots=True)
class HigherCandles:
    """Finished candles of a longer timeframe, as outlines behind."""

    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class HigherLevels:
    """High and low of the last finished bar of a longer timeframe, from the moment it was over."""

    timeframe: Timeframe


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Any line. values : Series by time (UTC), quote currency, NaN where unknown. by: a bot's id, for its colour."""

    name: str
    values: pd.Series
    by: str = ""


Overlay = Average | HigherCandles | HigherLevels | Line


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time and what it was: a regime in a ribbon."""

    since: datetime
    until: datetime
    name: str


@dataclass(frozen=True, slots=True)
class PatternMark:
    """A recognised pattern; `words` stand beside its name ('71 %, 9 of 14')."""

    name: str
    since: datetime
    until: datetime
    low: float
    high: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class TradeMark:
    """One round trip, or its entry only. pnl and fees in quote currency; amount in base currency, negative for a short.

    stop, targets : of one that is open. told_at : when its bot was last heard of it, UTC.
    """

    entered_at: datetime
    entry_price: float
    left_at: datetime | None = None
    exit_price: float | None = None
    pnl: float | None = None
    by: str = ""
    amount: float | None = None
    fees: float | None = None
    reason: str = ""
    stop: float | None = None
    targets: tuple[float, ...] = ()
    told_at: datetime | None = None

    @property
    def short(self) -> bool:
        return self.amount is not None and self.amount < 0

    @property
    def waits(self) -> tuple["PriceMark", ...]:
        """The stop and the targets of one that is open."""
        if self.left_at is not None:
            return ()
        prices = [("stop", self.stop), *(("target", price) for price in self.targets)]
        return tuple(PriceMark(kind, price, self.entered_at, by=self.by) for kind, price in prices if price)


@dataclass(frozen=True, slots=True)
class PriceMark:
    """A price that waits. kind: stop, target or entry."""

    kind: str
    price: float
    since: datetime | None = None
    until: datetime | None = None
    by: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("stop", "target", "entry"):
            raise ValueRefused(f"a price mark is a stop, a target or an entry, got {self.kind!r}")


@dataclass(frozen=True, slots=True)
class MarketTrades:
    """`finished`: round trips, oldest first. `open`: what is held now, with stop and targets as far as bots tell."""

    finished: tuple[TradeMark, ...] = ()
    open: tuple[TradeMark, ...] = ()

    @property
    def marks(self) -> tuple[PriceMark, ...]:
        """Stops and targets of what is open."""
        return tuple(mark for trade in self.open for mark in trade.waits)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One market. candles : closed bars of `timeframe`, at least one. ribbon: regimes; tags: prices named at the edge.

    fans : forecasts of this market, past ones with what became of them. forming : the bar after them, drawn paler; only
    its own candle and the price tag know it.
    """

    symbol: str
    timeframe: Timeframe
    candles: pd.DataFrame
    overlays: tuple[Overlay, ...] = ()
    fans: tuple[Forecast, ...] = ()
    ribbon: tuple[Span, ...] = ()
    patterns: tuple[PatternMark, ...] = ()
    trades: tuple[TradeMark, ...] = ()
    marks: tuple[PriceMark, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    forming: FormingCandle | None = None
    volume: bool = True
    height: int = 340

    def __post_init__(self) -> None:
        if not len(self.candles):
            raise ValueRefused(f"{self.symbol} {self.timeframe}: no closed bar to draw; ask for an earlier time")

    @property
    def end(self) -> pd.Timestamp:
        """Close of the newest bar: what this chart may know."""
        return self.candles.index[-1] + pd.Timedelta(milliseconds=self.timeframe.milliseconds)

    @property
    def price(self) -> float:
        """The newest price known: of the forming bar where there is one."""
        return self.forming.close if self.forming else float(self.candles["close"].iloc[-1])


@dataclass(frozen=True, slots=True, eq=False)
class ChartSpec:
    """One chart: markets above each other on one time axis.

    bars : how many of the newest bars are shown (of the first panel's timeframe), None for all. pair : the colours of
    up and down. phone : narrow, with larger letters.
    """

    panels: tuple[Panel, ...]
    title: str = ""
    theme: str = "dark"
    pair: str = "green-red"
    width: int = WIDTH
    bars: int | None = None
    phone: bool = False

    def __post_init__(self) -> None:
        if not self.panels:
            raise ValueRefused("a chart shows at least one market")
        if self.theme not in THEMES or self.pair not in PAIRS:
            raise ValueRefused(
                f"no theme {self.theme!r} in {self.pair!r}; themes: {', '.join(THEMES)}; colours: {', '.join(PAIRS)}"
            )
        if not 240 <= self.width <= 4000:
            raise ValueRefused(f"a chart is 240 to 4000 pixels wide, got {self.width}")

    def for_phone(self) -> "ChartSpec":
        """The same, to be read on a phone: printed at scale 2 it fills the screen and its letters stay legible."""
        return replace(self, width=PHONE_WIDTH, phone=True, bars=min(self.bars or 120, 120))

    @property
    def letters(self) -> int:
        """Size of the labels in pixels of this chart."""
        return 14 if self.phone else 11
