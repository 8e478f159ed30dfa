"""Orders meet a moving price: the fast walk agrees with a slow one, and keeps price-time priority."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.paper_exchange.builders import order
from tests.support import naive_paper_exchange as naive
from workbench.market.paper_exchange.matching import BUY, SELL, Move, RestingOrders

PRICES = st.integers(90, 110)


@st.composite
def resting_orders(draw):
    found = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        kind = draw(st.sampled_from(["LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]))
        found.append(
            order(
                number,
                side=draw(st.sampled_from([BUY, SELL])),
                price=draw(PRICES),
                amount=draw(st.integers(1, 5)),
                account=draw(st.sampled_from("ab")),
                kind=kind,
                stop=None if kind == "LIMIT" else Decimal(draw(PRICES)),
                working=kind == "LIMIT",
                queued_ms=draw(st.integers(0, 3)),
            )
        )
    return found


@st.composite
def moves(draw):
    start, end = draw(PRICES), draw(PRICES)
    return Move(Decimal(start), Decimal(end), draw(st.booleans()), Decimal(draw(st.integers(0, 12))), 9)


def walk(orders, move):
    book = RestingOrders()
    for one in orders:
        book.put(one)
    found = []
    for match in book.meet(move):
        found.append(match)
        changed = (
            match.order.traded(match.amount, match.price, move.at_ms) if match.amount else match.order.triggered(9)
        )
        book.put(changed)
    return found, book


@settings(max_examples=200, deadline=None, derandomize=True)
@given(resting_orders(), moves())
def test_the_walk_agrees_with_one_that_goes_tick_by_tick(orders, move):
    found, _ = walk(orders, move)

    assert found == naive.meet(orders, move)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(resting_orders(), moves())
def test_never_more_is_traded_than_the_market_trades_and_never_beyond_a_limit(orders, move):
    found, _ = walk(orders, move)

    assert sum(match.amount for match in found) <= move.traded
    for match in found:
        if match.amount and match.order.side == BUY:
            assert match.price <= match.order.price
        elif match.amount:
            assert match.price >= match.order.price


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(PRICES, st.integers(1, 3), st.integers(0, 3)), min_size=2, max_size=8), st.integers(0, 12))
def test_a_worse_or_younger_order_never_trades_before_a_better_or_older_one_is_filled(wanted, traded):
    orders = [order(n, price=p, amount=a, queued_ms=q) for n, (p, a, q) in enumerate(wanted, 1)]

    found, book = walk(orders, Move(Decimal(111), Decimal(89), False, Decimal(traded), 9))

    ranks = [(-match.order.price, match.order.queued_ms, match.order.order_id) for match in found]
    assert ranks == sorted(ranks)
    left = [(-o.price, o.queued_ms, o.order_id) for o in book.orders.values()]
    assert not ranks or all(rank >= ranks[-1] for rank in left)


def test_a_limit_reached_on_the_way_trades_at_its_own_price_though_the_step_ends_lower():
    found, _ = walk([order(1, price=97)], Move(Decimal(100), Decimal(95), False, Decimal(5), 9))

    assert [(match.price, match.maker) for match in found] == [(97, True)]


def test_a_stop_passed_on_the_way_trades_at_the_stop_and_one_jumped_over_at_the_open():
    stop = order(1, SELL, price=90, kind="STOP_LOSS_LIMIT", stop=Decimal(98), working=False)

    passed, _ = walk([stop], Move(Decimal(100), Decimal(95), False, Decimal(5), 9))
    jumped, _ = walk([stop], Move(Decimal(100), Decimal(95), True, Decimal(5), 9))

    assert [(match.price, match.amount) for match in passed] == [(98, 0), (98, 1)]
    assert [(match.price, match.amount) for match in jumped] == [(95, 0), (95, 1)]


def test_a_stop_jumped_past_its_limit_waits_at_the_limit():
    stop = order(1, SELL, price=97, kind="STOP_LOSS_LIMIT", stop=Decimal(98), working=False)

    found, book = walk([stop], Move(Decimal(100), Decimal(95), True, Decimal(5), 9))

    assert [match.amount for match in found] == [0]
    assert book.orders[stop.key].working


def test_what_is_not_filled_for_want_of_volume_is_filled_by_the_next_step():
    found, book = walk([order(1, price=99, amount=5)], Move(Decimal(100), Decimal(95), False, Decimal(2), 9))
    later = list(book.meet(Move(Decimal(95), Decimal(96), False, Decimal(9), 10)))

    assert [match.amount for match in found] == [2]
    assert [(match.amount, match.price) for match in later] == [(3, 99)]
