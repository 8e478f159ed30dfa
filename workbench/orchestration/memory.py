"""What all bots have said and done, read from the ledger: shared by every process, and still there after a crash."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.domain.events import Event, NewEvent
from workbench.domain.forecasts import Forecast, forecast_from, forecast_json
from workbench.domain.ports import Ledger

FORECAST_MADE = "ForecastMade"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A forecast as it was kept: `seq` orders it among all events, `run_id` names the replay or session."""

    seq: int
    run_id: str
    forecast: Forecast


class CrossBotMemory:
    """A view of the ledger. Awaitable, and never in the way of the loop: each question runs in a thread."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger

    async def events(self, limit: int = 50, kinds: Sequence[str] | None = None) -> list[Event]:
        """The newest events, newest first."""
        found = await asyncio.to_thread(self._ledger.last, limit, kinds)
        return sorted(found, key=lambda event: event.seq, reverse=True)

    async def about(self, bot_id: str, limit: int = 50) -> list[Event]:
        """The newest events that concern one bot, newest first, among the last few thousand."""
        concerns = [e for e in await self.events(5000) if bot_id in (e.source, e.payload.get("bot_id"))]
        return concerns[:limit]

    async def forecasts(self, limit: int = 50, bot_id: str = "", symbol: str = "") -> list[Remembered]:
        """Forecasts kept, newest first; of one bot or one symbol where given."""
        found = await self.events(limit if not (bot_id or symbol) else 5000, [FORECAST_MADE])
        kept = [remembered(event) for event in found]
        wanted = [k for k in kept if bot_id in ("", k.forecast.bot_id) and symbol in ("", k.forecast.symbol)]
        return wanted[:limit]

    async def remember(self, forecasts: Iterable[Forecast], run_id: str) -> None:
        """Keep forecasts before their outcome can exist. The same forecast twice is kept once."""
        now = datetime.now(UTC)
        events = [_event(forecast, run_id, now) for forecast in forecasts]
        if events:
            await asyncio.to_thread(self._ledger.append, events, durable=False)


def _event(forecast: Forecast, run_id: str, now: datetime) -> NewEvent:
    key = forecast_key(forecast, run_id)
    return NewEvent(FORECAST_MADE, forecast.bot_id, {"run_id": run_id, **forecast_json(forecast)}, key, now)


def forecast_key(forecast: Forecast, run_id: str) -> str:
    """One name for one forecast of a run."""
    f = forecast
    key = (run_id, f.bot_id, f.symbol, f.timeframe, f.horizon, f.seen_at.isoformat(), f.model_version)
    return "forecast:" + ":".join(map(str, key))


def remembered(event: Event) -> Remembered:
    """Read a ForecastMade event back."""
    return Remembered(event.seq, event.payload["run_id"], forecast_from(event.payload))
