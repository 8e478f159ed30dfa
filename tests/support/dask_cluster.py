"""What tests/integration/test_dask.py runs in an environment with Dask: a real cluster on this machine, asked by us.

`python -m tests.support.dask_cluster FOLDER`: in FOLDER, which has a workbench.toml; prints one JSON object.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from distributed import LocalCluster

from tests.support.planted import BARS, candles
from workbench.bootstrap.job_desk import jobs_of, on_cluster
from workbench.bots.research.kinds import strategy
from workbench.bots.research.tuning import search
from workbench.compute import spread
from workbench.domain.errors import StartError
from workbench.integrations.job_schedule import JobSchedule
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.settings import load_settings
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner


def square(number):
    return number**2, os.getpid()


def broken(number):
    raise ValueError(f"no {number}")


def why(call):
    try:
        call()
    except (ValueError, StartError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def scanned(address):
    """What a lab finds in two markets, here and there."""
    table, rows = candles(1, 700, [(60 + 110 * n, "cup") for n in range(6)]), [60 + 110 * n for n in range(4)]
    history = {("BTC/USD", "1h"): table, ("ETH/USD", "1h"): candles(9, 700)}
    ledger = open_ledger("scan.sqlite")
    found = []
    for scheduler in ("", address):
        lab = CustomPatternLearner(
            ledger, "ann", history, trees=30, windows=240, models=Path("models"), scheduler=scheduler
        )
        if not scheduler:
            for row in rows:
                times = table.index[row].to_pydatetime(), table.index[row + BARS - 1].to_pydatetime()
                lab.annotate_pattern(ChartWindow("BTC/USD", "1h", table, *times), "cup")
        found.append(
            {market: [(r.last_at, r.probability) for r in seen] for market, seen in lab.recognitions("ann").items()}
        )
    ledger.close()
    return found


async def scheduled(address):
    """A due run of the schedule, sent to the cluster; looked at again and again, as a desk does."""
    settings = load_settings()
    ledger = open_ledger(settings.ledger_url)
    now = datetime.now(UTC)
    ledger.job_runs.decide("brief", now - timedelta(days=400))
    schedule = JobSchedule(jobs_of(settings, ledger), ledger, send=on_cluster(address))
    try:
        async with asyncio.timeout(240):
            while schedule._away or not ledger.job_runs.last(5, "brief"):
                await schedule.look()
                await asyncio.sleep(0.2)
        runs = ledger.job_runs.last(5, "brief")
        told = [event.payload["title"] for event in ledger.read(kinds=["MessageTold"])]
        return [[run.state.value, run.origin.value, dict(run.figures), str(run.fault)] for run in runs], told
    finally:
        await schedule.stop()
        ledger.close()


def main(folder):
    os.chdir(folder)
    panel = {"BTC/USD": sample.load("BTC/USD").iloc[3000:4200]}
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        squares = spread(square, range(20), address)
        here, there = (search(strategy("trend"), panel, "BTC/USD", 1800, scheduler=one) for one in ("", address))
        seen, seen_there = scanned(address)
        runs, told = asyncio.run(scheduled(address))
        found = {
            "squares": [number for number, _ in squares],
            "elsewhere": os.getpid() not in {pid for _, pid in squares},
            "same_search": here == there,
            "same_scan": seen == seen_there,
            "seen": [len(one) for one in seen.values()],
            "broken": why(lambda: spread(broken, [7], address)),
            "runs": runs,
            "told": told,
        }
    found["gone"] = why(lambda: spread(square, [1], "tcp://127.0.0.1:9"))
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
