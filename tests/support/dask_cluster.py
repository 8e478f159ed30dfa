"""What tests/integration/test_dask.py runs in an environment with Dask: a real cluster on this machine, asked by us.

`python -m tests.support.dask_cluster FOLDER`: in FOLDER, which has a workbench.toml; prints one JSON object.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta

from distributed import LocalCluster

from workbench.bootstrap.job_desk import jobs_of, on_cluster
from workbench.bots.research.kinds import strategy
from workbench.bots.research.tuning import search
from workbench.compute import spread
from workbench.domain.errors import StartError
from workbench.integrations.job_schedule import JobSchedule
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.settings import load_settings


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


async def scheduled(address):
    """A due run of the schedule, sent to the cluster; looked at again and again, as a desk does."""
    settings = load_settings()
    ledger = open_ledger(settings.ledger_url)
    now = datetime.now(UTC)
    ledger.job_runs.decide("brief", now - timedelta(minutes=2))
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
        runs, told = asyncio.run(scheduled(address))
        found = {
            "squares": [number for number, _ in squares],
            "elsewhere": os.getpid() not in {pid for _, pid in squares},
            "same_search": here == there,
            "broken": why(lambda: spread(broken, [7], address)),
            "runs": runs,
            "told": told,
        }
    found["gone"] = why(lambda: spread(square, [1], "tcp://127.0.0.1:9"))
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
