"""Label a window, find it everywhere, know whether it is real.

lab = CustomPatternLearner(ledger, history=candles)
lab.annotate_pattern(ChartWindow("BTC/USD", "1h", candles["BTC/USD", "1h"], first_at, last_at), "flag", OutcomeRule())
lab.train_custom_patterns("you").words
lab.recognize_user_patterns(chart, "you")
lab.get_pattern_success_rates("you")
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.compute import spread
from workbench.domain.candles import COLUMNS, as_candles
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation, Likeness, Outcome, OutcomeRule, Recognition
from workbench.domain.ports import Progress
from workbench.ledger.accepted_patterns import labels_of
from workbench.ledger.annotations import patterns_in
from workbench.ledger.log import SqlLedger
from workbench.ledger.pattern_log import ADVICE, FEEDBACK, RECOGNITION, TRIAL
from workbench.ledger.pattern_models import PatternModels
from workbench.ledger.sighting_log import SightingLog
from workbench.ledger.trade_entries import trade_entries
from workbench.quant.shapes import lengths_around, scan, shape, without_overlap
from workbench.quant.trade_outcomes import net_returns
from workbench.visual.pattern_advice import ANSWERS, Advice, Room, advise, market_now
from workbench.visual.pattern_classifier import HISTORY, PatternClassifier, Training
from workbench.visual.pattern_shelf import Learning, Shelf
from workbench.visual.pattern_success import Beside, PatternSuccess, cuts, rough, success

__all__ = ["ChartWindow", "CustomPatternLearner", "PatternClassifier"]
Market = tuple[str, str]
FRESH = 5  # bars: what was recognised earlier is no setup any more


@dataclass(frozen=True, slots=True, eq=False)
class ChartWindow:
    """What is on a chart: a candle table of closed bars, and the part of it that is brushed (None: all of it), by the
    open times of its first and last bar, UTC."""

    symbol: str
    timeframe: str
    candles: pd.DataFrame
    first_at: datetime | None = None
    last_at: datetime | None = None

    def rows(self) -> slice:
        """Rows of the brushed part. Raises ValueRefused where it holds no bar."""
        index = self.candles.index
        first = 0 if self.first_at is None else int(index.searchsorted(pd.Timestamp(self.first_at)))
        last = len(index) if self.last_at is None else int(index.searchsorted(pd.Timestamp(self.last_at), side="right"))
        if last <= first:
            raise ValueRefused(
                f"{self.symbol} {self.timeframe}: no bar lies between {self.first_at} and {self.last_at}"
            )
        return slice(first, last)


class CustomPatternLearner:
    """One lab for all users of a ledger. history : candle tables by (symbol, timeframe), closed bars: where patterns
    are looked for, and from what is not labelled there it learns what is ordinary. windows : how many such it learns
    from. models : a folder in which what was learned outlives this process. scheduler : of a Dask cluster whose workers
    scan a market each. Methods block: call from a thread where a
    loop runs."""

    def __init__(
        self,
        ledger: SqlLedger,
        user_id: str = "you",
        history: Mapping[Market, pd.DataFrame] | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        trees: int = 100,
        windows: int = HISTORY,
        models: Path | None = None,
        scheduler: str = "",
    ):
        self._ledger, self.annotations, self._log = ledger, ledger.annotations, ledger.pattern_log
        self.user_id, self.history, self._new_id = user_id, dict(history or {}), new_id
        saved = PatternModels(ledger.pattern_log, models) if models else None
        self.shelf = Shelf(self.labels, saved, Learning(trees, windows))
        self._scheduler = scheduler
        self._found: dict[str, tuple[PatternClassifier, dict[Market, list[Recognition]]]] = {}

    def annotate_pattern(
        self,
        chart_data: ChartWindow,
        pattern_name: str,
        success_outcome: bool | OutcomeRule | None = None,
        *,
        note: str = "",
        shared: bool = False,
        user_id: str | None = None,
    ) -> Annotation:
        """Label the brushed window. success_outcome : True or False as the user says, a rule by which the bars after it
        decide, or None: open. Raises ValueRefused, CandleError or LedgerError."""
        table, rows = as_candles(chart_data.candles, chart_data.symbol), chart_data.rows()
        window = table.iloc[rows]
        values = window[list(COLUMNS)].to_numpy()
        rule = success_outcome if isinstance(success_outcome, OutcomeRule) else None
        made = Annotation(
            annotation_id=self._new_id(),
            user_id=user_id or self.user_id,
            pattern=pattern_name.strip(),
            symbol=chart_data.symbol,
            timeframe=Timeframe.parse(chart_data.timeframe),
            first_at=window.index[0].to_pydatetime(),
            last_at=window.index[-1].to_pydatetime(),
            bars=tuple((float(o), float(h), float(low), float(c), float(v)) for o, h, low, c, v in values),
            seen_until=table.index[-1].to_pydatetime(),
            outcome=outcome_by_rule(table, rows.stop - 1, rule) if rule else _said(success_outcome),
            rule=rule,
            note=note,
            shared=shared,
        )
        return self.annotations.add(made)

    def labels(self, user_id: str) -> list[Annotation]:
        """What this user learns from: their own labels, and those accepted from others, named after these."""
        return labels_of(self._ledger, user_id)

    def similar_windows(self, chart_data: ChartWindow, count: int = 12, least: float = 0.85) -> list[Recognition]:
        """Windows of the history most like the brushed one, most similar first; it looks back, and promises nothing."""
        rows = chart_data.rows()
        brushed = np.log(chart_data.candles["close"].to_numpy(float)[rows])
        markets = sorted(self.history)
        series = [np.log(self.history[market]["close"].to_numpy(float)) for market in markets]
        hits = scan(series, shape(brushed)[None], lengths_around(len(brushed)), least, first=False)
        best = without_overlap(hits.of(np.argsort(-hits.similarities, kind="stable")[: 50 * count]))
        found = []
        for row in np.argsort(-best.similarities, kind="stable")[:count]:
            symbol, timeframe = markets[int(best.series[row])]
            index, end = self.history[symbol, timeframe].index, int(best.ends[row])
            times = index[end - int(best.lengths[row]) + 1].to_pydatetime(), index[end].to_pydatetime()
            near = (Likeness("brushed", float(best.similarities[row])),)
            found.append(Recognition("similar", symbol, Timeframe.parse(timeframe), *times, 0.0, 1.0, near))
        return found

    def train_custom_patterns(self, user_id: str, progress: Progress | None = None, seed: int = 0) -> Training:
        """Learn this user's labels, from three of a pattern upward. Raises ValueRefused where there are too few."""
        return self.shelf.train(user_id, self.history, progress, seed).training

    def recognize_user_patterns(self, chart_data: ChartWindow, user_id: str) -> list[Recognition]:
        """Windows in which the user's patterns are found, ending in the brushed part, oldest first. Trains where labels
        changed since the last training. What is found at the newest bar is kept in the ledger before its outcome is."""
        rows = chart_data.rows()
        table = as_candles(chart_data.candles, chart_data.symbol).iloc[: rows.stop]
        found = self.classifier(user_id).recognize(table, chart_data.symbol, chart_data.timeframe, since=rows.start)
        newest = [one for one in found if one.last_at == table.index[-1].to_pydatetime()]
        self._log.note(user_id, RECOGNITION, {_key(one): {"probability": one.probability} for one in newest})
        return found

    def get_pattern_success_rates(self, user_id: str) -> list[PatternSuccess]:
        """Every pattern of the user in every cut of the history and by bot, beside matched random entries, corrected
        over all that this user has ever tried (this question counts)."""
        classifier, patterns = self.classifier(user_id), patterns_in(self.labels(user_id))
        known = [one for one in patterns if one.name in classifier.training.labels]
        beside = Beside(SightingLog(self._ledger).all(user_id), trade_entries(self._ledger))
        asked = list(cuts(self.history, beside.trades))
        keys = {f"{p.name}|{p.rule}|{cut}|{len(ms)}": {"cut": cut} for p in known for cut, ms in asked}
        self._log.note(user_id, TRIAL, keys)
        trials, found = max(1, self._log.count(user_id)), self.recognitions(user_id)
        return [row for one in known for row in success(one, found, self.history, trials, beside)]

    def recognitions(self, user_id: str) -> dict[Market, list[Recognition]]:
        """Everything found in the whole history, by market."""
        classifier = self.classifier(user_id)
        if self._found.get(user_id, (None,))[0] is not classifier:
            seen = spread(partial(_scanned, classifier), self.history.items(), self._scheduler)
            self._found[user_id] = classifier, dict(zip(self.history, seen, strict=True))
        return self._found[user_id][1]

    def recommend(self, user_id: str, rooms: Mapping[str, Room] | None = None) -> list[Advice]:
        """Setups whose window ends with the newest bars of the history, ranked; see `pattern_advice.advise`. rooms :
        what the desk's limits leave, by symbol; None: nobody knows, and no size is named."""
        rows, newest = self.get_pattern_success_rates(user_id), list[Recognition]()
        stormy = list[bool]()
        for market, table in self.history.items():
            recent = set(table.index[-FRESH:])
            newest += [one for one in self.recognitions(user_id)[market] if pd.Timestamp(one.last_at) in recent]
            stormy.append(bool(rough(table["close"].to_numpy(float))[-1]))
        state = "rough" if sum(stormy) * 2 > len(stormy) else "calm"
        record, regime = ({one.pattern: one for one in rows if one.cut == cut} for cut in ("all", state))
        now = market_now(self.history, rooms)
        made = advise(newest, now, record, self.feedback(user_id), regime)
        self._log.note(user_id, ADVICE, {one.advice_id: {"pattern": one.recognition.pattern} for one in made})
        return made

    def answer(self, user_id: str, advice_id: str, answer: str) -> None:
        """Say what became of an advice: taken, skipped, success, failure. Raises ValueRefused for anything else."""
        given = {one.key: one.facts["pattern"] for one in self._log.all(user_id, ADVICE)}
        if answer not in ANSWERS or advice_id not in given:
            raise ValueRefused(
                f"{answer!r} to {advice_id!r}: answers are {', '.join(ANSWERS)}, to an advice given before"
            )
        self._log.note(user_id, FEEDBACK, {f"{advice_id}|{answer}": {"pattern": given[advice_id], "answer": answer}})

    def feedback(self, user_id: str) -> dict[str, list[str]]:
        """The user's answers by pattern."""
        found: dict[str, list[str]] = {}
        for one in self._log.all(user_id, FEEDBACK):
            found.setdefault(str(one.facts["pattern"]), []).append(str(one.facts["answer"]))
        return found

    def classifier(self, user_id: str) -> PatternClassifier:
        """Of the labels as they are now: held, read from its file, or trained."""
        return self.shelf.of(user_id, self.history)


def _said(outcome: bool | OutcomeRule | None) -> Outcome:
    if outcome is None:
        return Outcome.OPEN
    return Outcome.SUCCESS if outcome else Outcome.FAILURE


def outcome_by_rule(candles: pd.DataFrame, row: int, rule: OutcomeRule) -> Outcome:
    """How an entry at the close of `row` ended; open where the bars do not say yet."""
    bars = candles[list(COLUMNS)].to_numpy(float)[row : row + rule.horizon + 1]
    net = net_returns(bars, rule)[0]
    return Outcome.OPEN if np.isnan(net) else Outcome.SUCCESS if net > 0 else Outcome.FAILURE


def _key(one: Recognition) -> str:
    return f"{one.pattern}|{one.symbol}|{one.timeframe}|{one.first_at.isoformat()}|{one.last_at.isoformat()}"


def _scanned(classifier: PatternClassifier, market: tuple[Market, pd.DataFrame]) -> list[Recognition]:
    (symbol, timeframe), table = market
    return classifier.recognize(table, symbol, timeframe)
