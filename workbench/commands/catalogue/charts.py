"""Commands: what is seen and drawn."""

from dataclasses import replace

from workbench.commands.catalogue.parameters import BARS, HORIZON, ID, MARKET, SYMBOL
from workbench.commands.spec import Kind, Parameter, Role, Spec

_MARKETS = Parameter("symbols", Kind.SYMBOL, "two markets or more, as in BTCUSD ETHUSD", many=True)
_IDS = Parameter("ids", Kind.WORD, "ids from /draw list, joined by commas; 3 is sr3")
_PRICE = Parameter("price", Kind.NUMBER, "a price")
_BAND = Parameter("zone", Kind.WORD, "two prices, as in 6200-6300")
_TEXT = Parameter("text", Kind.WORD, "words beside it, in quotes", needed=False, option=True)
_SNAP = Parameter(
    "snap", Kind.CHOICE, "on: to the open, high, low or close that is near", False, option=True, choices=("on", "off")
)
_DRAWN = (_TEXT, _SNAP, ID)

CHARTS: tuple[Spec, ...] = (
    Spec(
        ("analyze", "zone"),
        "what a band of prices has meant: touches, holds, breaks, time and volume in it, what followed, what bots say",
        "analyze_zone",
        (SYMBOL, _BAND, BARS, replace(HORIZON, help="bars after a touch that are looked at, 24 without it")),
        example="/analyze zone BTCUSD 6200-6300",
    ),
    Spec(
        ("draw", "sr"),
        "find support and resistance, draw them, and keep or drop each",
        "draw_sr",
        (SYMBOL, BARS),
        effect=True,
        role=Role.OPERATOR,
        example="/draw sr BTCUSD",
    ),
    Spec(
        ("draw", "level"),
        "draw a price",
        "draw_level",
        (SYMBOL, _PRICE, BARS, *_DRAWN),
        effect=True,
        role=Role.OPERATOR,
        example="/draw level BTCUSD 6400",
    ),
    Spec(
        ("draw", "zone"),
        "draw a band of prices",
        "draw_zone",
        (SYMBOL, _BAND, BARS, *_DRAWN),
        effect=True,
        role=Role.OPERATOR,
        example="/draw zone BTCUSD 6200-6300",
    ),
    Spec(
        ("draw", "line"),
        "draw a trend line through two points",
        "draw_line",
        (
            SYMBOL,
            Parameter("from", Kind.DATE, "when it begins"),
            _PRICE,
            Parameter("to", Kind.DATE, "when its second point is"),
            Parameter("end", Kind.NUMBER, "the price there"),
            BARS,
            *_DRAWN,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/draw line BTCUSD 2018-06-01 7500 2018-06-10 6800",
    ),
    Spec(
        ("draw", "note"),
        "write something at a point of the chart",
        "draw_note",
        (
            SYMBOL,
            Parameter("at", Kind.DATE, "when"),
            _PRICE,
            replace(_TEXT, needed=True, option=False, help="what, in quotes"),
            BARS,
            _SNAP,
            ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example='/draw note BTCUSD 2018-06-10 6800 "sold off here"',
    ),
    Spec(
        ("draw", "list"),
        "what everybody has drawn on a market",
        "draw_list",
        (SYMBOL, replace(BARS, help="the bar length, all without it")),
        example="/draw list BTCUSD",
    ),
    Spec(
        ("draw", "keep"),
        "keep levels that /draw sr found: the next search leaves them",
        "draw_keep",
        (SYMBOL, _IDS, BARS),
        effect=True,
        role=Role.OPERATOR,
        example="/draw keep BTCUSD 3",
    ),
    Spec(
        ("draw", "drop"),
        "take drawings of yours away",
        "draw_drop",
        (SYMBOL, _IDS, BARS),
        effect=True,
        role=Role.OPERATOR,
        example="/draw drop BTCUSD sr3,sr4",
    ),
    Spec(
        ("draw", "undo"),
        "take back your last step on a chart",
        "draw_undo",
        (SYMBOL, BARS, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/draw undo BTCUSD",
    ),
    Spec(
        ("draw", "redo"),
        "do again what you undid last on a chart",
        "draw_redo",
        (SYMBOL, BARS, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/draw redo BTCUSD",
    ),
    Spec(
        ("correlate",),
        "how markets move together: matrix, how a pair's correlation went, whether it changed, forecasts side by side",
        "correlate",
        (
            _MARKETS,
            Parameter("tf", Kind.TIMEFRAME, "the bar length, 1h without it", needed=False),
            Parameter("window", Kind.COUNT, "bars that count as now, 240 without it", needed=False),
        ),
        example="/correlate BTCUSD ETHUSD 1h 240",
    ),
    Spec(
        ("stream",),
        "a market's chart as it is now, with fan and regime, and where it moves live",
        "stream",
        MARKET,
        example="/stream BTCUSD 30m",
    ),
    Spec(
        ("dashboard",),
        "the desk on one screen: totals, every bot, what happened last",
        "dashboard",
        example="/dashboard",
    ),
)
