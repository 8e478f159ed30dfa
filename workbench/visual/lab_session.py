"""What one person does in the pattern lab, without a screen: label windows, look for similar ones, learn, recognise.

Everything blocks and may be called from threads; what is labelled goes to the ledger at once.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.domain.errors import LedgerError
from workbench.domain.patterns import Annotation, Bar, Outcome, OutcomeRule, Pattern, pattern_name
from workbench.ledger.accepted_patterns import Offered, accept, offers_to, received
from workbench.ledger.annotations import Change
from workbench.ledger.log import SqlLedger
from workbench.quant.outcomes import Ending, ending
from workbench.visual.lab_charts import LabCharts, Window, bars_of
from workbench.visual.lab_learner import Finding, Learner, Tells, Trained
from workbench.visual.pattern_success import PatternSuccess
from workbench.visual.similar_windows import Similar, similar_windows

PROPOSED = 6
UNSURE = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """A window found. likeness : correlation of shapes with the one it was looked for by, in [-1, 1]. pattern,
    probability : what it may be, "" and NaN where nobody asked."""

    window: Window
    bars: tuple[Bar, ...]
    likeness: float
    pattern: str = ""
    probability: float = float("nan")


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody says of a window. `outcome` None: let the rule say."""

    pattern: str
    rule: OutcomeRule | None = None
    outcome: Outcome | None = None
    note: str = ""
    shared: bool = False


class LabSession:
    """The lab of `user_id`. `learner` learns from the labels in `ledger`."""

    def __init__(self, charts: LabCharts, ledger: SqlLedger, learner: Learner, user_id: str):
        self.charts, self.ledger, self.learner, self.user_id = charts, ledger, learner, user_id
        self.annotations = ledger.annotations
        self._warm: set[str] = set()

    def labels(self) -> list[Annotation]:
        return self.annotations.all(self.user_id)

    def patterns(self) -> list[Pattern]:
        return self.annotations.patterns(self.user_id)

    def offers(self) -> list[Offered]:
        """Patterns that others share."""
        return offers_to(self.ledger, self.user_id)

    def received(self) -> list[Annotation]:
        """Labels of others that are learned from, called after their owners; they stay their owners'."""
        return received(self.ledger, self.user_id)

    def accept(self, owner: str, pattern: str, on: bool) -> None:
        """Learn from a pattern of somebody else, or no longer. Raises LedgerError where it is not shared."""
        accept(self.ledger, self.user_id, owner, pattern, on)

    def ending(self, window: Window, rule: OutcomeRule) -> Ending:
        """How the window ended by the bars that are there. Raises CandleError where it is no window."""
        table, _, last = self.charts.rows(window)
        later = table.iloc[last + 1 : last + 1 + rule.horizon].to_numpy()
        return ending(float(table["close"].iloc[last]), later, rule)

    def label(self, annotation_id: str, window: Window, said: Label) -> Annotation:
        """Keep a window under a name, or change what is kept under this id. Raises WorkbenchError."""
        state = self._state(window, said)
        try:
            before = self.annotations.get(self.user_id, annotation_id)
        except LedgerError:
            made = Annotation(annotation_id=annotation_id, user_id=self.user_id, **state)
            return self.annotations.add(made)
        state["seen_until"] = max(before.seen_until, state["seen_until"])  # whoever looks again has seen what came
        return self.annotations.edit(self.user_id, annotation_id, **state)

    def reword(self, annotation_id: str, said: Label) -> Annotation:
        """Change name, outcome, note of a label, its window staying as it is, whether or not its candles are here."""
        before = self.annotations.get(self.user_id, annotation_id)
        outcome = said.outcome
        if outcome is None:
            same_rule = said.rule == before.rule
            outcome = before.outcome if same_rule else self.ending(_window(before), said.rule or OutcomeRule()).outcome
        rule = said.rule if said.outcome is None else None
        return self.annotations.edit(
            self.user_id,
            annotation_id,
            pattern=pattern_name(said.pattern),
            outcome=outcome,
            rule=rule,
            note=said.note,
            shared=said.shared,
        )

    def delete(self, annotation_id: str) -> None:
        self.annotations.delete(self.user_id, annotation_id)

    def undo(self) -> Change | None:
        return self.annotations.undo(self.user_id)

    def exported(self, ending: str) -> bytes:
        """All labels as a file of this kind (csv, parquet, json). Raises LedgerError for another."""
        with tempfile.TemporaryDirectory() as folder:
            return self.annotations.export(self.user_id, Path(folder) / f"labels.{ending}").read_bytes()

    def imported(self, ending: str, data: bytes) -> int:
        """Take in the labels of such a file; returns how many were new. Raises LedgerError where it is none."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"labels.{ending}"
            path.write_bytes(data)
            return self.annotations.import_file(self.user_id, path)

    def similar(self, window: Window, most: int = 12) -> list[Match]:
        """Windows of all markets of this bar length that look like this one and are not labelled yet."""
        table, first, last = self.charts.rows(window)
        closes = self.charts.log_closes(window.timeframe.text)
        taken = self._taken(window.timeframe.text)
        taken.setdefault(window.symbol, []).append((first, last))
        shape = np.log(table["close"].to_numpy()[first : last + 1])
        return [self._match(found, window.timeframe.text) for found in similar_windows(closes, [shape], most, taken)]

    def warm(self, timeframe: str) -> None:
        """Read the markets of a bar length and search them once, so that the first brush need not wait."""
        if timeframe not in self._warm:
            self._warm.add(timeframe)
            closes = self.charts.log_closes(timeframe)
            longest = max(closes.values(), key=len)
            similar_windows(closes, [longest[-24:]], most=1)

    def train(self, tell: Tells | None = None, anew: bool = True) -> Trained:
        """Learn from everything labelled; anew=False: what was saved of it will do. Raises ValueRefused where there is
        too little."""
        return self.learner.train(self.user_id, tell, anew)

    def recognise(self, symbol: str, timeframe: str, around: datetime | None = None) -> list[Finding]:
        """Windows of a part of a chart (see `LabCharts.part`) that the learned patterns are found in, newest first."""
        seen = self.charts.part(symbol, timeframe, around).bars
        return self.learner.recognise(self.user_id, seen, symbol, timeframe)

    def count(self) -> None:
        """Find out what became of each pattern, for `records`. Takes a while."""
        self.learner.count(self.user_id)

    def records(self) -> list[PatternSuccess]:
        """What became of each pattern, and whether that is more than chance, as far as it has been counted."""
        return self.learner.records(self.user_id)

    def propose(self, timeframe: str, skipped: Iterable[str] = (), most: int = PROPOSED) -> list[Match]:
        """Windows to label next: of those that resemble a label, the most uncertain first. Empty without labels."""
        own = [one for one in self.labels() if one.timeframe.text == timeframe]
        if not own:
            return []
        closes, templates = self.charts.log_closes(timeframe), [_log_closes(one) for one in own]
        found = similar_windows(closes, templates, 4 * most, self._taken(timeframe))
        matches = [replace(self._match(each, timeframe), pattern=own[each.template].pattern) for each in found]
        matches = [each for each in matches if key_of(each.window) not in set(skipped)]
        judged = self.learner.judge(self.user_id, [(each.window, each.bars) for each in matches])
        sure = [
            replace(each, pattern=name or each.pattern, probability=chance)
            for each, (name, chance) in zip(matches, judged, strict=True)
        ]
        return sorted(sure, key=_uncertainty)[:most]

    def _state(self, window: Window, said: Label) -> dict[str, Any]:
        table, first, last = self.charts.rows(window)
        outcome, rule = said.outcome, None
        if outcome is None:
            rule = said.rule or OutcomeRule()
            outcome = self.ending(window, rule).outcome
        return {
            "pattern": pattern_name(said.pattern),
            "symbol": window.symbol,
            "timeframe": window.timeframe,
            "first_at": window.first_at,
            "last_at": window.last_at,
            "bars": bars_of(table.iloc[first : last + 1]),
            "seen_until": table.index[-1].to_pydatetime(),
            "outcome": outcome,
            "rule": rule,
            "note": said.note,
            "shared": said.shared,
        }

    def _match(self, found: Similar, timeframe: str) -> Match:
        table = self.charts.table(found.symbol, timeframe)
        window = self.charts.window_at(found.symbol, timeframe, found.last, found.bars)
        return Match(window, bars_of(table.iloc[found.last - found.bars + 1 : found.last + 1]), found.similarity)

    def _taken(self, timeframe: str) -> dict[str, list[tuple[int, int]]]:
        spans: dict[str, list[tuple[int, int]]] = {}
        for one in self.labels():
            if one.timeframe.text == timeframe and timeframe in self.charts.markets.get(one.symbol, ()):
                index = self.charts.table(one.symbol, timeframe).index
                ends = [int(index.searchsorted(pd.Timestamp(at))) for at in (one.first_at, one.last_at)]
                spans.setdefault(one.symbol, []).append((ends[0], ends[1]))
        return spans


def key_of(window: Window) -> str:
    """One text for one window."""
    return f"{window.symbol} {window.timeframe} {window.first_at:%Y%m%d%H%M} {window.last_at:%Y%m%d%H%M}"


def _window(one: Annotation) -> Window:
    return Window(one.symbol, one.timeframe, one.first_at, one.last_at)


def _log_closes(one: Annotation) -> np.ndarray:
    return np.log(np.array([bar[3] for bar in one.bars]))


def _uncertainty(match: Match) -> float:
    """0 for a coin's toss. Without a probability, the least alike come first: they tell the most."""
    return abs(match.probability - UNSURE) if np.isfinite(match.probability) else match.likeness
