"""A trade setup's life: armed → triggered → confirmed or failed → target or stop, or expired. Pure.

Fed with closed bars, one after the other, in replay and live alike: what it says after a bar depends on the bars up to
that one and on nothing else. A setup is a small class of its own (see `Setup`); the life is the same for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Candle

Array = NDArray[np.float64]


class Stage(StrEnum):
    ARMED = "armed"
    TRIGGERED = "triggered"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    TARGET = "target"
    STOP = "stop"
    EXPIRED = "expired"

    @property
    def over(self) -> bool:
        return self not in (Stage.ARMED, Stage.TRIGGERED, Stage.CONFIRMED)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """The newest closed bars, oldest first: arrays of shape (n,), quote currency; `opened_ms` milliseconds, UTC."""

    opened_ms: NDArray[np.int64]
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array

    def __len__(self) -> int:
        return len(self.close)

    def before(self, bars: int = 1) -> "Bars":
        """Without the newest `bars`."""
        end = len(self) - bars
        return Bars(*(column[:end] for column in self.columns))

    @property
    def columns(self) -> tuple[NDArray, ...]:
        return self.opened_ms, self.open, self.high, self.low, self.close, self.volume


@dataclass(frozen=True, slots=True)
class Trigger:
    """side : +1 long, −1 short. level : the price it is about. stop, target : where it is wrong, where it is done."""

    side: int
    level: float
    stop: float
    target: float
    words: str = ""

    def __post_init__(self) -> None:
        prices = (self.level, self.stop, self.target)
        if self.side not in (1, -1) or not all(np.isfinite(p) and p > 0 for p in prices):
            raise ValueRefused(f"a trigger has side 1 or -1 and prices above 0, got {self.side}, {prices}")
        if self.side * (self.target - self.stop) <= 0:
            raise ValueRefused(f"a target lies beyond the stop on its side, got target {self.target}, stop {self.stop}")


class Setup(Protocol):
    """What to wait for. `needs` bars are handed to it, at most, the newest last; it keeps nothing between calls."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> int: ...

    def watch(self, bars: Bars) -> Trigger | None:
        """Whether the newest bar triggers it."""
        ...

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        """On a bar after the trigger: True confirmed, False failed, None not yet."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Bars that each stage may last."""

    armed: int = 500
    triggered: int = 6
    confirmed: int = 200


@dataclass(frozen=True, slots=True)
class StageChange:
    """`at_ms` : close of the bar that decided it. price : that close, or the stop or target that was reached."""

    before: Stage
    after: Stage
    at_ms: int
    price: float
    words: str
    trigger: Trigger | None


@dataclass(frozen=True, slots=True)
class _Standing:
    stage: Stage = Stage.ARMED
    age: int = 0
    trigger: Trigger | None = None
    entry: float | None = None


@dataclass
class Tracker:
    """One setup on one market. `feed` closed bars in order; each answers what changed, at most one change a bar.

    warm : bars before it was armed; they are looked at, and decide nothing.
    """

    setup: Setup
    patience: Patience = field(default_factory=Patience)
    warm: Sequence[Candle] = ()

    def __post_init__(self) -> None:
        self._now = _Standing()
        self._bars: list[Candle] = list(self.warm)[-self.setup.needs :]

    @property
    def stage(self) -> Stage:
        return self._now.stage

    @property
    def trigger(self) -> Trigger | None:
        return self._now.trigger

    def feed(self, bar: Candle) -> StageChange | None:
        """Take the next closed bar. Raises ValueRefused for one that is not newer than the last."""
        if self._bars and bar.opened_at <= self._bars[-1].opened_at:
            raise ValueRefused(f"{bar.symbol}: the bar of {bar.opened_at} is not after {self._bars[-1].opened_at}")
        self._bars = [*self._bars, bar][-self.setup.needs :]
        if self._now.stage.over:
            return None
        before = self._now
        after, price, words = self._step(replace(before, age=before.age + 1), bar)
        self._now = after
        if after.stage is before.stage:
            return None
        self._now = replace(after, age=0)
        at_ms = int(bar.closed_at.timestamp() * 1000)
        return StageChange(before.stage, after.stage, at_ms, price, words, after.trigger)

    def _step(self, now: _Standing, bar: Candle) -> tuple[_Standing, float, str]:
        if now.stage is Stage.ARMED:
            return self._armed(now, bar)
        if now.stage is Stage.TRIGGERED:
            return self._triggered(now, bar)
        return self._confirmed(now, bar)

    def _armed(self, now: _Standing, bar: Candle) -> tuple[_Standing, float, str]:
        trigger = self.setup.watch(bars_of(self._bars)) if len(self._bars) >= self.setup.needs else None
        if trigger is not None:
            return replace(now, stage=Stage.TRIGGERED, trigger=trigger), bar.close, trigger.words
        if now.age >= self.patience.armed:
            return replace(now, stage=Stage.EXPIRED), bar.close, f"nothing triggered it in {now.age:,} bars"
        return now, bar.close, ""

    def _triggered(self, now: _Standing, bar: Candle) -> tuple[_Standing, float, str]:
        assert now.trigger
        said = self.setup.confirms(bars_of(self._bars), now.trigger)
        if said:
            return replace(now, stage=Stage.CONFIRMED, entry=bar.close), bar.close, f"held beyond {now.trigger.level:g}"
        if said is False:
            return replace(now, stage=Stage.FAILED), bar.close, f"back through {now.trigger.level:g}"
        if now.age >= self.patience.triggered:
            return replace(now, stage=Stage.FAILED), bar.close, f"not confirmed in {now.age} bars"
        return now, bar.close, ""

    def _confirmed(self, now: _Standing, bar: Candle) -> tuple[_Standing, float, str]:
        """A bar that reaches both counts as the stop: nobody knows which came first."""
        assert now.trigger
        side, stop, target = now.trigger.side, now.trigger.stop, now.trigger.target
        worst, best = (bar.low, bar.high) if side > 0 else (bar.high, bar.low)
        if side * (worst - stop) <= 0:
            price = bar.open if side * (bar.open - stop) < 0 else stop  # a gap fills worse
            return replace(now, stage=Stage.STOP), price, f"stop {stop:g} reached"
        if side * (best - target) >= 0:
            return replace(now, stage=Stage.TARGET), target, f"target {target:g} reached"
        if now.age >= self.patience.confirmed:
            return replace(now, stage=Stage.EXPIRED), bar.close, f"neither stop nor target in {now.age:,} bars"
        return now, bar.close, ""


def bars_of(candles: Sequence[Candle]) -> Bars:
    """Candles as arrays."""
    rows = [(c.open, c.high, c.low, c.close, c.volume) for c in candles]
    opened = np.array([int(c.opened_at.timestamp() * 1000) for c in candles], dtype=np.int64)
    return Bars(opened, *np.array(rows, dtype=float).reshape(-1, 5).T)
