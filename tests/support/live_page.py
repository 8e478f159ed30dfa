"""What tests/support/live_page.ipynb composes: a live chart of the venue that the address names, with a ledger."""

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import ipywidgets

from workbench.dashboard.live_charts import LiveCharts
from workbench.ledger.log import open_ledger
from workbench.visual.live_feeds import VenueAddress
from workbench.visual.stream_ports import StreamSettings
from workbench.visual.viewer_pace import Pacing


async def open_live(query: str):
    """`venue`: its address. `home`: folder of the ledger. `symbol`, `tf`; `lapse` in seconds; `theme`; `height`."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    desk = SimpleNamespace(ledger=open_ledger(Path(asked["home"]) / "ledger.sqlite"), center=None, run=None)
    settings = StreamSettings(pacing=Pacing(lapse_s=float(asked.get("lapse", 90))))
    charts = LiveCharts(desk, settings=settings, venue=VenueAddress("binance", asked["venue"]))
    look = {"theme": asked.get("theme", ""), "pair": asked.get("pair", ""), "height": int(asked.get("height", 460))}
    panel = await charts.chart(asked.get("symbol", "BTC/USD"), asked.get("tf", "30m"), **look)
    seen = ipywidgets.Label(_words(panel.drawings))
    seen.add_class("python-value")
    panel.observe(lambda change: setattr(seen, "value", _words(change["new"])), "drawings")
    return charts, panel, seen


def _words(drawings) -> str:
    """What Python holds, as one line of text."""
    return " | ".join(f"{one.board.user}: {one.shape} {one.text}" for one in drawings)
