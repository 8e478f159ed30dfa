"""From an event about a market to its picture: bars of the venue, what is drawn there, what was told of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from workbench.domain.errors import WorkbenchError
from workbench.domain.events import Event
from workbench.domain.outlook import REGIME_CHANGED
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.outlook_watch import REGIME_TOLD

if TYPE_CHECKING:
    from workbench.visual.chart_spec import Span
    from workbench.visual.event_picture import Scene

log = structlog.get_logger(__name__)
BARS = 400
REGIMES_TOLD = 1000
_PEN = ThreadPoolExecutor(1, "event-picture")


class EventPictures:
    """`draw` gives a PNG for a phone; None where there is nothing to draw, which is logged."""

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger):
        self._center, self._ledger = center, ledger

    async def draw(self, event: Event) -> bytes | None:
        from workbench.visual.advanced_renderer import AdvancedRenderer  # these bring pandas, ccxt and vl-convert
        from workbench.visual.event_picture import event_picture, scene_of

        scene = scene_of(event)
        if scene is None:
            return None
        try:
            candles = await self._bars(scene)
            drawings = await asyncio.to_thread(self._ledger.drawings.on, scene.symbol, scene.timeframe)
            regimes = await asyncio.to_thread(self._regimes, event, scene) if event.kind == REGIME_CHANGED else ()
            spec = event_picture(event, scene, candles, drawings, regimes)
            return await asyncio.get_running_loop().run_in_executor(_PEN, AdvancedRenderer(spec).png, 2.0)
        except WorkbenchError as error:  # the words go without it
            log.info("event_not_pictured", kind=event.kind, symbol=scene.symbol, error=str(error))
            return None

    async def _bars(self, scene: "Scene") -> Any:
        from workbench.market.exchange import open_exchange
        from workbench.market.history import recent_candles

        url = getattr(self._center.venue, "url", None)
        exchange = open_exchange("binance" if url else self._center.settings.exchange.source, url=url)
        try:
            tables, _ = await recent_candles(exchange, [scene.symbol], str(scene.timeframe), BARS)
        finally:
            await exchange.close()
        return tables[scene.symbol]

    def _regimes(self, event: Event, scene: "Scene") -> "list[Span]":
        """Regimes of this market as they were told, each bar in the one that held at its close."""
        from workbench.visual.chart_spec import Span

        market = {name: event.payload[name] for name in ("run_id", "symbol", "timeframe")}
        told = [one.payload["data"] for one in self._ledger.last(REGIMES_TOLD, [REGIME_TOLD])]
        mine = sorted((one["as_of"], one["regime"]) for one in told if {**one, **market} == one)
        spans: list[Span] = []
        for text, regime in mine:
            closed = datetime.fromisoformat(text)
            if closed > scene.at:
                break
            opened = closed - scene.timeframe.step
            if spans and spans[-1].name == regime:
                opened = spans.pop().since
            spans.append(Span(opened, closed, regime))
        return spans
