"""What all bots are worth together: sums that convert through a price or refuse."""

from collections.abc import Mapping, Set
from typing import Literal

from workbench.domain.desk import BotRow, Totals
from workbench.domain.errors import CurrencyMismatch
from workbench.domain.portfolio import Money

Figure = Literal["equity", "pnl", "day_pnl"]
Rates = Mapping[tuple[str, str], float]


class PortfolioManager:
    """Totals in `currency`, or in the only one that occurs where none is set.

    `rates`, those of the present, map (from, to) to the price of one unit of `from`; a pair that is missing does not
    convert, and the total is then unknown with the reason, never a sum of what happens to fit.
    """

    def __init__(self, currency: str | None = None):
        self.currency = currency
        self.rates: Rates = {}

    def totals(self, rows: tuple[BotRow, ...], rates: Rates | None = None) -> Totals:
        """Sums over every bot that reports money, at `rates` or those held. One bot unknown or down makes the total
        unknown."""
        counted = [row for row in rows if "status" in row.capabilities]
        unknown = [_unknown(row) for row in counted if _unknown(row)]
        if unknown:
            return Totals(None, None, None, "; ".join(unknown))
        try:
            equity, pnl, day = (
                self._sum(counted, figure, rates or self.rates) for figure in ("equity", "pnl", "day_pnl")
            )
        except CurrencyMismatch as error:
            return Totals(None, None, None, str(error))
        return Totals(equity, pnl, day, "" if counted else "no bot reports money")

    def by_currency(self, rows: tuple[BotRow, ...], figure: Figure = "equity") -> dict[str, Money]:
        """Sums of what is known, each in its own currency."""
        sums: dict[str, Money] = {}
        for row in rows:
            money = getattr(row.status, figure) if row.status else None
            if money is not None:
                sums[money.currency] = sums[money.currency] + money if money.currency in sums else money
        return sums

    def _sum(self, rows: list[BotRow], figure: Figure, rates: Rates) -> Money | None:
        amounts = [(row.bot_id, getattr(row.status, figure)) for row in rows]
        if not amounts or any(money is None for _, money in amounts):
            return None
        total = Money(0.0, self.target({money.currency for _, money in amounts}))
        for bot_id, money in amounts:
            total += converted(bot_id, money, total.currency, rates)
        return total

    def target(self, currencies: Set[str]) -> str:
        """The currency in which `currencies` are summed. Raises CurrencyMismatch for several where none is set."""
        if self.currency or len(currencies) == 1:
            return self.currency or next(iter(currencies))
        raise CurrencyMismatch(
            f"bots hold {', '.join(sorted(currencies))}; say in which to add them up: currency in workbench.toml"
        )


def converted(bot_id: str, money: Money, currency: str, rates: Rates) -> Money:
    """`money` in `currency`. Raises CurrencyMismatch where no price leads there."""
    if money.currency == currency:
        return money
    if (money.currency, currency) in rates:
        return money.convert(rates[money.currency, currency], currency)
    if (currency, money.currency) in rates:
        return money.convert(1 / rates[currency, money.currency], currency)
    raise CurrencyMismatch(
        f"{bot_id} holds {money.currency}, and no price from {money.currency} to {currency} is known"
    )


def _unknown(row: BotRow) -> str:
    """Why this bot's money is not known now, or nothing."""
    if not row.health.live:
        return f"{row.bot_id} is down: {row.health.reason}"
    if row.status is None or row.status.equity is None:
        return f"{row.bot_id} does not tell its equity"
    return ""
