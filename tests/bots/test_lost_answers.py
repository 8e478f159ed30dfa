"""Orders whose answer is lost: found by their id, never sent twice."""

import pytest

from tests.support.lossy_proxy import LossyProxy
from tests.support.trading_floor import held, trading_floor

ORDER = b"POST /api/v3/order"


@pytest.fixture
async def wired():
    async with trading_floor() as floor:
        proxy = LossyProxy(floor.url)
        yield floor, proxy, await floor.bot(url=await proxy.start())
        await proxy.stop()


async def orders_of(floor):
    hand = await floor.hand()
    await hand.load_markets()
    return [order for coin in ("BTC/USD", "ETH/USD") for order in await hand.fetch_orders(coin)]


async def test_a_purchase_without_an_answer_is_found_and_gets_its_stop(wired):
    floor, proxy, bot = wired
    proxy.lose = ORDER

    await floor.play(3)

    placed = await orders_of(floor)
    assert proxy.lost == 1
    assert [order["side"] for order in placed].count("buy") == 1
    (position,) = (await bot.status()).positions
    assert position.stop is not None
    assert held(await floor.account())["BTC"] == pytest.approx(position.amount)


async def test_a_stop_without_an_answer_is_found_and_not_doubled(wired):
    floor, proxy, bot = wired
    await floor.play(1)
    (stop,) = (await floor.account())["open_orders"]
    hand = await floor.hand()
    await hand.load_markets()
    await hand.cancel_order(stop["orderId"], "BTC/USD")  # by hand: the bot must put it down again
    proxy.lose = ORDER

    await floor.play(3)

    assert proxy.lost == 1
    assert len((await floor.account())["open_orders"]) == 1
    assert (await bot.status()).positions[0].stop is not None


async def test_a_purchase_that_never_arrived_blocks_its_market_until_that_is_certain(wired):
    floor, proxy, bot = wired
    proxy.lose, proxy.before = ORDER, True

    await floor.play(1)

    status = await bot.status()
    assert (proxy.lost, await orders_of(floor)) == (1, [])
    assert not status.ready
    assert "may have been done" in status.detail
    await floor.play(1)
    assert await orders_of(floor) == []  # too early to be certain: nothing is tried again


async def test_a_cancel_without_an_answer_is_read_back(wired):
    floor, proxy, bot = wired
    await floor.play(1)
    assert (await floor.account())["open_orders"]
    proxy.lose = b"DELETE /api/v3/order"

    await bot.halt(command_id="h", token=1)

    account = await floor.account()
    assert proxy.lost == 1
    assert (held(account), account["open_orders"]) == ({}, [])
