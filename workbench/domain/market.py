"""Markets, bar lengths and candles. Times are UTC; a candle's time is its *open*."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from workbench.domain.errors import SymbolError, TimeframeError, ValueRefused

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_EPOCH_OFFSET_S = {"w": 345600}  # weeks open on Monday; 1970-01-01 was a Thursday
_DOLLARS = ("USD", "USDT", "USDC", "BUSD")


@dataclass(frozen=True, slots=True, order=True)
class Timeframe:
    """A bar length, aligned to the UTC epoch (weeks to Monday)."""

    seconds: int
    text: str

    @classmethod
    def parse(cls, text: str) -> "Timeframe":
        """Read '30m', '1h', '4h', '1d', '1w'. Raises TimeframeError."""
        match = re.fullmatch(r"([1-9]\d{0,3})([smhdw])", str(text).strip())
        if not match:
            raise TimeframeError(f"unknown timeframe {text!r}; write a number and s, m, h, d or w, as in 30m or 1h")
        count, unit = int(match[1]), match[2]
        return cls(count * _UNIT_S[unit], match[0])

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def milliseconds(self) -> int:
        return self.seconds * 1000

    @property
    def anchor_s(self) -> int:
        """Seconds after the epoch at which one bar of this length opens."""
        return _EPOCH_OFFSET_S.get(self.text[-1], 0)

    def open_of(self, at: datetime) -> datetime:
        """Open time of the bar that holds `at` (UTC)."""
        moment = at.timestamp() - self.anchor_s
        return datetime.fromtimestamp(moment // self.seconds * self.seconds + self.anchor_s, UTC)

    def __str__(self) -> str:
        return self.text


def _check_bar(bar) -> None:
    values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    if not all(math.isfinite(value) for value in values):
        raise ValueRefused(f"{bar.symbol} {bar.opened_at}: a candle holds finite numbers only, got {values}")
    if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high or bar.volume < 0:
        raise ValueRefused(f"{bar.symbol} {bar.opened_at}: not a candle (open, high, low, close, volume): {values}")


@dataclass(frozen=True, slots=True)
class Candle:
    """A closed bar. `opened_at` UTC; prices in quote currency; volume in base currency."""

    symbol: str
    timeframe: Timeframe
    opened_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float

    def __post_init__(self) -> None:
        _check_bar(self)

    @property
    def closed_at(self) -> datetime:
        return self.opened_at + self.timeframe.step


@dataclass(frozen=True, slots=True)
class FormingCandle:
    """A bar that is still moving: never an input to a decision. `as_of` UTC."""

    symbol: str
    timeframe: Timeframe
    opened_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    as_of: datetime

    def __post_init__(self) -> None:
        _check_bar(self)


def split_symbol(symbol: str) -> tuple[str, str]:
    """'BTC/USD' → ('BTC', 'USD'). Raises SymbolError."""
    base, slash, quote = symbol.partition("/")
    if not (slash and base and quote):
        raise SymbolError(f"{symbol!r} is not a market; write it as BASE/QUOTE, as in BTC/USD")
    return base, quote


@dataclass(frozen=True, slots=True)
class ResolvedSymbol:
    """The market meant, and a sentence for the user where it is not literally what was typed."""

    symbol: str
    note: str = ""


def resolve_symbol(text: str, known: Iterable[str]) -> ResolvedSymbol:
    """Find the market a user means among `known` ('BTC/USD' …): btc, BTCUSD, btc-usd, BTCUSDT, BTC/USDT.

    A dollar coin typed where the market is quoted in another dollar is understood, and told in `note`. Raises
    SymbolError, naming near matches.
    """
    markets = sorted(known)
    squeezed = {symbol.replace("/", ""): symbol for symbol in markets}
    wanted = re.sub(r"[\s/_:-]", "", str(text)).upper()
    if wanted in squeezed:
        return ResolvedSymbol(squeezed[wanted])
    for asked in sorted(_DOLLARS, key=len, reverse=True):
        base = wanted.removesuffix(asked)
        if base == wanted:
            continue
        for quote in _DOLLARS:
            if f"{base}{quote}" in squeezed:
                found = squeezed[f"{base}{quote}"]
                return ResolvedSymbol(found, f"{text} is quoted in {quote} here: {found}")
    of_base = [symbol for symbol in markets if symbol.split("/")[0] == wanted]
    if of_base:
        quoted = {symbol.split("/")[1]: symbol for symbol in of_base}
        return ResolvedSymbol(next((quoted[q] for q in ("USDT", "USD", "USDC") if q in quoted), of_base[0]))
    near = get_close_matches(wanted, squeezed, n=1)
    hint = f"did you mean {squeezed[near[0]]}?" if near else f"known: {', '.join(markets[:8]) or 'none'}"
    raise SymbolError(f"no market {text!r} here; {hint}")
