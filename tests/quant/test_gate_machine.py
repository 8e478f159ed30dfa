"""Twenty bots ask, fill late, cancel, lie, restart: whatever happens, no limit is ever passed.

What is checked is the truth (a model of the venue that shares no code with the gate), not the gate's own totals.
"""

import math
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support import naive_risk as naive
from workbench.domain.orders import Side
from workbench.domain.risk import BotLimits, Denied, DeskLimits, Intent, Quote
from workbench.quant.gate import Gate
from workbench.quant.marginal_risk import RiskModel
from workbench.quant.reservations import Snapshot
from workbench.quant.tally import FLAT, growth

EXAMPLES = int(os.environ.get("WORKBENCH_GATE_EXAMPLES", "1000" if os.environ.get("CI") else "60"))
NOW = datetime(2024, 1, 1, tzinfo=UTC)
SYMBOLS = tuple(f"C{i}/USD" for i in range(6))
BOTS = tuple(f"b{i}" for i in range(20))
PRICE = 10.0
BOT = BotLimits(2_000.0, 3_000.0, 5_000.0, 0.05, 1000, 1.0, 1000, 1.0, 1e6)
WIDE = DeskLimits(9_000.0, 20_000.0, 30_000.0, 25_000.0, 18_000.0, 12_000.0, 900.0, 1e6, 1e6, 1e6)
# Each desk has one limit near enough to be met within fifty steps.
NEAR = {"symbol_value": 4_000.0, "cluster_value": 5_000.0, "venue_value": 5_000.0, "gross_value": 5_000.0}
NEAR |= {"net_value": 2_500.0, "correlated_value": 1_500.0, "cvar_value": 60.0}
DESKS = [WIDE, *(replace(WIDE, **{name: value}) for name, value in NEAR.items())]
TOLERANCE = 1 + 1e-9
junk = st.sampled_from([math.nan, math.inf, -math.inf, None, "1", 0.0, -1.0])


def a_model():
    rng = np.random.default_rng(9)
    x = (rng.standard_t(4, (250, 1)) + rng.standard_t(4, (250, 6))) * 0.02
    return RiskModel(SYMBOLS, np.corrcoef(x.T), x, 0.95, NOW)


MODEL = a_model()


class DeskMachine(RuleBasedStateMachine):
    """`held` and `orders` are what the venue has; the gate hears of it late, twice or not at all."""

    @initialize(desk=st.sampled_from(DESKS))
    def start(self, desk):
        self.desk = desk
        self.held, self.orders, self.count, self.now = {}, {}, 0, NOW
        self.gate = self.fresh_gate()

    def fresh_gate(self, remembering=False):
        gate = Gate(self.desk, MODEL, dict.fromkeys(SYMBOLS, "coins"), dict.fromkeys(BOTS, "paper"))
        for symbol in SYMBOLS:
            gate.quote(Quote(symbol, PRICE, 1.0, self.now))
        for order in self.orders.values() if remembering else ():
            if not order["done"]:
                gate.restore(order["intent"], order["verdict"])
        for bot in BOTS:
            gate.limits[bot] = BOT
            for symbol in SYMBOLS:
                gate.reconcile(bot, symbol, self.snapshot(gate, bot, symbol), self.now)
        return gate

    def snapshot(self, gate, bot, symbol):
        """What the venue would answer: orders that `gate` does not know are listed as foreign."""
        mine = {i: o for i, o in self.orders.items() if (o["bot"], o["symbol"]) == (bot, symbol)}
        strange = [o for i, o in mine.items() if i not in gate.orders.open and not o["done"]]
        left = {side: sum(o["amount"] - o["filled"] for o in strange if o["side"] is side) for side in Side}
        filled = {i: o["filled"] for i, o in mine.items()}
        return Snapshot(self.held.get((bot, symbol), 0.0), filled, left[Side.BUY], left[Side.SELL])

    @rule(
        bot=st.sampled_from(BOTS),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(list(Side)),
        amount=st.floats(1, 250),
        shrink=st.booleans(),
    )
    def ask(self, bot, symbol, side, amount, shrink):
        self.count += 1
        self.now += timedelta(seconds=1)
        intent = Intent(f"o{self.count}", bot, symbol, side, amount, PRICE, self.now, shrink)
        known = self.gate.tally.cells.get((bot, symbol), FLAT)
        verdict = self.gate.ask(intent, self.now)
        if not isinstance(verdict, Denied):
            if growth(known, side, verdict.amount)[1] > 0:
                self.bounded_cvar(symbol, verdict.amount if side is Side.BUY else -verdict.amount)
            new = {"bot": bot, "symbol": symbol, "side": side, "amount": verdict.amount, "filled": 0.0, "done": False}
            self.orders[intent.intent_id] = new | {"intent": intent, "verdict": verdict}
            self.last = intent

    def bounded_cvar(self, symbol, amount):
        """Of what the venue holds, heard of or not, with the new order filled. (Leaving later may raise it.)"""
        held = np.zeros(len(SYMBOLS))
        for (_, name), value in [*self.held.items(), (("", symbol), amount)]:
            held[SYMBOLS.index(name)] += value * PRICE
        assert naive.cvar(-MODEL.scenarios @ held, 0.95) <= self.desk.cvar_value * TOLERANCE

    @precondition(lambda self: getattr(self, "last", None) and not self.orders[self.last.intent_id]["done"])
    @rule()
    def ask_again(self):
        before = dict(self.gate.tally.cells)
        self.gate.ask(self.last, self.now)
        assert self.gate.tally.cells == before

    @rule(field=st.sampled_from(["amount", "price", "decided_at", "side", "symbol", "bot_id"]), value=junk)
    def ask_nonsense(self, field, value):
        self.count += 1
        good = Intent(f"o{self.count}", BOTS[0], SYMBOLS[0], Side.BUY, 1.0, PRICE, self.now, True)
        assert isinstance(self.gate.ask(replace(good, **{field: value}), self.now), Denied)

    @precondition(lambda self: any(not o["done"] for o in self.orders.values()))
    @rule(which=st.randoms(use_true_random=False), part=st.floats(0, 1), told=st.booleans(), ends=st.booleans())
    def fill(self, which, part, told, ends):
        """The venue fills, perhaps to the end; the gate may not hear of it yet."""
        intent_id = which.choice([i for i, o in self.orders.items() if not o["done"]])
        order = self.orders[intent_id]
        more = (order["amount"] - order["filled"]) * part
        order["filled"] += more
        order["done"] = ends
        at = order["bot"], order["symbol"]
        self.held[at] = self.held.get(at, 0.0) + (more if order["side"] is Side.BUY else -more)
        if told:
            self.tell(intent_id)

    def tell(self, intent_id):
        order = self.orders[intent_id]
        if intent_id in self.gate.orders.open or intent_id in self.gate.orders._done:
            self.gate.settle(intent_id, order["filled"], order["done"])

    @precondition(lambda self: self.orders)
    @rule(which=st.randoms(use_true_random=False))
    def hear_late(self, which):
        self.tell(which.choice(list(self.orders)))

    @rule(bot=st.sampled_from(BOTS), symbol=st.sampled_from(SYMBOLS))
    def look_at_the_venue(self, bot, symbol):
        self.gate.reconcile(bot, symbol, self.snapshot(self.gate, bot, symbol), self.now)

    @rule(symbol=st.sampled_from(SYMBOLS), price=junk)
    def hear_nonsense(self, symbol, price):
        self.gate.quote(Quote(symbol, price, 1.0, self.now))
        self.gate.reconcile(BOTS[3], symbol, Snapshot(price if price != 0.0 else math.nan), self.now)
        assert isinstance(
            self.gate.review(Intent("n", BOTS[3], symbol, Side.BUY, 1.0, PRICE, self.now), self.now), Denied
        )
        self.gate.quote(Quote(symbol, PRICE, 1.0, self.now))
        self.gate.reconcile(BOTS[3], symbol, self.snapshot(self.gate, BOTS[3], symbol), self.now)

    @rule(remembering=st.booleans())
    def restart(self, remembering):
        """With the ledger's memory of open orders, or with nothing but the venue's word."""
        self.gate = self.fresh_gate(remembering)
        if not remembering:
            self.last = None

    @invariant()
    def no_limit_is_passed(self):
        if not getattr(self, "held", None) and not getattr(self, "orders", None):
            return
        cells = {}
        for at, amount in self.held.items():
            cells[at] = [amount, amount]
        for order in self.orders.values():
            if not order["done"]:
                cell = cells.setdefault((order["bot"], order["symbol"]), [0.0, 0.0])
                left = order["amount"] - order["filled"]
                cell[1 if order["side"] is Side.BUY else 0] += left if order["side"] is Side.BUY else -left
        worst = {at: max(abs(low), abs(high)) * PRICE for at, (low, high) in cells.items()}
        long = [sum(max(c[1], 0) for at, c in cells.items() if at[1] == s) * PRICE for s in SYMBOLS]
        short = [sum(max(-c[0], 0) for at, c in cells.items() if at[1] == s) * PRICE for s in SYMBOLS]
        n = np.maximum(long, short)

        total = min(self.desk.gross_value, self.desk.cluster_value, self.desk.venue_value)
        assert max(worst.values()) <= BOT.position_value * TOLERANCE
        for bot in BOTS:
            assert sum(v for at, v in worst.items() if at[0] == bot) <= BOT.gross_value * TOLERANCE
        for symbol in SYMBOLS:
            assert sum(v for at, v in worst.items() if at[1] == symbol) <= self.desk.symbol_value * TOLERANCE
        assert sum(worst.values()) <= total * TOLERANCE
        assert max(sum(long), sum(short)) <= self.desk.net_value * TOLERANCE
        assert math.sqrt(n @ np.abs(MODEL.correlation) @ n) <= self.desk.correlated_value * TOLERANCE


TestDesk = pytest.mark.timeout(1500)(DeskMachine.TestCase)
TestDesk.settings = settings(max_examples=EXAMPLES, stateful_step_count=50, deadline=None)
