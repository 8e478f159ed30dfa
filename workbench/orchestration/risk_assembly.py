"""From what accounts hold and how markets moved to one RiskDesk. Pure; what cannot be told stays NaN and is named."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.domain.desk import BotRow, DeskState
from workbench.domain.halts import DESK, AccountView
from workbench.domain.market import Timeframe
from workbench.domain.risk import Usage
from workbench.domain.risk_desk import (
    Contribution,
    DrawdownRow,
    GroupRow,
    LimitRow,
    RiskDesk,
    StateRow,
    TailLoss,
    Volatility,
)
from workbench.domain.sectors import sectors_of
from workbench.orchestration.risk_view import RiskView
from workbench.quant import risk_measures as measures
from workbench.quant.limits import LADDER

CONFIDENCE = 0.975
MIN_BARS = 100  # fewer leave two scenarios or less in the tail
YEAR_S = 365 * 86400
NAN = math.nan
Exposure = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Markets:
    """`returns`: (n_bars, n_symbols), simple returns of bars that every market has, oldest first, no NaN."""

    symbols: tuple[str, ...]
    returns: np.ndarray
    timeframe: Timeframe
    missing: Mapping[str, str] = field(default_factory=dict)  # symbol → why its bars are not known


def risk_desk(
    view: RiskView,
    accounts: Mapping[str, AccountView],
    markets: Markets,
    ladder: Mapping[str, float],
    sectors: Mapping[str, str] | None = None,
) -> RiskDesk:
    """The RiskDesk of `view`. `sectors`: coin or symbol → cluster, before the usual ones. `ladder`: 'desk' and 'bot' →
    the drawdown that halts by itself, missing: none does."""
    bots = [row for row in view.rows if "status" in row.capabilities]
    prices = {p.symbol: p.mark_price for row in bots if row.status and row.health.live for p in row.status.positions}
    held = {row.bot_id: _amounts(row, accounts.get(row.bot_id)) for row in bots}
    symbols = tuple(sorted({symbol for amounts in held.values() if amounts for symbol in amounts}))
    exposure = tuple(tuple(_value(held[row.bot_id], s, prices) for s in symbols) for row in bots)
    money = view.totals.equity
    blank = RiskDesk(
        as_of=view.as_of,
        currency=money.currency if money else "",
        equity=money.amount if money else NAN,
        confidence=CONFIDENCE,
        bots=tuple(row.bot_id for row in bots),
        symbols=symbols,
        exposure=exposure,
        gross=_gross(exposure),
        net=_net(exposure),
        clusters=_clusters(symbols, exposure, sectors),
        venues=_venues(tuple(row.bot_id for row in bots), exposure, view.venues),
        drawdowns=tuple(_drawdown(name, view, ladder) for name in (DESK, *(row.bot_id for row in bots))),
        limits=tuple(_limit(use, view) for use in view.reckoning.usage),
        states=_states(view),
        unknown=tuple(_unknown(view, held, markets)),
    )
    return measured(blank, markets)


def measured(desk: RiskDesk, markets: Markets, correlations: float = 0.0) -> RiskDesk:
    """`desk` with volatility, VaR, CVaR and contributions of its exposure. `correlations` in [0, 1]: how far every
    correlation is moved toward 1; history cannot be moved, so the historical figures are then left unknown."""
    known = math.isfinite(desk.gross) and desk.equity > 0 and bool(desk.symbols)
    columns = [markets.symbols.index(s) for s in desk.symbols if s in markets.symbols]
    if not known or len(columns) < len(desk.symbols) or len(markets.returns) < MIN_BARS:
        return replace(
            desk,
            volatility=Volatility(),
            var=TailLoss(),
            cvar=TailLoss(),
            contributions_by_bot=(),
            contributions_by_symbol=(),
        )
    from workbench.quant.covariance import from_correlation, ledoit_wolf, stressed, to_correlation  # brings scipy

    exposure, returns = np.array(desk.exposure), markets.returns[:, columns]
    matrix = ledoit_wolf(returns).matrix
    if correlations:
        correlation, deviations = to_correlation(matrix)
        matrix = from_correlation(stressed(correlation, correlations), deviations)
    volatility = measures.volatility(exposure, matrix)
    var, cvar = (f(exposure, matrix, CONFIDENCE).total for f in (measures.parametric_var, measures.parametric_cvar))
    tail = measures.parametric_cvar(exposure, matrix, CONFIDENCE)
    past_var = past_cvar = NAN
    if not correlations:
        tail = measures.historical_cvar(exposure, returns, CONFIDENCE)
        past_var, past_cvar = measures.historical_var(exposure, returns, CONFIDENCE).total, tail.total
    per_bar = volatility.total / desk.equity
    return replace(
        desk,
        volatility=Volatility(per_bar, per_bar * math.sqrt(YEAR_S / markets.timeframe.seconds)),
        var=_loss(past_var, var, desk.equity),
        cvar=_loss(past_cvar, cvar, desk.equity),
        contributions_by_bot=_shares(desk.bots, volatility.by_bot, volatility.total, tail.by_bot, tail.total),
        contributions_by_symbol=_shares(
            desk.symbols, volatility.by_symbol, volatility.total, tail.by_symbol, tail.total
        ),
    )


def _clusters(symbols: tuple[str, ...], exposure: Exposure, sectors: Mapping[str, str] | None) -> tuple[GroupRow, ...]:
    """What is held in each sector; a market without one stands for itself."""
    names = sectors_of(symbols, sectors)
    columns = {s: tuple((line[i],) for line in exposure) for i, s in enumerate(symbols)}
    groups: dict[str, list[str]] = {}
    for symbol in symbols:
        groups.setdefault(names.get(symbol, symbol), []).append(symbol)
    cells = {name: tuple(cell for s in members for cell in columns[s]) for name, members in groups.items()}
    return tuple(GroupRow(name, _gross(found), _net(found)) for name, found in sorted(cells.items()))


def _venues(bots: tuple[str, ...], exposure: Exposure, homes: Mapping[str, str]) -> tuple[GroupRow, ...]:
    """What is held at each venue; bots whose account nobody can read stand together."""
    cells: dict[str, list[float]] = {}
    for bot, line in zip(bots, exposure, strict=True):
        cells.setdefault(homes.get(bot, "not read"), []).extend(line)
    return tuple(
        GroupRow(name, _gross((tuple(found),)), _net((tuple(found),))) for name, found in sorted(cells.items())
    )


def _limit(use: Usage, view: RiskView) -> LimitRow:
    """As it binds now: limits of bots that ask first shrink when it gets rough."""
    owner = use.scope if any(row.bot_id == use.scope for row in view.rows) else DESK
    factor, why = view.tightened.get(owner, (1.0, ""))
    if owner not in view.gated or factor == 1.0:
        return LimitRow(use.scope, use.rule, use.used, use.cap, use.cap)
    words = f"for bots that ask first, × {factor:g}: {why}"
    return LimitRow(use.scope, use.rule, use.used, use.cap * factor, use.cap, words)


def halved(desk: RiskDesk, bot: str, markets: Markets) -> RiskDesk:
    """As if `bot` held half of what it holds."""
    lines = zip(desk.bots, desk.exposure, strict=True)
    exposure = tuple(tuple(v / 2 for v in line) if name == bot else line for name, line in lines)
    clusters = _clusters(desk.symbols, exposure, None)
    changed = replace(desk, exposure=exposure, gross=_gross(exposure), net=_net(exposure), clusters=clusters)
    return measured(changed, markets)


def _gross(exposure: Exposure) -> float:
    """NaN where any part is not known: half a sum is no sum."""
    cells = [abs(value) for line in exposure for value in line]
    return math.fsum(cells) if all(map(math.isfinite, cells)) else NAN


def _net(exposure: Exposure) -> float:
    cells = [value for line in exposure for value in line]
    return math.fsum(cells) if all(map(math.isfinite, cells)) else NAN


def _amounts(row: BotRow, account: AccountView | None) -> Mapping[str, float] | None:
    """What a bot holds, the venue's word before its own; None: nobody knows."""
    if account is not None:
        return account.positions
    return {p.symbol: p.amount for p in row.status.positions} if row.status else None


def _value(amounts: Mapping[str, float] | None, symbol: str, prices: Mapping[str, float]) -> float:
    if amounts is None:
        return NAN
    amount = amounts.get(symbol, 0.0)
    return amount * prices.get(symbol, NAN) if amount else 0.0


def _loss(past: float, normal: float, equity: float) -> TailLoss:
    return TailLoss(past / equity, normal / equity, past, normal)


def _shares(names, volatility, total_volatility, tail, total_tail) -> tuple[Contribution, ...]:
    """Shares of both totals; NaN where the total is no loss at all, for then there is nothing to share."""

    def share(part: float, total: float) -> float:
        return float(part / total) if total > 0 else NAN

    rows = zip(names, volatility, tail, strict=True)
    return tuple(Contribution(name, share(v, total_volatility), share(t, total_tail)) for name, v, t in rows)


def _drawdown(name: str, view: RiskView, ladder: Mapping[str, float]) -> DrawdownRow:
    """Where `name` stands on its ladder: the rungs that shrink limits (of bots that ask first), and the halt."""
    fall, halts_at = view.drawdowns.get(name, NAN), ladder.get("desk" if name == DESK else "bot")
    rungs = {rung.drawdown: rung.factor for rung in LADDER} if name in view.gated else {}
    if halts_at is not None:
        rungs = {at: factor for at, factor in rungs.items() if at < halts_at} | {halts_at: 0.0}
    past = max((at for at in rungs if fall >= at), default=None)
    ahead = min((at for at in rungs if not fall >= at), default=None)
    return DrawdownRow(name, fall, past, ahead, 1.0 if past is None else rungs[past])


def _states(view: RiskView) -> tuple[StateRow, ...]:
    found = {DESK: StateRow(DESK, DeskState.ACTIVE)}
    found |= {row.bot_id: StateRow(row.bot_id, row.trading, row.trading_reason) for row in view.rows}
    found |= {scope: StateRow(scope, each.state, each.reason) for scope, each in view.standings.items()}
    return tuple(found.values())


def _unknown(view: RiskView, held: Mapping[str, object], markets: Markets) -> Iterator[str]:
    if view.unread:
        yield f"the venue cannot be read ({view.unread}): positions are the bots' own word"
    if view.totals.equity is None:
        yield f"the desk's equity: {view.totals.unknown or 'no bot tells it'}"
    yield from (f"what {bot} holds: it was never heard" for bot, amounts in held.items() if amounts is None)
    for name, words in {**view.reckoning.blind, **view.reckoning.unknown}.items():
        yield f"limits of {name}: {words}"
    yield from (f"how {symbol} moves: {words}" for symbol, words in markets.missing.items())
    if markets.symbols and len(markets.returns) < MIN_BARS:
        yield f"volatility, VaR and CVaR: {len(markets.returns)} common bars, {MIN_BARS} are needed"
