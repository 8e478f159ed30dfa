"""What became of a tracked setup, told from closed bars alone: the same answer in every process, live and in replay."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from workbench.domain.candles import candle_at
from workbench.domain.drawings import TrendLine
from workbench.domain.errors import ValueRefused
from workbench.domain.setups import TrackedSetup
from workbench.quant.pattern_match import pattern_match
from workbench.quant.setup_kinds import KINDS, LineBreak
from workbench.quant.setups import Patience, Setup, StageChange, Tracker


def setup_of(tracked: TrackedSetup) -> Setup:
    """The rule behind a tracked setup."""
    if tracked.kind == "line" and tracked.line is not None:
        return LineBreak(side=tracked.side, line=_points(tracked.line))
    if tracked.examples is not None:
        return pattern_match(tracked.examples, tracked.side)
    return KINDS[tracked.kind](tracked.side)


def replayed(tracked: TrackedSetup, candles: pd.DataFrame, patience: Patience | None = None) -> list[StageChange]:
    """Every change of stage up to the newest of `candles` (a candle table of the setup's market, closed bars).

    Bars closed by `armed_at` are looked at and decide nothing. The table must reach back to the bars that the rule
    needs before that, or to the market's first bar; raises ValueRefused where it begins after `armed_at`.
    """
    board = tracked.board
    rule = setup_of(tracked)
    split = int(candles.index.searchsorted(pd.Timestamp(tracked.armed_at) - board.timeframe.step, side="right"))
    if split == 0:
        begins = candles.index[0] if len(candles) else "no bar"
        raise ValueRefused(f"{tracked.name} on {board} was armed at {tracked.armed_at}, the bars begin at {begins}")
    first = max(0, split - rule.needs)
    bars = [candle_at(candles, row, board.symbol, board.timeframe) for row in range(first, len(candles))]
    tracker = Tracker(rule, patience or Patience(), bars[: split - first])
    changes = []
    for bar in bars[split - first :]:
        if change := tracker.feed(bar):
            changes.append(change)
        if tracker.stage.over:
            break
    return changes


def bars_since(tracked: TrackedSetup, now: datetime) -> int:
    """How many of the newest bars at `now` (UTC, the market's time) a replay of this setup needs."""
    passed = (now - tracked.armed_at) // tracked.board.timeframe.step
    return max(0, passed) + setup_of(tracked).needs + 2


def facts_of(change: StageChange) -> tuple[datetime, str, dict[str, Any]]:
    """A change as the log keeps it: when, the new stage, and the rest."""
    facts: dict[str, Any] = {"before": change.before.value, "price": change.price, "words": change.words}
    if change.trigger:
        facts |= {"level": change.trigger.level, "stop": change.trigger.stop, "target": change.trigger.target}
    return datetime.fromtimestamp(change.at_ms / 1000, UTC), change.after.value, facts


def _points(line: TrendLine) -> tuple[tuple[int, float], tuple[int, float]]:
    assert line.start.at is not None
    assert line.end.at is not None
    one, other = (int(at.timestamp() * 1000) for at in (line.start.at, line.end.at))
    return (one, line.start.price), (other, line.end.price)
