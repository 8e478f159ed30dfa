"""Scores that somebody else gives (sentiment, news, flows), as a feature that knows no later score.

A score counts from the moment it was *known*, not from the moment it is about, and until it is too old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One source's scores of one market, in order of `known_s`. known_s : (n,) epoch seconds, never falling, of when
    each was there to be read. value : (n,), any unit, NaN: unknown from then on. name : of the source."""

    name: str
    symbol: str
    known_s: np.ndarray
    value: np.ndarray

    def __post_init__(self) -> None:
        who = f"scores {self.name!r} of {self.symbol}"
        if self.known_s.shape != self.value.shape or self.known_s.ndim != 1:
            raise ValueRefused(f"{who}: {self.known_s.shape} times for {self.value.shape} values")
        if not np.isfinite(self.known_s).all() or np.isinf(self.value).any():
            raise ValueRefused(f"{who}: times and values must be finite; a value that is not known is NaN")
        if (np.diff(self.known_s) < 0).any():
            raise ValueRefused(f"{who}: times fall; sort them by when each score was known")


def scores_by_name(series: Mapping[tuple[str, str], Sequence[tuple[float, float]]]) -> dict[str, list[Scores]]:
    """By name the scores of each market, from (name, market) → (known_s, value) in order of time."""
    found: dict[str, list[Scores]] = {}
    for (name, symbol), rows in series.items():
        known_s, value = np.array(rows, dtype=float).reshape(-1, 2).T
        found.setdefault(name, []).append(Scores(name, symbol, known_s, value))
    return found


def known_at(scores: Scores, asked_s: ArrayLike, max_age_s: float = np.inf) -> np.ndarray:
    """The newest score known at each moment (n_asked,) of epoch seconds; NaN before the first, and where the newest is
    NaN or older than `max_age_s`. A score known exactly at a moment counts; of several known at once the last."""
    at = np.asarray(asked_s, dtype=float)
    found = np.searchsorted(scores.known_s, at, side="right") - 1
    if not scores.value.size:
        return np.full(at.shape, np.nan)
    age = at - scores.known_s[found]
    return np.where((found >= 0) & (age <= max_age_s), scores.value[found], np.nan)


def score_columns(
    sources: dict[str, list[Scores]], symbols: tuple[str, ...], closed_s: ArrayLike, max_age_s: float = np.inf
) -> np.ndarray:
    """Two features a source, (n_bars, n_symbols, 2 × n_sources): the score known at each bar's close (0 where none is:
    no opinion), and whether there is one. sources : by name, in the order of the columns. closed_s : (n_bars,)."""
    closed = np.asarray(closed_s, dtype=float)
    out = np.zeros((closed.size, len(symbols), 2 * len(sources)))
    for k, name in enumerate(sources):
        for each in sources[name]:
            if each.symbol in symbols:
                value = known_at(each, closed, max_age_s)
                known, j = np.isfinite(value), symbols.index(each.symbol)
                out[known, j, 2 * k] = value[known]
                out[:, j, 2 * k + 1] = known
    return out
