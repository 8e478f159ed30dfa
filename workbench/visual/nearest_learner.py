"""The plainest learner: a window is what its most similar label is, if history holds few that are as similar."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation, Bar, Likeness, Outcome, Recognition
from workbench.ledger.annotations import AnnotationTable
from workbench.quant.shapes import lengths_around, scan, shape, similarity, without_overlap
from workbench.visual.lab_charts import Window, bars_of
from workbench.visual.lab_learner import Finding, Record, Tells, Trained

FEWEST = 3
ALIKE = 0.9


class NearestLearner:
    def __init__(self, annotations: AnnotationTable):
        self._annotations = annotations
        self._learned: dict[str, list[Annotation]] = {}

    def train(self, user_id: str, tell: Tells | None = None) -> Trained:
        labels = self._annotations.all(user_id)
        counts = {name: sum(one.pattern == name for one in labels) for name in {one.pattern for one in labels}}
        enough = {name: count for name, count in counts.items() if count >= FEWEST}
        if not enough:
            raise ValueRefused(f"a pattern needs {FEWEST} labels to be learned; label more windows")
        for done in (0.2, 0.6, 1.0):
            if tell:
                tell(done, "learning")
        self._learned[user_id] = [one for one in labels if one.pattern in enough]
        return Trained(enough, float("nan"), f"learned from {sum(enough.values())} labels")

    def trained(self, user_id: str) -> Trained | None:
        return None

    def recognise(self, user_id: str, candles: pd.DataFrame, symbol: str, timeframe: str) -> list[Finding]:
        own = self._learned.get(user_id, [])
        if not own:
            return []
        bank = np.stack([shape(_closes(one)) for one in own])
        closes = np.log(candles["close"].to_numpy())
        lengths = sorted({length for one in own for length in lengths_around(len(one.bars), (0.7, 1.0, 1.4))})
        hits = without_overlap(scan([closes], bank, lengths, ALIKE, first=False))
        found = []
        for end, bars, like in zip(hits.ends, hits.lengths, hits.similarities, strict=True):
            table = candles.iloc[end - bars + 1 : end + 1]
            alike = similarity(np.log(table["close"].to_numpy()), bank)
            order = np.argsort(-alike)[:3]
            near = tuple(Likeness(own[at].annotation_id, float(alike[at])) for at in order)
            recognition = Recognition(
                own[order[0]].pattern,
                symbol,
                Timeframe.parse(timeframe),
                table.index[0].to_pydatetime(),
                table.index[-1].to_pydatetime(),
                float(np.clip((like - 0.8) * 5, 0, 1)),
                0.01,
                near,
            )
            found.append(Finding(recognition, bars_of(table)))
        return found[::-1]

    def judge(self, user_id: str, windows: Sequence[tuple[Window, tuple[Bar, ...]]]) -> list[tuple[str, float]]:
        return [("", float("nan"))] * len(windows)

    def records(self, user_id: str) -> list[Record]:
        found = []
        for pattern in self._annotations.patterns(user_id):
            ended = [one.outcome for one in self._annotations.all(user_id, pattern.name)]
            won, lost = ended.count(Outcome.SUCCESS), ended.count(Outcome.FAILURE)
            words = f"No evidence: {won} of {won + lost}, not compared with chance yet"
            nan = float("nan")
            found.append(Record(pattern.name, len(ended), won, won + lost, nan, nan, nan, nan, 0, 0, 0, False, words))
        return found


def _closes(one: Annotation) -> np.ndarray:
    return np.log(np.array([bar[3] for bar in one.bars]))
