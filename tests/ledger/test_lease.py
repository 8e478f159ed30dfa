"""The lease: one holder, a token that rises, an end that both sides know."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from tests.ledger.builders import TTL, expire, take_over
from workbench.domain.errors import LeaseLost, LedgerError
from workbench.ledger.lease import LeaseKeeper

SHORT = timedelta(seconds=0.6)


def test_one_holder_at_a_time(ledger, second):
    lease = ledger.acquire("desk", "a", TTL)

    assert (lease.name, lease.holder, lease.token) == ("desk", "a", 1)
    assert second.acquire("desk", "b", TTL) is None
    assert second.acquire("desk", "a", TTL) is None
    assert second.holder("desk") == lease


def test_the_token_rises_by_one_with_each_holder(ledger):
    tokens = [ledger.acquire("desk", "a", TTL).token]
    for holder in "bca":
        tokens.append(take_over(ledger, holder).token)

    assert tokens == [1, 2, 3, 4]


def test_leases_of_other_names_are_other_leases(ledger):
    assert ledger.acquire("desk", "a", TTL).token == 1
    assert ledger.acquire("jobs", "a", TTL).token == 1


def test_a_released_lease_is_free_at_once_and_its_token_is_spent(ledger):
    lease = ledger.acquire("desk", "a", TTL)

    ledger.release(lease)

    assert ledger.holder("desk") is None
    assert ledger.acquire("desk", "b", TTL).token == 2
    with pytest.raises(LeaseLost):
        ledger.release(lease)


def test_renewing_moves_the_end_by_the_databases_clock(ledger):
    lease = ledger.acquire("desk", "a", SHORT)

    renewed = ledger.renew(lease, TTL)

    assert renewed.token == lease.token
    assert TTL - SHORT <= renewed.expires_at - lease.expires_at < TTL
    assert ledger.holder("desk") == renewed


def test_a_lease_ends_by_itself(ledger, second):
    lease = ledger.acquire("desk", "a", timedelta(milliseconds=150))
    time.sleep(0.2)

    assert second.holder("desk") is None
    with pytest.raises(LeaseLost, match="ended at"):
        ledger.renew(lease, TTL)
    assert second.acquire("desk", "b", TTL).token == 2


def test_taking_and_leaving_are_events(ledger):
    lease = ledger.acquire("desk", "a", TTL)
    ledger.renew(lease, TTL)
    ledger.release(lease)

    assert [(found.kind, found.payload) for found in ledger.read()] == [
        ("lease.acquired", {"lease": "desk", "holder": "a", "token": 1}),
        ("lease.released", {"lease": "desk", "holder": "a", "token": 1}),
    ]


def test_of_many_that_ask_at_once_one_gets_it(ledger, second):
    got, ready = [], threading.Barrier(8)

    def ask(opened, holder):
        ready.wait()
        got.append(opened.acquire("desk", holder, TTL))

    threads = [threading.Thread(target=ask, args=((ledger, second)[n % 2], f"h{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.token for one in got if one] == [1]


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1)])
def test_a_lease_lasts_longer_than_no_time(ledger, ttl):
    with pytest.raises(LedgerError, match="longer than no time"):
        ledger.acquire("desk", "a", ttl)


@pytest.mark.parametrize(("name", "holder"), [("", "a"), ("desk", ""), ("desk", "nul\0")])
def test_names_of_leases_and_holders_are_text(ledger, name, holder):
    with pytest.raises(LedgerError):
        ledger.acquire(name, holder, TTL)


# --- the keeper ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def keep(ledger):
    """Starts keepers that are stopped afterwards; `lost` collects what they said."""
    made, lost = [], []

    def make(holder="a", ttl=SHORT, on=ledger):
        made.append(LeaseKeeper(on, "desk", holder, ttl, lost.append))
        return made[-1]

    make.lost = lost
    yield make
    for keeper in made:
        await keeper.stop()


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_keeper_holds_for_as_long_as_it_runs(ledger, keep):
    keeper = keep()
    lease = await keeper.start()

    await asyncio.sleep(SHORT.total_seconds() * 2)

    assert keeper.held
    assert keeper.token == lease.token == ledger.holder("desk").token
    assert keeper.lease.expires_at > lease.expires_at
    assert keep.lost == []


async def test_a_keeper_that_stops_hands_the_lease_back(ledger, keep):
    keeper = keep()
    await keeper.start()

    await keeper.stop()

    assert not keeper.held
    assert keeper.token is None
    assert ledger.holder("desk") is None
    assert keep.lost == []


async def test_a_second_keeper_waits_its_turn(keep):
    first, second = keep("a"), keep("b")
    await first.start()

    assert await second.start() is None
    assert not second.held
    with pytest.raises(LeaseLost, match="'b' does not hold lease 'desk'; stop acting"):
        _ = second.lease

    await first.stop()
    assert (await second.start()).token == 2


async def test_a_keeper_that_was_replaced_says_so_once(ledger, keep):
    keeper = keep()
    await keeper.start()

    await asyncio.to_thread(take_over, ledger)
    await until(lambda: keep.lost)

    assert not keeper.held
    assert len(keep.lost) == 1
    assert "'b' came after with token 2" in keep.lost[0]
    await asyncio.sleep(SHORT.total_seconds())
    assert len(keep.lost) == 1


async def test_a_keeper_cut_off_from_the_database_stops_before_its_lease_ends(ledger, keep):
    class CutOff:
        """The ledger behind a cable that is pulled out: requests hang, then fail."""

        pulled = False

        def __getattr__(self, name):
            return getattr(ledger, name)

        def renew(self, lease, ttl):
            if self.pulled:
                time.sleep(ttl.total_seconds())
                raise LedgerError("no answer")
            return ledger.renew(lease, ttl)

    cable = CutOff()
    keeper = keep(ttl=timedelta(seconds=1), on=cable)
    await keeper.start()
    cable.pulled = True
    await until(lambda: keep.lost)

    assert "could not be renewed in time" in keep.lost[0]
    assert not keeper.held
    assert ledger.holder("desk") is not None  # it knew first


async def test_a_loop_that_was_blocked_past_the_lease_no_longer_holds_it(ledger, keep):
    keeper = keep()
    await keeper.start()

    time.sleep(SHORT.total_seconds())  # noqa: ASYNC251 - a cell that computes, a frozen process

    assert not keeper.held  # known at once, before any task has had its turn
    with pytest.raises(LeaseLost):
        _ = keeper.lease


async def test_a_keeper_can_start_again_after_it_lost(ledger, keep):
    keeper = keep()
    await keeper.start()
    expire(ledger)
    await until(lambda: keep.lost)

    again = await keeper.start()

    assert again.token == 2
    assert keeper.held


async def test_the_callback_may_stop_the_keeper(ledger):
    stopped = asyncio.Event()

    def on_lost(reason):
        stopping.append(asyncio.ensure_future(keeper.stop()))
        stopped.set()

    stopping = []
    keeper = LeaseKeeper(ledger, "desk", "a", SHORT, on_lost)
    await keeper.start()
    expire(ledger)

    await asyncio.wait_for(stopped.wait(), 20)
    await asyncio.wait_for(stopping[0], 20)

    assert not keeper.held
