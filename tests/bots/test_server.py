"""The server against raw HTTP: tokens, refusals, ids, jobs, strictness."""

import asyncio
import json
import time

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plain_bot import NOON, PlainBot
from workbench.bots.http_bot import HttpBot, shared_session
from workbench.bots.memory import Memory
from workbench.bots.protocol import decode, encode, plain, status_from
from workbench.bots.server import BODY_LIMIT, BotServer
from workbench.bots.wire import EquityPointWire, ForecastWire
from workbench.domain.errors import (
    BotError,
    BotFenced,
    BotUnknown,
    BotUnreachable,
    CapabilityMissing,
    StartError,
)
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import BotState, EquityPoint

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
async def served():
    """A bot, its address, and a session that has its token."""
    bot = PlainBot()
    server = BotServer(bot, "secret")
    url = await server.start()
    async with aiohttp.ClientSession(url, headers=TOKEN) as session:
        yield bot, url, session
    await server.stop()


async def told(response):
    body = await response.json()
    return response.status, body


async def test_health_is_open_and_everything_else_wants_the_token(served):
    _, url, _ = served
    paths = ["status", "capabilities", "trades", "equity", "nothing"]

    async with aiohttp.ClientSession(url) as stranger:
        health = await told(await stranger.get("/v1/health"))
        answers = [await told(await stranger.get(f"/v1/{path}")) for path in paths]
        wrong = await told(await stranger.get("/v1/status", headers={"Authorization": "Bearer secre"}))
        effect = await told(await stranger.post("/v1/halt"))

    assert health == (200, {"bot_id": "plain", "live": True, "protocol": "1"})
    assert {status for status, _ in [*answers, wrong, effect]} == {401}
    assert "Authorization: Bearer" in wrong[1]["next"]


async def test_the_openapi_document_describes_every_route(served):
    _, _, session = served

    _, document = await told(await session.get("/openapi.json"))

    assert document["openapi"].startswith("3.1")
    assert {"/v1/health", "/v1/status", "/v1/forecast", "/v1/tune/{job_id}", "/v1/halt"} <= set(document["paths"])
    references = json.dumps(document).split("#/components/schemas/")[1:]
    assert {text.split('"')[0] for text in references} <= set(document["components"]["schemas"])


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        (b"", "body"),
        (b"[1]", "body"),
        (b'{"symbol": "BTC/USD"}', "timeframe"),
        (b'{"symbol": "BTC/USD", "timeframe": "30m", "horizon": 0}', "horizon"),
        (b'{"symbol": "BTC/USD", "timeframe": "30m", "horizon": "8"}', "horizon"),
        (b'{"symbol": "BTC/USD", "timeframe": "30m", "horizon": NaN}', "horizon"),
        (b'{"symbol": "BTC/USD", "timeframe": "30m", "horizon": true}', "horizon"),
        (b'{"symbol": "BTC/USD", "timeframe": "30m", "horizom": 8}', "horizom"),
        (b'{"symbol": "' + b"x" * 65 + b'", "timeframe": "30m"}', "symbol"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_a_body_that_is_not_a_question_is_refused_by_field(served, body, culprit):
    _, _, session = served

    status, said = await told(await session.post("/v1/forecast", data=body))

    assert status == 400
    assert culprit in said["error"]
    assert said["next"]


async def test_refusals_have_a_fitting_status(served):
    _, _, session = served
    question = {"symbol": "BTC/USD", "timeframe": "30m"}

    large = await told(await session.post("/v1/plan", data=b"x" * (BODY_LIMIT + 1)))
    lost = await told(await session.get("/v1/tune/unheard-of"))
    nowhere = await told(await session.get("/v2/status"))
    method = await told(await session.post("/v1/status"))
    frame = await told(await session.post("/v1/plan", json={**question, "timeframe": "3 apples"}))
    since = await told(await session.get("/v1/equity", params={"since": "2019-05-01"}))
    limit = await told(await session.get("/v1/trades", params={"limit": "-1"}))
    fence = await told(await session.post("/v1/pause", headers={"X-Fencing-Token": "1e3"}))

    statuses = [said[0] for said in (large, lost, nowhere, method, frame, since, limit, fence)]
    assert statuses == [413, 404, 404, 404, 400, 400, 400, 400]
    assert "zone" in since[1]["error"]


async def test_a_bot_that_sends_nan_is_caught_at_its_own_door(served):
    bot, _, session = served

    async def broken(symbol, timeframe):
        return {"size": float("nan")}

    bot.plan = broken
    status, said = await told(await session.post("/v1/plan", json={"symbol": "BTC/USD", "timeframe": "30m"}))

    assert status == 502
    assert "nan" in said["error"]


async def test_a_missing_method_is_a_missing_capability():
    class Half:
        bot_id = "half"

        def status(self):
            return PlainBot("half").status()

    server = BotServer(Half(), "secret")
    bot = HttpBot("half", await server.start(), "secret")

    assert (await bot.status()).bot_id == "half"
    for attempt in (bot.plan("BTC/USD", "30m"), bot.halt(command_id="1"), bot.tune("BTC/USD", "30m")):
        with pytest.raises(CapabilityMissing, match="half"):
            await attempt
    await bot.close()
    await server.stop()


async def test_a_slow_method_holds_up_nobody(served):
    bot, url, _ = served

    def slow(symbol, timeframe):
        time.sleep(1.0)  # blocks its thread, not the loop
        raise BotError("slept; ask less")

    bot.analyze = slow
    asker, other = HttpBot("plain", url, "secret"), HttpBot("plain", url, "secret")
    waiting = asyncio.create_task(asker.analyze("BTC/USD", "30m"))
    await asyncio.sleep(0.1)

    for _ in range(20):
        await other.status()

    assert not waiting.done()
    with pytest.raises(BotError, match="slept; ask less"):
        await waiting
    await asker.close()
    await other.close()


async def test_an_id_is_answered_again_after_a_restart(tmp_path):
    path, acts = tmp_path / "memory", []
    for _ in range(2):
        memory = Memory(path)
        plain_bot = PlainBot(memory=memory)
        server = BotServer(plain_bot, "secret")
        bot = HttpBot("plain", await server.start(), "secret")
        await bot.pause(command_id="one", token=7)
        with pytest.raises(BotFenced):
            await bot.pause(command_id="two", token=6)
        acts += plain_bot.acts
        await bot.close()
        await server.stop()
        memory.close()

    assert acts == [BotState.PAUSED]


async def test_the_server_guards_an_object_without_a_gate():
    acts = []

    class Bare:
        bot_id = "bare"

        def pause(self):
            acts.append("pause")

    server = BotServer(Bare(), "secret")
    bot = HttpBot("bare", await server.start(), "secret")
    await asyncio.gather(*(bot.pause(command_id="same", token=4) for _ in range(5)))

    with pytest.raises(BotFenced):
        await bot.pause(command_id="other", token=3)
    assert acts == ["pause"]
    await bot.close()
    await server.stop()


async def test_one_id_cannot_be_two_verbs(served):
    _, url, _ = served
    bot = HttpBot("plain", url, "secret")
    await bot.pause(command_id="x")

    with pytest.raises(BotError, match="was a pause"):
        await bot.resume(command_id="x")
    await bot.close()


async def test_a_failed_effect_is_answered_again_as_failed(served):
    bot, url, _ = served
    tried = []

    async def fails():
        tried.append(1)
        raise BotError("venue is down; try later")

    bot._become = lambda state: fails()
    caller = HttpBot("plain", url, "secret")

    for _ in range(2):
        with pytest.raises(BotError, match="venue is down; try later"):
            await caller.halt(command_id="h")

    assert tried == [1]
    await caller.close()


async def test_an_effect_without_an_answer_is_unknown_and_a_question_is_not(served):
    bot, url, _ = served

    async def hangs(*_, **__):
        await asyncio.sleep(3)

    bot._become, bot.analyze = hangs, hangs
    caller = HttpBot("plain", url, "secret", timeout_s=0.3)

    with pytest.raises(BotUnknown, match="may have happened"):
        await caller.halt(command_id="late")
    with pytest.raises(BotUnreachable, match="no answer"):
        await caller.analyze("BTC/USD", "30m")
    await caller.close()


async def test_a_bot_that_breaks_in_an_effect_leaves_it_unknown(served):
    bot, url, _ = served

    async def breaks(state):
        raise RuntimeError("secret inner words")

    bot._become = breaks
    caller = HttpBot("plain", url, "secret")

    with pytest.raises(BotUnknown) as caught:
        await caller.halt(command_id="b")

    assert "secret inner words" not in str(caught.value)
    await caller.close()


async def test_nobody_there_means_nothing_was_sent():
    bot = HttpBot("ghost", "http://127.0.0.1:9", "secret")

    for attempt in (bot.halt(command_id="1"), bot.status()):
        with pytest.raises(BotUnreachable, match="ghost does not answer"):
            await attempt
    await bot.close()


async def test_a_swapped_address_is_noticed(served):
    _, url, _ = served
    bot = HttpBot("other", url, "secret")

    with pytest.raises(BotError, match="is the bot 'plain', not 'other'"):
        await bot.status()
    await bot.close()


async def test_a_wrong_token_says_so(served):
    _, url, _ = served
    bot = HttpBot("plain", url, "guess")

    with pytest.raises(BotError, match="bearer token is missing or wrong"):
        await bot.halt(command_id="1")
    await bot.close()


async def test_tunings_are_jobs_with_ids_and_a_bound(served):
    bot, _, session = served
    bot.tune_steps = 100
    question = {"symbol": "BTC/USD", "timeframe": "30m"}

    first = await told(await session.post("/v1/tune", json=question, headers={"Idempotency-Key": "a"}))
    again = await told(await session.post("/v1/tune", json=question, headers={"Idempotency-Key": "a"}))
    second = await told(await session.post("/v1/tune", json=question))
    third = await told(await session.post("/v1/tune", json=question))
    ended = await told(await session.delete("/v1/tune/a"))

    assert (first[0], first[1]["job_id"], again[1]["job_id"]) == (202, "a", "a")
    assert (second[0], third[0]) == (202, 429)
    assert ended[1]["state"] == "cancelled"


async def test_one_session_serves_a_thousand_bots(served):
    _, url, _ = served
    async with shared_session(limit=32) as session:
        bots = [HttpBot("plain", url, "secret", session=session, timeout_s=30) for _ in range(1000)]

        answers = await asyncio.gather(*(bot.status() for bot in bots))

    assert len(answers) == 1000


async def test_a_taken_port_is_one_sentence(served):
    _, url, _ = served

    with pytest.raises(StartError, match="is taken"):
        await BotServer(PlainBot(), "secret").start(int(url.rsplit(":", 1)[1]))


def test_a_server_without_a_token_is_refused():
    with pytest.raises(BotError, match="token"):
        BotServer(PlainBot(), "")


def test_a_line_cut_short_by_a_crash_is_dropped_and_any_other_damage_is_named(tmp_path):
    path = tmp_path / "memory"
    memory = Memory(path)
    memory.put("fence", 3)
    memory.put("state", "halted")
    memory.close()
    whole = path.read_bytes()

    path.write_bytes(whole + b'["fence", 4')
    assert Memory(path).get("fence") == 3
    path.write_bytes(b"[garbage\n" + whole)
    with pytest.raises(BotError, match="line 1 is damaged"):
        Memory(path)


prices = st.floats(0.01, 1e7)


@given(st.lists(prices, min_size=1, max_size=20), prices, st.integers(1, 10_000))
def test_a_forecast_survives_the_wire_bit_by_bit(values, reference, horizon):
    levels = tuple((i + 1) / (len(values) + 1) for i in range(len(values)))
    fan = Forecast("b", "BTC/USD", Timeframe.parse("30m"), horizon, levels, tuple(sorted(values)), reference, NOON)

    assert decode(ForecastWire, encode(fan)) == fan


@given(st.text(max_size=300))
def test_any_text_that_is_not_a_forecast_is_an_error_of_the_tree(text):
    with pytest.raises(BotError, match="not a forecast"):
        decode(ForecastWire, text)


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"5"', b"null", b"true"])
def test_only_finite_numbers_are_numbers(value):
    body = b'{"at": "2019-05-01T00:00:00Z", "currency": "USD", "equity": %s}' % value

    with pytest.raises(BotError, match="equity"):
        decode(EquityPointWire, body)


def test_a_time_without_a_zone_is_refused_both_ways():
    with pytest.raises(BotError, match="zone"):
        encode(EquityPoint(NOON.replace(tzinfo=None), 1.0, "USD"))
    with pytest.raises(BotError, match="timezone"):
        decode(EquityPointWire, b'{"at": "2019-05-01T00:00:00", "currency": "USD", "equity": 1}')


async def test_a_status_kept_as_json_data_reads_back():
    status = await PlainBot().status()

    assert status_from(plain(status)) == status
