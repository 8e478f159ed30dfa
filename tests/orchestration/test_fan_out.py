"""One deadline for all, and nobody pays for anybody else."""

import asyncio
import time

import pytest

from workbench.domain.errors import BotError
from workbench.orchestration import fan_out as module
from workbench.orchestration.fan_out import Answered, Failed, FanOut, TimedOut, fan_out
from workbench.orchestration.local_bot import in_thread


async def good():
    await asyncio.sleep(0.01)
    return "yes"


async def hang():
    await asyncio.sleep(3600)


async def deaf():
    while True:
        try:
            await asyncio.sleep(0.5)
            return "too late"
        except asyncio.CancelledError:
            continue


async def raising():
    raise ValueError("two\nlines \x1b[31m")


async def quitting():
    raise SystemExit(3)


async def cancelling():
    raise asyncio.CancelledError


async def cancelling_its_task():
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


async def blocking():
    await in_thread(lambda: time.sleep(0.6))


async def test_each_ends_in_its_own_way_and_costs_the_others_nothing():
    bad = {
        "hang": hang,
        "deaf": deaf,
        "raising": raising,
        "quitting": quitting,
        "cancelling": cancelling,
        "cancelling_its_task": cancelling_its_task,
        "blocking": blocking,
    }

    answers = await fan_out({"first": good, **bad, "last": good}, FanOut(0.3))

    assert answers["first"].value == answers["last"].value == "yes"
    assert {name for name, answer in answers.items() if isinstance(answer, TimedOut)} == {"hang", "deaf", "blocking"}
    assert answers["raising"].words == "ValueError: two lines [31m"
    assert answers["quitting"].words == "SystemExit: 3"
    assert "cancelled itself" in answers["cancelling"].words
    assert "cancelled itself" in answers["cancelling_its_task"].words
    assert max(answers["first"].latency_ms, answers["last"].latency_ms) < 200


async def test_answers_come_in_the_order_asked_and_are_heard_as_they_come():
    heard = []

    async def slow():
        await asyncio.sleep(0.05)
        return "slow"

    answers = await fan_out({"b": slow, "a": good}, FanOut(1.0, heard=heard.append))

    assert list(answers) == ["b", "a"]
    assert [answer.bot_id for answer in heard] == ["a", "b"]


async def test_an_answer_that_fails_its_check_is_a_failure():
    def check(bot_id, value):
        raise BotError(f"{bot_id} talks nonsense: {value}")

    answers = await fan_out({"a": good}, FanOut(1.0, check=check))

    assert answers["a"] == Failed("a", "a talks nonsense: yes", answers["a"].latency_ms)


async def test_nobody_to_ask_is_no_error():
    assert await fan_out({}, FanOut(1.0)) == {}


async def test_cancelling_the_question_cancels_every_call():
    ended = []

    async def call():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    asking = asyncio.create_task(fan_out({str(i): call for i in range(5)}, FanOut(60.0)))
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0.01)

    assert len(ended) == 5


async def test_concurrency_is_bounded_for_calls_that_answer():
    under_way, most = 0, 0

    async def call():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1

    answers = await fan_out({str(i): call for i in range(200)}, FanOut(10.0, concurrency=16))

    assert most <= 16
    assert all(isinstance(answer, Answered) for answer in answers.values())


@pytest.mark.parametrize("concurrency", [1, 4, 100])
async def test_however_many_hang_every_call_is_begun_by_half_the_deadline(concurrency):
    calls = {f"h{i}": hang for i in range(40)} | {f"g{i}": good for i in range(10)}

    answers = await fan_out(calls, FanOut(1.0, concurrency=concurrency))

    assert all(answers[f"g{i}"].ok for i in range(10))


async def test_calls_that_ignore_their_cancellation_are_let_go_without_complaint():
    answers = await fan_out({"deaf": deaf}, FanOut(0.05))
    assert isinstance(answers["deaf"], TimedOut)
    assert len(module._deaf) >= 1

    await asyncio.sleep(0.8)

    assert not module._deaf
