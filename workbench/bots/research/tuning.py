"""Walk-forward search: choose on the past, be judged on what came after, never the other way round. Pure, blocking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from workbench.bots.research.backtest import simulate
from workbench.bots.research.strategy import Strategy
from workbench.compute import spread
from workbench.quant.walk_forward import Fold, folds, sharpe

FOLDS = 4
CANDIDATES = 24
BETTER_BY = 0.1  # a Sharpe ratio that is better by less is luck
LEAST_TRADES = 5
SECONDS_PER_YEAR = 365.25 * 86_400
SEED = 11


class Cancelled(Exception):
    """The search was told to stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`best`: chosen on the newest training window. `score`: Sharpe ratio after fees, over all judged bars, of choosing
    anew before each fold; `current_score`: of today's values on the same bars."""

    best: Mapping[str, Any]
    score: float
    current_score: float
    tried: int
    folds: int
    better: bool


@dataclass(frozen=True)
class Watch:
    """How a search reports (fraction, words), and how it is told to stop."""

    tell: Callable[[float, str], None] = lambda fraction, words: None
    cancelled: Callable[[], bool] = lambda: False


def search(
    strategy: Strategy,
    panel: Mapping[str, pd.DataFrame],
    symbol: str,
    bar_s: int,
    watch: Watch | None = None,
    scheduler: str = "",
) -> Outcome:
    """Search around `strategy` for `symbol`. panel : closed candles by symbol; a strategy that learns uses all.

    scheduler : of a Dask cluster, whose workers take a fold each; a search there is told of when it is over, and ends
    whole. The outcome is the same. Raises ValueError where history is too short, Cancelled where told to stop.
    """
    own = watch or Watch()
    run = _Search(strategy, panel, symbol, np.sqrt(SECONDS_PER_YEAR / bar_s), Watch() if scheduler else own)
    found = run.outcome(scheduler)
    own.tell(1.0, f"{found.tried} values tried on {FOLDS} folds")
    return found


def candidates(strategy: Strategy, count: int = CANDIDATES) -> list[Any]:
    """Values to try, today's first; drawn from the whole grid, always the same ones."""
    space = type(strategy).space()
    grid = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(grid))
    drawn = [strategy.params.changed(grid[i]) for i in order]
    return [strategy.params, *(params for params in drawn if params != strategy.params)][:count]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """One fold. best : values chosen on its past; chosen, current : returns of those and of today's values after it."""

    best: Any
    chosen: np.ndarray
    current: np.ndarray
    trades: int


class _Search:
    def __init__(self, strategy: Strategy, panel: Mapping[str, pd.DataFrame], symbol: str, root: float, watch: Watch):
        self.strategy, self.panel, self.symbol, self.watch = strategy, panel, symbol, watch
        self.table, self.bars_per_year = panel[symbol], root**2
        self.tried = candidates(strategy)
        self.first = strategy.lookback + 1  # rows before it have no full history
        self._rows: dict[Any, Any] = {}

    def outcome(self, scheduler: str = "") -> Outcome:
        rows = len(self.table) - self.first
        if rows < 100 * FOLDS:
            raise ValueError(f"{len(self.table)} bars are too few to tune on; {self.first + 100 * FOLDS} are needed")
        plan = folds(rows, FOLDS)
        last = Fold(plan[-1].train_start + plan[-1].test_stop - plan[-1].train_stop, plan[-1].test_stop, 0)
        judged = spread(self._judged, [*enumerate(plan), (FOLDS, last)], scheduler)
        best, trades = judged[-1].best, sum(fold.trades for fold in judged)
        chosen, current = ([getattr(fold, name) for fold in judged] for name in ("chosen", "current"))
        score, now = (sharpe(np.concatenate(parts), self.bars_per_year) for parts in (chosen, current))
        better = score > now + BETTER_BY and trades >= LEAST_TRADES and best != self.strategy.params
        return Outcome(best.as_dict(), score, now, len(self.tried), FOLDS, better)

    def _judged(self, numbered: tuple[int, Fold]) -> "_Judged":
        """Choose on a fold's past, and trade what came after it; the newest window has nothing after it."""
        number, fold = numbered
        if number < FOLDS:
            self.watch.tell(number / (FOLDS + 1), f"fold {number + 1} of {FOLDS}")
        learnt, best = self._choose(fold, number)
        if number == FOLDS:
            return _Judged(best, np.empty(0), np.empty(0), 0)
        chosen = self._run(learnt, best, fold.train_stop, fold.test_stop)
        current = self._run(learnt, self.strategy.params, fold.train_stop, fold.test_stop)
        return _Judged(best, chosen.returns, current.returns, len(chosen.trades))

    def _choose(self, fold: Fold, number: int) -> tuple[Strategy, Any]:
        """Learn on the fold's training rows where something is learnt, and pick the values that did best there.

        What has been learnt flatters itself on its own lessons: then the newest third of the rows is kept from learning
        and used for picking.
        """
        start, stop = fold.train_start, fold.train_stop
        learnt = self.strategy
        if self.strategy.retrain:
            start = stop - (stop - start) // 3
            until = self.table.index[self.first + start]
            past = {symbol: table[table.index < until] for symbol, table in self.panel.items()}
            learnt = self.strategy.fitted(past)
            self._rows.clear()  # what was prepared with another model
        scores = []
        for i, params in enumerate(self.tried):
            if self.watch.cancelled():
                raise Cancelled
            scores.append(sharpe(self._run(learnt, params, start, stop).returns, self.bars_per_year))
            self.watch.tell((number + (i + 1) / len(self.tried)) / (FOLDS + 1), f"fold {number + 1}, values {i + 1}")
        return learnt, self.tried[int(np.argmax(scores))]

    def _run(self, learnt: Strategy, params: Any, start: int, stop: int):
        """Trade rows [start, stop) after the first; arrays are prepared once: row t of them uses bars up to t only."""
        strategy = learnt.with_params(params)
        shape = tuple(getattr(params, name) for name in strategy.shaping)
        if shape not in self._rows:
            self._rows[shape] = strategy.prepare(self.table)
        return simulate(strategy, self.table, self.first + start, self.first + stop, rows=self._rows[shape])
