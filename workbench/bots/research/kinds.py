"""The research bots there are, by kind; each is imported only when it is asked for."""

from importlib import import_module

from workbench.bots.research.strategy import Strategy
from workbench.domain.errors import BotError

KINDS = {"trend": "Trend", "mean_reversion": "MeanReversion", "breakout": "Breakout", "learning": "Learning"}


def strategy(kind: str) -> Strategy:
    """A new strategy of `kind` with its usual values. Raises BotError."""
    if kind not in KINDS:
        raise BotError(f"no research bot of kind {kind!r}; there are {', '.join(KINDS)}")
    found: Strategy = getattr(import_module(f"workbench.bots.research.{kind}"), KINDS[kind])()
    return found
