"""The exchange's own requests from the other side: its clock for anyone, its accounts for who holds the admin token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from workbench.domain.desk import MarketClock
from workbench.domain.errors import ExchangeBusy, ExchangeError
from workbench.domain.portfolio import MoneyMode


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What ccxt signs with."""

    key: str
    secret: str = field(repr=False)


class Venue:
    """A paper exchange at `url`. Every method raises ExchangeError where it is not reached or says no."""

    def __init__(self, url: str, admin_token: str | None = None, timeout_s: float = 10.0):
        headers = {"Authorization": f"Bearer {admin_token}"} if admin_token else {}
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=timeout_s, trust_env=False)

    async def clock(self) -> MarketClock:
        return _clock(await self._ask("GET", "clock"))

    async def open_account(self, name: str, funds: Mapping[str, str | float | Decimal]) -> ApiKey:
        """Open an account, or find it: asking again gives the same key and no second deposit."""
        body = {"name": name, "funds": {asset: str(amount) for asset, amount in funds.items()}}
        said = await self._ask("POST", "accounts", body)
        return ApiKey(said["apiKey"], said["secret"])

    async def pause(self) -> MarketClock:
        return _clock(await self._ask("POST", "pause"))

    async def resume(self) -> MarketClock:
        return _clock(await self._ask("POST", "resume"))

    async def set_speed(self, speed: float | str) -> MarketClock:
        """Market seconds a wall second, or 'max'."""
        return _clock(await self._ask("POST", "speed", {"speed": "max" if speed == float("inf") else speed}))

    async def seek(self, moment: datetime) -> MarketClock:
        """Trade through to `moment` (UTC) as fast as possible; forward only."""
        return _clock(await self._ask("POST", "seek", {"to": moment.isoformat()}, timeout_s=3600.0))

    async def snapshot(self) -> dict[str, Any]:
        """Every account at this moment: {"clock": …, "accounts": {name: {"balances", "open_orders", "equity", …}}}."""
        return await self._ask("GET", "snapshot")

    async def market_data(self, path: str) -> Any:
        """An open question in the exchange's own dialect, as in `market_data("exchangeInfo")`."""
        return await self._ask("GET", f"/api/v3/{path}")

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "Venue":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: Any = None, timeout_s: float | None = None) -> Any:
        wait = {} if timeout_s is None else {"timeout": timeout_s}
        where = path if path.startswith("/") else f"/workbench/v1/{path}"
        try:
            said = await self._http.request(method, where, json=body, **wait)  # type: ignore[arg-type]
            answer = said.json()
        except httpx.HTTPError as error:
            raise ExchangeError(f"the exchange at {self.url} does not answer ({type(error).__name__})") from error
        except ValueError as error:
            raise ExchangeError(f"{self.url} answers, but is not a paper exchange") from error
        if said.is_error:
            words = answer.get("error") or answer.get("msg") or f"{self.url} answered {said.status_code}"
            if said.status_code in (418, 429):
                raise ExchangeBusy(words, _seconds(said.headers.get("Retry-After"), said.status_code))
            raise ExchangeError(words)
        return answer


def _seconds(told: str | None, status: int) -> float:
    """How long a venue asks to be left alone; where it does not say, long enough not to be banned (again)."""
    try:
        return max(float(told or ""), 0.0)
    except ValueError:
        return 60.0 if status == 418 else 1.0


def _clock(said: Mapping[str, Any]) -> MarketClock:
    return MarketClock(
        mode=MoneyMode(said["mode"]),
        market_time=datetime.fromisoformat(said["market_time"]),
        speed=float("inf") if said["speed"] == "max" else float(said["speed"]),
        paused=said["paused"],
        run_id=said["run_id"],
        source=said["source"],
        timeframe=said["timeframe"],
        symbols=tuple(said["symbols"]),
        ended=said["ended"],
        data_age_s=said.get("data_age_s"),
        stale=said.get("stale", ""),
    )
