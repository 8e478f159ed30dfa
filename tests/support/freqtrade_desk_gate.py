"""The desk's pre-trade gate behind the one request that the Freqtrade mixin makes: a real `PreTrade` and ledger."""

import hmac
from datetime import UTC, datetime

import numpy as np
from aiohttp import web

from workbench.bots.protocol import plain
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, BotLimits, Denied, DeskLimits, Intent, Quote
from workbench.ledger.log import open_ledger
from workbench.orchestration.pre_trade import PreTrade
from workbench.quant.gate import Gate
from workbench.quant.marginal_risk import RiskModel
from workbench.quant.reservations import Snapshot

BIG = 1e9


class DeskGate:
    """Admits `bot_id` until it holds `gross` of value. Prices are what the bot saw: the collar is not the point."""

    def __init__(self, path, bot_id, symbols, gross, token):
        self.token, self.asked, self.verdicts = token, [], []
        self._ledger = open_ledger(str(path))
        scenarios = np.random.default_rng(3).standard_normal((200, len(symbols))) * 1e-6
        model = RiskModel(tuple(symbols), np.eye(len(symbols)), scenarios, 0.975, datetime.now(UTC))
        desk = DeskLimits(BIG, BIG, BIG, BIG, BIG, BIG, BIG, BIG, BIG, BIG)
        self.gate = Gate(desk, model)
        self.gate.limits[bot_id] = BotLimits(BIG, BIG, gross, 0.05, 1000, 1.0, 1000, 1.0, 60.0)
        for symbol in symbols:
            self.gate.quote(Quote(symbol, 1.0, 1.0, datetime.now(UTC)))
            self.gate.reconcile(bot_id, symbol, Snapshot(0.0), datetime.now(UTC))
        self._service = PreTrade(self.gate, self._ledger)
        self._runner = None

    async def start(self, port=0):
        await self._service.share_caps()
        app = web.Application()
        app.router.add_post("/v1/intents", self._intent)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        if self._runner:
            await self._runner.cleanup()
        self._ledger.close()

    async def _intent(self, request):
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given, f"Bearer {self.token}"):
            return web.json_response({"error": "wrong token"}, status=401)
        said = await request.json()
        self.asked.append(said["symbol"])
        at = datetime.fromisoformat(said["decided_at"])
        self.gate.quote(Quote(said["symbol"], said["price"], 1.0, datetime.now(UTC)))
        verdict = await self._service.ask(Intent(**{**said, "side": Side(said["side"]), "decided_at": at}))
        self.verdicts.append(verdict)
        words = {Approved: "approved", Denied: "denied"}
        return web.json_response({"verdict": words.get(type(verdict), "reduced"), **plain(verdict)})
