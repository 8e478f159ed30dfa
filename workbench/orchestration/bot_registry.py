"""Who is there, what each can do, how each is, and whom to ask."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from time import monotonic

from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.http_bot import HttpBot
from workbench.domain.desk import Health, MarketClock
from workbench.domain.errors import BotError
from workbench.domain.ports import CAPABILITIES
from workbench.orchestration import roll
from workbench.orchestration.balance import choose
from workbench.orchestration.discovery import Candidate, Discovery
from workbench.orchestration.health import Yardstick, judge
from workbench.orchestration.member import Member
from workbench.orchestration.polling import Poller

SILENCE_S = 15.0  # an answer older than this no longer shows that a bot lives
Targets = str | Sequence[str] | None


class BotRegistry:
    """The bots of one process. `market` is the venue's clock as last read, which freshness is measured with.

    Nothing runs until `start`; without it, `discover` and `poll` are called by whoever wants to know.
    """

    def __init__(self, discovery: Discovery | None = None, rng: Random | None = None):
        self.members: dict[str, Member] = {}
        self.market: MarketClock | None = None
        self.problems: tuple[str, ...] = ()
        self._discovery, self._rng = discovery, rng or Random()
        self._poller = Poller(self.members, self.discover)

    def register(
        self, bot_id: str, bot_instance: object, capabilities: Iterable[str] | None = None, tags: Iterable[str] = ()
    ) -> Member:
        """Take in a bot: ours over HTTP, or any Python object with some of the protocol's methods, plain or async.

        `capabilities` defaults to what the object has methods for. Raises BotError for a name that is taken or cannot
        be one, or a capability the object does not have.
        """
        declared = None if capabilities is None else tuple(capabilities)
        candidate = Candidate(bot_id, "code", lambda: bot_instance, tags=tuple(tags), capabilities=declared)
        return roll.admit(self.members, candidate)

    def remove(self, bot_id: str) -> None:
        """Forget a bot. It is not told. Raises UnknownBotError."""
        del self.members[self.get(bot_id).bot_id]

    def get(self, bot_id: str) -> Member:
        """The bot of that name; case, '-' and '_' are forgiven where only one can be meant. Raises UnknownBotError."""
        return roll.named(self.members, bot_id)

    def resolve(self, targets: Targets = None) -> list[str]:
        """Bot ids meant by an id, '@tag', 'all' or a list of those (None: all), in order of name, each once.

        Raises UnknownBotError naming near matches; a tag that nobody carries is an error, never an empty list.
        """
        if targets is None or targets == "all":
            return sorted(self.members)
        if not isinstance(targets, str):
            return sorted({bot_id for target in targets for bot_id in self.resolve(target)})
        if targets.startswith("@"):
            return sorted(roll.tagged(self.members, targets))
        return [self.get(targets).bot_id]

    @property
    def tags(self) -> list[str]:
        """Every tag in use, written '@tag'."""
        return roll.tags_of(self.members)

    def capability_map(self) -> dict[str, tuple[str, ...]]:
        """Capability → the bots that have it."""
        members = sorted(self.members.values(), key=lambda member: member.bot_id)
        return {name: tuple(m.bot_id for m in members if name in m.capabilities) for name in CAPABILITIES}

    def health(self, bot_id: str, now: datetime | None = None) -> Health:
        """Live, ready, fresh: judged now from what was last heard. Raises UnknownBotError."""
        member = self.get(bot_id)
        bar = member.timeframe(self.market.timeframe if self.market else "30m")
        market = self.market if member.keeps_market_time or (self.market and self.market.speed == 1) else None
        return judge(member.pulse, Yardstick(now or datetime.now(UTC), bar.seconds, SILENCE_S, market))

    def pick(self, capability: str, *tags: str) -> Member:
        """One of the capable and healthy bots that carry all of `tags`: the cheaper of two drawn by chance.

        Raises BotError saying of each capable bot why it may not be asked.
        """
        capable = [m for m in self.members.values() if capability in m.capabilities and m.tags.issuperset(tags)]
        good = [member for member in capable if self.health(member.bot_id).ok]
        if good:
            now = monotonic()
            return choose(good, lambda member: member.load.cost(now), self._rng)
        why = "; ".join(f"{m.bot_id} is {self.health(m.bot_id).word}, {self.health(m.bot_id).reason}" for m in capable)
        wanted = " ".join((capability, *(f"@{tag}" for tag in tags)))
        raise BotError(f"nobody can be asked for {wanted}: {why or 'no bot does that'}")

    async def discover(self) -> list[Member]:
        """Take in bots found since the last look; returns the new ones. What went wrong stands in `problems`."""
        if self._discovery is None:
            return []
        found, problems = await self._discovery.look()
        new = []
        for candidate in found:
            try:
                member = roll.meet(self.members, candidate)
            except BotError as error:
                problems.append(str(error))
            else:
                new += [member] if member else []
        self.problems = tuple(problems)
        return new

    async def poll(self, max_age_s: float = 0.0) -> None:
        """Ask every bot for its status, unless that was done within `max_age_s`. Callers at one time share one round.

        Never raises for a bot: what went wrong stands in its health.
        """
        await self._poller.poll(max_age_s)

    def start(self) -> None:
        """Discover and poll from now on, in a task of our own."""
        self._poller.start()

    async def stop(self) -> None:
        """End that task, and close the connections to bots that discovery opened."""
        await self._poller.stop()
        for member in self.members.values():
            if member.source != "code" and isinstance(member.bot, HttpBot | FreqtradeBot):
                await member.bot.close()
