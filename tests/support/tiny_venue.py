"""A small real venue for the candle tests: Binance's klines over REST and WebSocket, and faults on demand."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web

STEP = 60_000


def bar(n: int, volume: float = 10.0, step: int = STEP) -> list[float]:
    """The whole n-th bar of every symbol: all numbers follow from n."""
    base = 100.0 + n % 37
    return [n * step, base, base + 2.5, base - 1.5, base + (n % 5) * 0.5, volume]


def forming(n: int, part: float, step: int = STEP) -> list[float]:
    """The n-th bar after `part` of its volume: never the whole bar."""
    whole = bar(n, step=step)
    return [whole[0], whole[1], whole[1] + part, whole[1] - part, whole[1] + part / 2, whole[5] * part]


class TinyVenue:
    """`truth[symbol]`: closed rows; `now_row[symbol]`: the forming one. `say` sends a kline to all subscribers."""

    def __init__(self, symbols: Iterable[str] = ("BTC/USD", "ETH/USD"), timeframe: str = "1m", clock: bool = True):
        self.symbols, self.timeframe, self.clock = tuple(symbols), timeframe, clock
        self.truth: dict[str, list] = {symbol: [] for symbol in self.symbols}
        self.now_row: dict[str, list | None] = dict.fromkeys(self.symbols)
        self.market_ms = 0
        self.mute = False  # connections stay open and answer pings, klines are not sent
        self.failures: list[int] = []  # HTTP status of the next klines answers
        self.page = 1000
        self.window = 0  # bars after its start that an answer reaches, where the venue answers in windows
        self.asked: list[dict] = []
        self.connections = 0
        self._sockets: dict[web.WebSocketResponse, set[str]] = {}

    async def start(self, port: int = 0) -> str:
        app = web.Application()
        app.router.add_get("/api/v3/exchangeInfo", self._info)
        app.router.add_get("/api/v3/time", self._time)
        app.router.add_get("/api/v3/klines", self._klines)
        app.router.add_get("/stream/ws/{n}", self._socket)
        if self.clock:
            app.router.add_get("/workbench/v1/clock", self._clock)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()
        self.port = self._site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self.url

    async def stop(self) -> None:
        await self.break_connections()
        await self._runner.cleanup()

    async def break_connections(self) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def close_bar(self, symbol: str, row: list) -> None:
        """The bar is over: REST lists it from now on."""
        self.truth[symbol].append(row)
        self.now_row[symbol] = None
        self.market_ms = max(self.market_ms, int(row[0]) + STEP)

    async def say(self, symbol: str, row: list, final: bool) -> None:
        if self.mute:
            return
        name = f"{symbol.replace('/', '').lower()}@kline_{self.timeframe}"
        kline = {"t": row[0], "s": symbol.replace("/", ""), "i": self.timeframe, "x": final}
        kline |= {key: f"{value:.8f}" for key, value in zip("ohlcv", row[1:], strict=True)}
        message = {"e": "kline", "E": self.market_ms, "s": kline["s"], "k": kline}
        for socket, names in list(self._sockets.items()):
            if name in names and not socket.closed:
                await socket.send_json(message)

    async def play(self, symbol: str, bars: Iterable[int]) -> None:
        """Live through whole bars: two forming words and the final one each."""
        for n in bars:
            for part in (0.25, 0.75):
                self.now_row[symbol] = forming(n, part)
                self.market_ms = max(self.market_ms, n * STEP + int(part * STEP))
                await self.say(symbol, self.now_row[symbol], False)
            self.close_bar(symbol, bar(n))
            await self.say(symbol, bar(n), True)

    async def subscribed(self) -> None:
        """Wait until some connection has subscribed."""
        while not any(self._sockets.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _info(self, _: web.Request) -> web.Response:
        return _json({"timezone": "UTC", "symbols": [_market(symbol) for symbol in self.symbols]})

    async def _time(self, _: web.Request) -> web.Response:
        return _json({"serverTime": self.market_ms})

    async def _clock(self, _: web.Request) -> web.Response:
        return _json({"market_time": datetime.fromtimestamp(self.market_ms / 1000, UTC).isoformat(), "speed": 1})

    async def _klines(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        if self.failures:
            return web.Response(status=self.failures.pop(0), text="not now")
        symbol = next(s for s in self.symbols if s.replace("/", "") == request.query["symbol"])
        rows = self.truth[symbol] + ([self.now_row[symbol]] if self.now_row[symbol] else [])
        limit = min(int(request.query.get("limit", 500)), self.page)
        if "startTime" in request.query:
            since = int(request.query["startTime"])
            end = since + self.window * STEP if self.window else float("inf")
            rows = [row for row in rows if since <= row[0] < end][:limit]
        return _json([_kline(row) for row in rows[-limit:]])

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self._sockets[socket] = set()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    asked = message.json()
                    self._sockets[socket] |= set(asked["params"])
                    await socket.send_json({"result": None, "id": asked["id"]})
        finally:
            self._sockets.pop(socket, None)
        return socket


def _json(value) -> web.Response:
    return web.json_response(value)


def _kline(row: list) -> list:
    texts = [f"{value:.8f}" for value in row[1:]]
    return [row[0], *texts, row[0] + STEP - 1, "0", 1, "0", "0", "0"]


def _market(symbol: str) -> dict:
    base, quote = symbol.split("/")
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.00001", "maxPrice": "1000000", "tickSize": "0.00001"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5"},
    ]
    names = {"symbol": base + quote, "baseAsset": base, "quoteAsset": quote, "status": "TRADING"}
    return names | {"filters": filters, "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True}
