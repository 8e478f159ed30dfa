"""What the desk's limits leave for a setup in each market, from one look at risk."""

from collections.abc import Iterable

from workbench.domain.desk import DeskState
from workbench.domain.halts import DESK
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain
from workbench.orchestration.risk_view import RiskView, look_at_risk
from workbench.orchestration.trading_states import words_of
from workbench.settings import LimitSettings
from workbench.visual.pattern_advice import Room


async def rooms_now(center: UnifiedCommandCenter, symbols: Iterable[str]) -> dict[str, Room] | None:
    """By market; None where no bot is registered, so that nobody has limits. Raises LedgerError."""
    if not center.registered_bots:
        return None
    await center.look(5.0)
    view = await look_at_risk(center)
    return {symbol: room_in(view, symbol, center.settings.limits) for symbol in symbols}


def room_in(view: RiskView, symbol: str, limits: LimitSettings) -> Room:
    """Unknown equity, and a desk or market that is not active, bar a setup: nothing is sized by guess."""
    held = tuple(
        row.bot_id
        for row in view.rows
        if row.status and any(position.symbol == symbol and position.amount for position in row.status.positions)
    )
    stops = [view.standings[name] for name in (DESK, symbol) if name in view.standings]
    barred = next((plain(words_of(one), 200) for one in stops if one.state is not DeskState.ACTIVE), "")
    equity = view.totals.equity
    if equity is None:
        unknown = f"the desk's equity is not known: {plain(view.totals.unknown or 'no bot tells it', 200)}"
        return Room(float("nan"), "?", (), held, barred or unknown)
    use = view.usage(DESK)
    own = next((one.headroom for one in view.reckoning.usage if (one.rule, one.scope) == ("symbol", symbol)), None)
    in_symbol = limits.desk_symbol * equity.amount if own is None else own
    left = (("desk gross", use.headroom if use else 0.0), (f"desk in {symbol}", in_symbol))
    return Room(equity.amount, equity.currency, left, held, barred)
