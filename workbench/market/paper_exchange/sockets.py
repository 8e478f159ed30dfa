"""The WebSocket doors: market and user streams (/stream, /ws), and the WebSocket API (/ws-api/v3)."""

import time
from typing import Any
from urllib.parse import parse_qs

import orjson
from aiohttp import WSMsgType, web

from workbench.domain.errors import ExchangeError
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import Listener
from workbench.market.paper_exchange.listen_keys import ListenKeys
from workbench.market.paper_exchange.params import Params
from workbench.market.paper_exchange.refusals import Refused, mandatory
from workbench.market.paper_exchange.rest import BY_WS_NAME, FLOOR, answer, read, wall_ms

KEYS = web.AppKey("listen_keys", ListenKeys)
HEARTBEAT_S = 30.0
_LONGEST_REQUEST = 1 << 20


async def _open(request: web.Request, combined: bool) -> tuple[web.WebSocketResponse, Listener]:
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, compress=False, max_msg_size=_LONGEST_REQUEST)
    await socket.prepare(request)
    assert request.transport
    listener = Listener(request.transport, combined)  # type: ignore[arg-type]
    request.app[FLOOR].hub.welcome(listener)
    return socket, listener


async def serve_streams(request: web.Request) -> web.StreamResponse:
    """/ws, /ws/<streams or listen key>, /stream?streams=a/b, /stream/ws/<any>."""
    floor, keys = request.app[FLOOR], request.app[KEYS]
    asked = parse_qs(request.rel_url.raw_query_string).get("streams")
    names = asked[0].split("/") if asked else [name for name in request.match_info.get("names", "").split("/") if name]
    socket, listener = await _open(request, combined=request.path == "/stream")
    session = StreamSession(floor, keys, listener)
    try:
        for name in names:
            if not name.isdigit():  # ccxt numbers its connections: /stream/ws/0
                session.subscribe(name)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                listener.say(session.answer(message.data))
    except Refused as refused:
        listener.say({"error": {"code": refused.code, "msg": refused.words}})
        await socket.close(code=1008, message=refused.words.encode()[:120])
    finally:
        floor.switchboard.drop(listener)
    return socket


class StreamSession:
    """What one connection has asked for. Knows nothing of the socket."""

    def __init__(self, floor: Floor, keys: ListenKeys, listener: Listener):
        self._floor, self._keys, self._listener = floor, keys, listener
        self._followed: dict[str, str] = {}

    def subscribe(self, name: str) -> None:
        """A stream, or a listen key. Raises Refused."""
        account = self._keys.owner(name, time.monotonic())
        if account:
            self._followed[name] = account
            self._floor.hub.follow(self._listener, account)
        else:
            self._floor.switchboard.subscribe(self._listener, name)

    def unsubscribe(self, name: str) -> None:
        account = self._followed.pop(name, None)
        if account:
            self._floor.hub.unfollow(self._listener, account)
        else:
            self._floor.switchboard.unsubscribe(self._listener, name)

    def answer(self, text: str) -> Any:
        """The answer to one request."""
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            return {"error": {"code": 3, "msg": "Invalid JSON: expected an object with method, params and id"}}
        number = request.get("id") if isinstance(request, dict) else None
        try:
            return {"result": self._do(request), "id": number}
        except Refused as refused:
            return {"error": {"code": refused.code, "msg": refused.words}, "id": number}

    def _do(self, request: Any) -> Any:
        method = request.get("method") if isinstance(request, dict) else None
        names = request.get("params") or [] if method else []
        if method == "LIST_SUBSCRIPTIONS":
            return sorted(self._listener.streams)
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not all(isinstance(name, str) for name in names):
            raise Refused(2, "Invalid request: method must be SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS")
        for name in names:
            (self.subscribe if method == "SUBSCRIBE" else self.unsubscribe)(name)
        return None


async def serve_api(request: web.Request) -> web.StreamResponse:
    """/ws-api/v3: requests of the REST door by name, and the user data stream."""
    floor = request.app[FLOOR]
    socket, listener = await _open(request, combined=False)
    try:
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                listener.say(_api_answer(floor, listener, message.data))
    finally:
        floor.switchboard.drop(listener)
    return socket


def _api_answer(floor: Floor, listener: Listener, text: str) -> Any:
    number = None
    try:
        request = orjson.loads(text)
        number = request.get("id")
        result = _api_do(floor, listener, str(request.get("method")), request.get("params") or {})
    except Refused as refused:
        error = {"code": refused.code, "msg": refused.words}
        return {"id": number, "status": refused.status, "error": error}
    except ExchangeError as error:
        return {"id": number, "status": 503, "error": {"code": -1000, "msg": str(error)}}
    except (orjson.JSONDecodeError, AttributeError):
        return {"id": number, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON Request"}}
    return {"id": number, "status": 200, "result": result, "rateLimits": []}


def _api_do(floor: Floor, listener: Listener, method: str, values: dict) -> Any:
    texts = {name: _text(value) for name, value in values.items()}
    params = Params(texts)
    if method == "userDataStream.subscribe.signature":
        floor.hub.follow(listener, _authenticated(floor, params, texts), 0)
        return {"subscriptionId": 0}
    if method == "userDataStream.unsubscribe":
        floor.hub.unfollow(listener)
        return {}
    endpoint = BY_WS_NAME.get(method)
    if endpoint is None:
        raise Refused(-1000, f"{method} is not served here; see docs/paper_exchange.md")
    if endpoint.public:
        return endpoint.public(floor, params)
    assert endpoint.private
    return endpoint.private(floor, _authenticated(floor, params, texts), params)


def _authenticated(floor: Floor, params: Params, texts: dict[str, str]) -> str:
    """WebSocket API requests sign their parameters in alphabetical order."""
    signed = "&".join(f"{name}={texts[name]}" for name in sorted(texts) if name != "signature")
    return floor.keyring.authenticate(params.text("apiKey"), params, signed.encode(), wall_ms())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


async def listen_key(request: web.Request) -> web.Response:
    """POST makes a listen key, PUT prolongs it, DELETE closes it. Needs the API key, no signature."""
    floor, keys, now_s = request.app[FLOOR], request.app[KEYS], time.monotonic()
    params, _ = await read(request)
    owner = floor.keyring.owner(request.headers.get("X-MBX-APIKEY")).account
    if request.method == "POST":
        return answer({"listenKey": keys.create(owner, now_s)})
    key = params.text("listenKey")
    if key is None:
        raise mandatory("listenKey")
    (keys.keep if request.method == "PUT" else keys.close)(key, owner, now_s)
    return answer({})


def routes() -> list[web.RouteDef]:
    streams = [web.get(path, serve_streams) for path in ("/ws", "/ws/{names:.*}", "/stream", "/stream/ws/{names:.*}")]
    keys = [web.route(method, "/api/v3/userDataStream", listen_key) for method in ("POST", "PUT", "DELETE")]
    return [*streams, web.get("/ws-api/v3", serve_api), *keys]
