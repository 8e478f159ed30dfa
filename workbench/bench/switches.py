"""Two desks and one bot: the acting desk is frozen past its lease, the other takes over, the first wakes up.

Real processes, a real SIGSTOP, commands coming all the while. Counted: effects that reached the bot under a token older
than one it had already seen, and, stricter, effects accepted after the ledger had given a newer token out.

A process frozen in the middle of a write holds SQLite's write lock, as any SQLite writer does: then nobody can take
over until it wakes or is killed. Such a try is undone, counted as `held_the_database`, and made again.
"""

import asyncio
import json
import os
import random
import secrets
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from workbench.bench.counting import TOKEN, FencedBot
from workbench.bots.server import BotServer
from workbench.domain.commands import Command, CommandState
from workbench.domain.errors import LedgerError
from workbench.ledger.log import SqlLedger, open_ledger

TTL_S = 0.6
EVERY_S = 0.1
FROZEN_S = 4 * TTL_S
TRIES = 40


@dataclass(frozen=True, slots=True)
class Switched:
    """What a series of switches came to."""

    switches: int
    effects: int
    old_token_effects: int
    late_effects: int
    refused: int
    repeated: int
    unfinished: int
    held_the_database: int


async def play(count: int, folder: Path) -> Switched:
    """Switch `count` times between two desks on one ledger in `folder`."""
    ledger, bot = open_ledger(folder / "switches.sqlite"), FencedBot()
    server = BotServer(bot, TOKEN)
    async with AsyncExitStack() as stack:
        stack.callback(ledger.close)
        url = await server.start()
        stack.push_async_callback(server.stop)
        desks = {}
        for name in ("first", "second"):
            desks[name] = await stack.enter_async_context(_desk(folder / "switches.sqlite", url, name))
        asking = asyncio.create_task(_keep_asking(ledger))
        held = 0
        for _ in range(count):
            tries = 0
            while not await _switch(ledger, bot, desks):
                held, tries = held + 1, tries + 1
                if tries == TRIES:
                    raise LedgerError(f"nobody took over in {TRIES} tries; the desks' ledger is {folder}")
        asking.cancel()
        await asyncio.wait([asking])
        unfinished = await _settle(ledger)
    return Switched(
        switches=count,
        effects=len(bot.accepted),
        old_token_effects=bot.out_of_order(),
        late_effects=late_effects(bot, _terms(folder)),
        refused=bot.refused,
        repeated=sum(acts > 1 for acts in bot.acts.values()),
        unfinished=unfinished,
        held_the_database=held,
    )


@asynccontextmanager
async def _desk(ledger: Path, url: str, name: str):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench.bench.desk_process", str(ledger), url, str(TTL_S), name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout
        json.loads(await process.stdout.readline())
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # a stopped process dies of this too
        await process.wait()


async def _keep_asking(ledger: SqlLedger) -> None:
    number = 0
    while True:
        name = "pause" if number % 2 else "resume"
        command = Command(secrets.token_hex(6), name, {"targets": ["counter"]}, "bench", datetime.now(UTC))
        await asyncio.to_thread(ledger.submit, command)
        number += 1
        await asyncio.sleep(EVERY_S)


async def _switch(ledger: SqlLedger, bot: FencedBot, desks: dict[str, asyncio.subprocess.Process]) -> bool:
    """Freeze whoever acts until the other has acted, then let it go on and try. False where nobody could take over."""
    await _acting(ledger, bot)
    await asyncio.sleep(random.random() * 2 * EVERY_S)  # not always right after an effect, when it is being recorded
    holder = await _acting(ledger, bot)
    os.kill(desks[holder].pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(FROZEN_S):
            while await _acting(ledger, bot) == holder:  # noqa: ASYNC110 - another process has no event to set
                await asyncio.sleep(0.01)
        return True
    except TimeoutError:
        return False
    finally:
        os.kill(desks[holder].pid, signal.SIGCONT)
        await asyncio.sleep(0.05)


async def _acting(ledger: SqlLedger, bot: FencedBot) -> str:
    """Who holds the lease and has had an effect under it."""
    while True:
        lease = await asyncio.to_thread(ledger.holder, "desk")
        if lease and bot.accepted and bot.accepted[-1].token == lease.token:
            return lease.holder
        await asyncio.sleep(0.01)


async def _settle(ledger: SqlLedger) -> int:
    """Wait until every command has ended; returns how many have not."""
    open_states = (CommandState.PENDING, CommandState.RUNNING, CommandState.UNKNOWN)
    for _ in range(500):
        left = sum(len(ledger.commands(state, 10_000)) for state in open_states)
        if left == 0:
            return 0
        await asyncio.sleep(0.02)
    return left


def _terms(folder: Path) -> list[tuple[int, datetime]]:
    """(token, when the ledger gave it out), rising."""
    ledger = open_ledger(folder / "switches.sqlite")
    try:
        events = ledger.last(100_000, ["lease.acquired"])
    finally:
        ledger.close()
    return [(event.payload["token"], event.at.astimezone(UTC)) for event in events]


def late_effects(bot: FencedBot, terms: list[tuple[int, datetime]]) -> int:
    """Effects accepted under a token after the ledger had given out a newer one."""
    ends = {token: at for (token, _), (_, at) in pairwise(terms)}
    return sum(effect.token in ends and effect.at > ends[effect.token] for effect in bot.accepted)
