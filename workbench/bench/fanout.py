"""1,000 bots asked at once, one in ten hanging; then histories of dying desks and switches between two.

overhead_ms_per_bot: processor time of this process for the whole question, by bot: all that our code, the loop and
the bots' own timers cost. The bots answer after 100 ms of waiting, which costs no processor, so nothing is subtracted.
deadline_overrun: how much later than the deadline the last answer was there, as a fraction of it.
wall_overhead_ms_per_bot: the same without hanging bots, as time on the clock beyond the ideal schedule (waves of
`CONCURRENCY` calls of 100 ms). http_*: the same over HTTP, the bots in a process of their own.
"""

import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from workbench.bench import histories, switches
from workbench.bench.counting import TOKEN, allow_files
from workbench.bots.http_bot import HttpBot, shared_session
from workbench.orchestration.fan_out import CONCURRENCY, Answer, FanOut, fan_out

BOTS, ANSWER_S, DEADLINE_S = 1000, 0.1, 2.0
HTTP_BOTS, HTTP_DEADLINE_S = 1000, 4.0
HISTORIES = {True: 60, False: 2000}
SWITCHES = {True: 8, False: 100}

Calls = Mapping[str, Callable[[], Awaitable[Any]]]


def figures(quick: bool) -> dict[str, float]:
    """What was promised, and what stands behind it."""
    return asyncio.run(_measure(quick))


async def _measure(quick: bool) -> dict[str, float]:
    found = {"bots": float(BOTS), **await _in_process()}
    found |= await _over_http()
    with tempfile.TemporaryDirectory() as folder:
        played = await histories.play(HISTORIES[quick], Path(folder))
        switched = await switches.play(SWITCHES[quick], Path(folder))
    return found | {
        "histories": float(len(played)),
        "histories_deaths": float(sum(each.deaths for each in played)),
        "histories_most_effects": float(max(each.most for each in played)),
        "histories_broken": float(sum(bool(each.broken) for each in played)),
        "switches": float(switched.switches),
        "switches_effects": float(switched.effects),
        "switches_old_token_effects": float(switched.old_token_effects),
        "switches_late_effects": float(switched.late_effects),
        "switches_repeated": float(switched.repeated),
        "switches_unfinished": float(switched.unfinished),
        "switches_held_the_database": float(switched.held_the_database),
    }


async def _in_process() -> dict[str, float]:
    answering = {str(number): _answer for number in range(BOTS)}
    hanging = {name: _hang if int(name) % 10 == 0 else _answer for name in answering}
    await fan_out(answering, FanOut(DEADLINE_S))  # warm up
    asked = await _timed(hanging, DEADLINE_S)
    plain = await _timed(answering, DEADLINE_S)
    ideal_s = math.ceil(BOTS / CONCURRENCY) * ANSWER_S
    return {
        "overhead_ms_per_bot": asked.cpu_s / BOTS * 1000,
        "deadline_overrun": max(asked.wall_s / DEADLINE_S - 1, 0.0),
        "answered_fraction": asked.answered / (BOTS * 0.9),
        "wall_overhead_ms_per_bot": max(plain.wall_s - ideal_s, 0.0) / BOTS * 1000,
    }


async def _over_http() -> dict[str, float]:
    """Bots served over HTTP by another process; every tenth hangs there."""
    allow_files(4 * HTTP_BOTS)
    async with _served() as urls, shared_session() as session:
        bots = [HttpBot(f"bot{n}", url, TOKEN, timeout_s=60.0, session=session) for n, url in enumerate(urls)]
        calls = {bot.bot_id: bot.status for bot in bots}
        warm = [bot for n, bot in enumerate(bots) if n % 10]
        await fan_out({bot.bot_id: bot.status for bot in warm}, FanOut(HTTP_DEADLINE_S))  # connections stand
        asked = await _timed(calls, HTTP_DEADLINE_S)
    return {
        "http_bots": float(HTTP_BOTS),
        "http_overhead_ms_per_bot": asked.cpu_s / HTTP_BOTS * 1000,
        "http_deadline_overrun": max(asked.wall_s / HTTP_DEADLINE_S - 1, 0.0),
        "http_answered_fraction": asked.answered / (HTTP_BOTS * 0.9),
    }


class _Timed:
    """One question's cost: wall and processor seconds, and how many answered."""

    def __init__(self, wall_s: float, cpu_s: float, answers: Mapping[str, Answer]):
        self.wall_s, self.cpu_s = wall_s, cpu_s
        self.answered = sum(answer.ok for answer in answers.values())


async def _timed(calls: Calls, deadline_s: float) -> _Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    answers = await fan_out(calls, FanOut(deadline_s))
    return _Timed(time.perf_counter() - wall, time.process_time() - cpu, answers)


async def _answer() -> str:
    await asyncio.sleep(ANSWER_S)
    return "here"


async def _hang() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _served():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench.bench.bots_process", str(HTTP_BOTS), str(ANSWER_S)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**20,
    )
    try:
        assert process.stdout
        yield json.loads(await process.stdout.readline())["urls"]
    finally:
        process.kill()
        await process.wait()
