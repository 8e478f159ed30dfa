"""Which regime a market is in: /regime."""

import asyncio
import math

from workbench.commands.asked import Asked
from workbench.commands.formats import moment, zone_name
from workbench.commands.reply import Chart, Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.orchestration.plain_text import plain
from workbench.orchestration.regime_desk import RegimeView, look_at_regime
from workbench.quant.regime_reading import MODEL

TIMEFRAME = "1h"
_WORDS = {"": "unknown", "normal": "normal: there is one regime only"}


async def regime(asked: Asked, line: Line) -> Reply:
    """Probabilities of the model and of the bots, their weights, since when it holds, and what changed."""
    timeframe = line.values.get("tf", TIMEFRAME)
    view = await look_at_regime(asked.center, line.values["symbol"], timeframe)
    chart = await asyncio.to_thread(_picture, view)
    parts: tuple[Part, ...] = (_sentence(asked, view), _voices(view), *_changes(view), chart)
    zone = asked.viewer.zone
    notes = (*line.notes, f"from bars closed by {moment(view.as_of, zone)} {zone_name(zone)}, market time")
    return Reply(f"Regime of {view.symbol} {view.timeframe}", parts, as_of=asked.now, notes=notes)


def _sentence(asked: Asked, view: RegimeView) -> Text:
    if view.together is None:
        return Text("Unknown: the bars say nothing, and no bot votes.", Tone.WARNING)
    together, reading = view.together, view.reading
    model = _WORDS.get(reading.regime, reading.regime)
    if reading.regime:
        model += f" since {moment(view.held_since, asked.viewer.zone)}"
    words = f"{together.regime.capitalize()}, turbulent with {together.turbulent:.0%}. The model alone: {model}"
    if reading.regime in ("calm", "turbulent"):
        words += f"; moves of its turbulent regime are {reading.ratio:.1f} times those of the calm one"
    return Text(f"{words}.", Tone.WARNING if together.regime == "turbulent" else Tone.PLAIN)


def _voices(view: RegimeView) -> Table:
    columns = (
        Column("voice", Shape.BOT),
        Column("calm", Shape.SHARE),
        Column("turbulent", Shape.SHARE),
        Column("weight", Shape.SHARE),
        Column("note"),
    )
    weights = view.together.weights if view.together else {}
    worth = view.record.scored
    model = f"filtered, sticky Student-t HMM; {_past(worth.get(MODEL, 0))}"
    rows: list[tuple] = [_voice(MODEL, view.reading.turbulent, weights, model)]
    rows += [_voice(bot, vote, weights, _past(worth.get(bot, 0))) for bot, vote in view.votes.items()]
    rows += [(bot, None, None, 0.0, plain(why, 200)) for bot, why in view.silent.items()]
    if view.together:
        rows.append(("together", 1 - view.together.turbulent, view.together.turbulent, 1.0, view.together.regime))
    return Table(columns, tuple(rows), "Probabilities")


def _past(scored: int) -> str:
    return f"{scored:,} votes scored" if scored else "no vote old enough to be scored"


def _voice(name: str, p: float, weights: dict[str, float], note: str) -> tuple:
    known = math.isfinite(p)
    return (name, 1 - p if known else None, p if known else None, weights.get(name, 0.0), note)


def _changes(view: RegimeView) -> list[Part]:
    columns = (Column("changed around", Shape.TIME), Column("noticed", Shape.TIME))
    if not view.changes:
        return [Text(f"No change in the size of moves was noticed in {len(view.path):,} bars.", Tone.MUTED)]
    return [Table(columns, view.changes[-8:], "Change points")]


def _picture(view: RegimeView) -> Chart:
    from workbench.visual.picture import spec_of  # Altair costs a second that other commands need not pay
    from workbench.visual.regime_chart import regime_chart

    name = f"{view.symbol} {view.timeframe}: price, and the probability of turbulence as told at each bar"
    began = [around for around, _ in view.changes if around >= view.path.index[0]]
    return Chart(spec_of(regime_chart(view.path[["close", "turbulent"]], began, name)), name)
