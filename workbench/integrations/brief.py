"""The daily brief: what every bot did, what it earned, what changed in the markets, and what is left of the limits.

    desk = await connect()
    brief = await gather(desk, hours=24)
    to_look_at(brief)

Each part that cannot be known is named in `unknown` with its reason, and costs the others nothing.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import pandas as pd

from workbench.domain.desk import DashboardData
from workbench.domain.errors import WorkbenchError
from workbench.domain.events import Event
from workbench.domain.jobs import JobRun
from workbench.domain.portfolio import EquityPoint
from workbench.domain.risk_desk import RiskDesk
from workbench.domain.sightings import SEEN, Sighting
from workbench.ledger.log import SqlLedger
from workbench.ledger.sighting_log import SightingLog
from workbench.orchestration import event_words as kinds
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.intelligence_sharing import League
from workbench.orchestration.plain_text import plain
from workbench.orchestration.regime_desk import RegimeView, look_at_regime
from workbench.orchestration.risk_feed import RiskFeed
from workbench.visual.correlation_charts import changes_table
from workbench.visual.correlation_source import assets_now

T = TypeVar("T")
SEARCHED = 2000
BARS, WINDOW = 720, 240
NO_DESK = "no desk runs here (`workbench up` starts one)"
_TRADES = (kinds.TRADE_OPENED, kinds.TRADE_CLOSED)
_HAPPENED = tuple(kind for kind in kinds.SHOWN if kind not in (*_TRADES, kinds.BOT_ANNOUNCED, SEEN))


class Desk(Protocol):
    """An open connection, as `bootstrap.connection.connect` gives."""

    @property
    def center(self) -> UnifiedCommandCenter: ...
    @property
    def ledger(self) -> SqlLedger: ...
    @property
    def run(self) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Brief:
    """`since`: the period's beginning on the venue's clock (this machine's, where no venue answers). `curves`: equity
    in the period by bot, and 'total'. `trades`: opened and closed in it. `happened`: other events of the last `hours`
    on this machine's clock. `patterns`: seen in the period, oldest first. `changes`: pairs whose correlation changed,
    None where it is not known. `markets`: how many were looked at."""

    as_of: datetime
    since: datetime
    hours: float
    data: DashboardData
    curves: Mapping[str, tuple[EquityPoint, ...]] = field(default_factory=dict)
    trades: tuple[Event, ...] = ()
    happened: tuple[Event, ...] = ()
    patterns: tuple[Sighting, ...] = ()
    runs: tuple[JobRun, ...] = ()
    league: League | None = None
    regimes: Mapping[str, RegimeView] = field(default_factory=dict)
    changes: pd.DataFrame | None = None
    markets: int = 0
    risk: RiskDesk | None = None
    unknown: tuple[str, ...] = ()


async def gather(desk: Desk, hours: float = 24.0, symbols: Sequence[str] = (), timeframe: str = "") -> Brief:
    """Everything as of now. symbols : markets to look at, all of the venue's without; timeframe : the venue's own.

    Raises LedgerError where the ledger itself cannot be read.
    """
    data = await desk.center.get_unified_dashboard_data()
    now = datetime.now(UTC)
    market = data.market
    since = (market.market_time if market else now) - timedelta(hours=hours)
    unknown: list[str] = [] if market else [f"markets, bots and risk now: {NO_DESK}"]
    events = await asyncio.to_thread(desk.ledger.last, SEARCHED, kinds.SHOWN)
    wall = now - timedelta(hours=hours)
    watched = list(symbols or (market.symbols if market else ()))
    frame = timeframe or (market.timeframe if market else "")
    regimes, changes = await _markets(desk, watched, frame, unknown) if market else ({}, None)
    return Brief(
        as_of=now,
        since=since,
        hours=hours,
        data=data,
        curves={name: kept for name, points in data.equity.items() if (kept := _from(points, since))},
        trades=tuple(e for e in events if e.kind in _TRADES and _in_period(e, market.run_id if market else "", since)),
        happened=tuple(e for e in reversed(events) if e.kind in _HAPPENED and e.at >= wall),
        patterns=tuple(await asyncio.to_thread(_seen, desk.ledger, since)),
        runs=tuple(run for run in await asyncio.to_thread(desk.ledger.job_runs.last, 100) if run.began_at >= wall),
        league=await _or_say("forecasts", _league(desk), unknown),
        regimes=regimes,
        changes=changes,
        markets=len(watched),
        risk=await _or_say("risk", RiskFeed(desk.center, _url(desk)).look(), unknown) if market else None,
        unknown=tuple(unknown),
    )


async def _markets(
    desk: Desk, symbols: list[str], timeframe: str, unknown: list[str]
) -> tuple[dict[str, RegimeView], pd.DataFrame | None]:
    found = {s: await _or_say(f"regime of {s}", look_at_regime(desk.center, s, timeframe), unknown) for s in symbols}
    if len(symbols) < 2:
        unknown.append("correlations: they need two markets or more")
        return {s: view for s, view in found.items() if view}, None
    asked = assets_now(symbols, timeframe, WINDOW, BARS, _url(desk))
    assets = await _or_say("correlations", asked, unknown)
    changes = await asyncio.to_thread(changes_table, assets[0]) if assets else None
    return {s: view for s, view in found.items() if view}, changes


async def _league(desk: Desk) -> League:
    desk.center.intelligence.seen(desk.center.registry.market)
    return await desk.center.intelligence.league(("bot", "horizon"))


def _seen(ledger: SqlLedger, since: datetime) -> list[Sighting]:
    return [one for one in SightingLog(ledger).all() if one.seen_at >= since]


async def _or_say(what: str, asked: Awaitable[T], unknown: list[str]) -> T | None:
    try:
        return await asked
    except WorkbenchError as error:
        unknown.append(f"{what}: {plain(error)}")
        return None


def _from(points: Sequence[EquityPoint], since: datetime) -> tuple[EquityPoint, ...]:
    """The points of the period, with the last one before it, which its profit is measured from."""
    later = [at for at, point in enumerate(points) if point.at >= since]
    return tuple(points[max(later[0] - 1, 0) :]) if later else ()


def _in_period(event: Event, run_id: str, since: datetime) -> bool:
    said = event.payload
    at = str(said.get("closed_at") or said.get("opened_at") or "")
    try:
        return bool(run_id) and said.get("run_id") == run_id and datetime.fromisoformat(at) >= since
    except ValueError:
        return False


def _url(desk: Desk) -> str:
    return desk.run.exchange_url if desk.run else ""
