"""What a command is made of: words, typed parameters, who may give it, whether it changes anything. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The type of a parameter, and what is forgiven when it is typed."""

    SYMBOL = "symbol"  # btc, BTCUSD, btc-usd, BTC/USDT
    TIMEFRAME = "timeframe"  # 30m, 1h, 4h, 1d
    BOT = "bot"  # one bot's id
    TARGET = "target"  # a bot id, @tag, all; several joined by commas
    NUMBER = "number"  # 1,000.5  1_000  2.5k  1m
    COUNT = "count"  # a whole number, 1 or more
    DATE = "date"  # 2024-01-31, 2024-01-31T14:00, today, yesterday; the viewer's zone
    CHOICE = "choice"
    WORD = "word"


UNNAMED = "you"
"""Who asks without a name: the one at the keyboard, and the admin of the page."""


class Role(StrEnum):
    """Who may give a command: each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. An `option` is given as --name VALUE, the others by their place. `many`: takes every word up to the
    first that looks like one of the places after it (a bar length, a whole number); its value is a tuple."""

    name: str
    kind: Kind
    help: str
    needed: bool = True
    option: bool = False
    choices: tuple[str, ...] = ()
    many: bool = False

    @property
    def usage(self) -> str:
        if self.option:
            return f"[--{self.name} {self.kind.value.upper()}]"
        shown = "|".join(self.choices) if self.choices else self.name.upper()
        shown += " …" if self.many else ""
        return shown if self.needed else f"[{shown}]"


CODE = Parameter("code", Kind.WORD, "the code that this command gave you", needed=False)
"""The last place of every command that asks back."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One declaration a command. `words`: how it begins, without the slash; `handler`: who answers it.

    `destructive`: what it takes away, or sets free, no other command brings back as it was. `urgent`: the emergency
    stop, which asks nobody anything.
    """

    words: tuple[str, ...]
    help: str
    handler: str
    parameters: tuple[Parameter, ...] = ()
    effect: bool = False
    role: Role = Role.VIEWER
    example: str = ""
    destructive: bool = False
    urgent: bool = False

    @property
    def asks_back(self) -> bool:
        """The one rule: an effect that destroys is asked for first, and done with a single-use code."""
        return self.effect and self.destructive and not self.urgent

    @property
    def name(self) -> str:
        return "/" + " ".join(self.words)

    @property
    def usage(self) -> str:
        return " ".join((self.name, *(parameter.usage for parameter in self.parameters)))

    @property
    def places(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if not parameter.option)

    @property
    def options(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters if parameter.option}


@dataclass(frozen=True, slots=True)
class Known:
    """What names can be meant now. `now` UTC, for 'today'; `zone` the viewer's."""

    bots: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()  # written '@tag'
    symbols: tuple[str, ...] = ()
    now: datetime | None = None
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A command line understood. `values` holds what was given, by parameter; `notes`: what was read otherwise than
    typed, in words for the user."""

    spec: Spec
    values: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())
