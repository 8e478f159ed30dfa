"""Commands: joint risk and its limits."""

from workbench.commands.catalogue.parameters import MARKET, ONE
from workbench.commands.spec import Kind, Parameter, Role, Spec

RISK: tuple[Spec, ...] = (
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
        (*MARKET, ONE),
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
)
