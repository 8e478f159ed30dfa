"""Running totals of what every bot holds and has ordered, kept as it changes.

A limit must hold whichever open orders fill and whichever bots leave. So a cell (bot, symbol) counts with `high` (all
buys filled) on the long side, `low` (all sells filled) on the short side, the further of the two in the gross, and
nothing is netted between cells. Amounts are base currency, totals are value in the reporting currency.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.quant.marginal_risk import MarginalRisk


class Cell(NamedTuple):
    """One bot in one symbol: held (signed), and what open orders may still buy and sell (≥ 0). Base currency."""

    amount: float = 0.0
    buys: float = 0.0
    sells: float = 0.0


class Parts(NamedTuple):
    """What a cell counts for, base currency; `ordered_*`: the open orders of a side that may take it further than what
    is held, whole: one that crosses flat moves the position by all of it, which is what the joint risk asks."""

    gross: float
    long: float
    short: float
    held: float
    ordered_long: float
    ordered_short: float


NOTHING = Parts(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
FLAT = Cell()
UNASSIGNED = "unassigned"  # cluster or venue of who is in none
_BUY = Side.BUY  # reading a member off an Enum costs more than a comparison
_DUST = 1e-9  # of an order's amount: rounding of sums of fills, not a position


def parts(cell: Cell) -> Parts:
    """The worst a cell can become, either way."""
    amount, buys, sells = cell
    high, low = amount + buys, amount - sells
    long, short = max(high, 0.0), max(-low, 0.0)
    ordered_long = buys if long > max(amount, 0.0) else 0.0
    ordered_short = sells if short > max(-amount, 0.0) else 0.0
    return Parts(max(high, -low), long, short, amount, ordered_long, ordered_short)


def growth(cell: Cell, side: Side, amount: float) -> tuple[float, float]:
    """What an order adds to its cell's gross and to its own side, base currency.

    An order that cannot leave its side of flat adds nothing: it reduces.
    """
    # bare tuples and no max(): this is the hottest function of the gate
    held, buys, sells = cell
    ahead, other = (held + buys, sells - held) if side is _BUY else (sells - held, held + buys)
    grown = amount if ahead >= 0 else amount + ahead
    if grown <= _DUST * amount:
        return 0.0, 0.0
    free = other - ahead
    return (amount if free <= 0 else amount - free if amount > free else 0.0), grown


def free(cell: Cell, side: Side) -> tuple[float, float]:
    """How much of an order would add nothing to the gross, and nothing to its side."""
    held, buys, sells = cell
    ahead, other = (held + buys, sells - held) if side is _BUY else (sells - held, held + buys)
    return max(0.0, other - ahead), max(0.0, -ahead)


@dataclass(slots=True)
class Line:
    """One symbol over all bots. `unit`: value of one unit of base currency, NaN until it is priced."""

    cluster: str = UNASSIGNED
    unit: float = math.nan
    totals: Parts = NOTHING
    by_bot: dict[str, Parts] = field(default_factory=dict)

    def value(self, which: float) -> float:
        return which * self.unit if which else 0.0


class Tally:
    """Totals by bot, symbol, cluster, venue and for the desk. `unknown` names cells whose content cannot be told.

    cluster_of : symbol → cluster, venue_of : bot → venue. Who is missing there belongs to UNASSIGNED.
    """

    def __init__(self, cluster_of: Mapping[str, str], venue_of: Mapping[str, str], risk: MarginalRisk):
        self.cluster_of, self.venue_of, self.risk = cluster_of, venue_of, risk
        self.cells: dict[tuple[str, str], Cell] = {}
        self.lines: dict[str, Line] = {}
        self.unknown: dict[tuple[str, str], str] = {}
        self.by_bot: dict[str, float] = {}
        self.by_cluster: dict[str, float] = {}
        self.by_venue: dict[str, float] = {}
        self.gross = self.long = self.short = 0.0

    def put(self, bot_id: str, symbol: str, cell: Cell) -> None:
        """State a cell anew. One that is not numbers, or not modelled, is kept as it was and named in `unknown`."""
        fault = self._fault(symbol, cell)
        if fault:
            self.unknown[bot_id, symbol] = f"{bot_id} in {symbol}: {fault}"
            return
        self.unknown.pop((bot_id, symbol), None)
        line = self._line(symbol)
        old, new = line.by_bot.get(bot_id, NOTHING), parts(cell)
        self.cells[bot_id, symbol] = cell
        line.by_bot[bot_id] = new
        line.totals = Parts(*(t + n - o for t, n, o in zip(line.totals, new, old, strict=True)))
        if math.isnan(line.unit):
            self._unpriced(bot_id, symbol, new)
            return
        self._add(bot_id, symbol, (new.gross - old.gross) * line.unit)
        self.long += (new.long - old.long) * line.unit
        self.short += (new.short - old.short) * line.unit
        self._tell_risk(symbol, line)

    def reprice(self, symbol: str, unit: float) -> None:
        """Value a symbol at `unit` (positive and finite) from now on."""
        line = self._line(symbol)
        first = math.isnan(line.unit)
        more = unit if first else unit - line.unit
        line.unit = unit
        for bot_id, part in line.by_bot.items():
            self._add(bot_id, symbol, part.gross * more)
            if first:
                self.unknown.pop((bot_id, symbol), None)
        self.long += line.totals.long * more
        self.short += line.totals.short * more
        if line.by_bot:
            self._tell_risk(symbol, line)

    def remodel(self, risk: MarginalRisk) -> None:
        """Reckon the joint risk by another model from now on. Raises ValueRefused where it lacks a market held here."""
        held = [symbol for symbol, line in self.lines.items() if line.by_bot]
        if lacking := next((symbol for symbol in held if symbol not in risk.at), None):
            raise ValueRefused(f"the new risk model does not know {lacking}, which is held; keep the old one")
        self.risk = risk
        for symbol in held:
            if not math.isnan(self.lines[symbol].unit):
                self._tell_risk(symbol, self.lines[symbol])

    def recount(self) -> None:
        """Sum everything again, which ends the drift of many small updates."""
        self.by_bot, self.by_cluster, self.by_venue = {}, {}, {}
        self.gross = self.long = self.short = 0.0
        for symbol, line in self.lines.items():
            sums = zip(*line.by_bot.values(), strict=True) if line.by_bot else ((0.0,),) * 6
            line.totals = Parts(*map(math.fsum, sums))
            if math.isnan(line.unit):
                continue
            for bot_id, part in line.by_bot.items():
                self._add(bot_id, symbol, part.gross * line.unit)
            self.long += line.totals.long * line.unit
            self.short += line.totals.short * line.unit
            if line.by_bot:
                self._tell_risk(symbol, line)
        self.risk.recount()

    def cluster(self, symbol: str) -> str:
        return self.cluster_of.get(symbol, UNASSIGNED)

    def venue(self, bot_id: str) -> str:
        return self.venue_of.get(bot_id, UNASSIGNED)

    def _line(self, symbol: str) -> Line:
        if symbol not in self.lines:
            self.lines[symbol] = Line(self.cluster(symbol))
        return self.lines[symbol]

    def _fault(self, symbol: str, cell: Cell) -> str:
        if symbol not in self.risk.at:
            return "the risk model does not know this market"
        try:
            amount, buys, sells = cell
            good = math.isfinite(amount) and 0 <= buys < math.inf and 0 <= sells < math.inf
        except (TypeError, ValueError, OverflowError):
            good = False
        return "" if good else f"what it holds cannot be told ({', '.join(map(str, cell))})"

    def _unpriced(self, bot_id: str, symbol: str, part: Parts) -> None:
        if part.gross > 0:
            self.unknown[bot_id, symbol] = f"{bot_id} in {symbol}: the market has no price"

    def _add(self, bot_id: str, symbol: str, value: float) -> None:
        self.gross += value
        for totals, name in (
            (self.by_bot, bot_id),
            (self.by_cluster, self.cluster(symbol)),
            (self.by_venue, self.venue(bot_id)),
        ):
            totals[name] = totals.get(name, 0.0) + value

    def _tell_risk(self, symbol: str, line: Line) -> None:
        t, unit = line.totals, line.unit
        worst = max(t.long, t.short) * unit
        self.risk.put(symbol, t.held * unit, worst, (t.ordered_long * unit, t.ordered_short * unit))
