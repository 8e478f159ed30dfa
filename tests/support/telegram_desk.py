"""A desk with plain bots, a ledger and the chat surface, all real, in front of the local Bot API server."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tests.support.plain_bots import PlainBot, a_position
from tests.support.telegram_server import TOKEN, telegram_server
from workbench.domain.desk import MarketClock
from workbench.domain.portfolio import Money, MoneyMode
from workbench.integrations.unified_telegram import UnifiedTelegram
from workbench.ledger.log import open_ledger
from workbench.ledger.telegram_people import Standing
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import HaltSettings, Settings, TelegramSettings

ADMIN, VIEWER, OPERATOR, PENDING, STRANGER = 1, 2, 3, 4, 5
GROUP, OTHER_GROUP = -1001, -1002
ROLES = {VIEWER: Standing.VIEWER, OPERATOR: Standing.OPERATOR}


class Clock:
    """A venue of which only the clock is asked."""

    async def clock(self):
        at = datetime(2019, 3, 1, tzinfo=UTC)
        return MarketClock(MoneyMode.REPLAY, at, 900.0, False, "run-1", "sample", "30m", ("BTC/USD", "ETH/USD"))


class TelegramDesk:
    """`telegram` may be stopped and started again on the same ledger."""

    def __init__(self, server, home, **own):
        self.server, self.home = server, home
        self.ledger = open_ledger(home / "ledger.sqlite")
        self.bots = {"trend": PlainBot(positions=(a_position(),), pnl=Money(50.0, "USD")), "breakout": PlainBot()}
        registry = BotRegistry()
        for name, bot in self.bots.items():
            registry.register(name, bot)
        quick = HaltSettings(deadline_s=1.0, watch_s=0, settle_s=0)
        chat = {"admins": (ADMIN,), "chats": (GROUP,), "api_url": server.url, "live_every_s": 1.0, **own}
        self.settings = Settings(home=home, deadline_s=2.0, halt=quick, telegram=TelegramSettings(**chat))
        self.center = UnifiedCommandCenter(registry, self.ledger, Clock(), self.settings)
        self.telegram = None

    async def start(self):
        self.telegram = UnifiedTelegram(self.center, self.ledger, self.settings, TOKEN)
        await self.telegram.start()
        return self.telegram

    async def stop(self):
        if self.telegram:
            await self.telegram.stop()
            self.telegram = None

    async def settled(self, update):
        """The outcome of an update, once it has one."""
        return await self.server.until(lambda: self.telegram.journal.outcome(update))

    def effects(self):
        """Everything that could have been changed."""
        acts = {name: dict(bot.acts) for name, bot in self.bots.items()}
        people = {each.person: each.standing for each in self.ledger.people.all()}
        commands = [(each.command.name, each.state) for each in self.ledger.commands()]
        return acts, people, commands, dict(self.ledger.states.all()), self.ledger.alerts.get(f"telegram:{GROUP}")


@asynccontextmanager
async def telegram_desk(home, people=True, rates=False, **own):
    async with telegram_server(groups={GROUP: (5,), OTHER_GROUP: ()}, rates=rates) as server:
        desk = TelegramDesk(server, home, **own)
        if people:
            for person in (VIEWER, OPERATOR, PENDING):
                desk.ledger.people.ask(person, f"person {person}")
            for person, standing in ROLES.items():
                desk.ledger.people.decide(person, standing, "test")
        try:
            await desk.start()
            yield desk
        finally:
            await desk.stop()
            await desk.center.stop()
            desk.ledger.close()
