"""One bot in the registry: who it is, what it can do, what was last heard of it, and what it carries."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from workbench.domain.errors import BotError, CapabilityMissing, TimeframeError
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import BotStatus, EquityPoint, Trade
from workbench.domain.ports import CAPABILITIES, Bot
from workbench.orchestration.balance import Load
from workbench.orchestration.health import Pulse
from workbench.orchestration.plain_text import is_name, plain

EXPECTED: Mapping[str, type] = {
    "status": BotStatus,
    "forecast": Forecast,
    "plan": Plan,
    "tune": TuneResult,
    "analyze": Analysis,
    "features": BotFeatures,
}
LISTED: Mapping[str, type] = {"trades": Trade, "equity": EquityPoint}


@dataclass(slots=True)
class Member:
    """A registered bot. `source`: 'code', 'settings', 'entry point' or 'announced'; `about`: its own words, unchecked.

    `local`: it lives in this process, where another process cannot reach it.
    """

    bot_id: str
    bot: Bot
    capabilities: frozenset[str]
    tags: frozenset[str]
    source: str
    url: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    pulse: Pulse = field(default_factory=Pulse)
    load: Load = field(default_factory=Load)
    declared: bool = False  # the capabilities were given by whoever registered it: its own list does not widen them

    @property
    def local(self) -> bool:
        return not self.url

    @property
    def gated(self) -> bool:
        """It asks before each order. Unknown counts as no."""
        status = self.pulse.status
        return status.gated if status else self.about.get("gated") is True

    @property
    def keeps_market_time(self) -> bool:
        """Whether the venue's clock says how old its data may be; a Freqtrade lives by the wall clock at any speed."""
        return self.about.get("clock") != "wall"

    @property
    def symbols(self) -> tuple[str, ...]:
        told = self.about.get("symbols")
        return tuple(s for s in told if isinstance(s, str)) if isinstance(told, list | tuple) else ()

    def timeframe(self, otherwise: str = "30m") -> Timeframe:
        """The bot's bar length as it tells it, or `otherwise`."""
        try:
            return Timeframe.parse(str(self.about.get("timeframe") or otherwise))
        except TimeframeError:
            return Timeframe.parse(otherwise)

    async def ask(self, capability: str, *args: Any, **options: Any) -> Any:
        """Call the bot and keep count of what it carries. The answer is checked by `honest`. Raises BotError."""
        if capability not in self.capabilities:
            can = ", ".join(sorted(self.capabilities)) or "nothing"
            raise CapabilityMissing(f"{self.bot_id} does not do {capability!r}; it does {can}")
        began, ok = time.monotonic(), False
        self.load.begin()
        try:
            answer = honest(self.bot_id, capability, await getattr(self.bot, capability)(*args, **options))
            ok = True
            return answer
        finally:
            now = time.monotonic()
            if capability == "tune":
                self.load.outstanding -= 1  # minutes of search say nothing of how soon a question is answered
            else:
                self.load.end(now - began, ok, now)

    async def look(self) -> None:
        """Ask for the status, and at first contact for what the bot says it can do; keep both. Raises BotError."""
        began = time.monotonic()
        if not self.about:
            self._learn(await self.bot.capabilities())
        status = await self.ask("status") if "status" in self.capabilities else None
        now = datetime.now(UTC)
        self.pulse = Pulse(status, now, now, (time.monotonic() - began) * 1000)

    def _learn(self, about: Mapping[str, Any]) -> None:
        if not isinstance(about, Mapping):
            raise BotError(f"{self.bot_id} told its capabilities as {_kind(about)}; a mapping is due")
        told, tags = about.get("capabilities"), about.get("tags")
        if not self.declared and isinstance(told, list | tuple):
            self.capabilities = frozenset(CAPABILITIES) & {str(name) for name in told}
        if isinstance(tags, list | tuple):
            self.tags |= {tag for tag in tags if is_name(tag)}
        self.about = about

    def missed(self, words: str) -> None:
        """The bot failed to answer; what it said before is kept, with its age."""
        old = self.pulse
        self.pulse = Pulse(old.status, old.answered_at, datetime.now(UTC), old.latency_ms, plain(words))


def honest(bot_id: str, capability: str, answer: Any) -> Any:
    """`answer` if it is of the kind that `capability` is answered with. Raises BotError naming what came instead."""
    if capability in EXPECTED and not isinstance(answer, EXPECTED[capability]):
        raise BotError(f"{bot_id} answered {capability} with {_kind(answer)}; a {EXPECTED[capability].__name__} is due")
    if capability in LISTED:
        kind = LISTED[capability]
        if not isinstance(answer, list | tuple) or not all(isinstance(item, kind) for item in answer):
            raise BotError(f"{bot_id} answered {capability} with {_kind(answer)}; a list of {kind.__name__} is due")
        return tuple(answer)
    claimed = getattr(answer, "bot_id", bot_id)
    return answer if claimed == bot_id else replace(answer, bot_id=bot_id)  # nobody speaks in another's name


def _kind(answer: Any) -> str:
    return "nothing" if answer is None else f"a {type(answer).__name__}"
