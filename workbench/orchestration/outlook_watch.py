"""What changes in the outlook on a market: its regime, and which way the bots' forecast leans. Pure."""

from collections.abc import Mapping
from typing import Any

from workbench.domain.events import Event, NewEvent
from workbench.domain.forecasts import Forecast, forecast_from
from workbench.domain.outlook import FORECAST_TURNED, REGIME_CHANGED, lean
from workbench.orchestration.memory import forecast_key
from workbench.orchestration.sync_topics import TOPICS

REGIME_TOLD, FORECAST_TOLD = TOPICS["regimes"][0], TOPICS["forecasts"][0]


class OutlookWatch:
    """`feed` it what is told on the topics 'regimes' and 'forecasts', in order; it answers with the change, or None.

    The first word on a market changes nothing. Each run of a market is apart, and each horizon.
    """

    def __init__(self) -> None:
        self._regimes: dict[tuple, str] = {}
        self._leans: dict[tuple, str] = {}

    def feed(self, event: Event) -> NewEvent | None:
        data = event.payload.get("data", {})
        if event.payload.get("user"):
            return None  # somebody's own, not the desk's
        return self._regime(event, data) if event.kind == REGIME_TOLD else self._forecast(event, data)

    def _regime(self, event: Event, data: Mapping[str, Any]) -> NewEvent | None:
        key = data["run_id"], data["symbol"], data["timeframe"]
        before, regime = self._regimes.get(key), str(data["regime"])
        self._regimes[key] = regime
        if before in (None, regime):
            return None
        words = f"{data['symbol']} {data['timeframe']} is {regime} now, {data['turbulent']:.0%} turbulent; was {before}"
        facts = {name: data[name] for name in ("run_id", "symbol", "timeframe", "as_of", "turbulent")}
        payload = {**facts, "regime": regime, "before": before, "words": words}
        event_id = ":".join((REGIME_CHANGED, *map(str, key), str(data["as_of"])))
        return NewEvent(REGIME_CHANGED, str(data["symbol"]), payload, event_id, event.at)

    def _forecast(self, event: Event, data: Mapping[str, Any]) -> NewEvent | None:
        said = forecast_from(data)
        key = data["run_id"], said.symbol, str(said.timeframe), said.horizon
        before = self._leans.get(key)
        side = lean(said, before)
        if side is not None:
            self._leans[key] = side
        if before is None or side == before:
            return None
        payload = {**data, "as_of": data["seen_at"], "side": side, "before": before, "words": _words(said, str(side))}
        return NewEvent(
            FORECAST_TURNED, said.symbol, payload, f"{FORECAST_TURNED}:{forecast_key(said, data['run_id'])}", event.at
        )


def _words(said: Forecast, side: str) -> str:
    rise = said.chance_above(said.reference)
    chance = f"{rise:.0%} for a rise" if side == "up" else f"{1 - rise:.0%} for a fall"
    low, middle, high = (f"{said.quantile(level):,.6g}" for level in (0.1, 0.5, 0.9))
    market = f"{said.symbol} {said.timeframe}"
    return f"the forecast of {market}, {said.horizon} bars ahead, turned {side}: {chance}, {middle} ({low} – {high})"
