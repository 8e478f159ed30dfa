"""Commands: what changes a bot: pause, resume, the emergency stop."""

from dataclasses import replace

from workbench.commands.catalogue.parameters import ID, SOME
from workbench.commands.spec import CODE, Kind, Parameter, Role, Spec

_TARGET = Parameter("target", Kind.TARGET, "a bot, @tag, several joined by commas, or all")

EFFECTS: tuple[Spec, ...] = (
    Spec(
        ("pause",),
        "no new positions; open ones are kept and their stops work",
        "pause",
        (_TARGET, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/pause trend",
    ),
    Spec(
        ("resume",),
        "trade again after a pause",
        "resume",
        (_TARGET, ID),
        effect=True,
        role=Role.OPERATOR,
        example="/resume all",
    ),
    Spec(
        ("halt",),
        "emergency stop: no entries, cancel orders, close positions, prove it at the venue",
        "halt",
        (
            replace(SOME, help="a bot, @tag, several joined by commas, or all; all without it"),
            Parameter("reason", Kind.WORD, "why, for the record", needed=False, option=True),
        ),
        effect=True,
        role=Role.OPERATOR,
        example="/halt all",
        destructive=True,
        urgent=True,
    ),
    Spec(
        ("release",),
        "lift a halt: asked for first, then typed with the code it gave, within 60 s",
        "release",
        (
            Parameter("scope", Kind.WORD, "what is halted: all, @tag, a bot or a symbol"),
            CODE,
        ),
        effect=True,
        role=Role.ADMIN,
        example="/release all",
        destructive=True,
    ),
)
