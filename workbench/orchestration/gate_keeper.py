"""Keeps the pre-trade gate of a running desk fed: prices, what bots hold, limits from equity, a risk model a bar.

Asked before the first complete look, or when a look is older than `STALE_S`, it denies. An approved order counts
until the venue's account has had time to show it and shows no open order of that bot; nobody has to report fills, and a
bot that reports none loses room for a few seconds, never the limit. Reservations that an earlier process left in the
ledger count until the same is known of them.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import httpx
import structlog

from workbench.domain.desk import BotRow, MarketClock, Totals
from workbench.domain.errors import ValueRefused, WorkbenchError
from workbench.domain.halts import DESK, AccountView
from workbench.domain.market import Timeframe
from workbench.domain.risk import BotLimits, Denied, DeskLimits, Intent, Quote, RiskVerdict, Usage
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.glance import rows_of
from workbench.orchestration.plain_text import plain
from workbench.orchestration.pre_trade import PreTrade
from workbench.orchestration.risk_assembly import CONFIDENCE, MIN_BARS, Markets
from workbench.orchestration.risk_feed import read_moves
from workbench.orchestration.risk_view import drawdowns
from workbench.orchestration.tightening import UNKNOWN, Tightening, Weather, weather
from workbench.owned_task import OwnedTask
from workbench.quant.covariance import ledoit_wolf, to_correlation
from workbench.quant.gate import Gate, usage
from workbench.quant.limits import tightened_limits
from workbench.quant.marginal_risk import RiskModel
from workbench.quant.reservations import Snapshot
from workbench.settings import LimitSettings

log = structlog.get_logger(__name__)
SETTLE_S = 15.0  # an order that the account does not show so long after its approval is filled, or was never sent
STALE_S = 15.0
REPEATS_WINDOW_S = 600.0
DECISION_AGE_S = 60.0
MODEL_BARS = 3  # a risk model may be this many bars old, and at least MODEL_AGE_S
MODEL_AGE_S = 120.0
MODEL_EVERY_S = 10.0


class GateKeeper:
    """One for each desk. `start` and `stop` own the feeding; `ask` never raises."""

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger, venue_url: str):
        self._center, self._ledger, self._url = center, ledger, venue_url
        self._service: PreTrade | None = None
        self._approved: dict[str, float] = {}  # intent → loop time of its approval
        self._inherited: frozenset[str] = frozenset()
        self._model_for: tuple = ()
        self._tightening = Tightening(ledger)
        self._weather: Weather = UNKNOWN
        self._weather_of: Markets | None = None
        self._read: Markets | None = None
        self._read_for: tuple = ()
        self._read_at = -1e9
        self._looked = -1e9
        self._trouble = "the desk has not looked at its bots and prices yet"
        self._task = OwnedTask(self._go_on, "gate keeper")

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    def usage(self) -> tuple[Usage, ...]:
        """Every limit with what is used of it; nothing before the first look."""
        return usage(self._service.gate) if self._service else ()

    async def ask(self, intent: Intent) -> RiskVerdict:
        """The verdict; no knowledge is a denial."""
        now = asyncio.get_running_loop().time()
        if self._service is None or now - self._looked > STALE_S:
            return Denied(intent.intent_id, "known", f"nothing can be allowed now: {self._trouble}")
        verdict = await self._service.ask(intent)
        if not isinstance(verdict, Denied):
            self._approved.setdefault(intent.intent_id, now)
        return verdict

    async def look(self) -> None:
        """Feed the gate once. Raises a WorkbenchError or httpx.HTTPError, and then says so to whoever asks."""
        center, began = self._center, datetime.now(UTC)
        await center.look(1.0)
        rows = tuple(row for row in rows_of(center.registry, began) if "status" in row.capabilities)
        totals = center.portfolio_manager.totals(rows)
        accounts, unread = await center.emergency.accounts.read()
        clock = center.registry.market
        if clock is None:
            raise ValueRefused("the venue does not tell its time")
        if totals.equity is None:
            raise ValueRefused(f"the desk's equity is not known: {totals.unknown or 'no bot tells it'}")
        markets = await self._markets(clock)
        prices = await _prices(self._url, clock.symbols)
        service = await self._served(markets, totals)
        gate = service.gate
        for symbol in clock.symbols:
            if symbol in prices:
                gate.quote(Quote(symbol, prices[symbol], 1.0, began))
        await self._tighten(markets)
        self._limit(gate, rows, totals, markets.timeframe)
        await self._settle(service, accounts)
        for row in rows:
            self._reconcile(gate, row, accounts.get(row.bot_id), clock.symbols, began)
        await service.share_caps()
        await asyncio.to_thread(self._ledger.exposure.reconcile, service.held())
        self._looked = asyncio.get_running_loop().time()
        self._trouble = unread

    async def _go_on(self) -> None:
        every_s = self._center.settings.limits.check_every_s
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                try:
                    await self.look()
                except (WorkbenchError, httpx.HTTPError) as error:
                    self._trouble = plain(error) or type(error).__name__
                    log.warning("gate_not_fed", error=self._trouble)
                except Exception as error:  # a fault of one look must not end all looks; the gate denies meanwhile
                    self._trouble = f"looking failed: {plain(error)}"
                    log.exception("gate_failed")
                await asyncio.sleep(every_s)

    async def _served(self, markets: Markets, totals: Totals) -> PreTrade:
        """The service, made at the first look; later ones bring it a newer risk model."""
        wanted = (markets.symbols, len(markets.returns), markets.returns[-1:].tobytes())  # a newer bar, newer risk
        limits = desk_limits(self._center.settings.limits, totals, markets.timeframe)
        if self._service is None:
            self._inherited = await asyncio.to_thread(self._ledger.exposure.open_intents)
            self._approved = dict.fromkeys(self._inherited, asyncio.get_running_loop().time())
            gate = Gate(limits, await asyncio.to_thread(risk_model, markets))
            self._service = PreTrade(gate, self._ledger, self._center.trading_states, self._tags)
        elif wanted != self._model_for:
            self._service.gate.remodel(await asyncio.to_thread(risk_model, markets))
        self._model_for = wanted
        return self._service

    def _tags(self, bot_id: str) -> frozenset[str]:
        member = self._center.registry.members.get(bot_id)
        return frozenset(member.tags) if member else frozenset()

    async def _markets(self, clock: MarketClock) -> Markets:
        """The bars closed by now, read anew once a bar has closed and `MODEL_EVERY_S` have passed."""
        now, frame = asyncio.get_running_loop().time(), Timeframe.parse(clock.timeframe)
        wanted = (clock.run_id, clock.symbols, int(clock.market_time.timestamp()) // frame.seconds)
        if self._read and (wanted == self._read_for or now - self._read_at < MODEL_EVERY_S):
            return self._read
        found = await read_moves(self._url, clock.symbols, clock.timeframe, clock.market_time.timestamp() * 1000)
        if found.missing or len(found.returns) < MIN_BARS:
            why = "; ".join(found.missing.values()) or f"{len(found.returns)} common bars, {MIN_BARS} are needed"
            raise ValueRefused(f"how the markets move is not known: {why}")
        self._read, self._read_for, self._read_at = found, wanted, now
        return found

    async def _tighten(self, markets: Markets) -> None:
        """How rough it is, and how far limits shrink for it."""
        if not self._center.settings.limits.tighten:
            return
        if self._weather_of is not markets:
            self._weather, self._weather_of = await asyncio.to_thread(weather, markets), markets
        known = [bot for bot, member in self._center.registry.members.items() if "status" in member.capabilities]
        await self._tightening.step(self._weather, dict.fromkeys([DESK, *known], 0.0) | await drawdowns(self._center))

    def _factor(self, scope: str) -> float:
        """Of the limits as written; a scope that was never reckoned is allowed nothing."""
        if not self._center.settings.limits.tighten:
            return 1.0
        now = self._tightening.now.get(scope)
        return now.factor if now else 0.0

    def _limit(self, gate: Gate, rows: Sequence[BotRow], totals: Totals, timeframe: Timeframe) -> None:
        """Limits of each bot from its own equity; a bot whose equity is not known keeps none, and so is denied."""
        written = desk_limits(self._center.settings.limits, totals, timeframe)
        now = tightened_limits(written, self._factor(DESK))
        if gate.desk != now:
            gate.desk = now
        for row in rows:
            equity = row.status.equity if row.status and row.health.live else None
            assert totals.equity
            if equity is None or equity.currency != totals.equity.currency:
                gate.limits.pop(row.bot_id, None)
            else:
                own = bot_limits(self._center.settings.limits, equity.amount)
                gate.limits[row.bot_id] = tightened_limits(own, self._factor(row.bot_id))

    async def _settle(self, service: PreTrade, accounts: Mapping[str, AccountView]) -> None:
        """End the reservations that the venue's accounts speak for by now."""
        now = asyncio.get_running_loop().time()
        for intent_id in [i for i, at in self._approved.items() if now - at > SETTLE_S]:
            order = service.gate.orders.open.get(intent_id)
            if order and (account := accounts.get(order.intent.bot_id)) is not None and account.open_orders:
                continue  # one of them may be this one
            if order is None and intent_id in self._inherited and any(a.open_orders for a in accounts.values()):
                continue  # whose it was is not known: any open order may be it
            if order is not None:
                await service.settle(intent_id, 0.0, done=True)
            else:
                await asyncio.to_thread(self._ledger.exposure.give_back, intent_id)
            self._approved.pop(intent_id)

    def _reconcile(
        self, gate: Gate, row: BotRow, account: AccountView | None, symbols: Sequence[str], at: datetime
    ) -> None:
        """What the venue shows of a bot, else its own word; a bot that is silent keeps what was last known of it."""
        if account is not None:
            held: Mapping[str, float] = account.positions
        elif row.status is not None and row.health.live:
            held = {p.symbol: p.amount for p in row.status.positions}
        else:
            return
        gated = bool(row.status and row.status.gated)
        for symbol in {*symbols, *held}:
            gate.reconcile(row.bot_id, symbol, Snapshot(held.get(symbol, 0.0)), at, supervised=not gated)


def risk_model(markets: Markets) -> RiskModel:
    """Shrunk correlations and the bars themselves as scenarios."""
    correlation, _ = to_correlation(ledoit_wolf(markets.returns).matrix)
    return RiskModel(markets.symbols, correlation, markets.returns, CONFIDENCE, datetime.now(UTC))


def desk_limits(limits: LimitSettings, totals: Totals, timeframe: Timeframe) -> DeskLimits:
    """The desk's limits as values. Clusters and venues are bound by the gross limit only."""
    assert totals.equity
    total = max(0.0, totals.equity.amount)
    gross, age_s = limits.desk_gross * total, 4 * limits.check_every_s + STALE_S
    model_age_s = max(MODEL_AGE_S, MODEL_BARS * timeframe.seconds)
    symbol, cvar = limits.desk_symbol * total, limits.desk_cvar * total
    return DeskLimits(symbol, gross, gross, gross, gross, gross, cvar, age_s, age_s, model_age_s)


def bot_limits(limits: LimitSettings, equity: float) -> BotLimits:
    """One bot's limits as values, from its own equity alone."""
    gross = limits.bot_gross * max(0.0, equity)
    pace = (limits.orders_a_minute, 60.0, limits.repeats, REPEATS_WINDOW_S)
    return BotLimits(gross, gross, gross, limits.collar, *pace, DECISION_AGE_S)


async def _prices(url: str, symbols: Sequence[str]) -> dict[str, float]:
    """Last prices by symbol. Raises httpx.HTTPError."""
    async with httpx.AsyncClient(base_url=url, timeout=3.0, trust_env=False) as http:
        answer = await http.get("/api/v3/ticker/price")
        answer.raise_for_status()
        told = {row["symbol"]: float(row["price"]) for row in answer.json()}
    return {symbol: told[name] for symbol in symbols if (name := symbol.replace("/", "")) in told}
