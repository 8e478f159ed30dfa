"""The questions an order must pass, in order: the first that denies decides, in words.

Each check is a small function of a `Situation` that answers None, or a `Breach`. Comparisons are written so that NaN
fails them. Exposure checks look only at what an order *adds*: one that only reduces passes them even where a limit is
already exceeded, for leaving must always be possible. HALTED refuses that too: then only the emergency stop acts.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from workbench.domain.desk import DeskState
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, Denied, Reduced, RiskVerdict
from workbench.quant.pace import MOST_TIMES
from workbench.quant.situation import Situation, culprit, free_parts, smaller, sum_of_numbers

# reading a member off an Enum costs more than a comparison
_ACTIVE, _BUY, _SELL = DeskState.ACTIVE, Side.BUY, Side.SELL
_AHEAD_S = 2.0  # by so much may another process's clock be in front of ours


class Breach(NamedTuple):
    """Why not. `fits`: the amount (base currency) that this check would let pass, 0 where none."""

    rule: str
    reason: str
    fits: float = 0.0


Check = Callable[[Situation], Breach | None]


def known(s: Situation) -> Breach | None:
    i, q = s.intent, s.quote
    if s.bot.fault or s.desk.fault:
        return Breach("known", s.bot.fault or s.desk.fault)
    if not math.isfinite(sum_of_numbers(s) + i.amount + i.price + q.price + q.rate):
        return Breach("known", f"{culprit(s)} is not a finite number")
    if not (i.amount > 0 and i.price > 0 and q.price > 0 and q.rate > 0 and s.unit > 0):
        return Breach("known", f"amount and prices must be positive, got {i.amount} at {i.price}, desk {q.price}")
    if i.side is not _BUY and i.side is not _SELL:
        return Breach("known", f"side must be buy or sell, got {i.side!r}")
    return None


def fresh(s: Situation) -> Breach | None:
    d, own = s.desk, s.bot.decision_age_s
    if (
        -_AHEAD_S <= s.quote_age_s <= d.quote_age_s
        and -_AHEAD_S <= s.decision_age_s <= own
        and -_AHEAD_S <= s.book_age_s <= d.book_age_s
        and -_AHEAD_S <= s.model_age_s <= d.model_age_s
    ):
        return None
    return (
        _aged(s.quote_age_s, d.quote_age_s, f"the price of {s.intent.symbol}")
        or _aged(s.decision_age_s, own, "the bot's decision")
        or _aged(s.book_age_s, d.book_age_s, "what the desk knows of the positions")
        or _aged(s.model_age_s, d.model_age_s, "the risk model")
    )


def state(s: Situation) -> Breach | None:
    if s.unknown == "" and s.desk_state is s.bot_state is s.symbol_state is _ACTIVE:
        return None
    if not isinstance(s.unknown, str):
        return Breach("known", "what is known of the desk is missing")
    if s.unknown and s.grown_side > 0:
        return Breach("known", f"{s.unknown}; nothing may grow until it is known", free_parts(s)[1])
    for what, of in (("the desk", s.desk_state), (s.intent.bot_id, s.bot_state), (s.intent.symbol, s.symbol_state)):
        if of is DeskState.HALTED:
            return Breach("state", f"{what} is halted: no order passes")
        if of is DeskState.REDUCING and s.grown_side > 0:
            return Breach("state", f"{what} is reducing: only orders that reduce pass", free_parts(s)[1])
        if of is not DeskState.REDUCING and of is not DeskState.ACTIVE:
            return Breach("state", f"the state of {what} is unknown")
    return None


def collar(s: Situation) -> Breach | None:
    away, most = s.intent.price / s.quote.price - 1, s.bot.collar
    if -most <= away <= most:
        return None
    return Breach("collar", f"price {s.intent.price:g} is {away:+.2%} from {s.quote.price:g}, at most {most:.2%} away")


def order_value(s: Situation) -> Breach | None:
    each = s.intent.price * s.quote.rate
    each = each if each > s.unit else s.unit
    if s.intent.amount * each <= s.bot.order_value:
        return None
    words = f"worth {s.intent.amount * each:,.2f}, above {s.bot.order_value:,.2f}, the most one order may be"
    return Breach("order value", words, s.bot.order_value / each)


def pace(s: Situation) -> Breach | None:
    """Order rate of the bot, and the throttle on orders of one kind; only growing ones are throttled."""
    own = s.bot
    if s.orders < own.orders <= MOST_TIMES and (
        s.grown_side <= 0 or (not s.latched and s.repeats < own.repeats <= MOST_TIMES)
    ):
        return None
    who, what = s.intent.bot_id, s.intent.symbol
    if not s.orders < own.orders <= MOST_TIMES:
        return Breach("order rate", f"{s.orders} orders in {own.orders_window_s:g} s are the most {who} may send")
    if s.latched:
        return Breach("throttle", f"{who} repeated itself in {what}; a person must re-enable it")
    words = f"{s.repeats} orders to {s.intent.side} {what} in {own.repeats_window_s:g} s are the most of one kind"
    return Breach("throttle", f"{words}; a person must re-enable it")


def gross(s: Situation) -> Breach | None:
    """Six limits on gross exposure, the bot's before the desk's."""
    more, b, d = s.added, s.bot, s.desk
    if more <= 0 or (
        s.used_position + more <= b.position_value
        and s.used_bot + more <= b.gross_value
        and s.used_symbol + more <= d.symbol_value
        and s.used_cluster + more <= d.cluster_value
        and s.used_venue + more <= d.venue_value
        and s.used_gross + more <= d.gross_value
    ):
        return None
    bot, name = s.intent.bot_id, s.intent.symbol
    return (
        _above(s, "position", f"{bot} in {name}", s.used_position, b.position_value)
        or _above(s, "bot gross", bot, s.used_bot, b.gross_value)
        or _above(s, "symbol", f"all bots in {name}", s.used_symbol, d.symbol_value)
        or _above(s, "cluster", f"the cluster of {name}", s.used_cluster, d.cluster_value)
        or _above(s, "venue", f"the venue of {bot}", s.used_venue, d.venue_value)
        or _above(s, "gross", "the desk", s.used_gross, d.gross_value)
    )


def net(s: Situation) -> Breach | None:
    which = "long" if s.intent.side is _BUY else "short"
    after = s.used_side + s.grown_side * s.unit
    if s.grown_side <= 0 or after <= s.desk.net_value:
        return None
    fits = free_parts(s)[1] + max(0.0, s.desk.net_value - s.used_side) / s.unit
    return Breach("net", _over(f"the desk's {which} side", after, s.desk.net_value), fits)


def correlated(s: Situation) -> Breach | None:
    if s.grown_side <= 0:
        return None
    slack, cap = s.symbol_worst - s.symbol_side, s.desk.correlated_value
    more = s.grown_side * s.unit - slack
    after = s.risk.correlated_square(s.at, more) if more > 0 else s.risk.square
    if after <= cap * cap:
        return None
    room = s.risk.correlated_room(s.at, cap)
    fits = free_parts(s)[1] + ((room + slack) / s.unit if room > 0 else 0.0)
    return Breach("correlated", _over("the desk's correlation-adjusted exposure", math.sqrt(after), cap), fits)


def cvar(s: Situation) -> Breach | None:
    if s.grown_side <= 0:
        return None
    cap = s.desk.cvar_value
    # all of it, also what only leads back to flat: what is given up there may have hedged another market
    more = s.intent.amount * s.unit * (1 if s.intent.side is _BUY else -1)
    after = s.risk.cvar_with(s.at, more, cap)
    if after <= cap:
        return None
    now = s.risk.cvar
    # CVaR is convex: on the way from none of the order to all of it, it lies below the straight line
    part = (cap - now) / (after - now) if after > now else 0.0
    fits = max(free_parts(s)[1], s.intent.amount * part)
    return Breach("CVaR", _over("the desk's mean loss in its worst scenarios", after, cap), fits)


CHECKS: tuple[Check, ...] = (
    *(known, fresh, state, collar, order_value),
    *(pace, gross, net, correlated, cvar),
)


def decide(s: Situation) -> RiskVerdict:
    """Ask every check in turn. An intent that `may_shrink` is cut to what a check lets pass, and asked on.

    Never raises: what a check cannot work with (a None, a text, a naive time) is a denial that says so.
    """
    try:
        for check in CHECKS:
            breach = check(s)
            if breach is not None:
                return _answered(s, CHECKS.index(check), breach)
        intent = s.intent
        return Approved(intent.intent_id, intent.amount, intent.amount * s.unit)
    except Exception as error:  # the gate is the last line: whatever goes wrong in it must not let an order through
        return Denied(
            str(getattr(s.intent, "intent_id", "")), "known", f"an input is missing or not a number ({error})"
        )


def _answered(s: Situation, at: int, breach: Breach) -> RiskVerdict:
    """The verdict where check number `at` found `breach`: shrink and ask on, or deny."""
    bound = breach
    for check in CHECKS[at:]:
        found = check(s)
        if found is None:
            continue
        if not (s.intent.may_shrink is True and 0 < found.fits < s.intent.amount):
            return Denied(s.intent.intent_id, found.rule, found.reason)
        bound, s = found, smaller(s, found.fits * (1 - 1e-12))  # the rounding of the way back stays inside
        if again := check(s):
            return Denied(s.intent.intent_id, again.rule, again.reason)
    return Reduced(s.intent.intent_id, s.intent.amount, s.intent.amount * s.unit, bound.rule, bound.reason)


def _aged(old: float, most_s: float, what: str) -> Breach | None:
    if -_AHEAD_S <= old <= most_s:
        return None
    words = f"lies {-old:.1f} s in the future" if old < 0 else f"is {old:.1f} s old, at most {most_s:g} s"
    return Breach("fresh", f"{what} {words}")


def _above(s: Situation, rule: str, whose: str, used: float, cap: float) -> Breach | None:
    if used + s.added <= cap:
        return None
    fits = free_parts(s)[0] + max(0.0, cap - used) / s.unit
    return Breach(rule, _over(whose, used + s.added, cap), fits)


def _over(whose: str, after: float, cap: float) -> str:
    return f"{whose} would come to {after:,.2f}, above the limit of {cap:,.2f}"
