"""The main job, as a user meets it: real exchange, four real bots, page, terminal; kills, restarts, ways to fail."""

import json
import os
import signal
import socket
from datetime import datetime, timedelta

import httpx
import pytest

from tests.support.main_job import MainJob, alive, children_of, until, workbench
from workbench.bootstrap.run_file import read_run

BOTS = {"trend", "mean_reversion", "breakout", "learning"}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    running = MainJob(tmp_path_factory.mktemp("job") / "home")
    try:
        running.ready()
        yield running
    finally:
        running.stop()


def ask(job, line):
    said = workbench(job.home, "ask", line, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def clock(job):
    return httpx.get(f"{read_run(job.home).exchange_url}/workbench/v1/clock").json()


def snapshot(job):
    run = read_run(job.home)
    head = {"Authorization": f"Bearer {run.exchange_token}"}
    return httpx.get(f"{run.exchange_url}/workbench/v1/snapshot", headers=head).json()["accounts"]


def test_the_screen_shows_bots_addresses_and_how_to_stop(job):
    said = job.said()

    assert all(name in said for name in BOTS)
    assert said.count("healthy") == 4
    assert read_run(job.home).page_url in said
    assert read_run(job.home).page_token not in said  # the screen of this test is a file
    assert "Ctrl-C" in said


def test_all_four_bots_trade_at_the_venue(job):
    def all_have_traded():
        accounts = snapshot(job)
        return all(accounts[name]["trades"] for name in BOTS)

    assert until(all_have_traded, "trades of all four bots", 240)


def test_another_terminal_sees_the_same_desk(job):
    reply = ask(job, "/bots")

    assert all(name in json.dumps(reply) for name in BOTS)


def test_the_collective_answers_in_the_venues_own_market(job):
    reply = json.dumps(ask(job, "/cross forecast BTCUSDT 1h"))

    assert "BTC/USD" in reply
    assert "quoted in USD" in reply
    assert all(name in reply for name in BOTS)


def test_a_paused_bot_says_so_and_resumes(job):
    ask(job, "/pause trend")
    paused = json.dumps(ask(job, "/status trend"))
    ask(job, "/resume trend")

    assert "paused" in paused
    assert "running" in json.dumps(ask(job, "/status trend"))


def test_the_page_answers_to_who_has_its_token(job):
    run = read_run(job.home)
    with httpx.Client(timeout=120, follow_redirects=True) as visitor:
        assert "log in" in visitor.get(run.page_url).text
        visitor.get(run.page_address)
        assert "jupyter-config-data" in visitor.get(run.page_url).text
    assert workbench(job.home, "page").stdout.strip() == run.page_address


def test_a_killed_bot_is_missed_and_comes_back(job):
    before = job.child("breakout")

    os.kill(before, signal.SIGKILL)

    until(lambda: not alive(before), "the kill")
    until(lambda: "breakout" in str([w for w in _healthy(job)]), "breakout healthy again", 60)
    assert job.child("breakout") != before


def _healthy(job):
    said = workbench(job.home, "bots", "--json")
    text = said.stdout.lower()
    return [name for name in BOTS if name in text and "down" not in text and "stale" not in text]


def test_a_killed_exchange_comes_back_with_its_accounts_and_time(job):
    accounts, time_before = snapshot(job), clock(job)["market_time"]

    os.kill(job.child("exchange"), signal.SIGKILL)

    def answers():
        try:
            return clock(job)
        except httpx.HTTPError:
            return None

    after = until(answers, "the exchange", 60)
    # the clock's place is kept twice a second: so much of the market may be played again, a quarter of a bar here
    assert datetime.fromisoformat(after["market_time"]) >= datetime.fromisoformat(time_before) - timedelta(minutes=15)
    assert snapshot(job).keys() == accounts.keys()
    until(lambda: len(_healthy(job)) == 4, "all bots healthy again", 90)


def test_a_second_desk_in_the_same_folder_is_refused(job):
    said = workbench(job.home, "up", "--no-browser")

    assert said.returncode == 1
    assert "a desk already runs" in said.stderr
    assert "Traceback" not in said.stderr


def test_ctrl_c_stops_everything_and_the_next_start_goes_on(tmp_path):
    first = MainJob(tmp_path / "home")
    first.ready()
    below, time_before, run_before = children_of(first.process.pid), clock(first)["market_time"], read_run(first.home)
    status = first.stop()

    assert status == 0
    assert [pid for pid in below if alive(pid)] == []
    assert read_run(first.home) is None
    second = MainJob(tmp_path / "home")
    try:
        run = second.ready()
        assert run.run_id == run_before.run_id
        assert clock(second)["market_time"] >= time_before
    finally:
        second.stop()


def test_a_stop_while_starting_leaves_nothing(tmp_path):
    job = MainJob(tmp_path / "home")
    until(lambda: "starting 4 bots" in job.said(), "the start under way", 60)
    below = children_of(job.process.pid)

    job.stop()

    assert below
    assert [pid for pid in below if alive(pid)] == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [("WORKBENCH_EXCHANGE__PORT", "exchange.port"), ("WORKBENCH_PAGE__PORT", "page.port")],
)
def test_a_taken_port_is_one_sentence(tmp_path, setting, said):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = workbench(tmp_path / "home", "up", "--no-browser", **{setting: str(taken.getsockname()[1])})

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broken_settings_file_is_one_sentence(tmp_path):
    (tmp_path / "workbench.toml").write_text("[exchange]\nspeed = 'fast'\n")

    ended = workbench(tmp_path / "home", "up", "--no-browser")

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "exchange.speed" in ended.stderr


def test_a_missing_network_is_one_sentence_and_leaves_nothing(tmp_path):
    ended = workbench(tmp_path / "home", "up", "--no-browser", "--exchange", "kraken")

    assert ended.returncode == 1
    assert "kraken" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert read_run(tmp_path / "home") is None
