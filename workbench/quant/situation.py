"""What a verdict depends on, gathered for one order."""

import math
from dataclasses import dataclass, fields, replace

from workbench.domain.desk import DeskState
from workbench.domain.risk import BotLimits, DeskLimits, Intent, Quote
from workbench.quant.marginal_risk import MarginalRisk
from workbench.quant.tally import Cell, free, growth


@dataclass(slots=True)
class Situation:
    """Everything a verdict depends on. Flat, and not frozen, for it is built at every order (setting 34 frozen fields
    takes longer than all checks); nobody writes to it. From `at` on all are numbers:

    unit, the value of one unit of base currency; the cell (amount, buys, sells); what the order adds to its side, base
    currency, and to its cell's gross, as a value (`added`); ages in seconds; orders lately, of the bot and of this
    kind; what is used before it of each limit, as values.
    """

    intent: Intent
    bot: BotLimits
    desk: DeskLimits
    quote: Quote
    desk_state: DeskState
    bot_state: DeskState
    symbol_state: DeskState
    unknown: str  # what cannot be told of the desk, in words; empty where all can
    risk: MarginalRisk
    at: int  # the symbol's place in the risk model
    latched: bool  # the throttle has tripped
    unit: float
    amount: float
    buys: float
    sells: float
    grown_side: float
    added: float
    quote_age_s: float
    decision_age_s: float
    book_age_s: float
    model_age_s: float
    orders: int
    repeats: int
    used_position: float
    used_bot: float
    used_symbol: float
    used_cluster: float
    used_venue: float
    used_gross: float
    used_side: float  # the desk's long side for a buy, its short side for a sell
    symbol_side: float  # the same of this symbol alone
    symbol_worst: float  # the greater of the symbol's two sides


NUMBERS = tuple(each.name for each in fields(Situation))[list(Situation.__slots__).index("at") :]


def smaller(s: Situation, amount: float) -> Situation:
    """The same with an order of `amount`."""
    gross, side = growth(Cell(s.amount, s.buys, s.sells), s.intent.side, amount)
    return replace(s, intent=replace(s.intent, amount=amount), grown_side=side, added=gross * s.unit)


def free_parts(s: Situation) -> tuple[float, float]:
    """How much of the order adds nothing to the gross, and nothing to its side; base currency."""
    return free(Cell(s.amount, s.buys, s.sells), s.intent.side)


def sum_of_numbers(s: Situation) -> float:
    """Shows a NaN or an infinity in any of them or in the joint risk; one that is missing raises, which denies too."""
    risk = s.risk
    return (
        (s.unit + s.amount + s.buys + s.sells + s.grown_side + s.added + risk.square + risk.tail)
        + (s.quote_age_s + s.decision_age_s + s.book_age_s + s.model_age_s)
        + (s.used_position + s.used_bot + s.used_symbol + s.used_cluster + s.used_venue + s.used_gross)
        + (s.used_side + s.symbol_side + s.symbol_worst)
        + (s.at + s.latched + s.orders + s.repeats)
    )


def culprit(s: Situation) -> str:
    """Which number is none, in words."""
    i, q = s.intent, s.quote
    named = [("the amount", i.amount), ("the price of the intent", i.price), (f"the price of {i.symbol}", q.price)]
    named += [(f"the rate of {i.symbol}", q.rate), *((name, getattr(s, name)) for name in NUMBERS)]
    return next((f"{what} ({value})" for what, value in named if not math.isfinite(value)), "the joint risk")
