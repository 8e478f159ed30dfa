"""Research bots on a real paper exchange: what they say is what the venue has."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.support.trading_floor import BAR, CASH, START, candles, held, trading_floor, until
from workbench.bots.research.bot import ResearchBot
from workbench.bots.research.kinds import KINDS
from workbench.bots.research.options import ResearchOptions
from workbench.domain.errors import BotError
from workbench.domain.portfolio import BotState, MoneyMode

BARS = 60
COINS = ("BTC/USD", "ETH/USD", "XRP/USD")


async def flat(floor):
    return not held(await floor.account())


async def holds_something(floor):
    return held(await floor.account())


async def ready(bot):
    return (await bot.status()).ready


async def positions_of(bot):
    return (await bot.status()).positions


async def run_all(bars, speed):
    """Four kinds through `bars` bars; returns each account's raw executions and the floor's word on each bot."""
    said = {}
    async with trading_floor(tables=candles(COINS), bots=len(KINDS), speed=speed) as floor:
        bots = await asyncio.gather(*(floor.bot(kind) for kind in KINDS))
        await floor.play(bars)
        for bot in bots:
            hand = await floor.hand(bot.bot_id)
            await hand.load_markets()
            trades = [t["info"] for coin in COINS for t in await hand.fetch_my_trades(coin, None, 1000)]
            said[bot.bot_id] = (
                trades,
                await bot.status(),
                await bot.equity(),
                await bot.trades(),
                await floor.account(bot.bot_id),
            )
    return said


@pytest.fixture(scope="module")
def two_runs():
    return [asyncio.run(run_all(BARS, speed)) for speed in (900.0, 50_000.0)]


def test_two_runs_at_different_speeds_trade_the_same_to_the_byte(two_runs):
    one, other = two_runs

    assert {kind: said[0] for kind, said in one.items()} == {kind: said[0] for kind, said in other.items()}
    assert sum(len(said[0]) for said in one.values()) >= 10


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_bot_says_it_is_worth_is_what_the_venue_says(two_runs, kind):
    _, status, points, trades, account = two_runs[0][kind]

    assert status.equity.amount == pytest.approx(float(account["equity"]["amount"]), abs=1e-6)
    assert status.pnl.amount == pytest.approx(status.equity.amount - CASH, abs=1e-6)
    unrealised = sum(position.unrealised for position in status.positions)
    assert status.realised.amount + unrealised == pytest.approx(status.pnl.amount, abs=1.0)  # dust is not a position
    assert {p.symbol.split("/")[0] for p in status.positions} == set(held(account))
    assert status.trade_count == len(trades)
    assert [point.at for point in points] == [START + (i + 1) * BAR for i in range(BARS)]
    assert (status.mode, status.ready, status.detail) == (MoneyMode.REPLAY, True, "")
    assert status.market_time == points[-1].at


@pytest.mark.parametrize("kind", KINDS)
def test_every_position_has_one_stop_resting_at_the_venue_for_all_of_it(two_runs, kind):
    _, status, _, _, account = two_runs[0][kind]

    stops = {order["symbol"]: order for order in account["open_orders"]}
    assert len(stops) == len(account["open_orders"]) == len(status.positions)
    for position in status.positions:
        order = stops[position.symbol.replace("/", "")]
        assert order["type"] == "STOP_LOSS_LIMIT"
        assert float(order["stopPrice"]) == position.stop < position.mark_price
        assert float(order["origQty"]) == pytest.approx(position.amount, rel=2e-3)
        assert order["clientOrderId"].startswith(f"{kind}-s-")


def test_there_are_positions_right_after_the_start(two_runs):
    early = [trade for trade in two_runs[0]["trend"][0] if int(trade["time"]) <= (START + BAR).timestamp() * 1000]

    assert early


async def test_a_restarted_bot_goes_on_where_the_venue_says_it_was(tmp_path):
    async with trading_floor() as floor:
        first = await floor.bot(memory=tmp_path / "memory")
        await floor.play(40)
        before, curve, trades = await first.status(), await first.equity(), await first.trades()
        await first.stop()

        second = await floor.bot(memory=tmp_path / "memory")
        after = await second.status()

        assert before.positions
        assert after.positions == tuple(replace(held, targets=()) for held in before.positions)  # no venue knows aims
        assert after.realised == before.realised
        assert after.equity.amount == pytest.approx(before.equity.amount)
        assert [(t.closed_at, t.pnl) for t in await second.trades()] == [(t.closed_at, t.pnl) for t in trades]
        drawn = {p.at: p.equity for p in await second.equity()}
        assert drawn
        assert all(drawn[p.at] == pytest.approx(p.equity) for p in curve if p.at in drawn)
        await floor.play(1)
        amounts = {p.symbol: p.amount for p in (await second.status()).positions}
        assert all(amounts[p.symbol] == p.amount for p in before.positions if p.symbol in amounts)


async def test_a_bot_told_to_stop_in_the_middle_of_a_bar_puts_the_stop_down_first():
    async with trading_floor(bots=0) as floor:
        bot = await floor.bot(lockstep=False)
        await floor.venue.resume()
        await floor.venue.set_speed(36_000)

        await until(lambda: holds_something(floor), 30)
        await bot.stop()

        account = await floor.account()
        assert len(account["open_orders"]) == len(held(account)) >= 1


async def test_a_bot_killed_between_its_purchase_and_its_stop_puts_the_stop_down(tmp_path):
    async with trading_floor() as floor:
        hand = await floor.hand()
        await hand.load_markets()
        await hand.create_order("BTC/USD", "market", "buy", 0.2, None, {"clientOrderId": "trend-e-BTCUSD-p721u0"})
        bot = await floor.bot()

        await floor.play(1)

        (position,) = [p for p in (await bot.status()).positions if p.symbol == "BTC/USD"]
        assert position.amount == pytest.approx(0.2, rel=2e-3)
        assert any(order["symbol"] == "BTCUSD" for order in (await floor.account())["open_orders"])


async def test_a_paused_bot_buys_nothing_and_still_guards_and_sells_what_it_holds():
    async with trading_floor() as floor:
        hand = await floor.hand()
        await hand.load_markets()
        await hand.create_order("BTC/USD", "market", "buy", 0.2)
        bot = await floor.bot()
        await bot.pause(command_id="p", token=1)

        await floor.play(1)
        guarded = (await floor.account())["open_orders"]
        await floor.play(150)

        assert [order["symbol"] for order in guarded] == ["BTCUSD"]
        orders = [order for coin in ("BTC/USD", "ETH/USD") for order in await hand.fetch_orders(coin)]
        assert [
            order for order in orders if order["side"] == "buy" and order["clientOrderId"].startswith("trend")
        ] == []
        assert (await bot.status()).state is BotState.PAUSED


async def test_a_halt_closes_all_is_verified_at_the_venue_and_lasts(tmp_path):
    async with trading_floor() as floor:
        bot = await floor.bot(memory=tmp_path / "memory")
        await floor.play(30)
        assert held(await floor.account())

        await bot.halt(command_id="h", token=1)

        account = await floor.account()
        assert (held(account), account["open_orders"]) == ({}, [])
        assert {t.reason for t in (await bot.trades())[-1:]} == {"halt"}
        await bot.stop()
        again = await floor.bot(memory=tmp_path / "memory")
        await floor.play(30)
        assert (await again.status()).state is BotState.HALTED
        assert held(await floor.account()) == {}
        await again.resume(command_id="r", token=1)
        await floor.play(60)
        assert (await again.status()).state is BotState.RUNNING
        assert (await again.status()).trade_count > 0


async def test_a_market_too_thin_to_leave_at_once_is_named_and_left_bit_by_bit():
    async with trading_floor(liquidity_share=0.001) as floor:
        bot = await floor.bot()
        await bot.pause(command_id="p", token=1)
        hand = await floor.hand()
        await hand.load_markets()
        for _ in range(8):
            await hand.create_order("BTC/USD", "market", "buy", 0.1)
            await floor.play(1)
        before = held(await floor.account())["BTC"]

        with pytest.raises(BotError, match=r"not all is closed: 0\.\d+ BTC"):
            await bot.halt(command_id="h", token=1)

        left = held(await floor.account())["BTC"]
        assert 0 < left < before
        assert "still open after the halt" in (await bot.status()).detail
        await floor.play(40)
        assert held(await floor.account()) == {}
        assert (await bot.status()).detail == ""


async def test_what_appears_after_a_halt_is_closed_too():
    async with trading_floor() as floor:
        bot = await floor.bot()
        await bot.halt(command_id="h", token=1)
        hand = await floor.hand()
        await hand.load_markets()
        await hand.create_order("BTC/USD", "market", "buy", 0.1)

        await floor.play(1)

        assert held(await floor.account()) == {}


async def test_a_halt_while_the_venue_is_away_says_so_and_is_finished_when_it_is_back(tmp_path):
    state = tmp_path / "exchange.sqlite"
    async with trading_floor(bots=0, state=state) as floor:
        bot = await floor.bot(lockstep=False)
        hand = await floor.hand()
        await hand.load_markets()
        await hand.create_order("BTC/USD", "market", "buy", 0.1)
        port = int(floor.url.rsplit(":", 1)[1])
        await floor.close_doors()

        with pytest.raises(BotError, match="cannot be reached"):
            await bot.halt(command_id="h", token=1)
        status = await bot.status()
        assert not status.ready
        assert "cannot be reached" in status.detail
        assert status.positions  # the last that is known, not nothing

        async with trading_floor(bots=0, state=state, port=port) as back:
            await until(lambda: flat(back), 30)
            assert (await bot.status()).state is BotState.HALTED
            await until(lambda: ready(bot))
            await bot.stop()


async def test_a_refused_order_is_visible_and_stops_nothing():
    async with trading_floor() as floor:
        bot = await floor.bot()
        hand = await floor.hand()
        await hand.load_markets()
        price = float((await hand.fetch_ticker("BTC/USD"))["last"])
        spent = 9_990 / price
        await hand.create_order("BTC/USD", "limit", "buy", spent, price * 0.5)  # locks half of the cash …
        await hand.create_order("BTC/USD", "limit", "buy", spent * 0.99, price * 0.5)  # … and the rest

        await floor.play(1)

        status = await bot.status()
        assert "insufficient balance" in status.detail
        assert status.ready
        await floor.play(1)
        assert (await bot.status()).market_time == START + 2 * BAR


async def test_coins_that_no_fill_explains_are_named_and_nothing_is_bought_there():
    async with trading_floor() as floor:
        bot = await floor.bot(funds={"USD": "10000", "ETH": "1.5"})

        await floor.play(40)

        status = await bot.status()
        assert not status.ready
        assert "the venue holds 1.5 ETH, my fills explain 0;" in status.detail
        orders = await (await floor.hand()).fetch_orders("ETH/USD")
        assert orders == []


async def test_a_bot_without_a_venue_says_so():
    async with trading_floor(bots=0) as gone:
        port = int(gone.url.rsplit(":", 1)[1])
        key = await gone.venue.open_account("trend", {"USD": "10000"})
    bot = ResearchBot(ResearchOptions("trend", "trend", f"http://127.0.0.1:{port}", key.key, key.secret))
    assert not await bot.start(0.5)
    async with asyncio.timeout(60):
        while "cannot be reached" not in (status := await bot.status()).detail:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.1)
    assert not status.ready
    with pytest.raises(BotError, match="has not seen the market yet"):
        await bot.forecast("BTC/USD", "30m")
    await bot.stop()


async def test_a_trade_between_two_bars_is_seen_at_once():
    async with trading_floor(bots=0) as floor:
        bot = await floor.bot(lockstep=False)
        hand = await floor.hand()
        await hand.load_markets()
        await hand.create_order("BTC/USD", "market", "buy", 0.1)

        positions = await until(lambda: positions_of(bot))

        assert positions[0].amount == pytest.approx(0.1, rel=2e-3)
        worth = Decimal((await floor.account())["equity"]["amount"])
        assert (await bot.status()).equity.amount == pytest.approx(float(worth), abs=1e-6)
