"""What live_page.ipynb composes for `workbench bench live`: one chart shown, and other markets that only arrive."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import ipywidgets

from workbench.dashboard.live_charts import LiveCharts
from workbench.ledger.log import open_ledger
from workbench.visual.live_feeds import FeedLease, VenueAddress, WebSocketManager


async def open_live(query: str) -> tuple[LiveCharts, Any, Any]:
    """`venue`: its address. `home`: folder of the ledger. `markets`: how many arrive. `history`: bars of the chart.

    The label tells how many drawings Python holds and since when (epoch ms), then how many markets arrive.
    """
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    desk = SimpleNamespace(ledger=open_ledger(Path(asked["home"]) / "ledger.sqlite"), center=None, run=None)
    venue, markets = VenueAddress("binance", asked["venue"]), int(asked["markets"])
    charts = LiveCharts(desk, venue=venue)
    charts.feeds = WebSocketManager(history=int(asked["history"]))
    panel = await charts.chart("C00/USD", "30m")
    label = ipywidgets.Label("0 0 1")
    label.add_class("python-value")
    panel.observe(
        lambda change: setattr(label, "value", f"{len(change['new'])} {time.time() * 1000:.1f} 1"), "drawings"
    )
    if markets > 1:
        label.arriving = asyncio.create_task(_arrive(venue, markets, label))  # held as long as the page is
    return charts, panel, label


async def _arrive(venue: VenueAddress, markets: int, label: Any) -> list[FeedLease]:
    """Feeds of the other markets, ten at a time."""
    feeds, leases = WebSocketManager(history=3), []
    for first in range(1, markets, 10):
        names = [f"C{number:02}/USD" for number in range(first, min(first + 10, markets))]
        leases += await asyncio.gather(*(feeds.acquire(name, "30m", venue) for name in names))
    label.value = f"0 0 {markets}"
    return leases
