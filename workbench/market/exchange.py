"""ccxt exchanges, opened the same way for the paper exchange and the real ones, and candles read from them in pages.

Times are milliseconds since the epoch where ccxt speaks, UTC datetimes elsewhere. The venue's *market time* is its own:
a replay lives years ago, so no candle time is ever compared with this machine's clock unless the venue is a real one.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from difflib import get_close_matches
from typing import Any, TypeVar

import ccxt
import ccxt.async_support
import ccxt.pro
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX, as_candles, empty_candles
from workbench.domain.errors import CandleError, ExchangeBusy, ExchangeError, SymbolError, TimeframeError
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.market.listening import listening

PAGE = 1000
_WINDOW = 100  # bars; every exchange answers at least that many at once
SETTLE_MS = 2000  # a real venue may still mend a bar for a moment after its close
_PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_BANNED_S = 60.0  # asking again sooner turns a 429 into a ban
T = TypeVar("T")


def open_exchange(
    name: str, *, pro: bool = False, url: str | None = None, key: str | None = None, secret: str | None = None
) -> Any:
    """An asynchronous ccxt exchange (`ccxt.pro` with `pro`, which hears candles too); `await exchange.close()` ends it.

    url : address of a paper exchange ('http://127.0.0.1:8750'), which speaks the dialect of `binance` only.
    Spot markets only. Raises ExchangeError for a name ccxt does not know. Nothing is sent yet.
    """
    kind = getattr(ccxt.pro if pro else ccxt.async_support, name, None) if name in _names(pro) else None
    if kind is None:
        near = get_close_matches(name, _names(pro), n=3)
        raise ExchangeError(
            f"ccxt knows no exchange {name!r}; " + (f"did you mean {' or '.join(near)}?" if near else "")
        )
    if url and name != "binance":
        raise ExchangeError(f"a paper exchange speaks the dialect of binance, not {name!r}; leave the name at binance")
    config: dict[str, Any] = {"enableRateLimit": url is None, "options": {}, "timeout": 10_000}
    if url is None:
        config["aiohttp_trust_env"] = True  # a proxy named in the environment is honoured
    if name.startswith("binance"):
        config["options"] |= {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
    if url:
        config |= {"urls": {"api": _paper_urls(url.rstrip("/"), kind().urls["api"])}}
        config["options"]["workbenchUrl"] = url.rstrip("/")
    if key:
        config |= {"apiKey": key, "secret": secret}
        config["options"]["adjustForTimeDifference"] = url is None
    return (listening(kind) if pro else kind)(config)


def _names(pro: bool) -> list[str]:
    return ccxt.pro.exchanges if pro else ccxt.async_support.exchanges


def _paper_urls(url: str, real: dict[str, Any]) -> dict[str, Any]:
    """Every address ccxt knows, led to the paper exchange: a call it does not serve fails there, and paper keys never
    reach the real one."""
    socket = "ws" + url.removeprefix("http")
    api = _led_astray(real, url) | {"public": f"{url}/api/v3", "private": f"{url}/api/v3", "v1": f"{url}/api/v1"}
    streams = _led_astray(real.get("ws", {}), socket)
    streams["spot"] = f"{socket}/stream/ws"  # ccxt takes a stream for spot by the word /stream
    streams.setdefault("ws-api", {})["spot"] = f"{socket}/ws-api/v3"
    return api | {"ws": streams}


def _led_astray(real: dict[str, Any], to: str) -> dict[str, Any]:
    return {name: _led_astray(where, to) if isinstance(where, dict) else f"{to}/{name}" for name, where in real.items()}


def plainly(error: Exception, exchange: Any) -> ExchangeError:
    """What ccxt raised, as one sentence of ours."""
    where = exchange.options.get("workbenchUrl") or exchange.id
    said = " ".join(str(error).split())[:200]
    if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
        return ExchangeBusy(f"{where} asks for fewer requests; wait a few minutes ({said})", _asked_to_wait_s(exchange))
    if isinstance(error, ccxt.NetworkError):
        return ExchangeError(f"{where} cannot be reached; check the network and the address ({said})")
    return ExchangeError(f"{where} refused: {said}")


def _asked_to_wait_s(exchange: Any) -> float:
    """How long the venue's last answer asks to be left alone; where it does not say, long enough not to be banned."""
    headers = {name.lower(): value for name, value in (exchange.last_response_headers or {}).items()}
    try:
        return max(float(headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return _BANNED_S


async def patiently(exchange: Any, ask: Callable[[], Awaitable[T]], tries: int = len(_PATIENCE_S)) -> T:
    """Await `ask()` for a *read*, again after network trouble with growing pauses. Raises ExchangeError.

    Never for orders: an order that may have arrived is reconciled, not resent.
    """
    for pause in (*_PATIENCE_S[: tries - 1], None):
        try:
            return await ask()
        except ccxt.NetworkError as error:
            if pause is None:
                raise plainly(error, exchange) from error
            banned = isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection)
            await asyncio.sleep((_asked_to_wait_s(exchange) if banned else pause) * random.uniform(1.0, 1.25))
        except ccxt.BaseError as error:
            raise plainly(error, exchange) from error
    raise AssertionError("unreachable")


async def load_market(exchange: Any, symbol: str, timeframe: Timeframe) -> str:
    """Load the markets and return the exchange's own name for `symbol`.

    Raises ExchangeError where it cannot be reached, SymbolError where `symbol` is not literally a market there (near
    matches are named), TimeframeError where it has no bars of that length.
    """
    await patiently(exchange, exchange.load_markets, tries=2)
    if symbol not in exchange.markets:
        found = resolve_symbol(symbol, [name for name in exchange.markets if ":" not in name])
        if found.note:
            raise SymbolError(f"{exchange.id} has no {symbol}; {found.note}, ask for that")
        symbol = found.symbol
    offered = exchange.timeframes or {}
    if timeframe.text not in offered:
        raise TimeframeError(f"{exchange.id} has no {timeframe} bars; it offers {', '.join(offered) or 'none'}")
    return symbol


async def market_now(exchange: Any, tries: int = len(_PATIENCE_S)) -> int | None:
    """The venue's market time in milliseconds, or None where a paper exchange does not tell it."""
    paper = exchange.options.get("workbenchUrl")
    if paper:
        try:
            clock = await exchange.fetch(f"{paper}/workbench/v1/clock")
            return int(pd.Timestamp(clock["market_time"]).timestamp() * 1000)
        except (ccxt.BaseError, KeyError, TypeError, ValueError):
            return None
    if exchange.has.get("fetchTime"):
        return await patiently(exchange, exchange.fetch_time, tries)
    return exchange.milliseconds()


async def settled_now(exchange: Any, tries: int = len(_PATIENCE_S)) -> int | None:
    """The moment (ms) before which a bar must have ended to be final, or None where the venue's time is not known."""
    now = await market_now(exchange, tries)
    return now if now is None or exchange.options.get("workbenchUrl") else now - SETTLE_MS


async def fetch_candles(
    exchange: Any, symbol: str, timeframe: Timeframe, since: int, until: int | None = None
) -> AsyncIterator[tuple[pd.DataFrame, int]]:
    """Closed bars opened in [since, until) (ms), a page at a time: yields (candle table, `reached`).

    `reached` (ms) is where to go on: a download that was cut off resumes there. The newest bar is left out until the
    venue's clock says it has closed. Reads are rate-limited by ccxt and repeated after network trouble.
    """
    now = await settled_now(exchange)
    cursor: int | None = since
    while cursor is not None and (until is None or cursor < until):
        rows = [row for row in await read_page(exchange, symbol, timeframe, cursor) if row[0] >= cursor]
        if not rows:
            cursor = await _past_nothing(exchange, symbol, timeframe, cursor, now)
            continue
        closed = [row for row in closed_rows(rows, timeframe.milliseconds, now) if until is None or row[0] < until]
        if not closed:
            return
        cursor = closed[-1][0] + timeframe.milliseconds
        yield as_table(closed, f"{symbol} {timeframe} of {exchange.id}"), cursor
        if now is not None and len(closed) < len(rows):
            return  # what was left out still moves, or lies past `until`


async def _past_nothing(exchange: Any, symbol: str, timeframe: Timeframe, at: int, now: int | None) -> int | None:
    """Where bars begin again after `at`, where an exchange that answers in windows had none; None: nowhere.

    Bisects, so that asking from years before a listing costs some twenty requests and not thousands. A later gap that
    is wider than a window is stepped over in the same way.
    """
    window = _WINDOW * timeframe.milliseconds
    last = None if now is None else now - window
    if last is None or last <= at or not await read_page(exchange, symbol, timeframe, last):
        return None
    empty, full = at, last
    while full - empty > window:
        middle = (empty + full) // 2
        if [row for row in await read_page(exchange, symbol, timeframe, middle) if row[0] >= middle]:
            full = middle
        else:
            empty = middle
    return empty + window


async def read_page(
    exchange: Any,
    symbol: str,
    timeframe: Timeframe,
    since: int | None,
    limit: int = PAGE,
    tries: int = len(_PATIENCE_S),
) -> list:
    """Raw rows [opened_ms, open, high, low, close, volume] from `since` on (or the newest), rising, without repeats."""
    rows = await patiently(exchange, lambda: exchange.fetch_ohlcv(symbol, timeframe.text, since, limit), tries)
    return [row[:6] for _, row in sorted({row[0]: row for row in rows}.items())]


def closed_rows(rows: list, step_ms: int, now_ms: int | None) -> list:
    """The rows that are over: a newer one follows, or the venue's clock has passed their end."""
    return [row for row in rows if row[0] < rows[-1][0] or (now_ms is not None and row[0] + step_ms <= now_ms)]


def as_table(rows: list, name: str) -> pd.DataFrame:
    """Raw rows as a candle table. Raises CandleError naming the first that breaks a rule."""
    if not rows:
        return empty_candles()
    if any(value is None for row in rows for value in row):
        bad = next(row for row in rows if None in row)
        raise CandleError(f"{name}: the exchange sent a bar with a hole: {bad}")
    frame = pd.DataFrame(rows, columns=[INDEX, *COLUMNS])
    index = pd.DatetimeIndex(pd.to_datetime(frame.pop(INDEX), unit="ms", utc=True), name=INDEX)
    return as_candles(frame.set_axis(index), name)
