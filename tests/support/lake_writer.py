"""Writers of candles for the kill tests: each tells every bar once it is promised, until it is killed.

`python -m tests.support.lake_writer ROOT` forks a writer for each number on its input (imports cost seconds, so they
are paid once), prints the writer's process id and, when that one has died, 'dead'.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd

from workbench.domain.market import Candle, Timeframe
from workbench.market.lake import Lake

MINUTE = Timeframe.parse("1m")
START = datetime(2024, 1, 31, 22, tzinfo=UTC)  # soon a new month
SYMBOLS = ("BTC/USD", "../ETH/USD")


def candle(symbol: str, n: int) -> Candle:
    """The n-th bar: all numbers follow from n."""
    price = 100.0 + n
    return Candle(symbol, MINUTE, START + n * MINUTE.step, price, price + 2, price - 1, price + 1, float(n))


def table(symbol: str, numbers) -> pd.DataFrame:
    """The same bars as a candle table."""
    bars = [candle(symbol, n) for n in numbers]
    columns = {name: [getattr(bar, name) for bar in bars] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex([bar.opened_at for bar in bars]))


def write_until_killed(root: str, first: int) -> None:
    lake, n = Lake(root), first
    while True:
        lake.append_candles("venue", [candle(symbol, n) for symbol in SYMBOLS])
        os.write(1, f"{n}\n".encode())
        n += 1
        if n % 7 == 0:
            lake.merge()
        if n % 11 == 0:
            for symbol in SYMBOLS:
                lake.write("venue", symbol, MINUTE, table(symbol, [n, n + 1]))
            os.write(1, f"{n}\n{n + 1}\n".encode())
            n += 2


def number(opened_at: datetime) -> int:
    return (opened_at - START) // timedelta(minutes=1)


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write_until_killed(sys.argv[1], int(line))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")
