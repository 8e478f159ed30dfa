"""The gate of a desk over HTTP, asked by the client that strategies copy: a real exchange, ledger and bots."""

import asyncio
import json
import os
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.plain_bots import PlainBot
from tests.support.trading_floor import trading_floor
from workbench.bootstrap.gate_door import GateDoor
from workbench.bots import freqtrade_gate
from workbench.domain.portfolio import Money
from workbench.ledger.log import open_ledger
from workbench.market.paper_exchange.custody import PaperCustody
from workbench.orchestration import gate_keeper
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.gate_keeper import GateKeeper
from workbench.settings import Settings


def gated_bot(name, equity=10_000.0):
    return PlainBot(gated=True, equity=Money(equity, "USD"))


@asynccontextmanager
async def gate(path, names=("grid",), feed=True, tighten=False):
    async with trading_floor(bots=0) as floor:
        for name in names:
            await floor.venue.open_account(name, {"USD": "10000"})
        ledger = open_ledger(str(path))
        center = UnifiedCommandCenter(
            BotRegistry(), ledger, floor.venue, Settings(limits={"tighten": tighten}), [PaperCustody(floor.venue)]
        )
        for name in names:
            center.register_bot(name, gated_bot(name))
        door, keeper = GateDoor("secret"), GateKeeper(center, ledger, floor.url)
        url = await door.start()
        try:
            if feed:
                await keeper.look()
                door.keeper = keeper
            yield floor, door, keeper, url
        finally:
            await keeper.stop()
            await door.stop()
            await center.stop()
            ledger.close()


def intent(at_price, **changes):
    asked = {"intent_id": uuid.uuid4().hex, "bot_id": "grid", "symbol": "BTC/USD", "side": "buy", "amount": 0.1}
    return asked | {"price": at_price, "decided_at": datetime.now(UTC).isoformat()} | changes


async def ask(url, body, token="secret"):
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await http.post(f"{url}/v1/intents", content=data, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json()


async def price_of(floor):
    return (await gate_keeper._prices(floor.url, ("BTC/USD",)))["BTC/USD"]


async def test_room_is_given_out_once_and_then_denied_with_the_reason(tmp_path):
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        price = await price_of(floor)
        amount = 1_000.0 / price
        said = [await ask(url, intent(price, amount=amount)) for _ in range(14)]

        verdicts = [answer["verdict"] for _, answer in said]
        assert verdicts == ["approved"] * 10 + ["denied"] * 4  # 1.05 × 10,000 of equity
        assert "bot gross" in said[-1][1]["rule"] or "10,500" in said[-1][1]["reason"]
        used = next(row for row in keeper.usage() if (row.rule, row.scope) == ("bot gross", "grid"))
        assert used.used == pytest.approx(10_000, rel=1e-3)


async def test_many_at_once_never_pass_the_limit(tmp_path):
    async with gate(tmp_path / "ledger.db") as (floor, _, _, url):
        price = await price_of(floor)
        said = await asyncio.gather(*(ask(url, intent(price, amount=1_000.0 / price)) for _ in range(40)))
        assert sum(answer["verdict"] == "approved" for _, answer in said) == 10


async def test_the_same_order_asked_again_is_answered_again_and_counted_once(tmp_path):
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        one = intent(await price_of(floor))
        first, second = await ask(url, one), await ask(url, one)
        assert first == second
        assert len(keeper._service.gate.orders.open) == 1


async def test_before_the_first_look_and_after_a_stale_one_everything_is_denied(tmp_path, monkeypatch):
    async with gate(tmp_path / "ledger.db", feed=False) as (floor, door, keeper, url):
        price = await price_of(floor)
        _, early = await ask(url, intent(price))
        door.keeper = keeper
        _, unfed = await ask(url, intent(price))
        await keeper.look()
        _, fed = await ask(url, intent(price))
        monkeypatch.setattr(gate_keeper, "STALE_S", 0.0)
        _, stale = await ask(url, intent(price))

        assert [answer["verdict"] for answer in (early, unfed, fed, stale)] == [
            "denied",
            "denied",
            "approved",
            "denied",
        ]
        assert "still starting" in early["reason"]
        assert "has not looked" in unfed["reason"]


async def test_a_venue_that_is_gone_ends_in_denials_and_not_in_silence(tmp_path, monkeypatch):
    monkeypatch.setattr(gate_keeper, "STALE_S", 0.3)
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        price = await price_of(floor)
        await floor.close_doors()
        with pytest.raises(Exception, match=r"venue|connect|attempts|time"):
            await keeper.look()
        await asyncio.sleep(0.4)
        _, said = await ask(url, intent(price))
        assert said["verdict"] == "denied"


async def test_a_halt_denies(tmp_path):
    async with gate(tmp_path / "ledger.db", names=("grid", "other")) as (floor, _, keeper, url):
        price = await price_of(floor)
        await keeper._center.emergency.halt("other", "testing", "ada")
        _, other = await ask(url, intent(price, bot_id="other"))
        _, grid = await ask(url, intent(price))
        assert (other["verdict"], grid["verdict"]) == ("denied", "approved")
        assert "halted" in other["reason"].lower()


async def test_orders_that_the_account_shows_nothing_of_give_their_room_back(tmp_path, monkeypatch):
    monkeypatch.setattr(gate_keeper, "SETTLE_S", 0.0)
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        price = await price_of(floor)
        big = 9_000.0 / price
        assert (await ask(url, intent(price, amount=big)))[1]["verdict"] == "approved"
        assert (await ask(url, intent(price, amount=big)))[1]["verdict"] == "denied"
        await keeper.look()
        assert (await ask(url, intent(price, amount=big)))[1]["verdict"] == "approved"


async def test_an_open_order_at_the_venue_keeps_its_room(tmp_path, monkeypatch):
    monkeypatch.setattr(gate_keeper, "SETTLE_S", 0.0)
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        price = await price_of(floor)
        assert (await ask(url, intent(price, amount=9_000.0 / price)))[1]["verdict"] == "approved"
        hand = await floor.hand("grid")
        await hand.create_order("BTC/USD", "limit", "buy", 1.0, round(price * 0.5, 2))
        await keeper.look()
        assert (await ask(url, intent(price, amount=9_000.0 / price)))[1]["verdict"] == "denied"


async def test_what_an_earlier_process_approved_counts_after_a_restart(tmp_path, monkeypatch):
    path = tmp_path / "ledger.db"
    async with gate(path) as (floor, _, _, url):
        price = await price_of(floor)
        assert (await ask(url, intent(price, amount=9_000.0 / price)))[1]["verdict"] == "approved"
    async with gate(path) as (_, _, keeper, url):
        assert (await ask(url, intent(price, amount=9_000.0 / price)))[1]["verdict"] == "denied"
        monkeypatch.setattr(gate_keeper, "SETTLE_S", 0.0)
        await keeper.look()
        assert (await ask(url, intent(price, amount=9_000.0 / price)))[1]["verdict"] == "approved"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": float("nan")}, "amount"),
        ({"amount": -1.0}, "amount"),
        ({"price": 1e9}, "away"),
        ({"bot_id": "nobody"}, "nobody"),
        ({"symbol": "DOGE/USD"}, "DOGE/USD"),
        ({"decided_at": "2001-01-01T00:00:00+00:00"}, "old|ago|seconds"),
    ],
)
async def test_what_cannot_be_weighed_is_denied_with_its_reason(tmp_path, changes, words):
    async with gate(tmp_path / "ledger.db") as (floor, _, _, url):
        status, said = await ask(url, intent(await price_of(floor), **changes))
        assert status == 200
        assert said["verdict"] == "denied"
        assert any(word in said["reason"] for word in words.split("|"))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b"{}", json.dumps({"intent_id": 3}).encode(), b"\xff" * 100],
)
async def test_what_is_no_order_is_refused_in_words(tmp_path, body):
    async with gate(tmp_path / "ledger.db") as (_, _, _, url):
        status, said = await ask(url, body)
        assert status == 400
        assert "no order can be read" in said["error"]


async def test_a_wrong_token_learns_nothing(tmp_path):
    async with gate(tmp_path / "ledger.db") as (floor, _, keeper, url):
        status, said = await ask(url, intent(await price_of(floor)), token="secre")
        assert (status, said) == (401, {"error": "wrong token"})
        assert not keeper._service.gate.orders.open


async def test_the_strategy_s_client_agrees_with_the_door(tmp_path, monkeypatch):
    async with gate(tmp_path / "ledger.db") as (floor, _, _, url):
        price = await price_of(floor)
        for name, value in (("URL", url), ("TOKEN", "secret")):
            monkeypatch.setitem(os.environ, f"WORKBENCH_GATE_{name}", value)
        monkeypatch.setitem(os.environ, "WORKBENCH_BOT_ID", "grid")
        small, large = 1_000.0 / price, 50_000.0 / price
        assert await asyncio.to_thread(freqtrade_gate.ask_gate, "BTC/USD", "buy", small, price) == (True, "")
        allowed, why = await asyncio.to_thread(freqtrade_gate.ask_gate, "BTC/USD", "buy", large, price)
        assert not allowed
        assert "most one order may be" in why


async def test_limits_shrink_when_it_gets_rough_and_the_ledger_says_why(tmp_path):
    async with gate(tmp_path / "ledger.db", tighten=True) as (_, _, keeper, _):
        factors = {scope: now.factor for scope, now in keeper._tightening.now.items()}
        limits = keeper._service.gate.limits["grid"]
        told = {e.source: e.payload for e in keeper._ledger.last(50, kinds=["LimitsChanged"])}

        assert factors["desk"] < 1  # the coins of the sample move as one
        assert limits.gross_value == pytest.approx(10_500 * factors["grid"])
        assert told["desk"]["factor"] == factors["desk"]
        assert "correlation" in told["desk"]["why"]
        await keeper.look()
        assert len(keeper._ledger.last(50, kinds=["LimitsChanged"])) == len(told)  # nothing changed: nothing is told
