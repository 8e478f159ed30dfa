"""What the pattern lab asks of whoever learns, and the values that come back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from workbench.domain.patterns import Bar, Recognition
from workbench.visual.lab_charts import Window

Tells = Callable[[float, str], None]
"""Hears (fraction done, words)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What was learned. labels : by pattern. score : cross-validated share that was told right, in [0, 1]; NaN where
    there were too few labels to say. words : the same for a reader, honest when it is poor."""

    labels: dict[str, int]
    score: float
    words: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A recognition with its window's bars."""

    recognition: Recognition
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one pattern. `won` of `decided` succeeded; low, high: exact 95 % interval of the rate. chance :
    rate of matched random entries; NaN unknown. p_value : corrected over `tries`. later_won, later_decided : out of
    sample, from the day of the label on. words : the verdict, as it is to be read."""

    pattern: str
    labels: int
    won: int
    decided: int
    low: float
    high: float
    chance: float
    p_value: float
    tries: int
    later_won: int
    later_decided: int
    evidence: bool
    words: str


class Learner(Protocol):
    """Learns from the labels of one user at a time. Methods block; each raises WorkbenchError with a reason."""

    def train(self, user_id: str, tell: Tells | None = None) -> Trained: ...

    def trained(self, user_id: str) -> Trained | None:
        """What this user's patterns were last learned from; None: never."""

    def recognise(self, user_id: str, candles: pd.DataFrame, symbol: str, timeframe: str) -> list[Finding]: ...

    def judge(self, user_id: str, windows: Sequence[tuple[Window, tuple[Bar, ...]]]) -> list[tuple[str, float]]:
        """(pattern, probability) of each window; ("", NaN) where nothing has been learned."""

    def records(self, user_id: str) -> list[Record]: ...
