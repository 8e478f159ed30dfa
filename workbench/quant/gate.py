"""The pre-trade gate in memory: what it knows, the verdict on an intent, and the reservation that goes with a yes.

A state machine fed with quotes, snapshots, fills and clock readings; it has no clock of its own and speaks to nobody.
An approved order counts at its worst from the moment of approval until the venue says that it is filled or gone; a
request to cancel changes nothing. Not for several threads; reservation across processes is the ledger's business.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from workbench.domain.desk import DeskState
from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, BotLimits, Denied, DeskLimits, Intent, Quote, Reduced, RiskVerdict, Usage
from workbench.quant.freshness import Freshness
from workbench.quant.gate_checks import decide
from workbench.quant.marginal_risk import MarginalRisk, RiskModel
from workbench.quant.pace import Paces
from workbench.quant.reservations import Reservations, Snapshot
from workbench.quant.situation import Situation
from workbench.quant.tally import FLAT, UNASSIGNED, Cell, Tally, growth

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIVE, _BUY = DeskState.ACTIVE, Side.BUY  # reading a member off an Enum costs more than a comparison


class Gate:
    """`limits` (by bot), `states` (by 'desk', bot id or symbol; absent is ACTIVE) and `desk` may be set at any time.

    model : its symbols are the markets that may be traded. cluster_of : symbol → cluster; venue_of : bot → venue.
    """

    def __init__(
        self,
        desk: DeskLimits,
        model: RiskModel,
        cluster_of: Mapping[str, str] | None = None,
        venue_of: Mapping[str, str] | None = None,
    ):
        self.desk = desk
        self.limits: dict[str, BotLimits] = {}
        self.states: dict[str, DeskState] = {}
        self.quotes: dict[str, Quote] = {}
        self.tally = Tally(cluster_of or {}, venue_of or {}, MarginalRisk(model))
        self.orders = Reservations()
        self.pace = Paces()
        self._model_s = _seconds(model.made_at)
        self.times = Freshness()

    def remodel(self, model: RiskModel) -> None:
        """Judge by a newer risk model; what is held, ordered and reserved stays. Raises ValueRefused where the model
        lacks a market that is held."""
        self.tally.remodel(MarginalRisk(model))
        self._model_s = _seconds(model.made_at)

    def quote(self, quote: Quote) -> None:
        """A new price. One that cannot be used makes the orders of its market be denied; what is held there keeps its
        last good value until that is too old. One older than the last is not news and is dropped."""
        try:
            seen_s = _seconds(quote.seen_at)
            if seen_s < self.times.quoted.get(quote.symbol, -math.inf):
                return
            unit = quote.price * quote.rate
            good = quote.price > 0 and quote.rate > 0 and 0 < unit < math.inf
        except (TypeError, AttributeError, ValueError):
            seen_s, unit, good = -math.inf, math.nan, False
        self.quotes[quote.symbol] = quote
        self.times.price(quote.symbol, seen_s, good)
        if good:
            self.tally.reprice(quote.symbol, unit)

    def reconcile(self, bot_id: str, symbol: str, seen: Snapshot, now: datetime, supervised: bool = False) -> None:
        """The venue's word on what a bot holds and has open in a symbol; `now`: when it was taken.

        supervised : the bot does not ask before it orders. Then nothing on the desk may grow while its snapshot is too
        old; of a gated bot the last snapshot and its approved orders stay a bound.
        """
        try:
            cell = self.orders.merged(bot_id, symbol, seen)
        except TypeError:  # a text or a None among the numbers: the tally names it as unknown
            cell = Cell(math.nan)
        self.tally.put(bot_id, symbol, cell)
        self.times.snapshot(bot_id, _seconds(now), supervised)

    def review(self, intent: Intent, now: datetime) -> RiskVerdict:
        """The verdict, reserving nothing. Never raises. With `may_shrink` it tells what is left of the limits."""
        try:
            return decide(self._situation(intent, now))
        except Exception as error:  # fail closed: what cannot even be looked up is an answer, not an accident
            return Denied(str(getattr(intent, "intent_id", "")), "known", self._missing(intent, error))

    def ask(self, intent: Intent, now: datetime) -> RiskVerdict:
        """The verdict, with what it allows reserved. Never raises. The same intent asked again gets the same answer and
        no second reservation."""
        try:
            earlier = self.orders.answered(intent)
        except (AttributeError, TypeError):
            return self.review(intent, now)
        if earlier is not None:
            return earlier
        verdict = self.review(intent, now)
        if not isinstance(verdict, Denied):
            self._reserve(intent, verdict, now)
        elif verdict.rule == "throttle":
            self.pace.latch(intent.bot_id, intent.symbol, verdict.reason)
        return verdict

    def settle(self, intent_id: str, filled: float = 0.0, done: bool = False) -> None:
        """The venue's word on an order: how much is filled so far (base currency), and whether it is over. Hearing it
        twice or late is harmless. Raises ValueRefused for an order not known here: then reconcile."""
        order, held, open_ = self.orders.settle(intent_id, filled, done)
        self._move(order.intent, held, open_)

    def restore(self, intent: Intent, verdict: Approved | Reduced, filled: float = 0.0) -> None:
        """After a restart: an order the ledger remembers as sent and not over. Restore before reconciling, so that the
        same question gets the same answer and an order the venue has not seen yet still counts."""
        self.orders.add(intent, verdict)
        self._move(intent, 0.0, verdict.amount)
        if filled > 0:
            self.settle(intent.intent_id, filled)

    def _missing(self, intent: Intent, error: Exception) -> str:
        """In words, why the situation of an intent could not be made out."""
        try:
            if intent.bot_id not in self.limits:
                return f"no limits are set for a bot named {intent.bot_id!r}"
            if intent.bot_id not in self.times.told:
                return f"what {intent.bot_id} holds has not been told yet"
            if intent.symbol not in self.tally.risk.at:
                return f"the risk model does not know {intent.symbol}"
            if intent.symbol not in self.quotes or intent.symbol not in self.tally.lines:
                return f"{intent.symbol} has no price"
            fault = self.limits[intent.bot_id].fault or self.desk.fault
        except (AttributeError, TypeError):
            fault = ""
        return fault or f"an input is missing or not what it should be ({error})"

    def _situation(self, intent: Intent, now: datetime) -> Situation:
        t, bot_id, name, side = self.tally, intent.bot_id, intent.symbol, intent.side
        line, cell, own = t.lines[name], t.cells.get((bot_id, name), FLAT), self.limits[bot_id]
        now_s, unit, states, buying = (now - _EPOCH).total_seconds(), line.unit, self.states, side is _BUY
        (held, buys, sells), times, latched = cell, self.times, self.pace.latched
        known = not t.unknown and times.good_for is self.desk
        gross, grown_side = growth(cell, side, intent.amount)
        all_gross, all_long, all_short, _, _, _ = line.totals
        long, short = all_long * unit, all_short * unit
        desk_side, symbol_side = (t.long, long) if buying else (t.short, short)
        high, low = held + buys, sells - held
        return Situation(
            intent,
            own,
            self.desk,
            self.quotes[name],
            states.get("desk", _ACTIVE) if states else _ACTIVE,
            states.get(bot_id, _ACTIVE) if states else _ACTIVE,
            states.get(name, _ACTIVE) if states else _ACTIVE,
            "" if known and now_s <= times.good_until[0] else self._unknown(now_s, bot_id, name),
            t.risk,
            t.risk.at[name],
            bool(latched) and (bot_id, name) in latched,
            unit,
            held,
            buys,
            sells,
            grown_side,
            gross * unit,
            now_s - times.quoted[name],
            (now - intent.decided_at).total_seconds(),
            now_s - times.told[bot_id],
            now_s - self._model_s,
            *self.pace.recent(bot_id, name, buying, own, now_s),
            (high if high > low else low) * unit,
            t.by_bot.get(bot_id, 0.0),
            all_gross * unit,
            t.by_cluster.get(line.cluster, 0.0),
            t.by_venue.get(t.venue_of.get(bot_id, UNASSIGNED), 0.0),
            t.gross,
            desk_side,
            symbol_side,
            long if long > short else short,
        )

    def _unknown(self, now_s: float, bot_id: str, name: str) -> str:
        """What cannot be told of the desk as a whole: a cell, or something too old that its totals rest on. Raises
        where it is the very cell of the order: then not even leaving can be told from growing."""
        unknown = self.tally.unknown
        if unknown:
            if (bot_id, name) in unknown:
                raise ValueRefused(unknown[bot_id, name])
            return next(iter(unknown.values()))
        return self.times.too_old(now_s, self.desk, self.tally.lines)

    def _reserve(self, intent: Intent, verdict: Approved | Reduced, now: datetime) -> None:
        cell = self.tally.cells.get((intent.bot_id, intent.symbol), FLAT)
        grows = growth(cell, intent.side, verdict.amount)[1] > 0
        self.orders.add(intent, verdict)
        self._move(intent, 0.0, verdict.amount)
        self.times.joins(intent.symbol, self.desk)
        self.pace.note(intent.bot_id, intent.symbol, intent.side, grows, _seconds(now))

    def _move(self, intent: Intent, held: float, open_: float) -> None:
        amount, buys, sells = self.tally.cells.get((intent.bot_id, intent.symbol), FLAT)
        if intent.side is _BUY:
            buys = max(0.0, buys + open_)
        else:
            sells = max(0.0, sells + open_)
        self.tally.put(intent.bot_id, intent.symbol, Cell(amount + held, buys, sells))


def _seconds(moment: datetime) -> float:
    if moment.tzinfo is None:  # it would be read as local time
        raise ValueRefused(f"the time {moment} has no zone; write it in UTC")
    return moment.timestamp()


def usage(gate: Gate) -> tuple[Usage, ...]:
    """Every limit on value with what is used of it, the desk's first."""
    t, d = gate.tally, gate.desk
    rows = [
        Usage("gross", "desk", t.gross, d.gross_value),
        Usage("net", "desk", max(t.long, t.short), d.net_value),
        Usage("correlated", "desk", t.risk.correlated, d.correlated_value),
        Usage("CVaR", "desk", t.risk.cvar, d.cvar_value),
    ]
    rows += [Usage("bot gross", bot, t.by_bot.get(bot, 0.0), own.gross_value) for bot, own in gate.limits.items()]
    rows += [Usage("symbol", name, line.value(line.totals.gross), d.symbol_value) for name, line in t.lines.items()]
    rows += [Usage("cluster", name, value, d.cluster_value) for name, value in t.by_cluster.items()]
    rows += [Usage("venue", name, value, d.venue_value) for name, value in t.by_venue.items()]
    return tuple(rows)
