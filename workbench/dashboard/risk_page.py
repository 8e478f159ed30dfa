"""The page "Risk": how much the bots carry together, and why, beside a what-if."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.domain.errors import WorkbenchError
from workbench.domain.risk_desk import RiskDesk
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.widgets import desk_wire as wire
from workbench.widgets import risk_wire
from workbench.widgets.desk_wire import Json

if TYPE_CHECKING:
    from workbench.orchestration.risk_feed import RiskFeed

WhatIf = Callable[[RiskDesk, Mapping[str, Any]], Awaitable[RiskDesk]]


class RiskPage:
    """`look` gives the RiskDesk now; `what_if` another one for a choice: {"halve": bot} or {"correlations": 1.0}."""

    name = "risk"

    def __init__(self, look: Callable[[], Awaitable[RiskDesk]], what_if: WhatIf | None = None):
        self._look, self._what_if = look, what_if
        self._choice: dict[str, Any] = {}

    @classmethod
    def of(cls, center: UnifiedCommandCenter, venue_url: str = "") -> "RiskPage":
        """The page of a desk. What computes is loaded when somebody looks: a page that nobody opens costs nothing."""
        feed: list[RiskFeed] = []

        def fed() -> "RiskFeed":
            if not feed:
                from workbench.orchestration.risk_feed import RiskFeed

                feed.append(RiskFeed(center, venue_url))
            return feed[0]

        async def look() -> RiskDesk:
            return await fed().look()

        async def what_if(desk: RiskDesk, choice: Mapping[str, Any]) -> RiskDesk:
            return await fed().what_if(desk, choice)

        return cls(look, what_if)

    async def look(self) -> Json:
        desk = await self._look()
        told = risk_wire.risk(desk)
        if self._choice:
            told["what_if"] = await self._supposed(desk)
        return told

    def choose(self, choice: Mapping[str, Any]) -> None:
        """What the viewer supposes; anything that is none of ours means nothing is."""
        what, bot = choice.get("what"), choice.get("bot")
        if what == "halve" and isinstance(bot, str) and bot:
            self._choice = {"halve": bot[: wire.NAME_CHARS]}
        elif what == "correlations":
            self._choice = {"correlations": 1.0}
        else:
            self._choice = {}

    async def _supposed(self, desk: RiskDesk) -> Json:
        """The other desk; a what-if that fails must not take the present figures with it."""
        choice, trouble = dict(self._choice), "this desk has no what-if"
        if "halve" in choice:
            named = {wire.clean(bot, wire.NAME_CHARS): bot for bot in desk.bots}  # as the page was told the names
            if (bot := named.get(choice["halve"])) is None:
                return {"label": "", "trouble": f"no bot {choice['halve']!r} holds anything here"}
            choice["halve"] = bot
        label = f"{choice['halve']} holds half" if "halve" in choice else "every correlation is 1, by the normal law"
        try:
            if self._what_if:
                return risk_wire.what_if(label, await self._what_if(desk, choice))
        except WorkbenchError as error:
            trouble = str(error)
        return {"label": wire.clean(label), "trouble": wire.clean(trouble)}
