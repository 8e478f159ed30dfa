"""A desk with two research bots and two real Freqtrades on one paper exchange, halted and proven flat."""

import json
import sys
import textwrap
import time

import httpx
import pytest

from tests.support.freqtrade_env import python_or_skip
from tests.support.freqtrade_rig import ALWAYS, REPLAY_DAY, write_candles
from tests.support.main_job import MainJob, alive, children_of, until, workbench
from workbench.bootstrap.connection import connect
from workbench.bootstrap.run_file import read_run
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.custody import PaperCustody
from workbench.settings import Settings

pytestmark = [pytest.mark.freqtrade, pytest.mark.timeout(300)]
FREQTRADES, RESEARCH = ("alpha", "beta"), ("trend", "breakout")
BAR_S = 60  # Freqtrade knows none shorter
BOTS = {*FREQTRADES, *RESEARCH}
GATED = "beta"  # asks the desk's own gate before each entry


def ask(job, line):
    said = workbench(job.home, "ask", line, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


async def dashboard(job):
    """What the page shows, as any process may read it."""
    async with connect(Settings(home=job.home)) as desk:
        return await desk.center.get_unified_dashboard_data()


def accounts(job):
    run = read_run(job.home)
    head = {"Authorization": f"Bearer {run.exchange_token}"}
    return httpx.get(f"{run.exchange_url}/workbench/v1/snapshot", headers=head, timeout=10).json()["accounts"]


async def venue_of(job):
    run = read_run(job.home)
    async with Venue(run.exchange_url, run.exchange_token) as venue:
        return await PaperCustody(venue).accounts()


async def test_two_freqtrades_and_two_research_bots_trade_are_halted_and_are_flat_at_the_venue(tmp_path, capsys):
    python_or_skip()
    home, strategy = tmp_path / "home", tmp_path / "always.py"
    strategy.write_text(textwrap.dedent(ALWAYS))
    more = {
        "WORKBENCH_EXCHANGE__CANDLES": str(write_candles(tmp_path / "quick.parquet", bar_s=BAR_S)),
        "WORKBENCH_EXCHANGE__TIMEFRAME": "1m",
        "WORKBENCH_EXCHANGE__START": REPLAY_DAY,
        "WORKBENCH_RESEARCH__KINDS": json.dumps(RESEARCH),
    }
    for name in FREQTRADES:
        gated = ["--gated"] * (name == GATED)
        made = workbench(home, "freqtrade", "new", name, "--strategy", str(strategy), "--orders", *gated)
        assert made.returncode == 0, made.stderr
    began = time.monotonic()
    job = MainJob(home, *(part for name in FREQTRADES for part in ("--with", name)), **more)
    try:
        job.ready(120)
        up_s = time.monotonic() - began
        assert all(name in job.said() for name in BOTS), job.said()
        assert not any(accounts(job)[name]["trades"] for name in FREQTRADES), "they start paused"
        ask(job, "/resume alpha")
        ask(job, "/resume beta")
        until(lambda: all(accounts(job)[name]["trades"] for name in FREQTRADES), "entries of both Freqtrades", 40)
        until(lambda: any(accounts(job)[name]["trades"] for name in RESEARCH), "an entry of a research bot", 90)
        shown = {row.bot_id: row for row in (await dashboard(job)).bots}
        traded_s = time.monotonic() - began

        halted = json.dumps(ask(job, "/halt"))
        views = await venue_of(job)

        halted_s = time.monotonic() - began
        assert "4 of 4 confirmed" in halted, halted
        assert all(views[name].flat for name in BOTS), views
        assert set(shown) == BOTS
        assert all(shown[name].health.ok and shown[name].status.mode == "paper" for name in FREQTRADES)
        assert [name for name in sorted(BOTS) if shown[name].status.gated] == [GATED]
        assert all({p.symbol for p in shown[name].status.positions} == {"BTC/USD", "ETH/USD"} for name in FREQTRADES)
        below = children_of(job.process.pid)
    finally:
        job.stop()
    assert [pid for pid in below if alive(pid)] == []
    with capsys.disabled():
        took = f"up {up_s:.1f} s, traded {traded_s:.1f} s, halted and verified {halted_s:.1f} s"
        sys.stdout.write(f"\n{took}, all {time.monotonic() - began:.1f} s\n")
