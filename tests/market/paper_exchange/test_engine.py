"""Whatever is asked, wherever prices go: no balance below zero, no money made or lost but fees, locks add up."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.paper_exchange.builders import COARSE, FINE
from workbench.market.paper_exchange.accounts import ZERO
from workbench.market.paper_exchange.books import Books, Level, Quote, Terms
from workbench.market.paper_exchange.engine import Engine, Ticket
from workbench.market.paper_exchange.matching import BUY, KINDS, SELL, STOPS, Move
from workbench.market.paper_exchange.refusals import Refused

PRICE = st.decimals(Decimal("0.01"), Decimal(20000), places=2)
AMOUNT = st.decimals(Decimal("0.00001"), Decimal(5), places=5)
SOUND_AMOUNT = st.decimals(Decimal("0.001"), Decimal(5), places=5)


def engine(bps=10, **funds):
    made = Engine(Books(Terms(Decimal(bps), Decimal(bps))))
    made.books.open_account("a", {asset: Decimal(amount) for asset, amount in funds.items()})
    return made


def quote(price, takeable=100, at_ms=1, is_open=True):
    offer = (Level(Decimal(price), Decimal(takeable)),)
    return Quote(offer, offer, at_ms, is_open)


def ticket(side=BUY, kind="MARKET", amount=1, market=FINE, **more):
    exact = {name: Decimal(more.pop(name)) for name in ("price", "stop", "quote_amount") if name in more}
    amount = None if amount is None else Decimal(amount)
    return Ticket("a", market, side, kind, amount=amount, **exact, **more)


@st.composite
def acts(draw):
    """Orders of every kind, cancellations and price moves, in any order."""
    found = []
    for _ in range(draw(st.integers(1, 25))):
        act = draw(st.sampled_from(["order", "order", "move", "cancel"]))
        if act == "order":
            kind = draw(st.sampled_from(KINDS))
            found.append(
                Ticket(
                    account=draw(st.sampled_from("ab")),
                    market=FINE,
                    side=draw(st.sampled_from([BUY, SELL])),
                    kind=kind,
                    time_in_force=draw(st.sampled_from(["GTC", "IOC", "FOK"])) if kind == "LIMIT" else "GTC",
                    amount=draw(AMOUNT),
                    price=None if kind == "MARKET" else draw(PRICE),
                    stop=draw(PRICE) if kind in STOPS else None,
                )
            )
        elif act == "move":
            found.append((draw(PRICE), draw(st.booleans()), draw(AMOUNT)))
        else:
            found.append(draw(st.integers(1, 12)))
    return found


def play(made, found):
    """Run acts; yields after each."""
    price = Decimal(10000)
    for now, act in enumerate(found, 1):
        try:
            if isinstance(act, Ticket):
                made.submit(act, quote(price, Decimal("2.5"), now))
            elif isinstance(act, tuple):
                end, gap, traded = act
                made.move("BTC/USD", Move(price, end, gap, traded, now))
                price = end
            else:
                made.cancel("a", act, now, "BTC/USD")
        except Refused:
            pass
        yield now


@settings(max_examples=60, deadline=None, derandomize=True)
@given(acts(), st.sampled_from([0, 10, 75]))
def test_money_is_conserved_to_the_fee_and_never_negative_and_locks_add_up(found, bps):
    made = engine(bps, USD=50000, BTC=3)
    made.books.open_account("b", {"USD": Decimal(20000)})
    deposits = {"a": {"USD": Decimal(50000), "BTC": Decimal(3)}, "b": {"USD": Decimal(20000), "BTC": ZERO}}

    for _ in play(made, found):
        for name, account in made.books.accounts.items():
            for held in account.balances.values():
                assert held.free >= 0
                assert held.locked >= 0
            for asset in ("USD", "BTC"):
                assert account.balance(asset).total == deposits[name][asset] + _net(made, name, asset)
                locked = [order.locks for order in made.books.open_orders(name)]
                assert account.balance(asset).locked == sum((a for held, a in locked if held == asset), ZERO)


def _net(made, name, asset):
    """What trades brought of an asset, from the list of trades alone."""
    total = ZERO
    for trade in made.books.trades[name]:
        sign = 1 if trade.side == BUY else -1
        total += sign * trade.amount if asset == "BTC" else -sign * trade.value
        total -= trade.fee if trade.fee_asset == asset else ZERO
    return total


@settings(max_examples=40, deadline=None, derandomize=True)
@given(acts())
def test_an_order_is_filled_by_its_trades_and_no_further(found):
    made = engine(USD=50000, BTC=3)
    made.books.open_account("b", {"USD": Decimal(20000)})

    for _ in play(made, found):
        pass

    for name, orders in made.books.orders.items():
        for order in orders.values():
            own = [trade for trade in made.books.trades[name] if trade.order_id == order.order_id]
            assert order.filled == sum((trade.amount for trade in own), ZERO) <= order.amount
            assert order.spent == sum((trade.value for trade in own), ZERO)
            assert (order.status == "FILLED") == (order.filled == order.amount)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(acts())
def test_the_same_acts_leave_the_same_books(found):
    first, second = engine(USD=50000, BTC=3), engine(USD=50000, BTC=3)
    for made in (first, second):
        made.books.open_account("b", {"USD": Decimal(20000)})
        for _ in play(made, found):
            pass

    assert first.books.trades == second.books.trades
    assert first.books.orders == second.books.orders


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(SOUND_AMOUNT, min_size=1, max_size=6), AMOUNT)
def test_one_account_never_takes_more_of_a_moment_than_is_offered(wanted, offered):
    made = engine(USD=10**9)

    for amount in wanted:
        made.submit(ticket(amount=amount), quote(10000, offered, at_ms=7))

    assert made.books.traded_at("a", "BTC/USD", 7) <= offered


def test_a_market_order_takes_what_there_is_and_the_rest_expires():
    made = engine(USD=100000)

    changes = made.submit(ticket(amount=5), quote(1000, takeable=2))

    assert [change.what for change in changes] == ["NEW", "TRADE", "EXPIRED"]
    assert changes[-1].order.filled == 2
    assert made.books.accounts["a"].balance("USD").locked == 0


def test_a_market_order_walks_the_levels_of_a_live_book():
    made = engine(0, USD=100000)
    asks = (Level(Decimal(100), Decimal(1)), Level(Decimal(101), Decimal(2)), Level(Decimal(150), Decimal(9)))

    changes = made.submit(ticket(amount="2.5"), Quote((), asks, 1))

    assert [(c.trade.price, c.trade.amount) for c in changes if c.trade] == [(100, 1), (101, Decimal("1.5"))]


def test_fees_are_taken_from_what_is_received():
    made = engine(10, USD=1000, BTC=1)

    bought = made.submit(ticket(amount="0.5"), quote(1000))[-1].trade
    sold = made.submit(ticket(SELL, amount="0.25"), quote(1000))[-1].trade

    assert (bought.fee, bought.fee_asset) == (Decimal("0.0005"), "BTC")
    assert (sold.fee, sold.fee_asset) == (Decimal("0.25"), "USD")


def test_an_order_by_its_worth_buys_whole_lots_only():
    made = engine(USD=1000)

    order = made.submit(ticket(amount=None, quote_amount=100), quote("333.33"))[-1].order

    assert order.amount == Decimal("0.30000")
    assert order.spent <= 100


def test_a_limit_that_crosses_pays_the_market_and_gets_its_difference_back():
    made = engine(USD=1000)

    made.submit(ticket(kind="LIMIT", amount="0.5", price=1500), quote(1000))

    assert made.books.accounts["a"].balance("USD").total == 500
    assert made.books.accounts["a"].balance("USD").locked == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (ticket(amount=50), "insufficient balance"),
        (ticket(SELL), "insufficient balance"),
        (ticket(kind="LIMIT", price=990, amount=5), "insufficient balance"),
        (ticket(kind="LIMIT", price="990.005"), "PRICE_FILTER"),
        (ticket(amount="0.000001"), "LOT_SIZE"),
        (ticket(amount="0.00001"), "NOTIONAL"),
        (ticket(amount=None, quote_amount="0.001"), "NOTIONAL"),
        (ticket(kind="LIMIT_MAKER", price=1001, amount="0.1"), "immediately match"),
        (ticket(kind="STOP_LOSS_LIMIT", price=990, stop=999, amount="0.1"), "trigger immediately"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(asked, words):
    made = engine(USD=1000)

    with pytest.raises(Refused, match=words):
        made.submit(asked, quote(1000))

    account = made.books.accounts["a"]
    assert (account.order_count, account.balance("USD").free, account.balance("USD").locked) == (0, 1000, 0)
    assert made.books.orders["a"] == {}


def test_a_closed_market_takes_no_market_orders_and_lets_limits_wait():
    made = engine(USD=1000)

    with pytest.raises(Refused, match="Market is closed"):
        made.submit(ticket(amount="0.1"), quote(1000, is_open=False))
    waiting = made.submit(ticket(kind="LIMIT", price=1200, amount="0.1"), quote(1000, is_open=False))

    assert [change.what for change in waiting] == ["NEW"]


@pytest.mark.parametrize(("force", "status", "filled"), [("IOC", "EXPIRED", 2), ("FOK", "EXPIRED", 0)])
def test_orders_that_may_not_wait_expire(force, status, filled):
    made = engine(USD=100000)

    order = made.submit(ticket(kind="LIMIT", price=1000, amount=5, time_in_force=force), quote(1000, 2))[-1].order

    assert (order.status, order.filled) == (status, filled)
    assert made.books.accounts["a"].balance("USD").locked == 0


def test_a_client_id_is_unique_among_open_orders_only():
    made = engine(USD=1000)
    asked = ticket(kind="LIMIT", price=500, amount="0.1", client_id="mine")
    made.submit(asked, quote(1000))

    with pytest.raises(Refused, match="Duplicate"):
        made.submit(asked, quote(1000))
    made.cancel("a", "mine", 2, "BTC/USD")

    assert made.submit(asked, quote(1000))[-1].order.is_open


def test_accounts_do_not_trade_with_each_other():
    made = engine(USD=1000, COIN=10)
    made.books.open_account("b", {"USD": Decimal(1000)})
    made.submit(ticket(SELL, "LIMIT", 5, COARSE, price=110), quote(100))

    changes = made.submit(Ticket("b", COARSE, BUY, "LIMIT", amount=Decimal(5), price=Decimal(105)), quote(100, 1))

    assert [change.trade.price for change in changes if change.trade] == [100]
    assert made.books.trades["a"] == []


def test_an_account_cannot_pile_up_orders_without_end():
    made = engine(USD=10**9)
    for _ in range(200):
        made.submit(ticket(kind="LIMIT", price=500, amount="0.1"), quote(1000))

    with pytest.raises(Refused, match="MAX_NUM_ORDERS"):
        made.submit(ticket(kind="LIMIT", price=500, amount="0.1"), quote(1000))
