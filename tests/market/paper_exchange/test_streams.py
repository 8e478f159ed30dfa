"""The stream doors by hand: paths, subscriptions, listen keys, slow listeners, no message lost in between."""

import asyncio
import json

import aiohttp
import pytest

from tests.market.paper_exchange.builders import candles, connected, running, trading
from workbench.market.paper_exchange import hub as hub_module
from workbench.market.paper_exchange.hub import Hub, Listener, close_frame, text_frame


async def ask(socket, method, params=(), number=1):
    """Send a request; returns its answer, skipping what streams say meanwhile."""
    await socket.send_json({"method": method, "params": list(params), "id": number})
    while True:
        said = await socket.receive_json(timeout=60)
        if said.get("id") == number:
            return said


@pytest.mark.parametrize("path", ["/ws", "/ws/btcusd@trade", "/stream/ws/0", "/stream", "/stream?streams=btcusd@trade"])
async def test_every_door_takes_subscriptions(path):
    async with running() as (_, venue), connected(venue, path) as socket:
        subscribed = await ask(socket, "SUBSCRIBE", ["btcusd@kline_30m", "btcusd@bookTicker"], 1)
        listed = await ask(socket, "LIST_SUBSCRIPTIONS", number=2)
        await ask(socket, "UNSUBSCRIBE", ["btcusd@bookTicker"], 3)
        left = await ask(socket, "LIST_SUBSCRIPTIONS", number=4)

    assert subscribed == {"result": None, "id": 1}
    assert set(listed["result"]) >= {"btcusd@kline_30m", "btcusd@bookTicker"}
    assert "btcusd@bookTicker" not in left["result"]


async def test_combined_streams_wrap_their_messages():
    async with running() as (exchange, venue), connected(venue, "/stream?streams=btcusd@trade/btcusd@depth5") as socket:
        await ask(socket, "LIST_SUBSCRIPTIONS")
        exchange.venue.replay.steps.advance()
        said = [await socket.receive_json(timeout=60) for _ in range(2)]

    assert {one["stream"] for one in said} == {"btcusd@trade", "btcusd@depth5"}
    book = next(one["data"] for one in said if one["stream"] == "btcusd@depth5")
    assert len(book["bids"]) == len(book["asks"]) == 5


async def test_streams_of_all_markets():
    tables = {"BTC/USD": candles(), "ETH/USD": candles(seed=2)}
    async with running(candles=tables) as (exchange, venue), connected(venue, "/ws/!miniTicker@arr") as socket:
        await ask(socket, "LIST_SUBSCRIPTIONS")
        exchange.venue.replay.steps.advance()
        said = await socket.receive_json(timeout=60)

    assert [one["s"] for one in said] == ["BTCUSD", "ETHUSD"]


@pytest.mark.parametrize(
    ("stream", "words"),
    [("nopeusd@trade", "no market"), ("btcusd@kline_7m", "interval"), ("btcusd@smoke", "unknown stream"), ("x", "x")],
)
async def test_what_cannot_be_heard_is_refused_by_name(stream, words):
    async with running() as (_, venue), connected(venue, "/ws") as socket:
        said = await ask(socket, "SUBSCRIBE", [stream])

    assert said["error"]["code"] == 2
    assert words in said["error"]["msg"]
    assert stream in said["error"]["msg"]


@pytest.mark.parametrize("text", ["", "[]", "7", "null", '{"id": 1}', '{"method": "SUBSCRIBE", "params": [3]}', "{"])
async def test_nonsense_is_answered_and_the_line_stays_open(text):
    async with running() as (_, venue), aiohttp.ClientSession() as session:
        for door in ("/ws", "/ws-api/v3"):
            async with session.ws_connect(venue.url + door) as socket:
                await socket.send_str(text)
                said = await socket.receive_json(timeout=60)
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 5})

                assert said["error"]
                assert (await socket.receive_json(timeout=60))["id"] == 5


async def test_a_listen_key_hears_the_account():
    async with running() as (_, venue), trading(venue) as bot, aiohttp.ClientSession() as session:
        key = (await bot.publicPostUserDataStream())["listenKey"]
        async with session.ws_connect(f"{venue.url}/ws/{key}") as socket:
            await ask(socket, "LIST_SUBSCRIPTIONS")
            await bot.create_order("BTC/USD", "market", "buy", 1)
            said = [await socket.receive_json(timeout=60) for _ in range(4)]

    assert [(one["e"], one.get("x")) for one in said] == [
        ("executionReport", "NEW"),
        ("outboundAccountPosition", None),
        ("executionReport", "TRADE"),
        ("outboundAccountPosition", None),
    ]


async def test_ping_is_answered():
    async with running() as (_, venue), connected(venue, "/ws", autoping=False) as socket:
        await socket.ping(b"are you there")
        answer = await socket.receive(timeout=60)

    assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"are you there")


class StuckPipe:
    """A transport whose peer reads nothing."""

    def __init__(self):
        self.written, self.aborted = b"", False

    def write(self, data):
        self.written += data

    def get_write_buffer_size(self):
        return len(self.written)

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True


async def test_a_listener_too_slow_is_closed_with_a_reason_after_all_it_was_sent(monkeypatch):
    monkeypatch.setattr(hub_module, "SLOW_BYTES", 2000)
    monkeypatch.setattr(hub_module, "LINGER_S", 0.01)
    hub, pipe = Hub(), StuckPipe()
    listener = Listener(pipe, combined=False)
    hub.subscribe(listener, "s")

    for number in range(400):
        hub.publish("s", {"number": number})
        hub.flush()
    await asyncio.sleep(0.05)

    sent = pipe.written[: pipe.written.index(b"\x88")]
    count = next(n for n in range(400) if b'{"number":%d}' % n not in sent)
    assert sent == b"".join(text_frame(b'{"number":%d}' % n) for n in range(count))
    assert b"too slow" in pipe.written
    assert pipe.written.startswith(text_frame(b'{"number":0}'))
    assert pipe.aborted


def test_frames_say_their_length_as_rfc_6455_does():
    assert text_frame(b"x" * 125)[:2] == bytes([0x81, 125])
    assert text_frame(b"x" * 126)[:4] == bytes([0x81, 126, 0, 126])
    assert text_frame(b"x" * 65536)[:10] == bytes([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])
    assert close_frame(1008, "y" * 200)[1] == 125


async def test_a_slow_listener_does_not_delay_another():
    async with running() as (exchange, venue), connected(venue, "/ws/btcusd@kline_30m") as quick:
        await ask(quick, "LIST_SUBSCRIPTIONS")
        deaf = await deaf_listener(venue.url, "/ws/btcusd@kline_30m")
        for _ in range(300):
            exchange.venue.replay.steps.advance()
        heard = [json.loads((await quick.receive(timeout=60)).data) for _ in range(375)]
        deaf.transport.abort()

    assert len({message["k"]["t"] for message in heard}) == 76


async def deaf_listener(url, path):
    """A WebSocket client that never reads a byte after the handshake, its buffer as small as it gets."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
    ask_for = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
    writer.write(ask_for.encode())
    assert b"101" in await reader.readline()
    writer.transport.pause_reading()
    return writer


async def test_at_full_speed_the_replay_waits_for_its_listeners_and_loses_nothing():
    tables = {"BTC/USD": candles(3000)}
    async with running(candles=tables) as (_, venue), connected(venue, "/ws/btcusd@trade", max_msg_size=0) as socket:
        await ask(socket, "LIST_SUBSCRIPTIONS")
        await venue.resume()
        numbers = []
        while len(numbers) < 11_599:
            numbers.append(json.loads((await socket.receive(timeout=60)).data)["t"])
            if len(numbers) % 3000 == 0:
                await asyncio.sleep(0.1)

    assert numbers == list(range(numbers[0], numbers[0] + 11_599))
