"""The pattern lab composed: the desk's ledger and candles, one person's labels; works without a running desk."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

from workbench.commands.permitted import refusal
from workbench.domain.errors import ValueRefused
from workbench.ledger.pattern_models import models_of
from workbench.visual.lab_charts import LabCharts, lake_charts, sample_charts
from workbench.visual.lab_learner import OwnPatterns
from workbench.visual.lab_session import LabSession
from workbench.widgets.pattern_lab import PatternLab


class Desk(Protocol):
    """The part of a `bootstrap.connection.Connection` that the lab needs."""

    @property
    def ledger(self) -> Any: ...

    @property
    def center(self) -> Any: ...

    @property
    def dispatcher(self) -> Any: ...


async def open_lab(
    desk: Desk, opens: tuple[str, str] | None = None, until: str = "", query: str = "", **traits: Any
) -> PatternLab:
    """The lab of whoever looks at this desk: candles of its lake, else of the recorded sample.

    opens : (symbol, timeframe) of the first chart. until : a date or time (UTC); later bars are not there, so that
    what comes after it stays out of sample. query : of a page's address; its `symbol`, `timeframe`, `until` win.
    Raises ValueRefused where `until` is no time, CandleError where the lake cannot be read.
    """
    asked = {name: values[-1][:80] for name, values in parse_qs(query).items()}
    home = desk.center.settings.home
    charts = await asyncio.to_thread(candles, home / "lake", moment(asked.get("until", until)))
    viewer = desk.dispatcher.viewer
    learner = OwnPatterns(desk.ledger, charts, models=models_of(home))
    session = LabSession(charts, desk.ledger, learner, viewer.name)
    usual = _there(charts, opens) or charts.first
    wanted = asked.get("symbol", usual[0]), asked.get("timeframe", usual[1])
    refuses = refusal(viewer.role, "/pattern train", "labelling")
    return PatternLab(session, _there(charts, wanted) or usual, refuses, **traits)


def candles(lake: Path, until: datetime | None = None) -> LabCharts:
    """The lake's candles, or the sample's where it holds none."""
    return lake_charts(lake, until) or sample_charts(until=until)


def moment(text: str) -> datetime | None:
    """'2019-03-01' or '2019-03-01T12:00' as UTC; None for ''. Raises ValueRefused."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueRefused(f"{text[:40]!r} is no time; write it as 2019-03-01 or 2019-03-01T12:00") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _there(charts: LabCharts, chart: tuple[str, str] | None) -> tuple[str, str] | None:
    """The chart where there is one; of a market without a length, its first."""
    symbol, timeframe = chart or ("", "")
    lengths = charts.markets.get(symbol, ())
    if not lengths:
        return None
    return symbol, timeframe if timeframe in lengths else lengths[0]
