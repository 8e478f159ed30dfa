"""Bots that ask first: two processes on one ledger together never pass a cap, and no answer is a no."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.support.postgres import postgres_server  # noqa: F401
from workbench.bench import reserving
from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import Halt
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, BotLimits, Denied, DeskLimits, Intent, Quote
from workbench.orchestration.pre_trade import PreTrade
from workbench.quant.gate import Gate
from workbench.quant.marginal_risk import RiskModel
from workbench.quant.reservations import Snapshot

NOW = datetime(2024, 5, 1, tzinfo=UTC)
BOT = BotLimits(1e4, 1e5, 600.0, 0.05, 1000, 1.0, 1000, 1.0, 60.0)
DESK = DeskLimits(1e6, 1e6, 1e6, 1000.0, 1e6, 1e6, 1e6, 60.0, 60.0, 3600.0)


def a_gate():
    scenarios = np.random.default_rng(3).standard_normal((200, 1)) * 0.01
    gate = Gate(DESK, RiskModel(("BTC/USD",), np.ones((1, 1)), scenarios, 0.975, NOW))
    gate.quote(Quote("BTC/USD", 100.0, 1.0, NOW))
    for bot_id in ("a", "b"):
        gate.limits[bot_id] = BOT
        gate.reconcile(bot_id, "BTC/USD", Snapshot(0.0), NOW)
    return gate


@pytest.fixture
async def desks(ledger):
    """Two processes' services over one ledger; neither hears of the other's orders but through it."""
    made = [PreTrade(a_gate(), ledger, tags=lambda bot: frozenset({"spot"}), now=lambda: NOW) for _ in range(2)]
    await made[0].share_caps()
    return made


def an_intent(name, bot="a", amount=1.0, side=Side.BUY):
    return Intent(name, bot, "BTC/USD", side, amount, 100.0, NOW)


async def test_room_is_shared_between_processes(desks):
    first = await desks[0].ask(an_intent("i1", amount=5.0))
    second = await desks[1].ask(an_intent("i2", amount=5.0))

    assert isinstance(first, Approved)
    assert isinstance(second, Denied)
    assert second.reason == "no room is left under the limit of a, orders of other processes included"
    assert await desks[1].ask(an_intent("i2", amount=5.0)) == second
    assert isinstance(await desks[1].ask(an_intent("i3", "b", 5.0)), Approved)  # another bot's limit is another limit
    assert (await desks[1].ask(an_intent("i4", "b", 1.0))).rule == "reserved"  # the desk's is full now


async def test_an_order_that_ends_unfilled_gives_its_room_back(desks):
    await desks[0].ask(an_intent("i1", amount=5.0))

    await desks[0].settle("i1", 0.0, done=True)

    assert isinstance(await desks[1].ask(an_intent("i2", amount=5.0)), Approved)


async def test_what_has_filled_is_held(desks, ledger):
    await desks[0].ask(an_intent("i1", amount=5.0))
    await desks[0].settle("i1", 2.0, done=True)

    assert ledger.exposure.usage()["a"] == (200.0, 0.0, 600.0)
    leaving = await desks[0].ask(an_intent("i2", amount=2.0, side=Side.SELL))
    assert isinstance(leaving, Approved)
    assert ledger.exposure.usage()["a"] == (200.0, 0.0, 600.0)


@pytest.mark.parametrize("scope", ["desk", "@spot", "a", "BTC/USD"])
async def test_a_halt_from_anywhere_denies_at_once(desks, ledger, scope):
    ledger.halts.begin(Halt("h1", (scope,), "typed", "ada", NOW))

    verdict = await desks[1].ask(an_intent("i1"))

    assert isinstance(verdict, Denied)
    assert verdict.rule == "state"


async def test_reducing_lets_only_leave(desks, ledger):
    ledger.states.tighten("a", DeskState.REDUCING, "limits", "supervisor")

    assert (await desks[0].ask(an_intent("i1"))).rule == "state"


async def test_a_ledger_that_cannot_say_denies(desks, ledger, monkeypatch):
    def away():
        raise LedgerError("the disk is gone")

    monkeypatch.setattr(ledger.states, "all", away)

    verdict = await desks[0].ask(an_intent("i1"))

    assert verdict == Denied("i1", "known", "the ledger cannot say what is allowed: the disk is gone")


async def test_a_symbol_has_one_room_for_all_bots(desks, ledger):
    ledger.exposure.set_cap("BTC/USD", 700.0)
    await desks[0].ask(an_intent("i1", amount=5.0))

    second = await desks[1].ask(an_intent("i2", "b", 3.0))

    assert second.reason == "no room is left under the limit of BTC/USD, orders of other processes included"


async def test_what_is_no_longer_held_leaves_its_room(desks, ledger):
    ledger.exposure.reconcile({"desk": 900.0, "a": 500.0})

    ledger.exposure.reconcile(desks[0].held())

    assert {scope: held for scope, (held, _, _) in ledger.exposure.usage().items()} == {
        "desk": 0.0,
        "a": 0.0,
        "b": 0.0,
        "BTC/USD": 0.0,
    }


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_eight_processes_of_which_some_are_killed_never_pass_a_cap(tmp_path, request, database):
    place = tmp_path / "crowd.sqlite"
    if database == "postgresql":
        place = request.getfixturevalue("postgres_server").new_ledger()
    told = reserving.crowded([place])

    assert told.killed == 2
    assert told.breaches == 0
