"""Who holds what: bots × symbols in one reporting currency, open orders at their worst case.

Three matrices describe each bot in each symbol: what is held now (`held`), the most it could become (`high`: every buy
fills, no sell does) and the least (`low`). The gross is taken before netting, because bots leave one by one: a long of
one bot and a short of another are two risks, not none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import CurrencyMismatch, ValueRefused
from workbench.domain.market import split_symbol
from workbench.domain.risk import Holding, Quote
from workbench.quant.finite import finite


@dataclass(frozen=True, eq=False, slots=True)
class ExposureMatrix:
    """held, high, low : ndarrays of shape (n_bots, n_symbols), reporting currency, low ≤ held ≤ high, no NaN."""

    bots: tuple[str, ...]
    symbols: tuple[str, ...]
    held: np.ndarray
    high: np.ndarray
    low: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.bots), len(self.symbols))
        for name in ("held", "high", "low"):
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueRefused(f"exposure: {name} must be finite and of shape {shape}, got {array.shape}")
            array.flags.writeable = False

    @property
    def worst(self) -> np.ndarray:
        """Each cell at whichever of `high` and `low` is further from flat, with its sign."""
        return np.where(np.abs(self.high) >= np.abs(self.low), self.high, self.low)

    @property
    def gross(self) -> float:
        """Σ|worst| before netting."""
        return float(np.abs(self.worst).sum())

    @property
    def net(self) -> float:
        """What is held, longs less shorts."""
        return float(self.held.sum())

    @property
    def sides(self) -> tuple[float, float]:
        """The long and the short side, open orders at their worst: |net| stays below the greater whoever leaves."""
        return float(np.maximum(self.high, 0).sum()), float(np.maximum(-self.low, 0).sum())

    def by_bot(self) -> dict[str, float]:
        """Worst gross of each bot."""
        return dict(zip(self.bots, np.abs(self.worst).sum(axis=1).tolist(), strict=True))

    def by_symbol(self) -> dict[str, float]:
        """Worst gross in each symbol, over bots, before netting."""
        return dict(zip(self.symbols, np.abs(self.worst).sum(axis=0).tolist(), strict=True))

    def net_by_symbol(self) -> dict[str, float]:
        """What is held in each symbol over all bots, netted."""
        return dict(zip(self.symbols, self.held.sum(axis=0).tolist(), strict=True))

    def by_cluster(self, cluster_of: Mapping[str, str]) -> dict[str, float]:
        """Worst gross by sector or cluster. Raises ValueRefused for a symbol that belongs to none."""
        return _grouped(self.by_symbol(), cluster_of, "cluster")

    def by_venue(self, venue_of: Mapping[str, str]) -> dict[str, float]:
        """Worst gross by venue; `venue_of` maps bots. Raises ValueRefused for a bot without one."""
        return _grouped(self.by_bot(), venue_of, "venue")


def exposure_matrix(holdings: Iterable[Holding], quotes: Mapping[str, Quote]) -> ExposureMatrix:
    """Value `holdings` at `quotes`; bots and symbols come out sorted, so their order of arrival changes nothing.

    Several holdings of one bot in one symbol (two venues) add up. Raises ValueRefused for an amount that is no finite
    number, negative open orders, or a symbol without a usable price.
    """
    rows = list(holdings)
    bots = tuple(sorted({row.bot_id for row in rows}))
    symbols = tuple(sorted({row.symbol for row in rows}))
    held, high, low = (np.zeros((len(bots), len(symbols))) for _ in range(3))
    bot_at, symbol_at = ({name: i for i, name in enumerate(names)} for names in (bots, symbols))
    for row in rows:
        what = f"{row.bot_id} in {row.symbol}"
        amount, buys, sells = finite((row.amount, row.buys, row.sells), f"holding of {what}", 1)
        if buys < 0 or sells < 0:
            raise ValueRefused(f"holding of {what}: open orders must not be negative, got {buys} and {sells}")
        at, worth = (bot_at[row.bot_id], symbol_at[row.symbol]), unit_value(row.symbol, quotes)
        held[at] += amount * worth
        high[at] += (amount + buys) * worth
        low[at] += (amount - sells) * worth
    return ExposureMatrix(bots, symbols, held, high, low)


def unit_value(symbol: str, quotes: Mapping[str, Quote]) -> float:
    """What one unit of base currency is worth in the reporting currency. Raises ValueRefused where unknown."""
    quote = quotes.get(symbol)
    if quote is None:
        raise ValueRefused(f"{symbol} has no price; its exposure is unknown")
    price, rate = finite((quote.price, quote.rate), f"quote of {symbol}", 1)
    if not (price > 0 and rate > 0):
        raise ValueRefused(f"quote of {symbol}: price and rate must be positive, got {price} and {rate}")
    return float(price * rate)


def conversion_rate(currency: str, reporting: str, prices: Mapping[str, float]) -> float:
    """What one unit of `currency` is worth in `reporting`, through a market of the two among `prices`.

    USDT is not USD: without a price between them this raises CurrencyMismatch, as for any two currencies.
    """
    if currency == reporting:
        return 1.0
    direct, inverse = prices.get(f"{currency}/{reporting}"), prices.get(f"{reporting}/{currency}")
    for price, turned in ((direct, False), (inverse, True)):
        if price is not None and np.isfinite(price) and price > 0:
            return 1 / price if turned else float(price)
    raise CurrencyMismatch(f"no price between {currency} and {reporting}; add the market {currency}/{reporting}")


def quote_currency_rate(symbol: str, reporting: str, prices: Mapping[str, float]) -> float:
    """`Quote.rate` of a market. Raises CurrencyMismatch, SymbolError."""
    return conversion_rate(split_symbol(symbol)[1], reporting, prices)


def _grouped(values: Mapping[str, float], group_of: Mapping[str, str], kind: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, value in values.items():
        if name not in group_of:
            raise ValueRefused(f"{name} belongs to no {kind}; name one for it")
        sums[group_of[name]] = sums.get(group_of[name], 0.0) + value
    return sums
