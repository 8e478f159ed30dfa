"""Commands: what bots are asked."""

from workbench.commands.catalogue.parameters import HORIZON, ID, MARKET, ONE, SOME
from workbench.commands.spec import Kind, Parameter, Role, Spec

QUESTIONS: tuple[Spec, ...] = (
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
        (*MARKET, ONE, HORIZON),
        example="/forecast BTCUSD 1h trend",
    ),
    Spec(
        ("plan",),
        "what a bot would do now: entry, stop, targets, size, reason",
        "plan",
        (*MARKET, ONE),
        example="/plan BTCUSD 1h",
    ),
    Spec(("analyze",), "how a bot reads a market", "analyze", (*MARKET, ONE), example="/analyze ETHUSD 4h"),
    Spec(
        ("cross", "forecast"),
        "every bot's fan and the collective one",
        "cross_forecast",
        (*MARKET, SOME, HORIZON),
        example="/cross forecast BTCUSD 1h",
    ),
    Spec(
        ("cross", "plan"),
        "what each bot would do now",
        "cross_plan",
        (*MARKET, SOME),
        example="/cross plan BTCUSD 1h @research",
    ),
    Spec(
        ("cross", "analyze"),
        "how each bot reads a market",
        "cross_analyze",
        (*MARKET, SOME),
        example="/cross analyze BTCUSD 1h",
    ),
    Spec(
        ("tune",),
        "search better settings for a bot, walk-forward; Ctrl-C cancels",
        "tune",
        (Parameter("bot", Kind.BOT, "the bot to tune"), *MARKET, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/tune trend BTCUSD 1h",
    ),
)
