"""What the pattern lab asks of whoever learns, and the values that come back; and the learner of this product."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from workbench.domain.patterns import Bar, Recognition
from workbench.ledger.log import SqlLedger
from workbench.quant.pattern_windows import prepared_all
from workbench.visual.lab_charts import LabCharts, Window, bars_of
from workbench.visual.pattern_classifier import PatternClassifier
from workbench.visual.pattern_files import digest_of
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner
from workbench.visual.pattern_success import PatternSuccess

Tells = Callable[[float, str], None]
"""Hears (fraction done, words)."""
MOST_BARS, LEAST_A_MARKET = 20_000, 700
UNKNOWN = ("", float("nan"))


@dataclass(frozen=True, slots=True)
class Trained:
    """What was learned. labels : by pattern. score : balanced share of left-out windows that was told right, in [0, 1].
    words : the same for a reader, honest when it is poor. stale : labels have changed since."""

    labels: Mapping[str, int]
    score: float
    words: str
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A recognition with its window's bars."""

    recognition: Recognition
    bars: tuple[Bar, ...]


class Learner(Protocol):
    """Learns from the labels of one user at a time. Methods block; each raises WorkbenchError with a reason."""

    def train(self, user_id: str, tell: Tells | None = None, anew: bool = True) -> Trained:
        """anew=False: what was saved of these labels will do."""

    def trained(self, user_id: str) -> Trained | None:
        """What this user's patterns were last learned from; None: not in this process."""

    def due(self, user_id: str) -> bool:
        """Whether this user has trained before, in a process that is gone."""

    def recognise(self, user_id: str, candles: pd.DataFrame, symbol: str, timeframe: str) -> list[Finding]:
        """What is found in a candle table, newest first."""

    def judge(self, user_id: str, windows: Sequence[tuple[Window, tuple[Bar, ...]]]) -> list[tuple[str, float]]:
        """(pattern, probability) of each window; ("", NaN) where nothing has been learned."""

    def count(self, user_id: str) -> None:
        """Find out what became of each pattern, for `records`. Takes a while."""

    def records(self, user_id: str) -> list[PatternSuccess]:
        """What became of each pattern, in every cut, as far as it has been counted since the last training."""


@dataclass(slots=True)
class _Held:
    labels: str  # their digest
    classifier: PatternClassifier
    trained: Trained
    records: list[PatternSuccess] | None = None


class OwnPatterns:
    """`CustomPatternLearner` for a lab: it learns when asked to and never in between, so that a page's answers come at
    once. Each market's newest bars count, about MOST_BARS of all together, in the bar lengths that were labelled."""

    def __init__(self, ledger: SqlLedger, charts: LabCharts, trees: int = 100, models: Path | None = None):
        self._log, self._charts = ledger.pattern_log, charts
        self._custom = CustomPatternLearner(ledger, trees=trees, models=models)
        self._held: dict[str, _Held] = {}
        self._counting = threading.Lock()

    def train(self, user_id: str, tell: Tells | None = None, anew: bool = True) -> Trained:
        labels = self._custom.labels(user_id)
        self._custom.history = self._history({one.timeframe.text for one in labels})
        if anew or self._custom.shelf.ready(user_id) is None:
            self._custom.train_custom_patterns(user_id, tell)
        classifier = self._custom.classifier(user_id)
        training = classifier.training
        made = Trained(training.labels, training.validation.balanced, training.words)
        self._held[user_id] = _Held(digest_of(labels), classifier, made)
        return made

    def trained(self, user_id: str) -> Trained | None:
        held = self._held.get(user_id)
        return None if held is None else replace(held.trained, stale=not self._fresh(user_id, held))

    def due(self, user_id: str) -> bool:
        return user_id not in self._held and self._log.count(user_id) > 0

    def recognise(self, user_id: str, candles: pd.DataFrame, symbol: str, timeframe: str) -> list[Finding]:
        held = self._held.get(user_id)
        if held is None:
            return []
        if self._fresh(user_id, held):
            found = self._custom.recognize_user_patterns(ChartWindow(symbol, timeframe, candles), user_id)
        else:
            found = held.classifier.recognize(candles, symbol, timeframe)
        return [Finding(one, bars_of(candles[one.first_at : one.last_at])) for one in reversed(found)]  # type: ignore[misc]

    def judge(self, user_id: str, windows: Sequence[tuple[Window, tuple[Bar, ...]]]) -> list[tuple[str, float]]:
        held = self._held.get(user_id)
        if held is None or not windows:
            return [UNKNOWN] * len(windows)
        verdicts = held.classifier.model.judge(prepared_all([np.array(bars) for _, bars in windows]))
        return [(str(name), float(p)) for name, p in zip(verdicts.classes, verdicts.probability, strict=True)]

    def count(self, user_id: str) -> None:
        held = self._held.get(user_id)
        with self._counting:
            if held is not None and held.records is None and self._fresh(user_id, held):
                held.records = self._custom.get_pattern_success_rates(user_id)

    def records(self, user_id: str) -> list[PatternSuccess]:
        held = self._held.get(user_id)
        return held.records or [] if held else []

    def _fresh(self, user_id: str, held: _Held) -> bool:
        """Whether the labels are those that were learned from; with others the learner would begin anew."""
        return held.labels == digest_of(self._custom.labels(user_id))

    def _history(self, timeframes: set[str]) -> dict[tuple[str, str], pd.DataFrame]:
        markets = [(s, t) for s, lengths in self._charts.markets.items() for t in lengths if t in timeframes]
        share = max(LEAST_A_MARKET, MOST_BARS // max(1, len(markets)))
        return {market: _newest(self._charts.table(*market), share) for market in markets}


def _newest(table: pd.DataFrame, bars: int) -> pd.DataFrame:
    return table.iloc[-bars:]
