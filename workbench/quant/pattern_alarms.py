"""How often a pattern setup triggers where nothing was labelled, and the likeness that keeps this rare. Pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.domain.setups import AlarmRate, Examples
from workbench.quant.shapes import newest

NOMINAL = 0.02
"""Share of unlabelled bars at which a setup may trigger."""
LEAST_BARS = 200
"""With fewer unlabelled bars nothing is said and nothing raised."""
_PART = 4096


def likeness(closes: np.ndarray, examples: Examples) -> np.ndarray:
    """At each bar what a setup sees there: the greatest likeness of a window that ends with it with an example.

    closes : (n,), above 0, in order. Returns (n,) float32 in [−1, 1], NaN for the first bars, at which the longest
    window has no room. Bar t uses bars up to t only; the number is the very one that `PatternMatch` compares.
    """
    series, shapes = np.log(closes), np.array(examples.shapes, dtype=np.float32)
    longest = max(examples.lengths)
    found = np.full(len(series), np.nan, np.float32)
    for first in range(longest - 1, len(series), _PART):
        ends = range(first, min(first + _PART, len(series)))
        tails = [series[end + 1 - longest : end + 1] for end in ends]
        found[first : first + len(tails)] = newest(tails, shapes, examples.lengths).max(axis=(1, 2))
    return found


def threshold(scores: np.ndarray, nominal: float = NOMINAL) -> float:
    """The likeness from which a bar counts so that a further bar like these does with a chance of `nominal` at most.

    scores : likeness at n unlabelled bars. Split conformal: a bar counts where 1 + #{scores ≥ its own} ≤
    nominal · (n + 1); Vovk et al., "Algorithmic Learning in a Random World", 2005. That holds for exchangeable bars;
    neighbours share most of their window, so it is measured as well. Above every score where n is too small for
    `nominal`.
    """
    rank = int(nominal * (len(scores) + 1))
    kth = np.sort(scores)[-rank] if rank else 1.0
    return float(np.floor(kth * 1e4 + 1) / 1e4)  # the next ten-thousandth above it


def guarded(examples: Examples, closes: np.ndarray, free: np.ndarray, nominal: float = NOMINAL) -> Examples:
    """The examples with their likeness raised, where need be, and the rate at which they are wrong.

    closes : of the market's closed bars up to the moment of arming. free : (n,) bool, bars whose windows touch no
    label. The likeness never falls. Unchanged where fewer than LEAST_BARS bars are free.

    `after` is told by cross-fitting: each half of the bars at the likeness that the other half asks for.
    """
    scores = likeness(closes, examples)[free]
    scores = scores[np.isfinite(scores)]
    if len(scores) < LEAST_BARS:
        return examples
    before, half = examples.least, len(scores) // 2
    least = max(before, threshold(scores, nominal))
    halves = scores[:half], scores[half:]
    apart = [mine >= max(before, threshold(other, nominal)) for mine, other in (halves, halves[::-1])]
    alarms = np.concatenate(apart)
    rate = AlarmRate(
        nominal=nominal,
        bars=len(scores),
        least=before,
        before=float(np.mean(scores >= before)),
        after=float(np.mean(alarms)),
        stretches=int(np.count_nonzero(np.diff(alarms.astype(int), prepend=0) == 1)),
        known=_known(examples, before),
        kept=_known(examples, least),
    )
    return replace(examples, least=round(least, 4), alarms=rate)


def free_bars(times: np.ndarray, spans: Sequence[tuple[int, int]], longest: int) -> np.ndarray:
    """Which bars are ordinary: no window of up to `longest` bars that ends with one of them touches a span.

    times : (n,) opening times, rising. spans : (first, last) opening times of labelled windows. Returns (n,) bool.
    """
    free = np.ones(len(times), bool)
    for first, last in spans:
        start, end = np.searchsorted(times, first), np.searchsorted(times, last, side="right")
        if end > start:
            free[start : end + longest - 1] = False
    return free


def _known(examples: Examples, least: float) -> int:
    """Examples whose shape is as like to another one's."""
    shapes = np.array(examples.shapes, dtype=float)
    alike = shapes @ shapes.T / shapes.shape[1]
    np.fill_diagonal(alike, -1)
    return int((alike.max(axis=1) >= least).sum())
