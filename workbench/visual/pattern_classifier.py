"""A user's labels made into something that recognises: candidates by scan, verdicts by the model's two gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import MOST_BARS, Annotation, Likeness, Recognition
from workbench.domain.ports import Progress
from workbench.quant.pattern_model import LEAST_LABELS, PatternModel, fit_patterns
from workbench.quant.pattern_validation import Validation, cross_validated
from workbench.quant.pattern_windows import prepared_all
from workbench.quant.shapes import lengths_around, scan, shape, similarity

CANDIDATE, APART, HISTORY, TREES = 0.78, 0.05, 1200, 100
Market = tuple[str, str]
"""symbol, timeframe"""


@dataclass(frozen=True, slots=True)
class Training:
    """What was learned from. left_out : patterns with too few labels. validation : how well windows that the model had
    not seen were told apart. blind : nothing after the bars that were on the charts was learned from."""

    labels: Mapping[str, int]
    left_out: Mapping[str, int]
    history: int
    validation: Validation
    blind: bool = True

    @property
    def words(self) -> str:
        told = ", ".join(f"{name} ({count})" for name, count in self.labels.items())
        short = ", ".join(f"{name} ({count})" for name, count in self.left_out.items())
        more = f" Left out, for {LEAST_LABELS} labels are needed: {short}." if short else ""
        late = "" if self.blind else " Bars after the labels were learned from as well: there were too few before."
        return f"Learned {told}. {self.validation.words}{more}{late}"


class PatternClassifier:
    """Fitted once; the same labels, history and seed give the same verdicts; none uses a later bar."""

    def __init__(self, model: PatternModel, labels: Sequence[Annotation], training: Training):
        self.model, self.training = model, training
        self.labels = tuple(labels)
        self.shapes = np.array([shape(np.log([bar[3] for bar in one.bars])) for one in labels])
        self.lengths = _lengths(self.labels)
        self._of: dict[str, list[int]] = {}
        for number, one in enumerate(self.labels):
            self._of.setdefault(one.pattern, []).append(number)

    @classmethod
    def fit(
        cls,
        labels: Sequence[Annotation],
        history: Mapping[Market, pd.DataFrame],
        progress: Progress | None = None,
        seed: int = 0,
        trees: int = TREES,
        windows: int = HISTORY,
    ) -> "PatternClassifier":
        """Learn from labels, and from windows of `history` that nobody labelled. Raises ValueRefused where either is
        too little."""
        tell = progress or (lambda *_: None)
        counts = pd.Series([one.pattern for one in labels], dtype=object).value_counts().sort_index()
        enough = {str(name): int(count) for name, count in counts.items() if count >= LEAST_LABELS}
        few = {str(name): int(count) for name, count in counts.items() if count < LEAST_LABELS}
        used = [one for one in labels if one.pattern in enough]
        if not used:
            have = ", ".join(f"{name} has {count}" for name, count in few.items()) or "there are no labels"
            raise ValueRefused(f"learning starts at {LEAST_LABELS} labels of one pattern; {have}")
        tell(0.1, "windows of unlabelled history")
        history, before = _seen(history, used)
        rng = np.random.Generator(np.random.PCG64(seed))
        past = unlabelled(history, labels, [len(one.bars) for one in used], windows, rng)
        shown, names = [np.array(one.bars) for one in used], [one.pattern for one in used]
        tell(0.2, f"cross-validation of {len(enough)} patterns")
        validation = cross_validated(shown, names, past, seed)
        tell(0.5, f"learning from {len(used)} labels and {len(past)} windows of history")
        model = fit_patterns(shown, names, past, seed, trees)
        tell(1.0, "learned")
        return cls(model, used, Training(enough, few, len(past), validation, before))

    def recognize(
        self, candles: pd.DataFrame, symbol: str, timeframe: str, alpha: float = 0.02, since: int = 0
    ) -> list[Recognition]:
        """Windows of a candle table in which a pattern was found, by the close at which it was, oldest first.

        since : row of the first bar that may end a window. A pattern is not told again in a
        window that shares more than half of the longer with the last in which it was.
        """
        bars = candles[list(COLUMNS)].to_numpy(float)
        close = np.log(bars[:, 3])
        hits = scan([close], self.shapes, self.lengths, CANDIDATE, True, APART)
        spans = sorted({(int(e), int(n)) for e, n in zip(hits.ends, hits.lengths, strict=True) if e >= since})
        if not spans:
            return []
        verdicts = self.model.judge(prepared_all([bars[e - n + 1 : e + 1] for e, n in spans]), alpha)
        frame, told, last = Timeframe.parse(timeframe), list[Recognition](), dict[str, tuple[int, int]]()
        for row in _by_close(spans, verdicts):
            (end, length), name = spans[row], str(verdicts.classes[row])
            before, size = last.get(name, (-1, 0))
            if size and min(before, end) - max(before - size, end - length) > max(size, length) / 2:
                continue
            last[name] = end, length
            near = self.nearest(close[end - length + 1 : end + 1], name)
            times = (candles.index[end - length + 1].to_pydatetime(), candles.index[end].to_pydatetime())
            figures = float(verdicts.probability[row]), float(verdicts.p_value[row])
            told.append(Recognition(name, symbol, frame, *times, *figures, near))
        return told

    def nearest(self, log_close: np.ndarray, pattern: str, count: int = 3) -> tuple[Likeness, ...]:
        """The labels of `pattern` most like a window, most similar first: why it was recognised."""
        mine = self._of.get(pattern, [])
        likeness = similarity(log_close, self.shapes[mine])
        best = np.argsort(-likeness, kind="stable")[:count]
        return tuple(Likeness(self.labels[mine[n]].annotation_id, float(likeness[n])) for n in best)

    def doubtful(self, candles: pd.DataFrame, count: int = 5) -> list[tuple[int, int, str, float]]:
        """Windows whose label would teach most, least sure first: first row, last row, likeliest name, chance."""
        bars = candles[list(COLUMNS)].to_numpy(float)
        hits = scan([np.log(bars[:, 3])], self.shapes, self.lengths, CANDIDATE, True, 0.5)
        if not len(hits):
            return []
        x = prepared_all([bars[e - n + 1 : e + 1] for e, n in zip(hits.ends, hits.lengths, strict=True)])
        verdicts = self.model.judge(x)
        order = np.argsort(np.abs(verdicts.probability - 0.5), kind="stable")
        found: list[tuple[int, int, str, float]] = []
        for row in order:
            first, last = int(hits.ends[row] - hits.lengths[row] + 1), int(hits.ends[row])
            if all(last < a or first > b for a, b, *_ in found):
                found.append((first, last, str(verdicts.classes[row]), float(verdicts.probability[row])))
            if len(found) == count:
                break
        return found


def _seen(history: Mapping[Market, pd.DataFrame], labels: Sequence[Annotation]):
    """(history as it was when the labels were made, True), or (all of it, False) where that is too short."""
    newest, longest = max(one.seen_until for one in labels), max(len(one.bars) for one in labels)
    before = {market: table[table.index <= newest] for market, table in history.items()}
    enough = sum(max(0, len(table) - longest) for table in before.values()) >= 10 * longest
    return (before, True) if enough else (history, False)


def unlabelled(
    history: Mapping[Market, pd.DataFrame],
    labels: Sequence[Annotation],
    lengths: Sequence[int],
    count: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Windows of history that overlap no label, of the lengths that labels have: what is ordinary."""
    tables = [(market, table) for market, table in sorted(history.items()) if len(table) > max(lengths)]
    if not tables:
        raise ValueRefused(f"no history is as long as a label ({max(lengths)} bars); load more candles")
    spans: dict[Market, list[Annotation]] = {}
    for one in labels:
        spans.setdefault((one.symbol, one.timeframe.text), []).append(one)
    found: list[np.ndarray] = []
    for _ in range(4 * count):
        market, table = tables[int(rng.integers(len(tables)))]
        length = int(lengths[int(rng.integers(len(lengths)))])
        start = int(rng.integers(len(table) - length + 1))
        first, last = table.index[start], table.index[start + length - 1]
        if all(last < one.first_at or first > one.last_at for one in spans.get(market, [])):
            found.append(table[list(COLUMNS)].to_numpy(float)[start : start + length])
        if len(found) == count:
            break
    return found


def _by_close(spans: list[tuple[int, int]], verdicts) -> list[int]:
    """Accepted rows by close; of those at one close the most probable first."""
    rows = [row for row in range(len(spans)) if verdicts.accepted[row]]
    return sorted(rows, key=lambda row: (spans[row][0], -verdicts.probability[row], spans[row][1]))


def _lengths(labels: Sequence[Annotation]) -> tuple[int, ...]:
    """A few lengths for all labels: half to twice of the shortest, the median and the longest."""
    bars = np.array([len(one.bars) for one in labels])
    middle = {int(np.quantile(bars, q)) for q in (0.0, 0.5, 1.0)}
    found = sorted({length for m in middle for length in lengths_around(m) if length <= MOST_BARS})
    kept = found[:1]
    for length in found[1:]:
        if length >= 1.15 * kept[-1]:
            kept.append(length)
    return tuple(kept)
