"""Tracked setups and each change of their stage, as events. A change told twice, by whichever process, is kept once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.domain.events import Event, NewEvent
from workbench.domain.setups import ARMED, CHANGED, DROPPED, TrackedSetup, setup_from, setup_json
from workbench.ledger.log import SqlLedger

OVER = frozenset({"failed", "target", "stop", "expired"})
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class SetupRecord:
    """A setup with what is known of it. stage : the newest told; told : payloads of its changes, oldest first."""

    setup: TrackedSetup
    stage: str
    told: tuple[Mapping[str, Any], ...]

    @property
    def over(self) -> bool:
        return self.stage in OVER or self.stage == "dropped"


class SetupLog:
    """Reads and writes setups through a ledger. Blocking; raises LedgerError."""

    def __init__(self, ledger: SqlLedger):
        self._ledger = ledger

    def arm(self, setup: TrackedSetup) -> bool:
        """Start tracking; False where this id is tracked already (then nothing changes)."""
        board = setup.board
        words = f"{board.user} waits for {setup.name} on {board.symbol} {board.timeframe}"
        return self._once(ARMED, setup, setup_json(setup) | {"words": words}, setup.armed_at, "armed")

    def change(self, setup: TrackedSetup, at: datetime, after: str, facts: Mapping[str, Any]) -> bool:
        """Tell a new stage, reached at `at`; False where it was told before. A stage is reached once."""
        board = setup.board
        whose = {"setup_id": setup.setup_id, "user": board.user, "symbol": board.symbol}
        words = f"{setup.name} on {board.symbol} {board.timeframe} is {after}: {facts.get('words', '')}".rstrip(": ")
        payload = {**whose, "timeframe": str(board.timeframe), "at": at.isoformat(), **facts, "after": after}
        return self._once(CHANGED, setup, payload | {"words": words}, at, after)

    def drop(self, setup: TrackedSetup, at: datetime) -> bool:
        """Wait no longer."""
        board = setup.board
        payload = {"setup_id": setup.setup_id, "words": f"{board.user} waits no longer for {setup.name}"}
        return self._once(DROPPED, setup, payload, at, "dropped")

    def records(self, user: str | None = None, symbol: str | None = None) -> list[SetupRecord]:
        """Every setup, oldest first; of one author or market where they are named."""
        found: dict[tuple[str, str], tuple[TrackedSetup, str, list[Mapping[str, Any]]]] = {}
        for event in self._events():
            said, key = event.payload, (event.source, event.payload["setup_id"])
            if event.kind == ARMED:
                found[key] = setup_from(said), "armed", []
            elif key in found:
                setup, _, told = found[key]
                told += [said] if event.kind == CHANGED else []
                found[key] = setup, said.get("after", "dropped"), told
        wanted = [SetupRecord(setup, stage, tuple(told)) for setup, stage, told in found.values()]
        return [
            record
            for record in wanted
            if user in (None, record.setup.board.user) and symbol in (None, record.setup.board.symbol)
        ]

    def _events(self) -> list[Event]:
        events: list[Event] = []
        while batch := self._ledger.read(events[-1].seq if events else 0, _BATCH, (ARMED, CHANGED, DROPPED)):
            events += batch
        return events

    def _once(self, kind: str, setup: TrackedSetup, payload: Mapping[str, Any], at: datetime, stage: str) -> bool:
        event_id = f"{kind}:{setup.board.user}:{setup.setup_id}:{stage}"
        if self._ledger.event(event_id) is not None:
            return False
        self._ledger.append([NewEvent(kind, setup.board.user, payload, event_id, at)])  # its id keeps it single
        return True
