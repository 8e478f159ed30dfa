"""One classifier a user, of the labels as they are now: held in memory, read from its file, or trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import structlog

from workbench.domain.errors import ModelRefused
from workbench.domain.patterns import Annotation
from workbench.domain.ports import Progress
from workbench.ledger.pattern_models import PatternModels
from workbench.visual.pattern_classifier import HISTORY, Market, PatternClassifier
from workbench.visual.pattern_files import digest_of, pack_classifier, unpack_classifier

log = structlog.get_logger(__name__)
Labels = Callable[[str], list[Annotation]]


@dataclass(frozen=True, slots=True)
class Learning:
    """How much a classifier is made of; the usual numbers unless a test wants to be quick."""

    trees: int = 100
    windows: int = HISTORY


@dataclass(frozen=True, slots=True)
class Held:
    """labels : digest of what was learned from. version : as the ledger numbers it and its hash, '' where unsaved."""

    labels: str
    classifier: PatternClassifier
    version: str


class Shelf:
    """`labels` tells what a user learns from. models : where classifiers outlive this process; None: nowhere.
    Methods block."""

    def __init__(self, labels: Labels, models: PatternModels | None = None, learning: Learning | None = None):
        self._labels, self._models, self._learning = labels, models, learning or Learning()
        self._held: dict[str, Held] = {}

    def train(
        self, user_id: str, history: Mapping[Market, pd.DataFrame], progress: Progress | None = None, seed: int = 0
    ) -> PatternClassifier:
        """Learn anew from the labels as they are, and save it. Raises ValueRefused where there are too few."""
        labels, how = self._labels(user_id), self._learning
        classifier = PatternClassifier.fit(labels, history, progress, seed, how.trees, how.windows)
        digest = digest_of(labels)
        self._held[user_id] = Held(digest, classifier, self._kept(user_id, classifier, digest))
        return classifier

    def of(self, user_id: str, history: Mapping[Market, pd.DataFrame]) -> PatternClassifier:
        """Of the labels as they are now; trained where there is none of these yet."""
        held = self.ready(user_id)
        return held.classifier if held else self.train(user_id, history)

    def ready(self, user_id: str) -> Held | None:
        """What was learned from the labels as they are now, held or saved; None where it must be trained first."""
        labels = self._labels(user_id)
        digest = digest_of(labels)
        held = self._held.get(user_id)
        if held is None or held.labels != digest:
            held = self._saved(user_id, digest, labels)
        if held:
            self._held[user_id] = held
        return held

    def _kept(self, user_id: str, classifier: PatternClassifier, digest: str) -> str:
        """The version it was saved as; '' where it was not: a model too large for a file is still one."""
        if self._models is None:
            return ""
        try:
            kept = self._models.keep(user_id, pack_classifier(classifier, digest), digest)
        except ModelRefused as error:
            log.warning("pattern_model_not_saved", user=user_id, reason=str(error))
            return ""
        return f"{kept.version}:{kept.sha256[:12]}"

    def _saved(self, user_id: str, digest: str, labels: list[Annotation]) -> Held | None:
        found = self._models.of(user_id, digest) if self._models else None
        if found is None or self._models is None:
            return None
        try:
            classifier = unpack_classifier(self._models.read(found), found.sha256, labels)
        except ModelRefused as error:
            log.warning("pattern_model_refused", user=user_id, reason=str(error))
            return None
        return Held(digest, classifier, f"{found.version}:{found.sha256[:12]}")
