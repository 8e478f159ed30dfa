"""Commands: what bots learn from each other."""

from dataclasses import replace

from workbench.commands.catalogue.parameters import HORIZON, SYMBOL, TIMEFRAME
from workbench.commands.spec import CODE, Kind, Parameter, Role, Spec

_MODEL = Parameter("name", Kind.WORD, "which model, where there are several", needed=False, option=True)
_TOPICS = ("forecasts", "regimes", "patterns", "models", "scores", "features", "signals")

LEARNING: tuple[Spec, ...] = (
    Spec(
        ("regime",),
        "calm or turbulent: the model's probability, the bots' votes, since when, and what changed",
        "regime",
        (SYMBOL, Parameter("tf", Kind.TIMEFRAME, "the bar length, 1h without it", needed=False)),
        example="/regime BTCUSD 1h",
    ),
    Spec(
        ("league",),
        "who forecasts how well: skill, coverage, volatility, and whether the best is told apart from the others",
        "league",
        (
            replace(SYMBOL, needed=False, help="a market, all of them together without it"),
            replace(TIMEFRAME, needed=False, help="forecasts made in bars of this length, any without it"),
            replace(HORIZON, help="so many bars ahead; needs a bar length"),
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
        ("learning",),
        "how learning goes: skill over time, models put to use, whose features are heard",
        "learning",
        (replace(SYMBOL, needed=False, help="a market, all of them together without it"),),
        example="/learning",
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
            replace(HORIZON, help="how many bars ahead, a day without it"),
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
            CODE,
            _MODEL,
        ),
        effect=True,
        role=Role.ADMIN,
        example="/model promote 2",
        destructive=True,
    ),
    Spec(
        ("model", "rollback"),
        "go back to the model in use before: asked for first, then typed with the code it gave",
        "model_rollback",
        (
            CODE,
            Parameter("to", Kind.COUNT, "an earlier version, the one before without it", needed=False, option=True),
            _MODEL,
        ),
        effect=True,
        role=Role.ADMIN,
        example="/model rollback",
        destructive=True,
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
)
