"""Patterns seen on bars that had just closed, and what came of them, as events: each is told once, by its id."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from workbench.domain.events import Event, NewEvent
from workbench.domain.market import Timeframe
from workbench.domain.orders import Side
from workbench.domain.patterns import Likeness, Outcome, OutcomeRule, Recognition
from workbench.domain.sightings import ENDED, SEEN, Sighting
from workbench.ledger.log import SqlLedger

_BATCH = 1000
SOURCE = "patterns"


class SightingLog:
    """Reads and writes sightings through a ledger. Blocking; raises LedgerError."""

    def __init__(self, ledger: SqlLedger):
        self._ledger = ledger

    def tell(self, sightings: Sequence[Sighting]) -> int:
        """Record what was seen, durably; returns how many were not told before."""
        fresh = [one for one in sightings if self._ledger.event(f"{SEEN}:{one.key}") is None]
        if fresh:
            self._ledger.append([NewEvent(SEEN, SOURCE, _json(one), f"{SEEN}:{one.key}", one.seen_at) for one in fresh])
        return len(fresh)

    def end(self, ended: Sequence[Sighting], at: datetime) -> int:
        """Record what became of sightings, known at `at`, market time."""
        news = [NewEvent(ENDED, SOURCE, _ending(one), f"{ENDED}:{one.key}", at) for one in ended]
        if news:
            self._ledger.append(news)
        return len(news)

    def all(self, user_id: str | None = None) -> list[Sighting]:
        """Everything that was told, oldest first, with its outcome where that is known; of one user where named."""
        found: dict[str, Sighting] = {}
        for event in self._events():
            said = event.payload
            if event.kind == SEEN:
                found[str(said["key"])] = _read(said)
            elif said["key"] in found:
                before = found[said["key"]]
                found[said["key"]] = replace(before, outcome=Outcome(said["outcome"]), gain=float(said["gain"]))
        return [one for one in found.values() if user_id in (None, one.user_id)]

    def _events(self) -> list[Event]:
        events: list[Event] = []
        while batch := self._ledger.read(events[-1].seq if events else 0, _BATCH, (SEEN, ENDED)):
            events += batch
        return events


def _json(one: Sighting) -> dict[str, Any]:
    seen = one.recognition
    return {
        "key": one.key,
        "user": one.user_id,
        "pattern": seen.pattern,
        "symbol": seen.symbol,
        "timeframe": seen.timeframe.text,
        "first_at": seen.first_at.isoformat(),
        "last_at": seen.last_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "probability": seen.probability,
        "p_value": seen.p_value,
        "nearest": [asdict(near) for near in seen.nearest],
        "version": one.version,
        "rule": {**asdict(one.rule), "side": one.rule.side.value},
        "fresh": one.fresh,
        "words": one.words,
    }


def _read(said: Mapping[str, Any]) -> Sighting:
    first_at, last_at, seen_at = (datetime.fromisoformat(said[name]) for name in ("first_at", "last_at", "seen_at"))
    near = tuple(Likeness(str(one["annotation_id"]), float(one["similarity"])) for one in said["nearest"])
    frame, chances = Timeframe.parse(said["timeframe"]), (float(said["probability"]), float(said["p_value"]))
    seen = Recognition(str(said["pattern"]), str(said["symbol"]), frame, first_at, last_at, *chances, near)
    rule = OutcomeRule(**{**said["rule"], "side": Side(said["rule"]["side"])})
    return Sighting(str(said["user"]), seen, str(said["version"]), seen_at, rule, bool(said["fresh"]))


def _ending(one: Sighting) -> dict[str, Any]:
    seen = one.recognition
    words = f"{one.user_id}: {seen.pattern} on {seen.symbol} {seen.timeframe} ended in {one.outcome} ({one.gain:+.2%})"
    whose = {"key": one.key, "user": one.user_id, "pattern": seen.pattern, "symbol": seen.symbol}
    return {**whose, "outcome": one.outcome.value, "gain": one.gain, "words": words}
