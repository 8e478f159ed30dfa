"""The chart that goes with an event about a market: what was known when it happened, to be read on a phone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.domain.drawings import Drawing
from workbench.domain.errors import TimeframeError, ValueRefused
from workbench.domain.events import Event
from workbench.domain.forecasts import forecast_from
from workbench.domain.market import Timeframe
from workbench.domain.outlook import FORECAST_TURNED, REGIME_CHANGED
from workbench.domain.setups import CHANGED as SETUP_CHANGED
from workbench.domain.sightings import SEEN
from workbench.visual.chart_spec import ChartSpec, Panel, PatternMark, PriceMark, Span

BARS, LEAST = 90, 20
_AT = {SETUP_CHANGED: "at", SEEN: "seen_at", REGIME_CHANGED: "as_of", FORECAST_TURNED: "seen_at"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Which bars an event's chart needs: those closed by `at`, UTC."""

    symbol: str
    timeframe: Timeframe
    at: datetime


def scene_of(event: Event) -> Scene | None:
    """None for an event that is not about a market, or does not say which."""
    said = event.payload
    try:
        at = datetime.fromisoformat(said[_AT[event.kind]])
        return Scene(str(said["symbol"]), Timeframe.parse(said["timeframe"]), at)
    except (KeyError, TypeError, ValueError, TimeframeError):
        return None


def event_picture(
    event: Event,
    scene: Scene,
    candles: pd.DataFrame,
    drawings: Sequence[Drawing] = (),
    regimes: Sequence[Span] = (),
) -> ChartSpec:
    """candles : the market's closed bars; those after the event are left out, whatever is given. drawings : what stands
    on this market. regimes : as they were told. Raises ValueRefused where too few bars are from before the event."""
    known = candles[candles.index + scene.timeframe.step <= pd.Timestamp(scene.at)]
    if len(known) < LEAST:
        raise ValueRefused(f"{scene.symbol} {scene.timeframe}: {len(known)} bars by {scene.at}, {LEAST} are needed")
    bars = max(BARS, 2 * _length(event.payload, scene.timeframe))
    panel = Panel(scene.symbol, scene.timeframe, known.iloc[-bars:])
    if event.kind == SETUP_CHANGED:
        panel = replace(panel, marks=_marks(event.payload), drawings=tuple(drawings))
    elif event.kind == REGIME_CHANGED:
        panel = replace(panel, ribbon=tuple(regimes))
    elif event.kind == FORECAST_TURNED:
        panel = replace(panel, fans=(forecast_from(event.payload),))
    else:
        panel = replace(panel, patterns=(_pattern(event.payload, scene, known),))
    return ChartSpec((panel,), bars=bars).for_phone()


def _marks(said: Mapping[str, Any]) -> tuple[PriceMark, ...]:
    """The level that was waited for, and where it is wrong or right; only finite prices."""
    names = (("entry", "level"), ("stop", "stop"), ("target", "target"))
    prices = [(kind, said.get(name)) for kind, name in names]
    return tuple(PriceMark(kind, float(price)) for kind, price in prices if price is not None and price > 0)


def _pattern(said: Mapping[str, Any], scene: Scene, known: pd.DataFrame) -> PatternMark:
    first, last = (datetime.fromisoformat(said[name]) for name in ("first_at", "last_at"))
    window = known.loc[first:last]  # type: ignore[misc]
    shown = window if len(window) else known.iloc[-1:]
    low, high = float(shown["low"].min()), float(shown["high"].max())
    chance = f"{said['probability']:.0%}".replace("%", " %")
    return PatternMark(str(said["pattern"])[:40], first, last + scene.timeframe.step, low, high, chance)


def _length(said: Mapping[str, Any], timeframe: Timeframe) -> int:
    """Bars of a pattern's window; 0 for what has none."""
    if "first_at" not in said:
        return 0
    first, last = (datetime.fromisoformat(said[name]) for name in ("first_at", "last_at"))
    return (last - first) // timeframe.step + 1
