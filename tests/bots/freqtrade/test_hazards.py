"""What goes wrong with a Freqtrade (facts/freqtrade.md), each with the real process: reproduced, then handled."""

import asyncio
import contextlib
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.freqtrade_rig import LOGIN, Freq, until
from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.freqtrade_line import FreqtradeLine, Login
from workbench.domain.errors import BotError, BotFenced, BotUnknown
from workbench.domain.portfolio import BotState
from workbench.orchestration.bot_registry import BotRegistry

pytestmark = [pytest.mark.freqtrade, pytest.mark.timeout(280)]


@contextlib.asynccontextmanager
async def bot_of(freq, **options):
    bot = freq.bot(**options)
    try:
        yield bot
    finally:
        await bot.close()


async def running(bot, positions=2):
    """Running, unlocked, holding something: how each test finds the bot."""
    token = bot.gate.newest_token or max((mark.token for mark in (await bot.watch.snapshot()).marks), default=0)
    await bot.resume(command_id=f"resume-{time.monotonic()}", token=token)

    async def holds():
        bot.watch.forget()
        status = await bot.status()
        return len(status.positions) >= positions and status

    return await until(holds, "positions", 90)


def state(freq):
    """Its own word for its state; '' while a reload has taken its API away."""
    try:
        return freq.raw("GET", "/show_config").json()["state"]
    except httpx.TransportError:
        return ""


async def test_the_third_market_is_set_up_and_its_exchange_goes_away(outage):
    """Only starts what the last test of this file reads: three bars must pass meanwhile."""
    assert outage.bot.said["bot_id"] == "stranded"


async def test_stop_leaves_positions_and_refuses_exits_so_a_halt_never_stops_and_gets_a_stopped_one_flat(
    steady, market
):
    async with bot_of(steady) as bot:
        await running(bot)
        steady.raw("POST", "/stop")
        refused = steady.raw("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        bot.watch.forget()
        status = await bot.status()

        assert refused.status_code == 502
        assert "not running" in refused.text
        assert len(steady.raw("GET", "/status").json()) == 2
        assert not status.ready
        assert "nobody manages" in status.detail

        seen, over = Counter(), asyncio.Event()

        async def look():
            while not over.is_set():
                seen[(await asyncio.to_thread(state, steady))] += 1
                await asyncio.sleep(0.05)

        looking = asyncio.create_task(look())
        await bot.halt(command_id="halt-stopped", token=3)
        over.set()
        await looking
        status = await bot.status()

    assert status.state is BotState.HALTED
    assert status.positions == ()
    assert set(list(seen)[1:]) <= {"paused"}, seen  # at most its first look still finds it stopped
    assert market.account("steady")["open_orders"] == []


async def test_pause_is_lost_on_reload_unless_the_config_says_so_and_our_lock_outlives_both(steady):
    async with bot_of(steady) as bot:
        await bot.resume(command_id="r-reload", token=3)
        steady.raw("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        steady.change(initial_state="running")
        steady.raw("POST", "/stopentry")
        steady.raw("POST", "/reload_config")
        await until(lambda: asyncio.to_thread(lambda: state(steady) == "running"), "the lost pause", 90)

        await bot.pause(command_id="pause-reload", token=4)
        await asyncio.to_thread(steady.raw, "POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        steady.raw("POST", "/reload_config")
        await until(lambda: asyncio.to_thread(lambda: state(steady) == "running"), "the restart", 90)
        await asyncio.sleep(3)  # three of its rounds
        bot.watch.forget()
        status = await bot.status()

        assert status.state is BotState.PAUSED
        assert status.positions == ()
        assert "lock keeps it from entering" in status.detail
        steady.change(initial_state="paused")
        steady.raw("POST", "/reload_config")
        await until(lambda: asyncio.to_thread(lambda: state(steady) == "paused"), "the pause of the config", 90)


async def test_a_pause_survives_a_killed_process_and_the_kill_is_named_within_ten_seconds(steady):
    registry = BotRegistry()
    async with bot_of(steady) as bot:
        registry.register("steady", bot)
        await bot.pause(command_id="pause-kill", token=5)
        registry.start()
        await until(lambda: _word(registry, "healthy"), "healthy", 90)
        steady.kill()
        began = time.monotonic()

        await until(lambda: _word(registry, "down"), "the kill named", 10)

        assert time.monotonic() - began < 10
        assert "steady" in registry.health("steady").reason
        await registry.stop()
    await asyncio.to_thread(lambda: steady.start().ready())
    async with bot_of(steady) as bot:
        status = await bot.status()
        assert status.state is BotState.PAUSED
        with pytest.raises(BotFenced):
            await bot.resume(command_id="old-desk", token=2)
        await bot.resume(command_id="new-desk", token=6)
        assert (await bot.status()).state is BotState.RUNNING


async def _word(registry, word):
    return registry.health("steady").word == word


async def test_a_lock_of_all_pairs_blocks_the_strategy_but_not_an_entry_by_hand_so_a_halt_pauses_too(steady):
    async with bot_of(steady) as bot:
        await bot.halt(command_id="halt-lock", token=7)
        await bot.resume(command_id="resume-lock", token=7)
        steady.raw("POST", "/stopentry")
        steady.raw("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        await until(lambda: _flat(bot), "flat", 90)
        until_ = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        steady.raw("POST", "/locks", [{"pair": "*", "side": "*", "until": until_, "reason": "by hand"}])
        steady.raw("POST", "/start")
        await asyncio.sleep(3)
        bot.watch.forget()
        locked = await bot.status()
        plan = await bot.plan("BTC/USD", "1m")
        forced = await bot.entries.enter("BTC/USD", "by-hand")

        assert locked.positions == ()
        assert "by hand" in locked.detail
        assert plan.side == "flat"
        assert "lock" in plan.reason
        assert forced.tag == "wb:by-hand"

        await bot.halt(command_id="halt-forced", token=7)
        refused = steady.raw("POST", "/forceenter", {"pair": "BTC/USD"})
        lock = next(x for x in steady.raw("GET", "/locks").json()["locks"] if x["reason"] == "by hand")
        steady.raw("DELETE", f"/locks/{lock['id']}")

    assert refused.status_code == 502
    assert "not running" in refused.text


async def _flat(bot):
    bot.watch.forget()
    return not (await bot.status()).positions


async def test_exit_all_is_answered_alike_when_nothing_is_open_so_only_a_look_says_flat(steady):
    async with bot_of(steady) as bot:
        await bot.halt(command_id="halt-empty-1", token=8)
        empty = steady.raw("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        await running(bot)
        full = steady.raw("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})

    assert empty.status_code == full.status_code == 200
    assert empty.json() == full.json()


async def test_count_fails_when_stopped_and_the_last_round_may_be_unknown_and_neither_is_needed(steady):
    async with bot_of(steady) as bot:
        await bot.halt(command_id="halt-count", token=9)
        steady.raw("POST", "/stop")
        count = steady.raw("GET", "/count")
        bot.watch.forget()
        status = await bot.status()
        steady.raw("POST", "/stopentry")

    assert count.status_code == 502
    assert status.state is BotState.HALTED
    assert not status.ready


async def test_wrong_credentials_are_said_and_a_ping_without_them_says_nothing_of_them(steady):
    ping = await asyncio.to_thread(httpx.get, f"{steady.url}/api/v1/ping", auth=("nobody", "wrong"))
    stranger = FreqtradeBot("steady", steady.url, Login("nobody", "not-the-word"), messages=False)
    try:
        with pytest.raises(BotError, match="refuses the name or the password") as told:
            await stranger.status()
    finally:
        await stranger.close()

    assert ping.json() == {"status": "pong"} or "status" not in ping.json()
    assert "not-the-word" not in str(told.value)
    assert LOGIN.password not in repr(stranger.__dict__)


async def test_the_message_socket_refuses_a_bad_token_and_its_end_on_reload_is_survived(steady):
    async with httpx.AsyncClient() as http:
        head = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        bad = await http.get(f"{steady.url}/api/v1/message/ws?token=wrong", headers=head)
    async with bot_of(steady) as bot:
        await bot.status()
        await until(lambda: _connected(bot, True), "the stream", 90)
        await asyncio.to_thread(steady.raw, "POST", "/reload_config")
        await until(lambda: _connected(bot, False), "its end", 90)
        await until(lambda: _connected(bot, True), "the stream again", 90)
        before = bot.watch._snapped_at
        await asyncio.sleep(0.2)
        status = await bot.status()

    assert bad.status_code == 403
    assert bot.watch._snapped_at > before
    assert status.state in (BotState.HALTED, BotState.PAUSED)


async def _connected(bot, wanted):
    return bot.watch.hints.connected is wanted


async def test_an_entry_answered_too_late_is_unknown_and_found_by_its_tag_never_sent_again(stormy, storm):
    async with bot_of(stormy) as bot:
        await bot.halt(command_id="halt-slow", token=1)
        await bot.resume(command_id="resume-slow", token=1)
        until_ = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        stormy.raw("POST", "/locks", [{"pair": "*", "side": "*", "until": until_, "reason": "quiet"}])
        await asyncio.to_thread(stormy.raw, "POST", "/forceexit", {"tradeid": "all", "ordertype": "market"})
        await until(lambda: _flat(bot), "flat", 90)
        storm.turnstile.hold_s = 4.0
        try:
            began = time.monotonic()
            with pytest.raises(BotUnknown, match="wb:slow-entry"):
                await bot.entries.enter("ETH/USD", "slow-entry", timeout_s=1.0)
            trade = await bot.entries.reconcile("slow-entry", 60)
            took = time.monotonic() - began
            again = await bot.entries.enter("ETH/USD", "slow-entry", timeout_s=1.0)
        finally:
            storm.turnstile.hold_s = 0.0
        tags = Counter(t["enter_tag"] for t in stormy.raw("GET", "/trades?limit=200").json()["trades"])
        tags += Counter(t["enter_tag"] for t in stormy.raw("GET", "/status").json())
        lock = next(x for x in stormy.raw("GET", "/locks").json()["locks"] if x["reason"] == "quiet")
        stormy.raw("DELETE", f"/locks/{lock['id']}")

    assert took > 3.0
    assert trade.trade_id == again.trade_id
    assert tags["wb:slow-entry"] == 1


async def test_revoked_credentials_leave_it_running_and_a_halt_that_cannot_close_names_what_is_open(stormy, storm):
    async with bot_of(stormy, halt_within_s=6.0) as bot:
        await running(bot)
        storm.turnstile.revoked = True
        try:
            assert state(stormy) == "running"
            with pytest.raises(BotError, match="not confirmed flat") as told:
                await bot.halt(command_id="halt-revoked", token=2)
            bot.watch.forget()
            status = await bot.status()
        finally:
            storm.turnstile.revoked = False
        await bot.halt(command_id="halt-restored", token=2)
        after = await bot.status()

    assert "USD" in str(told.value)
    assert status.state is BotState.HALTED
    assert len(status.positions) >= 1
    assert after.positions == ()


async def test_in_an_outage_an_exit_breaks_in_plain_text_and_that_means_unknown(stormy, storm):
    async with bot_of(stormy) as bot:
        await running(bot)
        line = FreqtradeLine("stormy", stormy.url, LOGIN)
        storm.away()
        try:
            with pytest.raises(BotUnknown, match="may have happened"):
                await line.act("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"}, timeout_s=60)
        finally:
            storm.back()
            await line.close()
        await until(lambda: _halted(bot), "flat after the outage", 90)


async def _halted(bot):
    try:
        await bot.halt(command_id=f"halt-{time.monotonic()}", token=3)
    except BotError:
        return False
    return (await bot.status()).positions == ()


async def test_without_an_exchange_at_start_it_hangs_without_an_api_and_readiness_gives_up(python, market, tmp_path):
    freq = Freq(python, tmp_path, market, "early")
    freq.start(ready_s=14.0, url="http://127.0.0.1:9")

    code = await asyncio.to_thread(freq.process.wait, 60)

    said = (freq.folder / "child.log").read_text()
    assert code == 1
    assert "had no API after 14 s" in said or "ended at its start" in said
    assert "Traceback" not in said


async def test_a_second_one_on_the_same_port_or_database_is_refused_before_it_trades(python, steady, market, tmp_path):
    twin = Freq(python, tmp_path, market, "twin", orders=False)
    config = steady.facts.config.read_text()
    port = int(steady.url.rsplit(":", 1)[1])
    twin.change(
        api_server={"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port, "verbosity": "error"}
    )
    twin.start(ready_s=20.0)
    code = await asyncio.to_thread(twin.process.wait, 60)
    twin.folder = twin.folder
    again = Freq.again(steady)
    second = await asyncio.to_thread(again.wait, 60)

    assert code == 1
    assert "cannot be had" in (twin.folder / "child.log").read_text()
    assert second == 1
    assert steady.facts.config.read_text() == config
    async with bot_of(steady) as bot:
        assert (await bot.capabilities())["bot_id"] == "steady"


async def test_an_outage_with_frozen_prices_shows_stale_within_three_bars(outage):
    await until(lambda: _stale(outage), "stale", 240)
    first = next(at for at, _, word, *_ in outage.samples if word == "stale")
    before = [sample for sample in outage.samples if sample[0] < first]
    rates = {sample[5] for sample in outage.samples if sample[5] is not None}

    assert first <= 180
    assert {sample[1] for sample in before} == {"running"}  # its own word for itself never changed
    assert all(sample[3] < 60 for sample in before)  # nor did its health say anything
    assert {sample[4] for sample in before} == {200}
    assert len(rates) <= 3  # frozen, but for what was under way


async def _stale(outage):
    return any(word == "stale" for _, _, word, *_ in outage.samples)
