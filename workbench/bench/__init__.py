"""What was promised, measured. Each benchmark is a module here with `figures(quick: bool) -> dict[str, float]`.

Every figure comes from the run that prints it, peers included; a figure that cannot be had is absent, never invented.
`quick` must end within 50 s on two slow cores.
"""

import importlib
import time
from typing import Any

NAMES = {
    "replay": "bars a second through the paper exchange, and whether the fills are the same at another speed",
    "stream": "100 symbols × 10 messages a second: delay from send to receive, messages lost",
    "ledger": "append to seen by another process; events lost over kills and power losses",
    "fanout": "1,000 bots asked at once, one in ten hanging",
    "erc": "equal risk contribution: relative error, and times faster than skfolio",
    "gate": "microseconds a pre-trade verdict takes in memory at 500 symbols",
    "halt": "emergency stop of 1,000 bots that hang, fail and lie; then one killed at each of its steps",
    "dashboard": "the page in a browser: time to open, event to pixel, memory of ten viewers",
    "soak": "24 replayed hours of a desk and of a viewer's kernel: memory they gain an hour",
    "live": "a live chart in a browser while 100 markets arrive: tick to pixel, kernel, drawing, panning",
    "collective": "collective forecast ÷ best bot on the recorded set, with and without garbage; coverage; update cost",
    "volatility": "QLIKE of the next 24 hours: shared model beside HAR, GARCH-t, EWMA and the last value",
    "correlation": "rolling correlation: times faster than pandas, beside writing it; error beside long double",
    "png": "pictures without a browser: 300 candles with overlays, and a 30 × 30 heatmap",
    "ewma": "weighted correlation of 1,000 assets: milliseconds a bar",
    "scan": "1e6 bars × 64 shapes × 8 lengths: core seconds, and times faster than stumpy.match",
    "shapes": "accuracy on eight recorded sets: all labels, 5 and 3 a class",
    "league": "league tables over ten million scored forecasts: milliseconds an answer takes",
    "parser": "fuzzed lines: crashes, and commands that nobody gave",
    "flood": "/halt in Telegram amid 10,000 alerts that Telegram refuses for a minute",
    "jobs": "scheduled notebooks: seconds to the message when one fails, dies or hangs; clocks that change and are set",
    "openset": "patterns planted in real candles: found, false alarms, shapes never labelled accepted",
    "setups": "pattern setups armed on ordinary history: how often they trigger where nothing is, before and after",
    "brush": "from the mouse's release to similar windows on screen: 136 markets × 6,000 hourly bars, in a browser",
    "sightings": "what one closed bar of 100 markets costs a user of 64 patterns: milliseconds of CPU",
    "null": "claims of significance where returns have no direction",
    "regimes": "two regimes told apart online: balanced accuracy and switches per 1,000 bars",
}


def measure(name: str, quick: bool = False) -> dict[str, Any]:
    """Run benchmark `name`; returns {"name", "figures", "seconds"}."""
    began = time.perf_counter()
    found = importlib.import_module(f"workbench.bench.{name}").figures(quick)
    return {"name": name, "figures": found, "seconds": round(time.perf_counter() - began, 1)}
