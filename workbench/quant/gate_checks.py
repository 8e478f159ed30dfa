"""The questions an order must pass, in order: the first that denies decides, in words.

Each check is a small function of a `Situation` that answers None, or a `Breach`. Comparisons are written so that NaN
fails them. Exposure checks look only at what an order *adds*: one that only reduces passes them even where a limit is
already exceeded, for leaving must always be possible. HALTED refuses that too: then only the emergency stop acts.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from workbench.domain.desk import DeskState
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, BotLimits, Denied, DeskLimits, Intent, Quote, Reduced, RiskVerdict
from workbench.quant.marginal_risk import MarginalRisk
from workbench.quant.pace import Pace
from workbench.quant.tally import Cell, Growth, growth

_AHEAD_S = 2.0  # by so much may another process's clock be in front of ours


class Breach(NamedTuple):
    """Why not. `fits`: the amount (base currency) that this check would let pass, 0 where none."""

    rule: str
    reason: str
    fits: float = 0.0


class Used(NamedTuple):
    """What is used of each limit before the order, value in the reporting currency."""

    bot: float
    symbol: float
    cluster: float
    venue: float
    gross: float
    side: float  # the long side of the desk for a buy, the short side for a sell
    symbol_side: float  # the same of this symbol alone
    symbol_worst: float  # the greater of the symbol's two sides


class Situation(NamedTuple):
    """Everything a verdict depends on. `unknown` says in words what cannot be told of the desk, empty where all can."""

    intent: Intent
    now: datetime
    bot: BotLimits
    desk: DeskLimits
    quote: Quote
    desk_state: DeskState
    bot_state: DeskState
    symbol_state: DeskState
    book_at: datetime
    unknown: str
    cell: Cell
    used: Used
    pace: Pace
    risk: MarginalRisk
    grown: Growth
    unit: float  # value of one unit of base currency


Check = Callable[[Situation], Breach | None]


def known(s: Situation) -> Breach | None:
    i, q, b, d = s.intent, s.quote, s.bot, s.desk
    # one sum shows a NaN or an infinity in any of them; a missing one raises, which denies as well
    total = i.amount + i.price + q.price + q.rate + s.unit + sum(s.used) + sum(s.cell) + s.pace.orders + s.pace.repeats
    total += b.order_value + b.position_value + b.gross_value + b.collar + b.orders + b.orders_window_s
    total += b.repeats + b.repeats_window_s + b.decision_age_s
    total += d.symbol_value + d.cluster_value + d.venue_value + d.gross_value + d.net_value + d.correlated_value
    total += d.cvar_value + d.quote_age_s + d.book_age_s + d.model_age_s
    if not math.isfinite(total):
        return Breach("known", f"{_culprit(s)} is not a finite number")
    if not (i.amount > 0 and i.price > 0 and q.price > 0 and q.rate > 0 and s.unit > 0):
        return Breach("known", f"amount and prices must be positive, got {i.amount} at {i.price}, desk {q.price}")
    if i.side not in (Side.BUY, Side.SELL):
        return Breach("known", f"side must be buy or sell, got {i.side!r}")
    return None


def fresh(s: Situation) -> Breach | None:
    return (
        _aged(s.now, s.quote.seen_at, s.desk.quote_age_s, f"the price of {s.intent.symbol}")
        or _aged(s.now, s.intent.decided_at, s.bot.decision_age_s, "the bot's decision")
        or _aged(s.now, s.book_at, s.desk.book_age_s, "what the desk knows of the positions")
        or _aged(s.now, s.risk.model.made_at, s.desk.model_age_s, "the risk model")
    )


def state(s: Situation) -> Breach | None:
    if s.desk_state is s.bot_state is s.symbol_state is DeskState.ACTIVE:
        return None
    for what, of in (("the desk", s.desk_state), (s.intent.bot_id, s.bot_state), (s.intent.symbol, s.symbol_state)):
        if of is DeskState.HALTED:
            return Breach("state", f"{what} is halted: no order passes")
        if of is DeskState.REDUCING and s.grown.side > 0:
            return Breach("state", f"{what} is reducing: only orders that reduce pass", s.grown.free_side)
        if of is not DeskState.REDUCING and of is not DeskState.ACTIVE:
            return Breach("state", f"the state of {what} is unknown")
    return None


def told(s: Situation) -> Breach | None:
    if s.unknown and s.grown.side > 0:
        return Breach("told", f"{s.unknown}; nothing may grow until it is known", s.grown.free_side)
    return None


def throttle(s: Situation) -> Breach | None:
    if s.grown.side <= 0:
        return None
    if s.pace.latched:
        return Breach("throttle", f"{s.intent.bot_id} repeated itself in {s.intent.symbol}; a person must re-enable it")
    if not s.pace.repeats < s.bot.repeats:
        words = f"{s.pace.repeats} orders to {s.intent.side} {s.intent.symbol} in {s.bot.repeats_window_s:g} s"
        return Breach("throttle", f"{words} are the most of one kind; a person must re-enable it")
    return None


def collar(s: Situation) -> Breach | None:
    away = abs(s.intent.price / s.quote.price - 1)
    if away <= s.bot.collar:
        return None
    return Breach(
        "collar", f"price {s.intent.price:g} is {away:.2%} from {s.quote.price:g}, at most {s.bot.collar:.2%}"
    )


def order_value(s: Situation) -> Breach | None:
    each = max(s.unit, s.intent.price * s.quote.rate)
    if s.intent.amount * each <= s.bot.order_value:
        return None
    words = f"worth {s.intent.amount * each:,.2f}, above {s.bot.order_value:,.2f}, the most one order may be"
    return Breach("order value", words, s.bot.order_value / each)


def rate(s: Situation) -> Breach | None:
    if s.pace.orders < s.bot.orders:
        return None
    return Breach(
        "order rate", f"{s.pace.orders} orders in {s.bot.orders_window_s:g} s are the most {s.intent.bot_id} may"
    )


def position(s: Situation) -> Breach | None:
    held = max(s.cell.amount + s.cell.buys, s.cell.sells - s.cell.amount) * s.unit
    return _within(s, "position", f"{s.intent.bot_id} in {s.intent.symbol}", held, s.bot.position_value)


def bot_gross(s: Situation) -> Breach | None:
    return _within(s, "bot gross", s.intent.bot_id, s.used.bot, s.bot.gross_value)


def symbol(s: Situation) -> Breach | None:
    return _within(s, "symbol", f"all bots in {s.intent.symbol}", s.used.symbol, s.desk.symbol_value)


def cluster(s: Situation) -> Breach | None:
    return _within(s, "cluster", f"the cluster of {s.intent.symbol}", s.used.cluster, s.desk.cluster_value)


def venue(s: Situation) -> Breach | None:
    return _within(s, "venue", f"the venue of {s.intent.bot_id}", s.used.venue, s.desk.venue_value)


def gross(s: Situation) -> Breach | None:
    return _within(s, "gross", "the desk", s.used.gross, s.desk.gross_value)


def net(s: Situation) -> Breach | None:
    which = "long" if s.intent.side == Side.BUY else "short"
    after = s.used.side + s.grown.side * s.unit
    if s.grown.side <= 0 or after <= s.desk.net_value:
        return None
    fits = s.grown.free_side + max(0.0, s.desk.net_value - s.used.side) / s.unit
    return Breach("net", _over(f"the desk's {which} side", after, s.desk.net_value), fits)


def correlated(s: Situation) -> Breach | None:
    if s.grown.side <= 0:
        return None
    slack = s.used.symbol_worst - s.used.symbol_side
    more = max(0.0, s.grown.side * s.unit - slack)
    after = s.risk.correlated_with(s.intent.symbol, more)
    if after <= s.desk.correlated_value:
        return None
    room = s.risk.correlated_room(s.intent.symbol, s.desk.correlated_value)
    fits = s.grown.free_side + (room + slack) / s.unit if room > 0 else s.grown.free_side
    return Breach("correlated", _over("the desk's correlation-adjusted exposure", after, s.desk.correlated_value), fits)


def cvar(s: Situation) -> Breach | None:
    if s.grown.side <= 0:
        return None
    cap, name = s.desk.cvar_value, s.intent.symbol
    more = s.grown.side * s.unit * (1 if s.intent.side == Side.BUY else -1)
    after = s.risk.cvar_with(name, more, cap)
    if after <= cap:
        return None
    now = s.risk.cvar
    # CVaR is convex: on the way from none of the order to all of it, it lies below the straight line
    part = (cap - now) / (after - now) if after > now else 0.0
    fits = s.grown.free_side + s.grown.side * max(0.0, part)
    return Breach("CVaR", _over("the desk's mean loss in its worst scenarios", after, cap), fits)


CHECKS: tuple[Check, ...] = (
    *(known, fresh, state, told, collar, order_value, rate, throttle),
    *(position, bot_gross, symbol, cluster, venue, gross, net, correlated, cvar),
)


def decide(s: Situation) -> RiskVerdict:
    """Ask every check in turn. An intent that `may_shrink` is cut to what a check lets pass, and asked on.

    Never raises: what a check cannot work with (a None, a text, a naive time) is a denial that says so.
    """
    try:
        return _decide(s)
    except Exception as error:  # the gate is the last line: whatever goes wrong in it must not let an order through
        return Denied(str(s.intent.intent_id), "known", f"an input is missing or not a number ({error})")


def _decide(s: Situation) -> RiskVerdict:
    bound = None
    for check in CHECKS:
        breach = check(s)
        if breach is None:
            continue
        if not (s.intent.may_shrink is True and 0 < breach.fits < s.intent.amount):
            return Denied(s.intent.intent_id, breach.rule, breach.reason)
        amount = breach.fits * (1 - 1e-12)  # the rounding of the way back to a value stays inside
        s = s._replace(intent=replace(s.intent, amount=amount), grown=growth(s.cell, s.intent.side, amount))
        bound, again = breach, check(s)
        if again is not None:
            return Denied(s.intent.intent_id, again.rule, again.reason)
    i = s.intent
    if bound is None:
        return Approved(i.intent_id, i.amount, i.amount * s.unit)
    return Reduced(i.intent_id, i.amount, i.amount * s.unit, bound.rule, bound.reason)


def _aged(now: datetime, then: datetime, most_s: float, what: str) -> Breach | None:
    old = (now - then).total_seconds()
    if -_AHEAD_S <= old <= most_s:
        return None
    words = f"lies {-old:.1f} s in the future" if old < 0 else f"is {old:.1f} s old, at most {most_s:g} s"
    return Breach("fresh", f"{what} {words}")


def _within(s: Situation, rule: str, whose: str, used: float, cap: float) -> Breach | None:
    added = s.grown.gross * s.unit
    if added <= 0 or used + added <= cap:
        return None
    fits = s.grown.free_gross + max(0.0, cap - used) / s.unit
    return Breach(rule, _over(whose, used + added, cap), fits)


def _over(whose: str, after: float, cap: float) -> str:
    return f"{whose} would come to {after:,.2f}, above the limit of {cap:,.2f}"


def _culprit(s: Situation) -> str:
    for name, value in (("the intent", s.intent), ("the price", s.quote), ("a bot limit", s.bot), ("a limit", s.desk)):
        for field in type(value).__dataclass_fields__:
            number = getattr(value, field)
            if isinstance(number, float | int) and not math.isfinite(number):
                return f"{name} ({field} = {number})"
    return "an exposure of the desk"
