"""The desk's gate over HTTP: `POST /v1/intents`, for bots that ask before they order. Listens on this machine only.

A request is one order:

    {"intent_id": "…", "bot_id": "grid", "symbol": "BTC/USD", "side": "buy", "amount": 0.01, "price": 7600.0,
     "decided_at": "2026-01-31T14:00:00+00:00", "may_shrink": false}

and the answer one verdict: {"verdict": "approved" | "reduced" | "denied", "intent_id", "amount", "value", "rule",
"reason"}. The same intent asked again gets the same answer. Anything but a clear yes is a no.
"""

import hmac
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web

from workbench.bootstrap.ports import HOST
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, Denied, Intent, Reduced, RiskVerdict
from workbench.orchestration.gate_keeper import GateKeeper
from workbench.orchestration.plain_text import plain

GREATEST_BODY = 64 * 1024
WORDS = {Approved: "approved", Reduced: "reduced", Denied: "denied"}
FIELDS = {"intent_id": str, "bot_id": str, "symbol": str, "side": str, "amount": float, "price": float}


class GateDoor:
    """Opens before the desk stands: until `keeper` is set, every order is denied."""

    def __init__(self, token: str):
        self.token = token
        self.keeper: GateKeeper | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen; returns the address."""
        app = web.Application(client_max_size=GREATEST_BODY)
        app.add_routes([web.post("/v1/intents", self._intent), web.get("/v1/usage", self._usage)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _intent(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.json_response({"error": "wrong token"}, status=401)
        try:
            intent = _read(await request.json())
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": f"no order can be read from that: {plain(error)}"}, status=400)
        return web.json_response(_told(await self._asked(intent)))

    async def _asked(self, intent: Intent) -> RiskVerdict:
        if self.keeper is None:
            return Denied(intent.intent_id, "known", "the desk is still starting; ask again in a moment")
        return await self.keeper.ask(intent)

    async def _usage(self, request: web.Request) -> web.Response:
        """Every limit with what is used of it, orders approved and not settled included."""
        if not self._knows(request):
            return web.json_response({"error": "wrong token"}, status=401)
        rows = self.keeper.usage() if self.keeper else ()
        return web.json_response([asdict(row) | {"headroom": row.headroom} for row in rows])

    def _knows(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode()
        return hmac.compare_digest(given, f"Bearer {self.token}".encode())


def _read(said: Any) -> Intent:
    """The order in a request's body. Raises ValueError, TypeError or KeyError naming what is wrong."""
    if not isinstance(said, dict):
        raise TypeError("an order is a JSON object")
    values: dict[str, Any] = {}
    for name, kind in FIELDS.items():
        value = said[name]
        if isinstance(value, bool) or not isinstance(value, (kind, int) if kind is float else kind):
            raise TypeError(f"{name} must be a {'number' if kind is float else 'text'}, not {json.dumps(value)[:40]}")
        values[name] = float(value) if isinstance(value, int) else value
    if not 0 < len(values["intent_id"]) <= 128:
        raise ValueError("intent_id needs 1 to 128 characters")
    decided = datetime.fromisoformat(said["decided_at"])
    if decided.tzinfo is None:
        raise ValueError("decided_at needs a zone, as in 2026-01-31T14:00:00+00:00")
    values |= {"side": Side(values["side"]), "decided_at": decided, "may_shrink": said.get("may_shrink") is True}
    return Intent(**values)


def _told(verdict: RiskVerdict) -> dict[str, Any]:
    return {"verdict": WORDS[type(verdict)], **asdict(verdict)}
