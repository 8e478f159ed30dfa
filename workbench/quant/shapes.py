"""Where does a shape occur? Every window of every length against every template, by blocks of one small matrix product.

A shape is a window of log prices as 32 piecewise means, z-normalised: what is left does not depend on price level,
volatility, or how many bars the window has. Two shapes are compared by correlation in [-1, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.one_thread import one_thread
from workbench.quant.shape_kernels import POINTS, collect, newest_columns, shape_columns

BLOCK, NEWEST = 2048, 128


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Windows that resemble a template, one row each, by series and end.

    series, ends, lengths, patterns : int64; the window is bars ends − lengths + 1 … ends of its series. similarities:
    float32, correlation of shapes.
    """

    series: np.ndarray
    ends: np.ndarray
    lengths: np.ndarray
    patterns: np.ndarray
    similarities: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def of(self, rows: np.ndarray) -> "Hits":
        return Hits(*(getattr(self, name)[rows] for name in self.__slots__))


def shape(values: np.ndarray) -> np.ndarray:
    """The shape of one window: (n,) finite → (32,) float32, mean 0 and deviation 1; zeros where it is flat."""
    x = np.ascontiguousarray(values, dtype=float)
    if x.ndim != 1 or x.size < 2 or not np.isfinite(x).all():
        raise ValueRefused(f"a shape is made of 2 finite values or more, got {x.shape}")
    columns = np.zeros((POINTS, 1), np.float32)
    _fill(x, 0, 1, x.size, columns)
    return columns[:, 0].copy()


def scan(
    series: Sequence[np.ndarray],
    templates: np.ndarray,
    lengths: Sequence[int],
    threshold: float = 0.9,
    first: bool = True,
    apart: float = 0.5,
) -> Hits:
    """Windows of `series` whose similarity to a template reaches `threshold`.

    series : log prices, (n_bars,) each; NaN where unknown: a window across it resembles nothing. templates : (n, 32)
    from `shape`. lengths : bars a window may have. Of one template and length, no two windows end within `apart` of a
    length of each other: the first of a stretch is kept, so that later bars change nothing; with first=False the
    best of it is, which is for looking at history only.
    """
    bank = np.ascontiguousarray(templates, dtype=np.float32).reshape(-1, POINTS) / np.float32(POINTS)
    if not 0 < threshold <= 1:
        raise ValueRefused(f"threshold is a correlation in (0, 1], got {threshold}")
    if any(length < 2 for length in lengths):
        raise ValueRefused(f"a window has 2 bars or more, got lengths {list(lengths)}")
    parts = []
    with one_thread():
        for number, values in enumerate(series):
            x = np.ascontiguousarray(values, dtype=float)
            parts += [
                _scan_one(x, number, bank, int(length), threshold, first, apart)
                for length in lengths
                if length <= x.size
            ]
    return _joined([part for part in parts if len(part)])


def newest(series: Sequence[np.ndarray], templates: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Similarity of the window that ends with each series' last bar: (n_series, n_lengths, n_templates) float32, as
    `scan` has it; 0 where a series is too short. What one closed bar of many markets costs. A window's do not depend
    on the other series."""
    bank = np.ascontiguousarray(templates, dtype=np.float32).reshape(-1, POINTS) / np.float32(POINTS)
    tails = np.full((len(series), max(lengths, default=0)), np.nan)  # a window across what is not there: zeros
    for row, values in zip(tails, series, strict=True):
        known = min(len(values), len(row))
        row[len(row) - known :] = values[len(values) - known :]
    out = np.empty((len(series), len(lengths), len(bank)), np.float32)
    shapes = np.zeros((POINTS, NEWEST), np.float32)
    with one_thread():
        for place, length in enumerate(lengths):
            for first in range(0, len(series), NEWEST):
                part = tails[first : first + NEWEST]
                newest_columns(part, *_segments(length), shapes)
                out[first : first + NEWEST, place] = (bank @ shapes)[:, : len(part)].T
    return out


def without_overlap(hits: Hits) -> Hits:
    """Of one template, no two windows that share more than half of the shorter: the more similar stays. For looking at
    history: it knows what came later."""
    order = np.argsort(-hits.similarities, kind="stable")
    kept: list[int] = []
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row in order:
        end, length = int(hits.ends[row]), int(hits.lengths[row])
        begin, group = end - length + 1, (int(hits.series[row]), int(hits.patterns[row]))
        others = taken.setdefault(group, [])
        if all(min(end, e) - max(begin, b) + 1 <= min(length, e - b + 1) / 2 for b, e in others):
            others.append((begin, end))
            kept.append(int(row))
    return hits.of(np.array(sorted(kept), dtype=np.int64))


def similarity(window: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Correlation of one window's shape with each of `templates` (n, 32)."""
    return np.asarray(templates, dtype=np.float64) @ shape(window) / POINTS


def lengths_around(bars: int, spread: Sequence[float] = (0.5, 0.7, 1.0, 1.4, 2.0), least: int = 8) -> tuple[int, ...]:
    """The lengths at which a shape labelled at `bars` bars is looked for."""
    return tuple(sorted({max(least, round(bars * factor)) for factor in spread}))


def _scan_one(
    x: np.ndarray, number: int, bank: np.ndarray, length: int, threshold: float, first: bool, share: float
) -> Hits:
    columns = np.zeros((POINTS, BLOCK), np.float32)
    likeness = np.empty((len(bank), BLOCK), np.float32)
    held_at, held = np.full(len(bank), -1), np.zeros(len(bank), np.float32)
    room, n = 1024, 0
    ends, patterns = np.empty((2, room), np.int64)
    found = np.empty(room, np.float32)
    windows, apart = x.size - length + 1, max(1, int(length * share))
    for start in range(0, windows, BLOCK):
        count = min(BLOCK, windows - start)
        _fill(x, start, count, length, columns)
        np.matmul(bank, columns, out=likeness)  # always the whole block: a shorter one would round otherwise
        used = -1 - n
        while used < 0:
            used = collect(
                *(likeness, count, start, length, apart, threshold, first, held_at, held, ends, patterns, found, n)
            )
            if used < 0:
                room = 2 * room + len(bank) * (BLOCK // apart + 2)
                ends, patterns = np.resize(ends, room), np.resize(patterns, room)
                found = np.resize(found, room)
        n = used
    same = np.full((2, n), [[number], [length]], dtype=np.int64)
    return Hits(same[0], ends[:n].copy(), same[1], patterns[:n].copy(), found[:n].copy())


def _fill(x: np.ndarray, start: int, count: int, length: int, columns: np.ndarray) -> None:
    shape_columns(x, start, count, *_segments(length), columns)


@lru_cache(maxsize=4096)
def _segments(length: int) -> tuple[np.ndarray, np.ndarray]:
    edges = np.arange(POINTS + 1) * length
    return edges // POINTS, (edges % POINTS) / POINTS


def _joined(parts: list[Hits]) -> Hits:
    if not parts:
        empty = np.empty(0, np.int64)
        return Hits(empty, empty, empty, empty, np.empty(0, np.float32))
    whole = Hits(*(np.concatenate([getattr(part, name) for part in parts]) for name in Hits.__slots__))
    return whole.of(np.lexsort((whole.patterns, whole.lengths, whole.ends, whole.series)))
