"""The tabs that hold a chart of their own: the live chart and the pattern lab, made when they are opened."""

from collections.abc import Mapping
from typing import Any

from workbench.commands.permitted import refusal
from workbench.dashboard.pages import Desk
from workbench.widgets.tab_hand import Choice, WidgetTab

TIMEFRAMES = ("30m", "1h", "4h", "1d")
SAMPLE = ("BTC/USD", "ETH/USD", "LTC/USD", "XRP/USD", "EOS/USD")


def widget_tabs(desk: Desk) -> list[WidgetTab]:
    """In the order of their tabs. Nothing heavy is loaded before one is opened."""
    live: list[Any] = []
    viewer = desk.dispatcher.viewer

    def markets() -> Mapping[str, tuple[str, ...]]:
        market = desk.center.registry.market
        if market is None:
            return {"symbol": SAMPLE, "timeframe": TIMEFRAMES}
        frames = dict.fromkeys([market.timeframe, *TIMEFRAMES])
        return {"symbol": tuple(market.symbols), "timeframe": tuple(frames)}

    async def chart(choice: Choice) -> Any:
        if not live:
            from workbench.dashboard.live_charts import LiveCharts

            live.append(LiveCharts(desk, viewer.name))
        refuses = refusal(viewer.role, "/draw level", "drawing")
        return await live[0].chart(choice["symbol"], choice["timeframe"], height=620, refuses=refuses)

    async def end_chart(panel: Any) -> None:
        await panel.stop()
        live[0].panels.remove(panel)
        if not live[0].panels:
            await live.pop().close()

    async def lab(choice: Choice) -> Any:
        from workbench.dashboard.pattern_lab_page import open_lab

        return await open_lab(desk, (choice["symbol"], choice["timeframe"]))

    async def end_lab(panel: Any) -> None:
        await panel.stop()

    return [
        WidgetTab("live", "Live chart", markets, chart, end_chart),
        WidgetTab("lab", "Pattern lab", markets, lab, end_lab),
    ]
