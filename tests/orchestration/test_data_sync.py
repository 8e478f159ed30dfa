"""Everybody hears everything once, in order; a slow reader costs nobody anything and loses nothing."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

import pytest

from tests.ledger.builders import events
from tests.ledger.conftest import ledger, ledger_url, second  # noqa: F401 - one suite, two databases
from tests.support.postgres import postgres_server  # noqa: F401
from workbench.domain.errors import LedgerError, ValueRefused
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.subscriptions import PAGE

WAIT_S = 60


@pytest.fixture
async def sync(ledger):  # noqa: F811
    made = DataSync(ledger)
    yield made
    await made.stop()


@pytest.fixture
async def other(second):  # noqa: F811
    """What another process has."""
    made = DataSync(second, "other")
    yield made
    await made.stop()


async def take(subscription, count):
    async with asyncio.timeout(WAIT_S):
        return [await anext(subscription) for _ in range(count)]


async def nothing(subscription, within_s=0.15):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(subscription), within_s)


def numbers(things):
    return [thing.data["number"] for thing in things]


async def many(sync, topic, count, start=0, **how):
    return await sync.publish_many(topic, {f"n{i}": {"number": i} for i in range(start, start + count)}, **how)


async def test_another_process_hears_what_is_published(sync, other):
    async with aclosing(other.subscribe(["regimes"])) as heard:
        sent = await sync.publish("regimes", {"symbol": "BTC/USD", "turbulent": 0.8})

        assert await take(heard, 1) == [sent]
        assert (sent.topic, sent.user, sent.source) == ("regimes", "", "desk")


async def test_only_the_topics_asked_for_come(sync):
    async with aclosing(sync.subscribe("patterns")) as heard:
        await sync.publish("regimes", {"number": 1})
        await sync.publish("patterns", {"number": 2})

        assert numbers(await take(heard, 1)) == [2]
        await nothing(heard)


async def test_who_was_away_catches_up_and_then_hears_what_is_live(sync, other):
    first = await many(sync, "forecasts", 3)
    await many(sync, "forecasts", 2 * PAGE + 7, start=3, durable=False)

    async with aclosing(other.subscribe("forecasts", after=first[1].seq)) as heard:
        late = asyncio.create_task(many(sync, "forecasts", 5, start=2 * PAGE + 10))
        found = await take(heard, 2 * PAGE + 13)
        await late

        assert numbers(found) == list(range(2, 2 * PAGE + 15))


async def test_a_slow_reader_is_told_what_to_read_again_and_loses_nothing(sync):
    slow, quick = sync.subscribe("scores", buffer=10), sync.subscribe("scores", buffer=10_000)
    await many(sync, "scores", 1)
    await take(slow, 1)
    await take(quick, 1)
    sent = []
    for start in range(1, 1201, 300):
        sent += await many(sync, "scores", 300, start=start, durable=False)
    assert numbers(await take(quick, 1200)) == list(range(1, 1201))  # it has waited for nobody

    behind = slow.behind
    assert behind
    assert (behind.after, behind.times) == (slow.seq, 1)
    assert behind.upto == sent[-1].seq
    assert len(slow._live or ()) + len(slow._page) <= 10

    found = await take(slow, 1200)
    last = await many(sync, "scores", 1, start=1201)
    assert [thing.seq for thing in found] == [thing.seq for thing in sent]
    assert await take(slow, 1) == last
    assert slow.behind is None


async def test_writers_go_on_while_a_reader_never_reads(sync):
    idle = sync.subscribe("scores", buffer=1)
    await many(sync, "scores", 1)
    await take(idle, 1)
    for start in range(1, 2001, 500):
        await many(sync, "scores", 500, start=start, durable=False)

    assert numbers(await take(idle, 2000)) == list(range(1, 2001))


async def test_readers_of_every_speed_hear_the_same(sync, other):
    async def read(subscription, pause_s):
        found = []
        while len(found) < 600:
            found += await take(subscription, 1)
            if len(found) % 50 == 0:
                await asyncio.sleep(pause_s)
        return numbers(found)

    kinds = ((sync, 5, 0.02), (sync, 500, 0), (other, 50, 0.01), (other, 3, 0))
    reading = asyncio.gather(*(read(place.subscribe("signals", 0, buffer=n), pause) for place, n, pause in kinds))
    for start in range(0, 600, 20):
        await many(sync if start % 40 else other, "signals", 20, start=start, durable=False)

    assert all(heard == list(range(600)) for heard in await reading)


async def test_a_wait_that_was_cancelled_loses_nothing(sync):
    async with aclosing(sync.subscribe("regimes")) as heard:
        for _ in range(3):
            await nothing(heard, 0.03)
        await many(sync, "regimes", 3)
        for _ in range(3):
            await asyncio.sleep(0)

        assert numbers(await take(heard, 3)) == [0, 1, 2]


async def test_the_same_key_is_recorded_once(sync):
    one = await sync.publish("regimes", {"number": 1}, key="BTC/USD 12:00")
    again = await sync.publish("regimes", {"number": 2}, key="BTC/USD 12:00")

    assert again == one


async def test_one_follower_serves_all_readers_of_a_process(sync, ledger):  # noqa: F811
    readers = [sync.subscribe("regimes") for _ in range(10)]
    await many(sync, "regimes", 1)
    for reader in readers:
        await take(reader, 1)

    assert len(ledger._tails) == 1


async def test_events_that_others_wrote_belong_to_topics_too(sync, ledger):  # noqa: F811
    async with aclosing(sync.subscribe()) as heard:
        ledger.append(events(1, "ForecastMade") + events(1, "fill", "x"))
        (found,) = await take(heard, 1)

    assert (found.topic, found.kind, found.user, found.data) == ("forecasts", "ForecastMade", "", {"number": 0})


async def test_what_a_user_does_not_share_only_that_user_sees(sync, other):
    async with (
        aclosing(other.subscribe("patterns", user="ann")) as own,
        aclosing(other.subscribe("patterns", user="bob")) as stranger,
        aclosing(other.subscribe("patterns")) as nobody,
    ):
        await sync.publish("patterns", {"number": 1}, user="ann")
        await sync.share("ann", "patterns", True)
        await sync.publish("patterns", {"number": 2}, user="ann")

        assert numbers(await take(own, 2)) == [1, 2]
        assert numbers(await take(stranger, 1)) == [2]
        assert numbers(await take(nobody, 1)) == [2]


async def test_sharing_is_by_topic_and_taking_it_back_hides_the_past(sync, other):
    await sync.share("ann", "patterns", True)
    await sync.publish("patterns", {"number": 1}, user="ann")
    await sync.publish("forecasts", {"number": 2}, user="ann")
    await sync.share("ann", "patterns", False)
    await sync.publish("regimes", {"number": 3})

    async with aclosing(other.subscribe(after=0, user="bob")) as heard:
        assert numbers(await take(heard, 1)) == [3]
    assert (await other.sharing("ann"))["patterns"] is False


async def test_consent_given_elsewhere_counts_here_at_once(sync, other):
    await other.share("ann", "patterns", True)
    await sync.publish("patterns", {"number": 1}, user="ann")

    async with aclosing(other.subscribe("patterns", 0, user="bob")) as heard:
        assert numbers(await take(heard, 1)) == [1]


async def test_closing_ends_a_wait_and_stopping_ends_all(sync, ledger):  # noqa: F811
    one, two = sync.subscribe("regimes"), sync.subscribe("regimes")
    waiting = [asyncio.create_task(anext(each, "ended")) for each in (one, two)]
    await asyncio.sleep(0.1)

    await one.aclose()
    assert await asyncio.wait_for(waiting[0], WAIT_S) == "ended"
    await sync.stop()
    assert await asyncio.wait_for(waiting[1], WAIT_S) == "ended"


async def test_a_reader_whose_follower_died_is_told_once_and_can_go_on(sync):
    heard = sync.subscribe("regimes")
    await many(sync, "regimes", 1)
    await take(heard, 1)
    sync._hub._tail._batches.put_nowait(LedgerError("the database went away"))

    with pytest.raises(LedgerError, match="went away"):
        await take(heard, 1)
    await many(sync, "regimes", 3, start=1)
    assert numbers(await take(heard, 3)) == [1, 2, 3]


@pytest.mark.parametrize("topics", ["gossip", [], ["regimes", "gossip"]])
async def test_an_unknown_topic_is_refused_by_name(sync, topics):
    with pytest.raises(ValueRefused, match="topics are forecasts"):
        sync.subscribe(topics)


async def test_secrets_and_nan_stay_out(sync):
    with pytest.raises(LedgerError, match="secret"):
        await sync.publish("regimes", {"api_key": "x"})
    with pytest.raises(LedgerError, match="nan"):
        await sync.publish("regimes", {"turbulent": float("nan")})


async def test_numbers_rise_for_every_reader(sync):
    sent = await many(sync, "regimes", 5)

    assert all(a.seq < b.seq for a, b in pairwise(sent))
