"""Commands: setups that are waited for and patterns of the user's own."""

from workbench.commands.catalogue.parameters import BARS, ID, MARKET, SYMBOL
from workbench.commands.spec import CODE, Kind, Parameter, Role, Spec
from workbench.domain.setups import KINDS as SETUPS

_SOME_TIMEFRAME = Parameter("tf", Kind.TIMEFRAME, "the bar length; those you labelled in without it", needed=False)
_PATTERN = Parameter("pattern", Kind.WORD, "its name, in quotes where it has several words")
_OWNER = Parameter("owner", Kind.WORD, "whose it is, as /pattern offers tells")

PATTERNS: tuple[Spec, ...] = (
    Spec(
        ("track", "setup"),
        "wait for a setup: armed, triggered, confirmed or failed, target or stop; each change is an event",
        "track_setup",
        (
            SYMBOL,
            Parameter("kind", Kind.CHOICE, "what to wait for", choices=SETUPS),
            Parameter("pattern", Kind.WORD, "which of your labelled patterns", needed=False, many=True),
            BARS,
            Parameter("side", Kind.CHOICE, "up without it", needed=False, option=True, choices=("up", "down")),
            Parameter("line", Kind.WORD, "id of your trend line whose break is meant", needed=False, option=True),
            ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/track setup ETHUSD breakout",
    ),
    Spec(("pattern", "list"), "the patterns that you labelled", "pattern_list", example="/pattern list"),
    Spec(
        ("pattern", "train"),
        "learn your patterns from all labels, and say how well that went",
        "pattern_train",
        (_SOME_TIMEFRAME, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern train",
    ),
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
        MARKET,
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
            ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern feedback 3f9a02c1d4 taken",
    ),
    Spec(
        ("pattern", "watch"),
        "let the desk look for your patterns at every closed bar, or no longer; everywhere, or in one market",
        "pattern_watch",
        (
            Parameter("switch", Kind.CHOICE, "on or off", choices=("on", "off")),
            Parameter("symbol", Kind.SYMBOL, "one market; all without it", needed=False),
            _SOME_TIMEFRAME,
            ID,
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern watch on BTCUSD 1h",
    ),
    Spec(
        ("pattern", "share"),
        "let others of this desk learn from the labels of a pattern of yours",
        "pattern_share",
        (_PATTERN, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern share flag",
    ),
    Spec(
        ("pattern", "unshare"),
        "take it back: nobody else learns from it any more",
        "pattern_unshare",
        (_PATTERN, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern unshare flag",
    ),
    Spec(("pattern", "offers"), "patterns that others share", "pattern_offers", example="/pattern offers"),
    Spec(
        ("pattern", "accept"),
        "learn from a pattern that somebody shares; it stays theirs",
        "pattern_accept",
        (_OWNER, _PATTERN, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern accept ann flag",
    ),
    Spec(
        ("pattern", "decline"),
        "learn from it no longer",
        "pattern_decline",
        (_OWNER, _PATTERN, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pattern decline ann flag",
    ),
    Spec(("track", "list"), "your setups and how they stand", "track_list", example="/track list"),
    Spec(
        ("track", "drop"),
        "wait for a setup no longer: asked for first, then typed with the code it gave",
        "track_drop",
        (Parameter("setup", Kind.WORD, "its id from /track list"), CODE),
        effect=True,
        role=Role.OPERATOR,
        example="/track drop 1a2b3c4d",
        destructive=True,
    ),
)
