"""Stream load: 100 markets × 10 messages a second from one process to another, on one machine clock.

The markets are the five recorded coins, each twenty times, a week apart. The exchange stamps each message with its
wall time and a running number just before it is queued; the listener takes the time as a message comes out of its
socket. A number that is missing is a lost message.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp
import numpy as np
import orjson
import pandas as pd

from workbench.bench.venue_process import listening, served
from workbench.market import sample

MARKETS = 100
STEP_S = 450.0  # a quarter of a recorded bar: one trade a market
PER_SECOND = 10.0
SECONDS = {True: 15.0, False: 60.0}
_WARM_S = 1.0
_START = pd.Timestamp("2019-01-01", tz="UTC")


def figures(quick: bool = False) -> dict[str, float]:
    """p50_ms, p99_ms, max_ms: server send to client receive. lost: messages numbered and not received."""
    return asyncio.run(_measure(SECONDS[quick]))


async def _measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path, names = _markets(Path(folder) / "markets.parquet")
        speed = str(STEP_S * PER_SECOND)
        args = ("--candles", path, "--from", _START.isoformat(), "--speed", speed, "--paused", "--stamp")
        async with served(*args) as venue, listening(venue, names) as socket:
            await venue.resume()
            numbers, delays_ns = await _listen(socket, seconds)
    delays = np.array(delays_ns) / 1e6
    return {
        "p50_ms": float(np.percentile(delays, 50)),
        "p99_ms": float(np.percentile(delays, 99)),
        "max_ms": float(delays.max()),
        "lost": float(numbers[-1] - numbers[0] + 1 - len(set(numbers))),
        "messages_per_s": len(numbers) / seconds,
    }


async def _listen(socket: aiohttp.ClientWebSocketResponse, seconds: float) -> tuple[list[int], list[int]]:
    """Running numbers and delays (ns) of everything heard in `seconds`, after a moment to warm up."""
    numbers, delays = [], []
    begin = time.monotonic() + _WARM_S
    async for message in socket:
        now_ns, now_s = time.time_ns(), time.monotonic()
        if now_s > begin + seconds:
            break
        if now_s > begin:
            said = orjson.loads(message.data)
            numbers.append(said["seq"])
            delays.append(now_ns - said["sent"])
    return numbers, delays


def _markets(path: Path) -> tuple[str, list[str]]:
    """Write the candles of all markets; returns the path and the names of their trade streams."""
    tables, names = [], []
    coins = list(sample.load_all().values())
    for number in range(MARKETS):
        shift = pd.Timedelta(weeks=number // len(coins))
        table = coins[number % len(coins)]
        moved = table.set_axis(table.index + shift)[_START - pd.Timedelta(days=2) : _START + pd.Timedelta(days=30)]
        tables.append(moved.assign(symbol=f"C{number:02}/USD"))
        names.append(f"c{number:02}usd@trade")
    pd.concat(tables).reset_index(names="ts").to_parquet(path)
    return str(path), names
