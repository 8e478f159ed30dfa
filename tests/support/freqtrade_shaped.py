"""Servers that answer as Freqtrade does, for what needs many of them or an older version. Not for behaviour: that is
tested with the real one. `python -m tests.support.freqtrade_shaped 20` prints their addresses as one JSON list.
"""

import asyncio
import base64
import json
import sys
import time

import orjson
from aiohttp import WSMsgType, web

USER, PASSWORD = "name", "a-password"
MINUTE_MS = 60_000
PAIRS = ["BTC/USDT", "ETH/USDT"]


def trade(number=1, pair="BTC/USDT", **changes):
    """An open trade with every field that 2026.9 sends and we read, and some that we do not."""
    return {
        "trade_id": number, "pair": pair, "quote_currency": "USDT", "is_open": True,
        "is_short": False, "exchange": "binance", "amount": 0.5, "amount_requested": 0.5, "stake_amount": 50.0,
        "strategy": "Always", "enter_tag": "always", "timeframe": 1, "fee_open": 0.001, "fee_close": 0.001,
        "open_date": "2026-11-24 12:00:00", "open_timestamp": int(time.time() * 1000) - 5 * MINUTE_MS,
        "open_rate": 100.0, "current_rate": 101.0, "profit_abs": 0.4, "stop_loss_abs": 90.0, "has_open_orders": False,
        "orders": [{"order_id": "1", "status": "closed", "is_open": False, "ft_order_side": "buy", "amount": 0.5}],
        "leverage": 1.0, "trading_mode": "spot", **changes,
    }  # fmt: skip


class Shaped:
    """One of them. `version`: of its API; what came later is not there. `changes`: fields of show_config."""

    def __init__(self, version=2.50, trades=(), locks=(), **changes):
        self.version, self.trades, self.locks, self.asked = version, list(trades), list(locks), []
        self.changes, self.url, self._runner, self._sockets = changes, "", None, set()

    async def start(self, port=0):
        app = web.Application(middlewares=[self._door])
        get, post = app.router.add_get, app.router.add_post
        get("/api/v1/show_config", self._config)
        get("/api/v1/status", self._trades)
        get("/api/v1/balance", always({"total": 1000.0, "total_bot": 990.0, "stake": "USDT", "note": ""}))
        get("/api/v1/profit", always({"profit_closed_coin": 2.0, "profit_all_coin": 2.4, "trade_count": 3}))
        get("/api/v1/daily", always({"data": [], "stake_currency": "USDT"}))
        get("/api/v1/whitelist", always({"whitelist": PAIRS}))
        get("/api/v1/trades", always({"trades": [], "trades_count": 0}))
        get("/api/v1/pair_candles", self._candles)
        post("/api/v1/stopbuy", self._stopbuy)
        post("/api/v1/start", self._start)
        if self.version >= 2.0:
            get("/api/v1/locks", self._locked)
            post("/api/v1/stopentry", self._stopbuy)
        if self.version >= 2.35:
            post("/api/v1/pair_candles", self._candles)
            post("/api/v1/locks", self._lock)
        if self.version >= 2.20:
            post("/api/v1/token/login", always({"access_token": "t", "refresh_token": "r"}))
            get("/api/v1/message/ws", self._socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self):
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    @web.middleware
    async def _door(self, request, handler):
        self.asked.append(f"{request.method} {request.path.removeprefix('/api/v1')}")
        login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if not request.path.endswith("/ws") and request.headers.get("Authorization") != login:
            return web.json_response({"detail": "Unauthorized"}, status=401)
        return await handler(request)

    async def _config(self, _):
        told = {
            "version": "2026.9", "api_version": self.version, "dry_run": True, "state": "running",
            "stake_currency": "USDT", "timeframe": "1m", "exchange": "binance", "strategy": "Always",
            "trading_mode": "spot", "short_allowed": False, "bot_name": "shaped", "runmode": "dry_run",
        }  # fmt: skip
        return await said({**told, **self.changes})

    async def _candles(self, request):
        body = await request.json() if request.method == "POST" else dict(request.query)
        count = min(int(body.get("limit") or 400), 400)
        newest = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS - MINUTE_MS
        columns = ["date", "open", "high", "low", "close", "volume", "rsi", "enter_long", "exit_long"]
        rows = []
        for back in range(count - 1, -1, -1):
            close = 100.0 + (newest // MINUTE_MS - back) % 7
            entering = int((newest // MINUTE_MS - back) % 7 == 0)
            row = [newest - back * MINUTE_MS, close, close + 1, close - 1, close, 5.0, 50.0, entering, 1 - entering]
            rows.append(row)
        told = {"pair": body["pair"], "timeframe": "1m", "timeframe_ms": MINUTE_MS, "columns": columns, "data": rows}
        return await said({**told, "last_analyzed_ts": int(time.time()), "data_stop_ts": newest, "length": count})

    async def _trades(self, _):
        return await said(self.trades)

    async def _locked(self, _):
        return await said({"lock_count": len(self.locks), "locks": self.locks})

    async def _stopbuy(self, _):
        self.changes["state"] = "paused"
        return await said({"status": "paused"})

    async def _start(self, _):
        self.changes["state"] = "running"
        return await said({"status": "starting trader ..."})

    async def _lock(self, request):
        for number, lock in enumerate(await request.json(), len(self.locks) + 1):
            self.locks.append({"id": number, "active": True, **lock})
        return await said({"lock_count": len(self.locks), "locks": self.locks})

    async def _socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        telling = asyncio.create_task(self._tell(socket))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
        finally:
            telling.cancel()
            self._sockets.discard(socket)
        return socket

    async def _tell(self, socket):
        """As a bot of one-minute bars does: news of each pair's candle, and a fill now and then."""
        while True:
            await asyncio.sleep(10.0)
            for pair in PAIRS:
                await socket.send_json({"type": "new_candle", "data": [pair, "1m", "spot"]})
            await socket.send_json({"type": "entry_fill", "data": {"pair": PAIRS[0]}})


def always(value):
    async def handle(_):
        return await said(value)

    return handle


async def said(value):
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def main(count):
    servers = [Shaped(trades=[trade(1), trade(2, "ETH/USDT")]) for _ in range(count)]
    urls = [await server.start() for server in servers]
    sys.stdout.write(json.dumps(urls) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
