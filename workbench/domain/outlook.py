"""What changes in the outlook on a market, as events name it, and which way a forecast leans."""

from workbench.domain.forecasts import Forecast

REGIME_CHANGED, FORECAST_TURNED = "RegimeChanged", "ForecastTurned"
LEANS = 0.6


def lean(forecast: Forecast, before: str | None) -> str | None:
    """'up' from a probability of LEANS for a rise, 'down' from as much for a fall, and between the two as `before`."""
    rise = forecast.chance_above(forecast.reference)
    return "up" if rise >= LEANS else "down" if rise <= 1 - LEANS else before
