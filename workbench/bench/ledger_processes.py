"""Processes that work on one ledger together: writers that are killed, a reader that follows, desks that are frozen.

Benchmarks and tests run the same ones; a test runs fewer. Every process is a real one and opens the ledger by itself.
"""

import asyncio
import logging
import multiprocessing
import os
import random
import signal
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import structlog

from workbench.domain.commands import Command, Lease
from workbench.domain.errors import LeaseLost
from workbench.domain.events import Event, NewEvent
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger, open_ledger

_PATIENCE_S = 30.0
_FROZEN_S = 1.2


def context() -> Any:
    """Starts processes quickly: a server that has imported the ledger forks them."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["workbench.bench.ledger_processes"])
    return made


def event(name: str, number: int, **facts: Any) -> NewEvent:
    return NewEvent(name.partition("-")[0], name, {"number": number, **facts}, f"{name}:{number}", datetime.now(UTC))


# --- writers ---------------------------------------------------------------------------------------------------------


def write(url: str, name: str, count: int, durable: bool, acked: Any) -> None:
    """Append `count` events one by one; `acked` counts those whose append has returned."""
    ledger = open_ledger(url)
    for number in range(count):
        ledger.append([event(name, number, fill="x" * 500)], durable)
        acked.value = number + 1
    ledger.close()


def follow(url: str, kind: str, count: int, ready: Any, heard: Any) -> None:
    """Follow from the start; send (seq, event_id, seconds since it was sent) of `count` events, then the CPU used."""
    asyncio.run(_follow(url, kind, count, ready, heard))


async def _follow(url: str, kind: str, count: int, ready: Any, heard: Any) -> None:
    ledger, found = open_ledger(url), []
    async with aclosing(ledger.tail(0, [kind])) as tail:
        began, used = time.monotonic(), time.process_time()
        ready.release()
        async for seen in tail:
            age = time.monotonic() - seen.payload.get("sent", 0.0)
            found.append((seen.seq, seen.event_id, age))
            if len(found) == 1:
                ready.release()
            if len(found) == count:
                break
        used, wall = time.process_time() - used, time.monotonic() - began
    heard.put((found, used / wall))
    ledger.close()


@dataclass(frozen=True)
class Kills:
    kills: int
    acked: int
    lost: int


def kill_writers(url: str, kills: int, seed: int = 1) -> Kills:
    """kill -9 one of two durable writers at random moments; count what was acknowledged but is gone."""
    rng, start = random.Random(seed), context()
    open_ledger(url).close()
    counts: dict[str, Any] = {}

    def begin(number: int) -> tuple[str, Any]:
        name = f"writer-{number}"
        counts[name] = start.Value("q", 0, lock=False)
        process = start.Process(target=write, args=(url, name, 1_000_000, True, counts[name]), daemon=True)
        process.start()
        return name, process

    alive = [begin(0), begin(1)]
    for number in range(kills):
        name, process = alive.pop(rng.randrange(2))
        until(lambda name=name: counts[name].value > 0)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        process.join()
        alive.append(begin(number + 2))
    for _, process in alive:
        process.kill()
        process.join()
    return _lost(url, kills, {name: count.value for name, count in counts.items()})


def _lost(url: str, kills: int, acked: dict[str, int]) -> Kills:
    ledger = open_ledger(url)
    ledger.check()
    there = {found.event_id for found in ledger.read(limit=10_000_000, kinds=["writer"])}
    ledger.close()
    lost = sum(f"{name}:{number}" not in there for name, count in acked.items() for number in range(count))
    return Kills(kills, sum(acked.values()), lost)


@dataclass(frozen=True)
class Crowd:
    """What a follower missed, saw twice or out of order while `writers` wrote, and how fast they were together."""

    lost: int
    repeated: int
    disordered: int
    events_per_s: float


def crowd(url: str, writers: int = 8, each: int = 100, durable: bool = True) -> Crowd:
    start, total = context(), writers * each
    open_ledger(url).close()
    ready, heard = start.Semaphore(0), start.Queue()
    reader = start.Process(target=follow, args=(url, "crowd", total, ready, heard), daemon=True)
    reader.start()
    ready.acquire()
    counts = [start.Value("q", 0, lock=False) for _ in range(writers)]
    crew = [
        start.Process(target=write, args=(url, f"crowd-{at}", each, durable, count), daemon=True)
        for at, count in enumerate(counts)
    ]
    for process in crew:
        process.start()
    until(lambda: any(count.value for count in counts))
    began = time.monotonic()
    for process in crew:
        process.join()
    rate = total / (time.monotonic() - began)
    found, _ = heard.get(timeout=_PATIENCE_S)
    reader.join()
    seqs, ids = [seq for seq, _, _ in found], [event_id for _, event_id, _ in found]
    disordered = sum(later <= earlier for earlier, later in pairwise(seqs))
    return Crowd(total - len(set(ids)), len(ids) - len(set(ids)), disordered, rate)


# --- desks -----------------------------------------------------------------------------------------------------------


def desk(url: str, name: str, ttl_s: float) -> None:
    """A desk in small: holds the lease when it can, executes commands, records each effect under its token."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # losing is its job here
    asyncio.run(_desk(url, f"{name}:{os.getpid()}", timedelta(seconds=ttl_s)))


async def _desk(url: str, holder: str, ttl: timedelta) -> None:
    ledger = open_ledger(url)
    keeper = LeaseKeeper(ledger, "desk", holder, ttl, on_lost=lambda reason: None)
    while True:
        try:
            if keeper.held:
                await asyncio.to_thread(_execute_one, ledger, keeper.lease)
                await asyncio.sleep(0.003)
            elif lease := await keeper.start():
                await asyncio.to_thread(_reconcile, ledger, lease)
            else:
                await asyncio.sleep(ttl.total_seconds() / 10)
        except LeaseLost:
            continue  # somebody else acts now; the loop waits for its turn


def _execute_one(ledger: SqlLedger, lease: Lease) -> None:
    command = ledger.take(lease)
    if command:
        facts = {"command_id": command.command_id, "fence": lease.token}
        effect = NewEvent(
            "effect", lease.holder, facts, f"effect:{command.command_id}:{lease.token}", datetime.now(UTC)
        )
        ledger.append_fenced(lease, [effect])
        ledger.finish(lease, command.command_id, True, {})


def _reconcile(ledger: SqlLedger, lease: Lease) -> None:
    for record in ledger.recover(lease):
        happened = ledger.event(f"effect:{record.command.command_id}:{record.token}") is not None
        ledger.settle(lease, record.command.command_id, happened, {"found": happened})


@dataclass(frozen=True)
class Switches:
    """switches: times the right to act moved on. held_up: freezes that hit a desk inside a write, so that nobody else
    could write until it was thawed (SQLite) or the server had closed its connection (PostgreSQL)."""

    switches: int
    effects: int
    under_old_token: int
    more_than_once: int
    untrue_outcomes: int
    held_up: int


def switch_desks(url: str, switches: int, ttl_s: float = 0.3, seed: int = 1) -> Switches:
    """Freeze (SIGSTOP) the acting one of two desks past its lease, thaw it when the other acts, and so on."""
    rng, start, ledger = random.Random(seed), context(), open_ledger(url)
    desks = [start.Process(target=desk, args=(url, name, ttl_s), daemon=True) for name in ("a", "b")]
    for process in desks:
        process.start()
    done = stuck = number = 0
    try:
        while done < switches:
            until(lambda: ledger.holder("desk") is not None)
            number += 5
            for at in range(number - 5, number):
                ledger.submit(Command(f"c{at}", "effect", {"at": at}, "bench", datetime.now(UTC)))
            time.sleep(rng.uniform(0, 0.06))
            moved = _freeze_holder(ledger)
            done, stuck = done + moved, stuck + (not moved)
        until(lambda: ledger.command(f"c{number - 1}").state in ("done", "failed"))  # type: ignore[union-attr]
        return _judge(ledger, done, stuck, number)
    finally:
        for process in desks:
            process.kill()
            process.join()
        ledger.close()


def _freeze_holder(ledger: SqlLedger) -> bool:
    """True where another desk took over while the holder was frozen."""
    lease = ledger.holder("desk")
    if lease is None:
        return False
    pid = int(lease.holder.rpartition(":")[2])
    os.kill(pid, signal.SIGSTOP)
    try:
        return until(lambda: (now := ledger.holder("desk")) is not None and now.token > lease.token, _FROZEN_S)
    finally:
        os.kill(pid, signal.SIGCONT)


def _judge(ledger: SqlLedger, switches: int, stuck: int, commands: int) -> Switches:
    log = ledger.read(limit=10_000_000, kinds=["lease.acquired", "effect"])
    effects = [found for found in log if found.kind == "effect"]
    happened = [found.payload["command_id"] for found in effects]
    states = {f"c{at}": ledger.command(f"c{at}") for at in range(commands)}
    untrue = sum((name in happened) != (record.state == "done") for name, record in states.items() if record)
    return Switches(switches, len(effects), _old(log), len(happened) - len(set(happened)), untrue, stuck)


def _old(log: list[Event]) -> int:
    """Effects that stand in the log after a newer token than their own."""
    newest = old = 0
    for found in log:
        if found.kind == "lease.acquired":
            newest = found.payload["token"]
        else:
            old += found.payload["fence"] != newest
    return old


def until(condition: Any, seconds: float = _PATIENCE_S) -> bool:
    ends = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < ends:
        time.sleep(0.001)
    return bool(held)
