"""The one place from which several bots are asked, told, weighed and watched."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from workbench.domain.desk import DashboardData, MarketClock
from workbench.domain.errors import CurrencyMismatch, ExchangeError
from workbench.domain.portfolio import EquityPoint, Money
from workbench.domain.ports import AccountVenue
from workbench.ledger.log import SqlLedger
from workbench.orchestration.bot_registry import BotRegistry, Targets
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.effects import EFFECTS, Effects, issuer
from workbench.orchestration.emergency import EmergencyStop
from workbench.orchestration.fan_out import Answer, Answered, Failed
from workbench.orchestration.forecast_bars import VenueBars
from workbench.orchestration.glance import Glance, accounts
from workbench.orchestration.intelligence_sharing import IntelligenceSharing
from workbench.orchestration.member import Member
from workbench.orchestration.memory import CrossBotMemory
from workbench.orchestration.portfolio_manager import PortfolioManager, Rates
from workbench.orchestration.questions import Asking, CrossBotResult, ask_bots, checked_args
from workbench.orchestration.rates import VenueRates
from workbench.orchestration.risk_coordinator import BotRecord, RiskCoordinator, RiskDistribution
from workbench.orchestration.trading_states import TradingStates
from workbench.settings import Settings

log = structlog.get_logger(__name__)
CLOCK_DEADLINE_S = 2.0
POLL_AGE_S = 1.0


class Venue(Protocol):
    """The part of a venue that the command center needs (`market.paper_exchange.client.Venue` is one)."""

    async def clock(self) -> MarketClock: ...


class UnifiedCommandCenter:
    """Questions go to the bots directly; effects go through the ledger and happen once, wherever they were asked for.

    Works the same in a notebook, a terminal or the desk. `start` keeps health current; without it, each question
    looks first. `custody`: the venues whose accounts the emergency stop may read and close.
    """

    def __init__(
        self,
        registry: BotRegistry,
        ledger: SqlLedger,
        venue: Venue | None = None,
        settings: Settings | None = None,
        custody: Sequence[AccountVenue] = (),
    ):
        self.registry, self.ledger, self.venue = registry, ledger, venue
        self.settings = settings or Settings()
        self.cross_bot_memory = CrossBotMemory(ledger)
        ask = getattr(venue, "market_data", None)
        self.intelligence = IntelligenceSharing(ledger, VenueBars(ask, self.settings.home / "lake") if ask else None)
        self.data_sync = DataSync(ledger)
        self.risk_coordinator = RiskCoordinator()
        self.portfolio_manager = PortfolioManager(self.settings.currency or None)
        self._rates = VenueRates(ask)
        self.effects = Effects(registry, ledger, self.settings.deadline_s)
        self.emergency = EmergencyStop(registry, ledger, custody, self.settings.halt)
        self.trading_states = TradingStates(ledger, lambda: self.emergency.undurable)
        self._glance = Glance(registry, ledger, self.portfolio_manager, self.trading_states)

    @property
    def registered_bots(self) -> Mapping[str, Member]:
        """Bot id → member, as of now."""
        return self.registry.members

    def register_bot(
        self, bot_id: str, bot_instance: object, capabilities: Iterable[str] | None = None, tags: Iterable[str] = ()
    ) -> Member:
        """Take in a bot: an `HttpBot`, or any Python object with some of the protocol's methods (see `BotRegistry`)."""
        return self.registry.register(bot_id, bot_instance, capabilities, tags)

    async def execute_cross_bot_command(
        self,
        command: str,
        args: Mapping[str, Any] | None = None,
        target_bots: Targets = None,
        *,
        command_id: str | None = None,
        how: Asking | None = None,
    ) -> CrossBotResult:
        """Ask or tell several bots one thing. `target_bots`: an id, '@tag', 'all' or a list of those; None: all.

        Questions: status, forecast, plan, analyze, trades, equity. Effects: pause, resume, tune; the same `command_id`
        twice has one effect. halt is the emergency stop: latched, and a bot's answer is whether its venue proves it.
        One bot's failure is its answer, never an exception. Raises CommandError for a wrong command or argument,
        UnknownBotError for a target nobody answers to.
        """
        how = how or Asking(self.settings.deadline_s, weigh=self.intelligence.weigh)
        bots = self.registry.resolve(target_bots)
        if command == "halt":
            return await self._halt(args or {}, target_bots, bots)
        if command in EFFECTS:
            return await self.effects.carry_out(command, args or {}, bots, command_id, how)
        await self.look(POLL_AGE_S)
        result = await ask_bots(self.registry, command, args or {}, bots, how)
        if command == "forecast":
            run_id = self.registry.market.run_id if self.registry.market else ""
            made = [answer.value for answer in result.answers.values() if isinstance(answer, Answered)]
            await self.cross_bot_memory.remember(made, run_id)
            await self.intelligence.record(made, await self.read_clock())
        return result

    async def _halt(self, args: Mapping[str, Any], targets: Targets, bots: Sequence[str]) -> CrossBotResult:
        """The emergency stop: latched first, proven at the venue. Repeated, it joins the one under way."""
        given = checked_args("halt", args, {"reason": False})
        report = await self.emergency.halt(targets, str(given.get("reason", "asked for by a program")), issuer())
        answers: dict[str, Answer] = {bot: Failed(bot, "not heard of", 0.0) for bot in bots}
        for found in report.findings:
            words = "; ".join((found.reason, *found.left)) or found.outcome.value
            done = Answered(found.bot_id, found, 0.0) if found.confirmed else Failed(found.bot_id, words, 0.0)
            answers[found.bot_id] = done
        return CrossBotResult("halt", answers)

    async def coordinate_risk_distribution(
        self, total_exposure: Money | float, method: str = "equal_risk", stress: float = 0.0
    ) -> RiskDistribution:
        """Share `total_exposure` among all bots (see `RiskCoordinator`). A bare number is in the bots' own currency.

        Raises CurrencyMismatch for a bare number where the bots' accounts are in several currencies or unknown.
        """
        await self.look(POLL_AGE_S)
        curves = await self._glance.curves()
        bots = [BotRecord(b, self.registry.health(b), curves.get(b, ())) for b in accounts(self.registry)]
        total = (
            total_exposure if isinstance(total_exposure, Money) else Money(total_exposure, _one_currency(self.registry))
        )
        return await asyncio.to_thread(self.risk_coordinator.distribute, total, bots, datetime.now(UTC), method, stress)

    async def equity_curves(self) -> Mapping[str, tuple[EquityPoint, ...]]:
        """Recorded equity of this run by bot and in 'total', oldest first; empty where the run is not known."""
        return await self._glance.curves()

    async def get_unified_dashboard_data(self) -> DashboardData:
        """Everything the first page shows, as of now. Never raises for a bot, the venue or an absent desk."""
        await self.look(POLL_AGE_S)
        return await self._glance.take(datetime.now(UTC))

    async def look(self, max_age_s: float = 0.0) -> None:
        """Read the venue's clock and ask every bot how it is, unless that was done within `max_age_s`."""
        await asyncio.gather(self.read_clock(), self.registry.poll(max_age_s))
        told = [member.pulse.status for member in self.registry.members.values() if member.pulse.status]
        currencies = {status.equity.currency for status in told if status.equity}
        self.portfolio_manager.rates = await self.rates(currencies)

    async def rates(self, currencies: Iterable[str]) -> Rates:
        """The venue's prices now, where `currencies` and the one that sums are told in are several; else none."""
        market = self.registry.market
        wanted = {*currencies, self.portfolio_manager.currency or ""}
        return await self._rates.between(wanted, market.symbols if market else ())

    async def read_clock(self) -> MarketClock | None:
        """The venue's clock now, None where it does not answer; the registry measures freshness with it."""
        if self.venue is not None:
            try:
                async with asyncio.timeout(CLOCK_DEADLINE_S):
                    self.registry.market = await self.venue.clock()
            except (ExchangeError, TimeoutError) as error:
                log.info("venue_silent", error=str(error))
                self.registry.market = None
        self.intelligence.seen(self.registry.market)
        return self.registry.market

    async def start(self) -> None:
        """Keep discovering and polling, until `stop`."""
        self.registry.start()

    async def stop(self) -> None:
        """End what `start` began and let go of the lease, should this process hold it."""
        await self.data_sync.stop()
        await self.emergency.stop()
        await self.effects.stop()
        await self.registry.stop()


def _one_currency(registry: BotRegistry) -> str:
    told = [member.pulse.status for member in registry.members.values() if member.pulse.status]
    found = {status.equity.currency for status in told if status.equity}
    if len(found) != 1:
        raise CurrencyMismatch(
            f"bots' accounts are in {', '.join(sorted(found)) or 'no known currency'}; say the exposure as Money"
        )
    return found.pop()
