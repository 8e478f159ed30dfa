"""The strategy mixin in a real Freqtrade: what the desk does not let through is not entered, nor anything unasked."""

import asyncio
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from tests.support.freqtrade_desk_gate import DeskGate
from tests.support.freqtrade_rig import Freq, Market, until
from workbench.bootstrap.parts import settled_port
from workbench.bootstrap.ports import HOST
from workbench.bots import freqtrade_gate
from workbench.bots.freqtrade_gate import WorkbenchGate, ask_gate
from workbench.domain.risk import Approved, Denied

SYMBOLS = tuple(f"A{number:03d}/USD" for number in range(200))
STAKE, ADMITTED = 20.0, 20
TOKEN = "a-gate-token"


@pytest.mark.freqtrade
@pytest.mark.timeout(280)
async def test_of_200_entries_exactly_20_pass_a_limit_of_20_and_none_while_the_gate_is_down(python, tmp_path):
    port = settled_port(0)
    market = await asyncio.to_thread(Market, SYMBOLS, 900)
    env = {"WORKBENCH_GATE_URL": f"http://{HOST}:{port}", "WORKBENCH_GATE_TOKEN": TOKEN, "WORKBENCH_BOT_ID": "gated"}
    changes = {"max_open_trades": 200, "stake_amount": STAKE}
    freq = Freq(python, tmp_path, market, "gated", gated=True, changes=changes, env=env)
    gate = DeskGate(tmp_path / "ledger.sqlite", "gated", SYMBOLS, ADMITTED * STAKE * 1.02, TOKEN)
    bot = freq.bot(messages=False)
    try:
        await asyncio.to_thread(lambda: freq.start(ready_s=120).ready())
        assert (await bot.status()).gated
        await bot.resume(command_id="go", token=1)
        await until(lambda: asyncio.to_thread(lambda: freq.log().count("cannot be asked") >= 200), "200 denials", 90)
        bot.watch.forget()
        assert (await bot.status()).positions == ()
        assert market.account("gated")["trades"] == 0

        await market_thread(market, gate.start(port))
        await until(lambda: _asked(gate), "every market asked", 90)
        status = await until(lambda: _told(bot), "its positions told", 90)  # with 200 pairs it answers slowly

        reasons = Counter(getattr(verdict, "reason", "") for verdict in gate.verdicts)
        assert len(status.positions) == ADMITTED, reasons
        assert len(held_of(market)) == ADMITTED
        assert sum(isinstance(verdict, Approved) for verdict in gate.verdicts) == ADMITTED
        assert sum(isinstance(verdict, Denied) for verdict in gate.verdicts) >= 200 - ADMITTED
        assert set(gate.asked) == set(SYMBOLS)
    finally:
        await bot.close()
        await asyncio.to_thread(freq.stop)
        await market_thread(market, gate.stop())
        await asyncio.to_thread(market.stop)


async def market_thread(market, coroutine):
    return await asyncio.to_thread(market.loop.run, coroutine)


async def _asked(gate):
    return len(set(gate.asked)) == len(SYMBOLS) and len(gate.asked) >= len(SYMBOLS)


async def _told(bot):
    """Its status, once it answered everything: what it does not answer in time counts as unknown, not as none."""
    bot.watch.forget()
    status = await bot.status()
    return status if len(status.positions) >= ADMITTED or "not answered" not in status.detail else None


def held_of(market):
    balances = market.account("gated")["balances"]
    return [asset for asset, b in balances.items() if asset != "USD" and float(b["free"]) + float(b["locked"]) > 0]


class Own:
    """What the mixin stands before, in the few methods it calls."""

    def __init__(self, agrees=True, adds=None):
        self.agrees, self.adds = agrees, adds

    def version(self):
        return "7"

    def confirm_trade_entry(self, **_):
        if self.agrees is None:
            raise RuntimeError("the strategy broke")
        return self.agrees

    def adjust_trade_position(self, trade, *args, **kwargs):
        return self.adds


class Gated(WorkbenchGate, Own):
    pass


def entry(strategy):
    return strategy.confirm_trade_entry("BTC/USD", "market", 1.0, 100.0, "GTC", None, None, "long")


@pytest.fixture
def open_gate(monkeypatch):
    asked = []
    monkeypatch.setattr(freqtrade_gate, "ask_gate", lambda *order: asked.append(order) or (True, ""))
    return asked


def test_the_strategys_own_no_is_not_even_asked(open_gate):
    assert not entry(Gated(agrees=False))
    assert open_gate == []


def test_a_strategy_that_breaks_is_a_no_where_freqtrade_would_take_it_for_a_yes(open_gate):
    assert entry(Gated()) is True
    assert entry(Gated(agrees=None)) is False


def test_adding_to_a_position_asks_and_leaving_does_not(open_gate):
    trade = SimpleNamespace(pair="BTC/USD", is_short=False, leverage=1.0, open_rate=100.0)

    assert Gated(adds=50.0).adjust_trade_position(trade, current_rate=200.0) == 50.0
    assert open_gate == [("BTC/USD", "buy", 0.25, 200.0)]
    assert Gated(adds=-50.0).adjust_trade_position(trade, current_rate=200.0) == -50.0
    assert len(open_gate) == 1


def test_a_short_asks_to_sell(open_gate):
    Gated().confirm_trade_entry("BTC/USDT:USDT", "market", 1.0, 100.0, "GTC", None, None, "short")

    assert open_gate == [("BTC/USDT:USDT", "sell", 1.0, 100.0)]


def test_its_version_tells_that_it_is_gated():
    assert Gated().version() == "7 workbench-gate/1"


@pytest.mark.parametrize(
    "changes",
    [{}, {"amount": float("nan")}, {"price": 0.0}, {"url": "ftp://here"}, {"token": ""}],
    ids=["nobody listens", "no amount", "no price", "no address", "no token"],
)
def test_no_clear_yes_is_a_no(monkeypatch, changes):
    url = changes.get("url", f"http://{HOST}:{settled_port(0)}")
    monkeypatch.setenv("WORKBENCH_GATE_URL", url)
    monkeypatch.setenv("WORKBENCH_GATE_TOKEN", changes.get("token", TOKEN))
    monkeypatch.setenv("WORKBENCH_BOT_ID", "gated")
    began = time.monotonic()

    allowed, why = ask_gate("BTC/USD", "buy", changes.get("amount", 1.0), changes.get("price", 100.0))

    assert not allowed
    assert why
    assert TOKEN not in why
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "said",
    [None, [], {}, {"verdict": "approved"}, {"verdict": "approved", "intent_id": "other", "amount": 1.0},
     {"verdict": "approved", "intent_id": "i", "amount": 0.5}, {"verdict": "reduced", "intent_id": "i", "amount": 1.0},
     {"verdict": "denied", "intent_id": "i", "reason": "full"}],
)  # fmt: skip
def test_an_answer_that_is_not_a_whole_yes_to_this_order_is_a_no(said):
    assert freqtrade_gate._verdict(said, {"intent_id": "i", "amount": 1.0})[0] is False


def test_a_whole_yes_is_one():
    assert freqtrade_gate._verdict(
        {"verdict": "approved", "intent_id": "i", "amount": 1.0}, {"intent_id": "i", "amount": 1.0}
    )[0]
