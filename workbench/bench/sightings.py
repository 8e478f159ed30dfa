"""CPU time that one closed bar of 100 markets costs: 64 patterns (5 labels each; quick: 3), at every length.

bar_ms : one look at all 100 markets (`visual.pattern_close.at_close`), mean over consecutive bars. market_ms : a
hundredth of it. scan_ms : of bar_ms, comparing shapes; the rest is the classifier, asked about what resembles a label.
asked : windows a bar that it is asked about, of 100 times as many as there are lengths. told : recognitions a bar.
real_bar_ms, real_asked : of the same classifier over 100 recorded markets, where the recorded hourly candles of 2024
are there.

Markets are seeded random walks with fat tails; each pattern is a smooth curve of its own, laid over a walk and twice
as wide as the walk strays meanwhile (SNR 2), as in `openset`. The classifier has as many trees, and saw as much
history, as one that a user trains.
"""

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.bench.crypto import recorded_markets
from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation
from workbench.quant.pattern_model import fit_patterns
from workbench.quant.pattern_validation import Validation
from workbench.quant.shapes import newest
from workbench.visual.pattern_classifier import CANDIDATE, HISTORY, TREES, Market, PatternClassifier, Training
from workbench.visual.pattern_close import at_close

PATTERNS, MARKETS, BARS, KNOWN = 64, 100, 48, 400


def figures(quick: bool) -> dict[str, float]:
    rng = np.random.default_rng(20240101)
    classifier = _taught(rng, 3 if quick else 5)
    looks = 5 if quick else 20
    walks = {(f"C{number:02}/USD", "1h"): _table(_bars(rng, KNOWN + looks)) for number in range(MARKETS)}
    told, bar_ms, scan_ms, asked = _looked(classifier, walks, looks)
    found = {"bar_ms": bar_ms, "market_ms": bar_ms / MARKETS, "scan_ms": scan_ms, "asked": asked, "told": told}
    try:
        real = recorded_markets(MARKETS, KNOWN + looks)
    except CandleError:
        return found
    _, real_ms, _, real_asked = _looked(classifier, real, looks)
    return found | {"real_bar_ms": real_ms, "real_asked": real_asked}


def _looked(
    classifier: PatternClassifier, tables: Mapping[Market, pd.DataFrame], looks: int
) -> tuple[float, float, float, float]:
    """Recognitions a bar, milliseconds a bar, and of that for the scan; windows that the classifier was asked about."""
    at_close(classifier, {market: table.iloc[: KNOWN - 1] for market, table in tables.items()})  # compiled and warm
    told, asked, spent, scanned = 0, 0, [], []
    for end in range(KNOWN, KNOWN + looks):
        known = {market: table.iloc[:end] for market, table in tables.items()}
        began = time.process_time()
        told += len(at_close(classifier, known))
        spent.append(time.process_time() - began)
        closes = [np.log(table["close"].to_numpy()) for table in known.values()]
        began = time.process_time()
        alike = newest(closes, classifier.shapes, classifier.lengths)
        scanned.append(time.process_time() - began)
        asked += int((alike.max(axis=2) >= CANDIDATE).sum())
    return told / looks, float(np.mean(spent)) * 1e3, float(np.mean(scanned)) * 1e3, asked / looks


def _taught(rng: np.random.Generator, each: int) -> PatternClassifier:
    shown, names = [], []
    for number in range(PATTERNS):
        curve = _curve(rng)
        for _ in range(each):
            shown.append(_planted(rng, curve))
            names.append(f"pattern {number:02}")
    history = [_bars(rng, BARS) for _ in range(HISTORY)]
    model = fit_patterns(shown, names, history, trees=TREES)
    labels = [_label(name, bars, number) for number, (name, bars) in enumerate(zip(names, shown, strict=True))]
    untested = Validation(0.0, 0.0, 0, 0, {})
    return PatternClassifier(model, labels, Training(dict.fromkeys(names, each), {}, len(history), untested))


def _curve(rng: np.random.Generator) -> np.ndarray:
    t = np.linspace(0, 1, BARS)
    bumps = zip(rng.uniform(0.1, 0.9, 3), rng.uniform(0.06, 0.2, 3), rng.normal(0, 1, 3), strict=True)
    curve = sum(height * np.exp(-(((t - at) / wide) ** 2)) for at, wide, height in bumps)
    return (curve - np.mean(curve)) / np.std(curve)


def _planted(rng: np.random.Generator, curve: np.ndarray) -> np.ndarray:
    bars, t = _bars(rng, BARS), np.linspace(0, 1, BARS)
    close = np.log(bars[:, 3])
    line = np.polyval(np.polyfit(t, close, 1), t)
    bend = t + rng.uniform(-0.06, 0.06) * np.sin(np.pi * t)
    drawn = np.interp(bend, t, curve) * (close - line).std() * 2
    bars[:, :4] *= np.exp(drawn - line)[:, None]
    return bars


def _bars(rng: np.random.Generator, n: int) -> np.ndarray:
    close = 100 * np.exp((rng.standard_t(4, n) * 3e-3).cumsum())
    opened = np.concatenate([[100.0], close[:-1]])
    wide = 1 + rng.uniform(0.0005, 0.002, n)
    return np.c_[
        opened, np.maximum(opened, close) * wide, np.minimum(opened, close) / wide, close, rng.uniform(1, 2, n)
    ]


def _table(bars: np.ndarray) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=len(bars), freq="h", tz="UTC", name=INDEX).as_unit("ms")
    return pd.DataFrame(bars, index, list(COLUMNS))


def _label(name: str, bars: np.ndarray, number: int) -> Annotation:
    index = _table(bars).index
    first_at, last_at = index[0].to_pydatetime(), index[-1].to_pydatetime()
    own = tuple((float(o), float(h), float(low), float(c), float(v)) for o, h, low, c, v in bars)
    return Annotation(f"{number}", "you", name, "A/USD", Timeframe.parse("1h"), first_at, last_at, own, last_at)
