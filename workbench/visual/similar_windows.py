"""Where does the market look like this window? A scan of every market for one shape, best first, none twice."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.quant.shapes import Hits, lengths_around, scan, shape, without_overlap

LEAST = (0.9, 0.7)  # the second only where the first finds too few: most of the time goes into collecting
CANDIDATES = 600


@dataclass(frozen=True, slots=True)
class Similar:
    """Bars last − bars + 1 … last of a market. similarity : correlation of shapes in [-1, 1]."""

    symbol: str
    last: int
    bars: int
    similarity: float
    template: int = 0


def similar_windows(
    log_closes: Mapping[str, np.ndarray],
    templates: list[np.ndarray],
    most: int = 12,
    taken: Mapping[str, list[tuple[int, int]]] | None = None,
) -> list[Similar]:
    """The `most` similar windows, the most similar first.

    log_closes : (n_bars,) by market. templates : windows of log closes, (n,) each; they are looked for at half to twice
    their length. taken : by market, (first, last) rows that a window found may overlap by a quarter at most. For
    looking at history: it prefers the best of a stretch, which knows what came later.
    """
    found: list[Similar] = []
    for least in LEAST:
        found = _search(log_closes, templates, most, taken or {}, least)
        if len(found) == most:
            break
    return found


def _search(log_closes, templates, most, taken, least) -> list[Similar]:
    names = list(log_closes)
    lengths = sorted({length for window in templates for length in lengths_around(len(window))})
    hits = scan(
        [log_closes[name] for name in names], np.stack([shape(w) for w in templates]), lengths, least, first=False
    )
    fits = _lengths_fit(hits, np.array([len(window) for window in templates]))
    hits = hits.of(np.flatnonzero(fits & ~_overlaps(hits, names, taken)))
    best = np.argsort(-hits.similarities, kind="stable")[:CANDIDATES]
    hits = without_overlap(hits.of(np.sort(best)))
    order = np.argsort(-hits.similarities, kind="stable")
    kept: list[Similar] = []
    for row in order:
        name, last, bars = names[hits.series[row]], int(hits.ends[row]), int(hits.lengths[row])
        apart = all(one.symbol != name or _shared(one, last, bars) <= bars / 2 for one in kept)
        if apart:
            kept.append(Similar(name, last, bars, float(hits.similarities[row]), int(hits.patterns[row])))
        if len(kept) == most:
            break
    return kept


def _lengths_fit(hits: Hits, own: np.ndarray) -> np.ndarray:
    """A template is looked for around its own length, not around those of the others."""
    ratio = hits.lengths / own[hits.patterns]
    return (ratio > 0.45) & (ratio < 2.2)


def _overlaps(hits: Hits, names: list[str], taken: Mapping[str, list[tuple[int, int]]]) -> np.ndarray:
    covered = np.zeros(len(hits), dtype=bool)
    begins = hits.ends - hits.lengths + 1
    for name, spans in taken.items():
        if name not in names:
            continue
        own = hits.series == names.index(name)
        for first, last in spans:
            shared = np.minimum(hits.ends, last) - np.maximum(begins, first) + 1
            covered |= own & (shared > np.minimum(hits.lengths, last - first + 1) / 4)
    return covered


def _shared(one: Similar, last: int, bars: int) -> int:
    return min(one.last, last) - max(one.last - one.bars, last - bars)
