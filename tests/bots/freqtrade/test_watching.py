"""What watching costs, and what older versions lose: with servers shaped as Freqtrade's."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time

import pytest

from tests.support.freqtrade_rig import until
from tests.support.freqtrade_shaped import PASSWORD, USER, Shaped, trade
from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.freqtrade_line import Login
from workbench.domain.errors import BotError
from workbench.domain.portfolio import BotState, MoneyMode
from workbench.orchestration.bot_registry import BotRegistry

LOGIN = Login(USER, PASSWORD)
WATCHED_S = 14.0


@contextlib.asynccontextmanager
async def shaped(*args, **options):
    server = Shaped(*args, **options)
    bot = FreqtradeBot("shaped", await server.start(), LOGIN)
    try:
        yield server, bot
    finally:
        await bot.close()
        await server.stop()


async def test_twenty_of_them_polled_every_two_seconds_and_heard_cost_a_twentieth_of_a_core(capsys):
    argv = [sys.executable, "-m", "tests.support.freqtrade_shaped", "20"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:  # noqa: ASYNC220
        urls = json.loads(await asyncio.to_thread(servers.stdout.readline))
        registry, bots = BotRegistry(), []
        for number, url in enumerate(urls):
            bots.append(FreqtradeBot(f"bot-{number}", url, LOGIN))
            registry.register(f"bot-{number}", bots[-1])
        try:
            registry.start()
            await until(lambda: _all_heard(registry, bots), "all twenty", 30)
            await asyncio.sleep(1.0)  # what only a start costs is over
            # of this thread: the markets that other tests of this session share run in threads of this process
            began, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(WATCHED_S)
            share = (time.thread_time() - used) / (time.monotonic() - began)
            healthy = [registry.health(name).ok for name in registry.members]
        finally:
            await registry.stop()
            for bot in bots:
                await bot.close()
            servers.stdin.close()

    with capsys.disabled():
        sys.stdout.write(f"\nwatching 20 Freqtrades: {share:.1%} of one core\n")
    assert all(healthy)
    assert share <= 0.05


async def _all_heard(registry, bots):
    names = list(registry.members)
    return all(registry.health(name).ok for name in names) and all(bot.watch.hints.connected for bot in bots)


async def test_its_status_says_whose_money_where_and_how_old():
    async with shaped(trades=[trade(1), trade(2, "ETH/USDT", is_short=True)]) as (_, bot):
        status = await bot.status()

    assert status.mode is MoneyMode.PAPER
    assert status.equity.amount == 990.0  # the bot's own part of an account it shares
    assert {money.currency for money in (status.equity, status.pnl, status.realised)} == {"USDT"}
    assert [position.amount for position in status.positions] == [0.5, -0.5]
    assert status.positions[0].stop == 90.0
    assert status.ready


@pytest.mark.parametrize("version", [2.50, 2.30, 2.21, 2.0, 1.11, 1.0])
async def test_an_older_version_loses_features_and_not_the_connection(version):
    async with shaped(version, trades=[]) as (server, bot):
        about = await bot.capabilities()
        status = await bot.status()
        await bot.pause(command_id="p", token=1)
        paused = await bot.status()
        can = set(about["capabilities"])
        plan = (await bot.plan("BTC/USDT", "1m")).side if "plan" in can else None

    assert {"status", "trades", "pause", "resume", "halt"} <= can
    assert ("forecast" in can) == (version >= 1.11)
    assert plan in ("flat", None)
    assert status.state is BotState.RUNNING
    assert paused.state is BotState.PAUSED
    assert ("GET /message/ws" in server.asked) == (version >= 2.20) or not bot.watch.hints.connected
    assert "POST /stop" not in server.asked


async def test_what_is_no_freqtrade_is_said_in_one_sentence():
    async with shaped(state=None) as (_, bot):
        with pytest.raises(BotError, match="does not tell its config as Freqtrade does: state"):
            await bot.status()


async def test_forecast_plan_and_analysis_come_from_its_signals():
    async with shaped(trades=[]) as (_, bot):
        forecast = await bot.forecast("btcusdt", "5m", 3)
        analysis = await bot.analyze("BTC/USDT", "1m")
        with pytest.raises(BotError, match="decides on 1m bars only"):
            await bot.plan("BTC/USDT", "5m")
        with pytest.raises(BotError, match="no multiple"):
            await bot.forecast("BTC/USDT", "90s", 3)

    assert forecast.symbol == "BTC/USDT"
    assert forecast.horizon == 3
    assert analysis.indicators["rsi"] == 50.0
    assert "close" not in analysis.indicators
