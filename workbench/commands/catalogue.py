"""Every command, declared once: from here come the parser, the help, the completion and the page docs/commands.md."""

from dataclasses import replace

from workbench.commands.spec import Kind, Parameter, Role, Spec
from workbench.orchestration.alerts import TOPICS

_SYMBOL = Parameter("symbol", Kind.SYMBOL, "a market, as in BTCUSD, btc or BTC/USD")
_TIMEFRAME = Parameter("tf", Kind.TIMEFRAME, "the bar length, as in 30m or 1h")
_MARKET = (_SYMBOL, _TIMEFRAME)
_ONE = Parameter("bot", Kind.BOT, "a bot; without it the least busy of the healthy ones answers", needed=False)
_SOME = Parameter("targets", Kind.TARGET, "a bot, @tag, several joined by commas, or all", needed=False)
_TARGET = Parameter("target", Kind.TARGET, "a bot, @tag, several joined by commas, or all")
_HORIZON = Parameter("horizon", Kind.COUNT, "how many bars ahead", needed=False, option=True)
_ID = Parameter("id", Kind.WORD, "a name for this request: sent twice it acts once", needed=False, option=True)
_SOME_TIMEFRAME = Parameter("tf", Kind.TIMEFRAME, "the bar length; those you labelled in without it", needed=False)

_MARKETS = Parameter("symbols", Kind.SYMBOL, "two markets or more, as in BTCUSD ETHUSD", many=True)

_TOPIC = Parameter(
    "topic",
    Kind.CHOICE,
    "what it is about, or all",
    choices=(*TOPICS, "all"),
)
_PERSON = Parameter("person", Kind.WORD, "their number, as /people lists it")
_MODEL = Parameter("name", Kind.WORD, "which model, where there are several", needed=False, option=True)
_TOPICS = ("forecasts", "regimes", "patterns", "models", "scores", "signals", "candles")

_BARS = Parameter("tf", Kind.TIMEFRAME, "the bar length, 1h without it", needed=False)
_PRICE = Parameter("price", Kind.NUMBER, "a price")
_BAND = Parameter("zone", Kind.WORD, "two prices, as in 6200-6300")
_TEXT = Parameter("text", Kind.WORD, "words beside it, in quotes", needed=False, option=True)
_SNAP = Parameter(
    "snap", Kind.CHOICE, "on: to the open, high, low or close that is near", False, option=True, choices=("on", "off")
)
_DRAWN = (_TEXT, _SNAP, _ID)

CATALOGUE: tuple[Spec, ...] = (
    Spec(
        ("help",),
        "what there is to ask, or how one command is written",
        "help_",
        (
            Parameter("command", Kind.WORD, "a command", needed=False),
            Parameter("more", Kind.WORD, "its second word", needed=False),
        ),
        example="/help cross forecast",
    ),
    Spec(("bots",), "every bot: health, age of its data, what it can do", "bots", example="/bots"),
    Spec(
        ("status",),
        "equity, P&L, positions and health, by bot and in total",
        "status",
        (Parameter("targets", Kind.TARGET, "a bot, @tag, several joined by commas, or all", needed=False),),
        example="/status trend",
    ),
    Spec(
        ("forecast",),
        "one bot's fan for a market",
        "forecast",
        (*_MARKET, _ONE, _HORIZON),
        example="/forecast BTCUSD 1h trend",
    ),
    Spec(
        ("plan",),
        "what a bot would do now: entry, stop, targets, size, reason",
        "plan",
        (*_MARKET, _ONE),
        example="/plan BTCUSD 1h",
    ),
    Spec(("analyze",), "how a bot reads a market", "analyze", (*_MARKET, _ONE), example="/analyze ETHUSD 4h"),
    Spec(
        ("analyze", "zone"),
        "what a band of prices has meant: touches, holds, breaks, time and volume in it, what followed, what bots say",
        "analyze_zone",
        (_SYMBOL, _BAND, _BARS, replace(_HORIZON, help="bars after a touch that are looked at, 24 without it")),
        example="/analyze zone BTCUSD 6200-6300",
    ),
    Spec(
        ("draw", "sr"),
        "find support and resistance, draw them, and keep or drop each",
        "draw_sr",
        (_SYMBOL, _BARS),
        effect=True,
        role=Role.OPERATOR,
        example="/draw sr BTCUSD",
    ),
    Spec(
        ("draw", "level"),
        "draw a price",
        "draw_level",
        (_SYMBOL, _PRICE, _BARS, *_DRAWN),
        effect=True,
        role=Role.OPERATOR,
        example="/draw level BTCUSD 6400",
    ),
    Spec(
        ("draw", "zone"),
        "draw a band of prices",
        "draw_zone",
        (_SYMBOL, _BAND, _BARS, *_DRAWN),
        effect=True,
        role=Role.OPERATOR,
        example="/draw zone BTCUSD 6200-6300",
    ),
    Spec(
        ("draw", "line"),
        "draw a trend line through two points",
        "draw_line",
        (
            _SYMBOL,
            Parameter("from", Kind.DATE, "when it begins"),
            _PRICE,
            Parameter("to", Kind.DATE, "when its second point is"),
            Parameter("end", Kind.NUMBER, "the price there"),
            _BARS,
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
            _SYMBOL,
            Parameter("at", Kind.DATE, "when"),
            _PRICE,
            replace(_TEXT, needed=True, option=False, help="what, in quotes"),
            _BARS,
            _SNAP,
            _ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example='/draw note BTCUSD 2018-06-10 6800 "sold off here"',
    ),
    Spec(
        ("draw", "list"),
        "what everybody has drawn on a market",
        "draw_list",
        (_SYMBOL, replace(_BARS, help="the bar length, all without it")),
        example="/draw list BTCUSD",
    ),
    Spec(
        ("draw", "drop"),
        "take drawings of yours away",
        "draw_drop",
        (_SYMBOL, Parameter("ids", Kind.WORD, "ids from /draw list, joined by commas"), _BARS),
        effect=True,
        role=Role.OPERATOR,
        example="/draw drop BTCUSD sr3,sr4",
    ),
    Spec(
        ("draw", "undo"),
        "take back your last step on a chart",
        "draw_undo",
        (_SYMBOL, _BARS, _ID),
        effect=True,
        role=Role.OPERATOR,
        example="/draw undo BTCUSD",
    ),
    Spec(
        ("track", "setup"),
        "wait for a setup: armed, triggered, confirmed or failed, target or stop; each change is an event",
        "track_setup",
        (
            _SYMBOL,
            Parameter("kind", Kind.CHOICE, "what to wait for", choices=("breakout", "retest", "range", "line")),
            _BARS,
            Parameter("side", Kind.CHOICE, "up without it", needed=False, option=True, choices=("up", "down")),
            Parameter("line", Kind.WORD, "id of your trend line whose break is meant", needed=False, option=True),
            _ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/track setup ETHUSD breakout",
    ),
    Spec(("pattern", "list"), "the patterns that you labelled", "pattern_list", example="/pattern list"),
    Spec(
        ("pattern", "scan"),
        "where your patterns are in the newest bars of every market",
        "pattern_scan",
        (_SOME_TIMEFRAME,),
        example="/pattern scan 1h",
    ),
    Spec(
        ("pattern", "recognize"),
        "where your patterns are in one market",
        "pattern_recognize",
        _MARKET,
        example="/pattern recognize BTCUSD 1h",
    ),
    Spec(
        ("pattern", "success"),
        "whether your patterns are real: success beside random entries, since their labels were made",
        "pattern_success",
        (_SOME_TIMEFRAME,),
        example="/pattern success",
    ),
    Spec(
        ("pattern", "recommend"),
        "setups on the market now, ranked for you, each with its plan and the reason",
        "pattern_recommend",
        (_SOME_TIMEFRAME,),
        example="/pattern recommend",
    ),
    Spec(
        ("pattern", "feedback"),
        "say what became of a setup that was recommended",
        "pattern_feedback",
        (
            Parameter("advice", Kind.WORD, "its id, as /pattern recommend showed it"),
            Parameter("answer", Kind.CHOICE, "what became", choices=("taken", "skipped", "success", "failure")),
            _ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern feedback 3f9a02c1d4 taken",
    ),
    Spec(("track", "list"), "your setups and how they stand", "track_list", example="/track list"),
    Spec(
        ("track", "drop"),
        "wait for a setup no longer",
        "track_drop",
        (Parameter("setup", Kind.WORD, "its id from /track list"),),
        effect=True,
        role=Role.OPERATOR,
        example="/track drop 1a2b3c4d",
    ),
    Spec(
        ("cross", "forecast"),
        "every bot's fan and the collective one",
        "cross_forecast",
        (*_MARKET, _SOME, _HORIZON),
        example="/cross forecast BTCUSD 1h",
    ),
    Spec(
        ("cross", "plan"),
        "what each bot would do now",
        "cross_plan",
        (*_MARKET, _SOME),
        example="/cross plan BTCUSD 1h @research",
    ),
    Spec(
        ("cross", "analyze"),
        "how each bot reads a market",
        "cross_analyze",
        (*_MARKET, _SOME),
        example="/cross analyze BTCUSD 1h",
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
        ("regime",),
        "calm or turbulent: the model's probability, the bots' votes, since when, and what changed",
        "regime",
        (_SYMBOL, Parameter("tf", Kind.TIMEFRAME, "the bar length, 1h without it", needed=False)),
        example="/regime BTCUSD 1h",
    ),
    Spec(
        ("league",),
        "who forecasts how well: skill, coverage, volatility, and whether the best is told apart from the others",
        "league",
        (
            replace(_SYMBOL, needed=False, help="a market, all of them together without it"),
            replace(_TIMEFRAME, needed=False, help="forecasts made in bars of this length, any without it"),
            replace(_HORIZON, help="so many bars ahead; needs a bar length"),
            Parameter(
                "by",
                Kind.CHOICE,
                "what else divides the table",
                needed=False,
                option=True,
                choices=("symbol", "regime", "month", "all"),
            ),
        ),
        example="/league BTCUSD 30m",
    ),
    Spec(
        ("stream",),
        "a market's chart as it is now, with fan and regime, and where it moves live",
        "stream",
        _MARKET,
        example="/stream BTCUSD 30m",
    ),
    Spec(
        ("tune",),
        "search better settings for a bot, walk-forward; Ctrl-C cancels",
        "tune",
        (Parameter("bot", Kind.BOT, "the bot to tune"), *_MARKET, _ID),
        effect=True,
        role=Role.OPERATOR,
        example="/tune trend BTCUSD 1h",
    ),
    Spec(
        ("pause",),
        "no new positions; open ones are kept and their stops work",
        "pause",
        (_TARGET, _ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pause trend",
    ),
    Spec(
        ("resume",),
        "trade again after a pause",
        "resume",
        (_TARGET, _ID),
        effect=True,
        role=Role.OPERATOR,
        example="/resume all",
    ),
    Spec(
        ("halt",),
        "emergency stop: no entries, cancel orders, close positions, prove it at the venue",
        "halt",
        (
            replace(_SOME, help="a bot, @tag, several joined by commas, or all; all without it"),
            Parameter("reason", Kind.WORD, "why, for the record", needed=False, option=True),
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/halt all",
    ),
    Spec(
        ("release",),
        "lift a halt: asked for first, then typed with the code it gave, within 60 s",
        "release",
        (
            Parameter("scope", Kind.WORD, "what is halted: all, @tag, a bot or a symbol"),
            Parameter("code", Kind.WORD, "the code that this command gave you", needed=False),
        ),
        effect=True,
        role=Role.ADMIN,
        example="/release all",
    ),
    Spec(
        ("model", "list"),
        "the models that bots learn together: versions, which is in use, how each was judged",
        "model_list",
        example="/model list",
    ),
    Spec(
        ("model", "train"),
        "train a shared model on the venue's newest bars; it takes over only if it was better on later data",
        "model_train",
        (
            Parameter("tf", Kind.TIMEFRAME, "the bar length, the venue's without it", needed=False),
            replace(_HORIZON, help="how many bars ahead, a day without it"),
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/model train 30m",
    ),
    Spec(
        ("model", "promote"),
        "put a version to use that was judged better: asked for first, then typed with the code it gave",
        "model_promote",
        (
            Parameter("version", Kind.COUNT, "the version, as /model list tells it"),
            Parameter("code", Kind.WORD, "the code that this command gave you", needed=False),
            _MODEL,
        ),
        effect=True,
        role=Role.ADMIN,
        example="/model promote 2",
    ),
    Spec(
        ("model", "rollback"),
        "go back to the model in use before: asked for first, then typed with the code it gave",
        "model_rollback",
        (
            Parameter("code", Kind.WORD, "the code that this command gave you", needed=False),
            Parameter("to", Kind.COUNT, "an earlier version, the one before without it", needed=False, option=True),
            _MODEL,
        ),
        effect=True,
        role=Role.ADMIN,
        example="/model rollback",
    ),
    Spec(
        ("share",),
        "let others of this desk see what you publish on a topic, or no longer",
        "share",
        (
            Parameter("topic", Kind.CHOICE, "what it is about", choices=_TOPICS),
            Parameter("switch", Kind.CHOICE, "on or off", choices=("on", "off")),
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/share patterns on",
    ),
    Spec(
        ("events",),
        "what happened last",
        "events",
        (Parameter("count", Kind.COUNT, "how many, 20 without it", needed=False),),
        example="/events 50",
    ),
    Spec(
        ("report",),
        "scheduled runs: how each ended, what it said, where its report is",
        "report",
        (Parameter("job", Kind.WORD, "a job of workbench.toml; all without it", needed=False),),
        example="/report",
    ),
    Spec(
        ("audit",),
        "who changed what: commands, halts, limits, runs, and the desk itself",
        "audit",
        (
            Parameter("since", Kind.DATE, "from when on; the newest 50 entries without it", needed=False),
            Parameter(
                "kind",
                Kind.CHOICE,
                "only these",
                needed=False,
                option=True,
                choices=("commands", "halts", "limits", "runs", "desk"),
            ),
        ),
        example="/audit yesterday --kind halts",
    ),
    Spec(
        ("risk", "status"),
        "who may trade, what is held, volatility, VaR and CVaR with who they come from, and how far each has fallen",
        "risk_status",
        example="/risk status",
    ),
    Spec(
        ("risk", "limits"),
        "every limit with what is left of it, and what halts by itself",
        "risk_limits",
        example="/risk limits",
    ),
    Spec(
        ("risk", "hold"),
        "no new exposure in one market: gated bots are refused, supervised ones that hold it are paused",
        "risk_hold",
        (
            Parameter("symbol", Kind.SYMBOL, "the market"),
            Parameter("reason", Kind.WORD, "why, for the record", needed=False, option=True),
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/risk hold BTCUSD",
    ),
    Spec(
        ("risk", "whatif"),
        "the desk's risk as if a bot held half, or correlations went toward 1, beside what it is now",
        "risk_whatif",
        (
            Parameter("change", Kind.CHOICE, "halve BOT, or correlations 1", choices=("halve", "correlations")),
            Parameter("of", Kind.WORD, "the bot, or how far toward 1"),
        ),
        example="/risk whatif correlations 1",
    ),
    Spec(
        ("risk", "size"),
        "how much of a bot's plan the rules and the limits allow, and which of them decides",
        "risk_size",
        (*_MARKET, _ONE),
        example="/risk size BTCUSD 1h trend",
    ),
    Spec(
        ("risk",),
        "how an exposure would be shared among the bots, and why",
        "risk",
        (
            Parameter("exposure", Kind.NUMBER, "what to share out; the sum of equities without it", needed=False),
            Parameter(
                "method",
                Kind.CHOICE,
                "equal_risk without it",
                needed=False,
                option=True,
                choices=("equal_risk", "hierarchical", "cvar", "inverse_volatility"),
            ),
            Parameter("stress", Kind.NUMBER, "correlations so far toward 1, 0 to 1", needed=False, option=True),
        ),
        example="/risk 20,000 --method cvar",
    ),
    Spec(
        ("dashboard",),
        "the desk on one screen: totals, every bot, what happened last",
        "dashboard",
        example="/dashboard",
    ),
    Spec(("alerts",), "what is told unasked, by topic, and what was lately", "alerts", example="/alerts"),
    Spec(
        ("alerts", "on"),
        "be told of a topic again",
        "alerts_on",
        (_TOPIC,),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts on trades",
    ),
    Spec(
        ("alerts", "off"),
        "be told no more of a topic; what is critical is told all the same",
        "alerts_off",
        (_TOPIC,),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts off trades",
    ),
    Spec(
        ("alerts", "quiet"),
        "hours in which only what is critical is told, or off",
        "alerts_quiet",
        (Parameter("hours", Kind.WORD, "from and to in your zone, as in 22:00-07:00, or off"),),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts quiet 22:00-07:00",
    ),
    Spec(
        ("alerts", "least"),
        "how loud it must be to be told",
        "alerts_least",
        (Parameter("severity", Kind.CHOICE, "the quietest that is told", choices=("info", "warning", "critical")),),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts least warning",
    ),
    Spec(
        ("people",),
        "who may speak to the desk in Telegram, and who asks to",
        "people",
        (),
        False,
        Role.ADMIN,
        "/people",
    ),
    Spec(
        ("people", "approve"),
        "let somebody in who asked, or change their role",
        "people_approve",
        (_PERSON, Parameter("role", Kind.CHOICE, "what they may do", choices=("viewer", "operator", "admin"))),
        effect=True,
        role=Role.ADMIN,
        example="/people approve 123456 viewer",
    ),
    Spec(
        ("people", "refuse"),
        "do not let somebody in",
        "people_refuse",
        (_PERSON,),
        effect=True,
        role=Role.ADMIN,
        example="/people refuse 123456",
    ),
    Spec(
        ("people", "remove"),
        "take somebody's access away; they may ask again",
        "people_remove",
        (_PERSON,),
        effect=True,
        role=Role.ADMIN,
        example="/people remove 123456",
    ),
)


def find(words: tuple[str, ...]) -> tuple[Spec, ...]:
    """The commands that begin with `words`; all of them for none."""
    return tuple(spec for spec in CATALOGUE if spec.words[: len(words)] == words)
