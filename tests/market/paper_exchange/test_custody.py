"""What the emergency stop reads off a paper exchange, and how it closes an account itself."""

import pytest

from tests.support.trading_floor import trading_floor
from workbench.domain.errors import ExchangeBusy
from workbench.domain.ports import AccountVenue
from workbench.market.paper_exchange.custody import PaperCustody


async def test_an_account_shows_its_positions_and_orders_by_name():
    async with trading_floor(bots=0) as floor:
        hand = await floor.hand("ada")
        await hand.create_order("BTC/USD", "market", "buy", 0.5)
        await hand.create_order("ETH/USD", "limit", "buy", 1.0, 100.0, {"clientOrderId": "low"})
        custody = PaperCustody(floor.venue)

        view = (await custody.accounts())["ada"]

        assert isinstance(custody, AccountVenue)
        assert view.positions == {"BTC/USD": pytest.approx(0.5, rel=0.01)}
        assert view.open_orders == ("order low to buy 1 ETH/USD",)
        assert not view.flat
        assert view.trades == 1


async def test_an_account_is_closed_with_its_own_key():
    async with trading_floor(bots=0) as floor:
        hand = await floor.hand("ada")
        await hand.create_order("BTC/USD", "market", "buy", 0.5)
        await hand.create_order("BTC/USD", "limit", "sell", 0.2, 90_000.0)
        custody = PaperCustody(floor.venue)

        left = await custody.flatten("ada")

        assert left == []
        assert (await custody.accounts())["ada"].flat
        assert list(await custody.accounts()) == ["ada"]
        assert await custody.flatten("ada") == []  # twice is harmless


async def test_a_venue_that_wants_fewer_requests_says_how_long_to_wait():
    async with trading_floor(bots=0, weight_limit=3) as floor:
        custody = PaperCustody(floor.venue)

        with pytest.raises(ExchangeBusy) as raised:
            await custody.accounts()

        assert raised.value.retry_after_s > 0
