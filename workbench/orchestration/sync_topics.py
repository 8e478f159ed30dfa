"""What is shared between processes: topics, the events that carry them, and who may see them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.events import Event
from workbench.ledger.feature_log import FEATURES_TOLD
from workbench.ledger.model_store import MODEL_PROMOTED, MODEL_TRAINED
from workbench.orchestration.memory import FORECAST_MADE
from workbench.orchestration.plain_text import plain

SIGNAL_DECIDED = "SignalDecided"
TRAINING_ENDED = "TrainingEnded"
# topic → kinds of events that belong to it; `publish` writes the first
TOPICS: Mapping[str, tuple[str, ...]] = {
    "forecasts": ("SharedForecast", FORECAST_MADE),
    "regimes": ("SharedRegime",),
    "patterns": ("SharedPattern",),
    "models": ("SharedModel", MODEL_PROMOTED, MODEL_TRAINED, TRAINING_ENDED),
    "scores": ("SharedScore",),
    "features": ("SharedFeatures", FEATURES_TOLD),
    "signals": ("SharedSignal", SIGNAL_DECIDED),
}
TOPIC_OF: Mapping[str, str] = {kind: topic for topic, kinds in TOPICS.items() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing heard. seq : its number in the ledger, to resume after. user : whose it is, '' for the desk's own.
    kind : of the event; data : its content."""

    seq: int
    topic: str
    kind: str
    user: str
    data: Mapping[str, Any]
    source: str
    at: datetime


@dataclass(slots=True)
class Consents:
    """Who shares what, from SharingChanged events in order. Nothing is shared that nobody said yes to."""

    given: dict[tuple[str, str], bool] = field(default_factory=dict)
    seq: int = 0

    def heard(self, event: Event) -> None:
        if event.seq > self.seq:
            self.seq = event.seq
            self.given[str(event.payload["user"]), str(event.payload["topic"])] = bool(event.payload["share"])

    def allows(self, user: str, topic: str) -> bool:
        """The desk's own things ('' as user) belong to everybody."""
        return not user or self.given.get((user, topic), False)


def checked_topics(topics: str | Iterable[str] | None) -> tuple[str, ...]:
    """Topics as given, each once; all for None. Raises ValueRefused for one nobody knows."""
    wanted = tuple(TOPICS) if topics is None else (topics,) if isinstance(topics, str) else tuple(dict.fromkeys(topics))
    unknown = [topic for topic in wanted if topic not in TOPICS]
    if unknown or not wanted:
        raise ValueRefused(f"no topic {plain(unknown[0] if unknown else '', 40)!r}; topics are {', '.join(TOPICS)}")
    return wanted


def shared(event: Event) -> Shared:
    """An event of a topic, read."""
    said = event.payload
    own = event.kind == TOPICS[TOPIC_OF[event.kind]][0]
    user, data = (str(said.get("user", "")), said.get("data", {})) if own else ("", said)
    return Shared(event.seq, TOPIC_OF[event.kind], event.kind, user, data, event.source, event.at)


def visible(item: Shared, event: Event, consents: Consents, viewer: str) -> bool:
    """Whether `viewer` may see it: the desk's or their own, or shared when it was published and still shared now."""
    if item.user in ("", viewer):
        return True
    return bool(event.payload.get("shared")) and consents.allows(item.user, item.topic)
