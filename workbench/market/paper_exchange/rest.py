"""The REST door: which path is which request, what it weighs, and who may ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from aiohttp import web

from workbench.domain.errors import ExchangeError
from workbench.market.paper_exchange import rest_account, rest_market
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.params import Params
from workbench.market.paper_exchange.refusals import Refused
from workbench.market.paper_exchange.weights import Weights

log = structlog.get_logger(__name__)
FLOOR = web.AppKey("floor", Floor)
WEIGHTS = web.AppKey("weights", Weights)
Public = Callable[[Floor, Params], Any]
Private = Callable[[Floor, str, Params], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request. `private`: it must be signed, and is told whose key signed it. `ws`: its WebSocket API name."""

    method: str
    path: str
    weight: int
    public: Public | None = None
    private: Private | None = None
    ws: str = ""


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, rest_market.ping, ws="ping"),
    Endpoint("GET", "/api/v3/time", 1, rest_market.server_time, ws="time"),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, rest_market.exchange_info, ws="exchangeInfo"),
    Endpoint("GET", "/api/v3/klines", 2, rest_market.klines, ws="klines"),
    Endpoint("GET", "/api/v3/uiKlines", 2, rest_market.klines, ws="uiKlines"),
    Endpoint("GET", "/api/v3/depth", 5, rest_market.depth, ws="depth"),
    Endpoint("GET", "/api/v3/trades", 25, rest_market.trades, ws="trades.recent"),
    Endpoint("GET", "/api/v3/historicalTrades", 25, rest_market.trades, ws="trades.historical"),
    Endpoint("GET", "/api/v3/aggTrades", 4, rest_market.agg_trades, ws="trades.aggregate"),
    Endpoint("GET", "/api/v3/avgPrice", 2, rest_market.average_price, ws="avgPrice"),
    Endpoint("GET", "/api/v3/ticker/24hr", 2, rest_market.ticker_day, ws="ticker.24hr"),
    Endpoint("GET", "/api/v3/ticker/price", 2, rest_market.ticker_price, ws="ticker.price"),
    Endpoint("GET", "/api/v3/ticker/bookTicker", 2, rest_market.ticker_book, ws="ticker.book"),
    Endpoint("GET", "/api/v3/account", 20, private=rest_account.account, ws="account.status"),
    Endpoint("GET", "/api/v3/account/commission", 20, private=rest_account.commission, ws="account.commission"),
    Endpoint("POST", "/api/v3/order", 1, private=rest_account.new_order, ws="order.place"),
    Endpoint("POST", "/api/v3/order/test", 1, private=rest_account.try_order, ws="order.test"),
    Endpoint("GET", "/api/v3/order", 4, private=rest_account.query_order, ws="order.status"),
    Endpoint("DELETE", "/api/v3/order", 1, private=rest_account.cancel_order, ws="order.cancel"),
    Endpoint("GET", "/api/v3/openOrders", 6, private=rest_account.open_orders, ws="openOrders.status"),
    Endpoint("DELETE", "/api/v3/openOrders", 1, private=rest_account.cancel_all, ws="openOrders.cancelAll"),
    Endpoint("GET", "/api/v3/allOrders", 20, private=rest_account.all_orders, ws="allOrders"),
    Endpoint("GET", "/api/v3/myTrades", 20, private=rest_account.my_trades, ws="myTrades"),
    Endpoint("GET", "/sapi/v1/asset/tradeFee", 1, private=rest_account.trade_fees),
)
BY_WS_NAME = {endpoint.ws: endpoint for endpoint in ENDPOINTS if endpoint.ws}


def wall_ms() -> int:
    return int(time.time() * 1000)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=headers)


def refusal(refused: Refused) -> web.Response:
    headers = {"Retry-After": "1"} if refused.status in (418, 429) else None
    return answer({"code": refused.code, "msg": refused.words}, refused.status, headers)


@web.middleware
async def speak_binance(request: web.Request, handler) -> web.StreamResponse:
    """Refusals, and paths nobody knows, in Binance's words; every answer says how much weight is used."""
    weights = request.app[WEIGHTS]
    try:
        weights.admit(request.remote or "", _weight(request), time.monotonic())
        response = await handler(request)
    except Refused as refused:
        response = refusal(refused)
    except web.HTTPNotFound:
        response = answer({"code": -1000, "msg": f"{request.path} is not served here; see docs/paper_exchange.md"}, 404)
    except web.HTTPMethodNotAllowed:
        response = answer({"code": -1000, "msg": f"{request.path} does not take {request.method}"}, 405)
    except web.HTTPException:
        raise
    except ExchangeError as error:
        response = answer({"code": -1000, "msg": str(error)}, 503)
    except Exception as error:  # a fault of ours must not look like a refusal, and must be seen
        log.error("request_failed", path=request.path, error=repr(error), exc_info=error)
        response = answer({"code": -1000, "msg": "An unknown error occurred while processing the request."}, 500)
    if not response.prepared:
        response.headers["X-MBX-USED-WEIGHT-1M"] = str(weights.used(request.remote or "", time.monotonic()))
    return response


def _weight(request: web.Request) -> int:
    return getattr(request.match_info.handler, "weight", 1)


async def read(request: web.Request) -> tuple[Params, bytes]:
    """The parameters of a request and the bytes its signature covers: query, then body, as sent."""
    query = request.rel_url.raw_query_string
    body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    return Params(dict(pairs)), (_unsigned(query) + _unsigned(body)).encode()


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def _handler(endpoint: Endpoint):
    async def handle(request: web.Request) -> web.Response:
        params, signed = await read(request)
        floor = request.app[FLOOR]
        if endpoint.public:
            return answer(endpoint.public(floor, params))
        assert endpoint.private
        owner = floor.keyring.authenticate(request.headers.get("X-MBX-APIKEY"), params, signed, wall_ms())
        return answer(endpoint.private(floor, owner, params))

    handle.weight = endpoint.weight  # type: ignore[attr-defined]
    return handle


def routes() -> list[web.RouteDef]:
    return [web.route(endpoint.method, endpoint.path, _handler(endpoint)) for endpoint in ENDPOINTS]
