"""What every bot holds against what it may hold, from the venue's figures. Pure.

Limits of a bot are fractions of its own equity and look at its own account; limits of the desk look at all accounts. A
bot's breach is never another bot's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.domain.desk import BotRow, Totals
from workbench.domain.halts import DESK, AccountView
from workbench.domain.risk import Usage
from workbench.settings import LimitSettings


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`usage`: every limit with what is used of it. `blind`: bots that hold something nobody can price, in words.
    `unknown`: limits that cannot be told for another reason (a bot is down, currencies differ): shown, and never a
    reason to stop another bot."""

    usage: tuple[Usage, ...]
    blind: Mapping[str, str]
    unknown: Mapping[str, str]

    @property
    def breaches(self) -> dict[str, str]:
        """Scope ('desk', a bot's id or a symbol) → why nothing may grow there."""
        over = {
            u.scope: f"{u.rule}: {u.used:,.2f} held, at most {u.cap:,.2f}"
            for u in self.usage
            if not u.used <= u.cap * (1 + 1e-9)
        }
        return {**self.blind, **over}


def reckon(
    rows: Sequence[BotRow], totals: Totals, accounts: Mapping[str, AccountView], limits: LimitSettings
) -> Reckoning:
    """Values are in the bots' common currency: `totals` is unknown where there is none, and then the desk's limits are.

    Prices are those that live bots mark their positions with. What the venue shows counts, else what the bot says.
    """
    prices = {p.symbol: p.mark_price for r in rows if r.status and r.health.live for p in r.status.positions}
    usage: list[Usage] = []
    blind_: dict[str, str] = {}
    unknown: dict[str, str] = {}
    by_symbol: dict[str, float] = {}
    for row in rows:
        if row.status is None or "status" not in row.capabilities:
            continue
        held = _held(row, accounts.get(row.bot_id))
        if unpriced := sorted(symbol for symbol in held if symbol not in prices):
            words = f"what it holds in {', '.join(unpriced)} has no price"
            (blind_ if row.health.live else unknown)[row.bot_id] = words
            continue
        values = {symbol: abs(amount) * prices[symbol] for symbol, amount in held.items()}
        for symbol, value in values.items():
            by_symbol[symbol] = by_symbol.get(symbol, 0.0) + value
        equity = row.status.equity
        if equity is None or not row.health.live:
            unknown[row.bot_id] = row.health.reason or "it does not tell its equity"
            continue
        usage.append(Usage("bot gross", row.bot_id, sum(values.values()), limits.bot_gross * equity.amount))
    usage += _of_desk(by_symbol, totals, limits, unknown)
    return Reckoning(tuple(usage), blind_, unknown)


def _of_desk(by_symbol: Mapping[str, float], totals: Totals, limits: LimitSettings, unknown: dict[str, str]):
    if totals.equity is None:
        if totals.unknown:
            unknown[DESK] = totals.unknown
        return []
    total = totals.equity.amount
    rows = [Usage("gross", DESK, sum(by_symbol.values()), limits.desk_gross * total)]
    return rows + [Usage("symbol", s, value, limits.desk_symbol * total) for s, value in sorted(by_symbol.items())]


def _held(row: BotRow, account: AccountView | None) -> Mapping[str, float]:
    if account is not None:
        return account.positions
    return {p.symbol: p.amount for p in row.status.positions} if row.status else {}
