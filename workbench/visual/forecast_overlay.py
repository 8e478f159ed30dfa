"""A forecast as a fan on a live chart, with its record so far. Pure."""

import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe

Json = dict[str, Any]
DRAWN = (0.1, 0.3, 0.5, 0.7, 0.9)  # two bands and the middle
BAND = (0.1, 0.9)
REMEMBERED = 200


class ForecastOverlay:
    """`update_forecast_overlay` takes a newer forecast; `closed` scores the ones before it; `view` is what is drawn.

    A fan states where the price is after `horizon` bars; on the way there its middle moves straight and its spread
    grows with the root of time, in logarithms. A forecast is scored on the bars after `seen_at` only.
    """

    def __init__(self, symbol: str, timeframe: Timeframe):
        self.symbol, self.timeframe = symbol, timeframe
        self.forecast: Forecast | None = None
        self._said: deque[Forecast] = deque(maxlen=REMEMBERED)
        self._inside: deque[bool] = deque(maxlen=REMEMBERED)
        self._misses: deque[float] = deque(maxlen=REMEMBERED)
        self._so_far: Json | None = None

    def update_forecast_overlay(self, forecast_data: Forecast | Mapping[str, Any] | None) -> Json | None:
        """Show another forecast (a `Forecast`, or the same as a mapping), or none. Returns the new `view`.

        Raises ValueRefused where it is no forecast, or one of another market or bar length.
        """
        found = forecast_data if isinstance(forecast_data, Forecast | None) else _read(forecast_data)
        if found is not None and (found.symbol, found.timeframe) != (self.symbol, self.timeframe):
            other = f"{found.symbol} {found.timeframe}"
            raise ValueRefused(f"a forecast of {other} does not belong on {self.symbol} {self.timeframe}")
        if found is not None and (self.forecast is None or found.seen_at > self.forecast.seen_at):
            self._said.append(found)
        self.forecast, self._so_far = found, None
        return self.view()

    def closed(self, closed_at: datetime, close: float) -> Json | None:
        """A bar closed at `closed_at` (UTC) at price `close`. Returns the new `view`."""
        for said in self._said:
            if said.matures_at == closed_at:
                self._inside.append(said.quantile(BAND[0]) <= close <= said.quantile(BAND[1]))
                self._misses.append(abs(close / said.quantile(0.5) - 1))
        shown = self.forecast
        if shown is not None and shown.seen_at < closed_at <= shown.matures_at:
            low, middle, high = path(shown, _steps(shown, closed_at), (*BAND[:1], 0.5, *BAND[1:]))
            self._so_far = {"miss": close / middle - 1, "inside": low <= close <= high}
        return self.view()

    def view(self) -> Json | None:
        """JSON: by, seen and step (ms), ref, levels, horizon, `fan`: prices at `levels` by bar 0 … horizon, `so_far`:
        the newest close beside the middle, `record`: of matured forecasts, how many held within the 80 % band."""
        shown = self.forecast
        if shown is None:
            return None
        steps = _drawn_steps(shown.horizon)
        n = len(self._inside)
        record = {"n": n, "inside": sum(self._inside) / n, "miss": sum(self._misses) / n} if n else None
        return {
            "by": shown.bot_id,
            "seen": _ms(shown.seen_at),
            "step": shown.timeframe.milliseconds,
            "ref": shown.reference,
            "horizon": shown.horizon,
            "levels": list(DRAWN),
            "steps": steps,
            "fan": [list(path(shown, step, DRAWN)) for step in steps],
            "so_far": self._so_far,
            "record": record,
        }


def path(forecast: Forecast, step: float, levels: tuple[float, ...]) -> tuple[float, ...]:
    """Prices at `levels`, `step` bars after the forecast was made (0 … horizon), rising."""
    share = step / forecast.horizon
    middle = math.log(forecast.quantile(0.5) / forecast.reference)
    ends = [math.log(forecast.quantile(level) / forecast.reference) - middle for level in levels]
    return tuple(forecast.reference * math.exp(middle * share + end * math.sqrt(share)) for end in ends)


def _drawn_steps(horizon: int) -> list[int]:
    """Bars at which the fan has a corner: each of them, or about forty of many; dense at first, where it bends."""
    if horizon <= 40:
        return list(range(horizon + 1))
    return sorted({round(horizon * (i / 40) ** 2) for i in range(41)})


def _steps(forecast: Forecast, closed_at: datetime) -> float:
    return (closed_at - forecast.seen_at) / forecast.timeframe.step


def _read(data: Mapping[str, Any]) -> Forecast:
    try:
        seen = data["seen_at"]
        return Forecast(
            bot_id=str(data["bot_id"]),
            symbol=str(data["symbol"]),
            timeframe=Timeframe.parse(str(data["timeframe"])),
            horizon=int(data["horizon"]),
            levels=tuple(float(level) for level in data["levels"]),
            values=tuple(float(value) for value in data["values"]),
            reference=float(data["reference"]),
            seen_at=seen if isinstance(seen, datetime) else datetime.fromisoformat(str(seen)),
        )
    except (KeyError, TypeError) as error:
        raise ValueRefused(f"not a forecast, {error} is missing or wrong: {str(dict(data))[:120]}") from error


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
