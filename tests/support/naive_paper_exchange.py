"""Slow, obvious twins of the paper exchange: matching that walks the price tick by tick."""

from decimal import Decimal

from workbench.market.paper_exchange.matching import Match, Move, PaperOrder


def _reached(order: PaperOrder, price: Decimal) -> bool:
    return price <= order.level if order.waits_for_fall else price >= order.level


def _urgency(order: PaperOrder, price: Decimal) -> tuple:
    """Best price first, then the older, then by account and number."""
    beyond = order.level - price if order.waits_for_fall else price - order.level
    return -beyond, order.queued_ms, order.account, order.order_id


def meet(orders: list[PaperOrder], move: Move) -> list[Match]:
    """What happens to `orders` along a move between whole prices, in the order it happens."""
    standing = {order.key: order for order in orders if order.is_open}
    step = 1 if move.end >= move.start else -1
    path = [move.end] if move.gap else [Decimal(p) for p in range(int(move.start), int(move.end) + step, step)]
    left, tried, found = move.traded, set(), []
    for price in path:
        while ready := [o for o in standing.values() if o.key not in tried and _reached(o, price)]:
            order = min(ready, key=lambda o: _urgency(o, price))
            fill_price, maker = order.price, True
            if not order.working:
                found.append(Match(order, price, Decimal(0), False))
                order = standing[order.key] = order.triggered(move.at_ms)
                if not order.crosses(price):
                    continue
                fill_price, maker = price, False
            tried.add(order.key)
            amount = order.market.floor_to_lot(min(order.left, left))
            if amount > 0:
                left -= amount
                found.append(Match(order, fill_price, amount, maker))
                standing[order.key] = order.traded(amount, fill_price, move.at_ms)
    return found
