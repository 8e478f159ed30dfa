"""A plain object becomes a bot."""

import asyncio
import threading
import time

import pytest

from tests.support.plain_bots import PlainBot
from workbench.domain.errors import BotError, BotFenced, CapabilityMissing
from workbench.domain.ports import CAPABILITIES, Bot
from workbench.orchestration.local_bot import THREADS, LocalBot, able


def test_it_is_a_bot():
    assert isinstance(LocalBot("x", PlainBot()), Bot)


def test_abilities_are_read_off_the_object():
    class Seer:
        async def forecast(self, symbol, timeframe): ...

        plan = "not a method"

    assert able(Seer()) == ("forecast",)
    assert able(PlainBot()) == CAPABILITIES


async def test_plain_and_async_methods_answer_alike_and_take_fewer_arguments():
    class Short:
        async def forecast(self, symbol, timeframe):
            return (symbol, timeframe)

        def plan(self, symbol, timeframe):
            return (symbol, timeframe)

    bot = LocalBot("x", Short())

    assert await bot.forecast("BTC/USD", "1h", horizon=4) == await bot.plan("BTC/USD", "1h") == ("BTC/USD", "1h")


async def test_what_is_missing_is_said():
    bot = LocalBot("x", object())

    with pytest.raises(CapabilityMissing, match="x does not do 'forecast'"):
        await bot.forecast("BTC/USD", "1h")


async def test_the_same_command_acts_once_even_while_it_is_under_way():
    class Slow(PlainBot):
        def pause(self):
            time.sleep(0.05)
            super().pause()

    plain = Slow()
    bot = LocalBot("x", plain)

    await asyncio.gather(*(bot.pause(command_id="one", token=1) for _ in range(5)))
    await bot.pause(command_id="one", token=2)

    assert plain.acts["pause"] == 1


async def test_an_old_token_is_refused():
    plain = PlainBot()
    bot = LocalBot("x", plain)
    await bot.pause(command_id="one", token=7)

    with pytest.raises(BotFenced):
        await bot.resume(command_id="two", token=6)

    assert plain.acts["resume"] == 0


async def test_a_failure_is_answered_again_not_tried_again():
    class Broken(PlainBot):
        def pause(self):
            self.acts["pause"] += 1
            raise BotError("the venue is closed")

    plain = Broken()
    bot = LocalBot("x", plain)

    for _ in range(2):
        with pytest.raises(BotError, match="the venue is closed"):
            await bot.pause(command_id="one", token=1)
    assert plain.acts["pause"] == 1


async def test_a_hanging_object_costs_a_few_threads_and_then_says_it_is_busy():
    free, inside = threading.Event(), threading.Semaphore(0)

    class Stuck:
        def status(self):
            inside.release()
            free.wait(60)

    bot = LocalBot("x", Stuck())
    waiting = [asyncio.create_task(bot.status()) for _ in range(THREADS)]
    for _ in waiting:
        await asyncio.to_thread(inside.acquire)

    with pytest.raises(BotError, match="busy"):  # the loop goes on, and says so
        await bot.status()
    assert not any(task.done() for task in waiting)
    free.set()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_plain_tuning_hears_of_its_cancellation_when_it_next_reports():
    heard = []

    class Tuner:
        def tune(self, symbol, timeframe, progress):
            for step in range(1000):
                heard.append(step)
                progress(step / 1000, "")
                time.sleep(0.005)

    tuning = asyncio.create_task(LocalBot("x", Tuner()).tune("BTC/USD", "1h"))
    await asyncio.sleep(0.05)
    tuning.cancel()
    await asyncio.wait([tuning])
    await asyncio.sleep(0.05)
    steps = len(heard)
    await asyncio.sleep(0.1)

    assert len(heard) == steps < 1000


async def test_what_a_method_raises_reaches_the_caller():
    class Odd:
        def status(self):
            raise StopIteration("odd")

    with pytest.raises(BotError, match="StopIteration"):
        await LocalBot("x", Odd()).status()
