"""Reads what the risk page shows: accounts and limits from the command center, closed bars from the venue."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np

from workbench.domain.errors import CommandError
from workbench.domain.market import Timeframe
from workbench.domain.risk_desk import RiskDesk
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.risk_assembly import Markets, halved, measured, risk_desk
from workbench.orchestration.risk_view import look_at_risk

BARS = 1000
LOOK_S = 1.0
OPENED, CLOSE, CLOSED = 0, 4, 6  # of a kline row


class RiskFeed:
    """`look` the RiskDesk now, `what_if` another one. `venue_url`: where closed bars are read, '' where nowhere."""

    def __init__(self, center: UnifiedCommandCenter, venue_url: str = ""):
        self._center, self._url = center, venue_url
        self._markets = _nothing("30m", {})
        self._read_for: tuple[Any, ...] = ()

    async def look(self) -> RiskDesk:
        """As of now. Raises LedgerError where the ledger cannot say who may trade."""
        await self._center.look(LOOK_S)
        (accounts, _), view = await asyncio.gather(self._center.emergency.accounts.read(), look_at_risk(self._center))
        symbols = sorted(
            {s for account in accounts.values() for s in account.positions}
            | {p.symbol for row in view.rows if row.status for p in row.status.positions}
        )
        markets = await self._moves(symbols)
        return await asyncio.to_thread(
            risk_desk, view, accounts, markets, self._ladder(), self._center.settings.sectors
        )

    async def what_if(self, desk: RiskDesk, choice: Mapping[str, Any]) -> RiskDesk:
        """{"halve": bot} or {"correlations": toward 1, in [0, 1]}. Raises CommandError for anything else."""
        if "halve" in choice:
            if choice["halve"] not in desk.bots:
                raise CommandError(f"no bot {choice['halve']!r} is on this desk; those are {', '.join(desk.bots)}")
            return await asyncio.to_thread(halved, desk, choice["halve"], self._markets)
        if "correlations" in choice:
            return await asyncio.to_thread(measured, desk, self._markets, float(choice["correlations"]))
        raise CommandError(f"what if knows halve and correlations, not {', '.join(choice) or 'nothing'}")

    def _ladder(self) -> dict[str, float]:
        on = self._center.settings.triggers
        return {"desk": on.desk_drawdown, "bot": on.bot_drawdown} if on.drawdown else {}

    async def _moves(self, symbols: Sequence[str]) -> Markets:
        """Returns of the closed bars, read anew when a bar has closed or something else is held."""
        clock = self._center.registry.market
        if not symbols:
            return _nothing("30m", {})
        if clock is None or not self._url:
            return _nothing("30m", dict.fromkeys(symbols, "the venue does not answer"))
        frame = Timeframe.parse(clock.timeframe)
        wanted = (clock.run_id, tuple(symbols), int(clock.market_time.timestamp()) // frame.seconds)
        if wanted != self._read_for:
            now_ms = clock.market_time.timestamp() * 1000
            self._markets = await read_moves(self._url, symbols, clock.timeframe, now_ms)
            self._read_for = () if self._markets.missing else wanted
        return self._markets


async def read_moves(url: str, symbols: Sequence[str], timeframe: str, now_ms: float) -> Markets:
    """Returns of the last bars closed by `now_ms` that all markets have. A market that cannot be read is named."""
    closes: dict[str, dict[int, float]] = {}
    missing: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False) as http:
        answers = await asyncio.gather(*(_rows(http, s, timeframe) for s in symbols), return_exceptions=True)
    for symbol, found in zip(symbols, answers, strict=True):
        if isinstance(found, httpx.HTTPError | ValueError):
            missing[symbol] = f"the venue gives no bars ({found or type(found).__name__})"
        elif isinstance(found, BaseException):
            raise found
        else:
            closes[symbol] = {row[OPENED]: float(row[CLOSE]) for row in found if row[CLOSED] < now_ms}
    if not closes:
        return _nothing(timeframe, missing)
    common = sorted(set.intersection(*(set(bars) for bars in closes.values())))
    table = np.array([[bars[at] for bars in closes.values()] for at in common]).reshape(len(common), len(closes))
    step = Timeframe.parse(timeframe).milliseconds
    joined = np.diff(common) == step if len(common) > 1 else np.zeros(0, bool)  # a return over a gap is no bar's
    returns = (np.diff(table, axis=0) / table[:-1])[joined] if len(common) > 1 else np.empty((0, len(closes)))
    return Markets(tuple(closes), returns, Timeframe.parse(timeframe), missing)


async def _rows(http: httpx.AsyncClient, symbol: str, timeframe: str) -> list[list[Any]]:
    query: dict[str, str | int] = {"symbol": symbol.replace("/", ""), "interval": timeframe, "limit": BARS}
    answer = await http.get("/api/v3/klines", params=query)
    answer.raise_for_status()
    return list(answer.json())


def _nothing(timeframe: str, missing: Mapping[str, str]) -> Markets:
    return Markets((), np.empty((0, 0)), Timeframe.parse(timeframe), missing)
